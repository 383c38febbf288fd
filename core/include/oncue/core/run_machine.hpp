// Decides everything about one run: when to call the model, what to log, when to try again, when it is over and how.
// It is handed what happened and what time it is, and returns what is to be done; it touches nothing itself.
//
//   queued ─begin─▶ connecting ─opened─▶ waiting ─delta─▶ streaming ─done─┬─▶ ended (completed)
//                       ▲  │ failed, may be tried again                   │ tool calls
//                       │  ▼                                              ▼
//                       │ backing_off                          tools ◀─▶ paused
//                       └────────────────── next turn ◀───────────┘
//   any of them ─cancel, deadline, limit, error─▶ ended
//
// Promises: one ending, decided once, logged last (I1); a cancel ends the run in whatever phase it is, and the socket and
// the tools are told before the journal is (I3); a delta counts only if its attempt is the current one (I7); the logged
// text is the concatenation of the logged deltas (I6); nothing is published before the journal has confirmed it (I5).
// "Ended" is a decision: the run stays until its ending is journalled and everything it opened is closed (I9).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "oncue/core/catalog.hpp"
#include "oncue/messages/cancel.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/messages/journal.hpp"
#include "oncue/messages/model.hpp"
#include "oncue/messages/run.hpp"

namespace oncue::core {

/// Monotonic microseconds from an origin that only differences of matter.
using steady_us = std::int64_t;

// -- what happened ---------------------------------------------------------------

namespace signal {

/// A place is free, and it is the run's turn in its session.
struct begin {
  std::vector<chat_message> history;  ///< what was said in the session before, valid for any provider
  std::string problem;                ///< not empty: it could not be read, and the run fails
};

/// The stream's actor died without having said model_closed.
struct stream_lost {
  attempt_no attempt = 0;
};

/// A tool call has ended. Late ones, and ones nobody asked for, change nothing.
struct tool_ended {
  std::string call_id;
  bool failed = false;
  std::string result;
};

/// Some of the calls need a person's decision; the others have ended.
struct tools_need_decision {};

/// The person has decided; the calls go on.
struct decided {};

/// A tool call started a child run.
struct child_started {
  run_id child;
};

/// The child has ended; nothing of it is open.
struct child_ended {
  run_id child;
};

/// All tools that were told to stop are gone.
struct tools_stopped {};

/// Somebody wants the run cancelled. `ticket` comes back with the answer.
struct cancel {
  cancel_request request;
  std::uint64_t ticket = 0;
};

struct timer {};  ///< the time asked for by effect::arm_timer has come, or another one

}  // namespace signal

using run_signal = std::variant<signal::begin, model_opened, model_delta, model_done, model_failed, model_closed,
                                signal::stream_lost, signal::tool_ended, signal::tools_need_decision, signal::decided,
                                signal::child_started, signal::child_ended, signal::tools_stopped, signal::cancel,
                                signal::timer, appended, finished, journal_refused>;

// -- what is to be done ------------------------------------------------------------

namespace effect {

struct open_stream {
  attempt_no attempt = 0;
  model_request request;
};
struct close_stream {};  ///< at once; model_closed answers
struct kill_stream {};   ///< it did not say model_closed within the grace period
struct pause_stream {};  ///< the journal lags
struct resume_stream {};
struct start_tools {
  std::vector<tool_call> calls;
};
struct continue_tools {};
struct stop_tools {};  ///< tools_stopped answers
struct cancel_child {
  run_id child;
};
struct append {
  event_index from = 0;
  std::vector<event_ptr> events;
};
struct finish {
  event_index from = 0;
  std::vector<event_ptr> events;  ///< the last one is the ending
};
/// These are journalled now: hand them to whoever reads.
struct publish {
  std::vector<event_ptr> events;
};
/// Another ending than ours stands: whoever reads is served by the journal from here on.
struct defer_to_journal {};
struct arm_timer {
  steady_us at_us = 0;
};
struct answer_cancel {
  std::uint64_t ticket = 0;
  cancel_reply reply;
};
struct change_status {
  run_status status = run_status::running;
};
/// Over: everything is closed and journalled.
struct close {
  run_status status = run_status::completed;
};

}  // namespace effect

using run_effect =
    std::variant<effect::open_stream, effect::close_stream, effect::kill_stream, effect::pause_stream,
                 effect::resume_stream, effect::start_tools, effect::continue_tools, effect::stop_tools,
                 effect::cancel_child, effect::append, effect::finish, effect::publish, effect::defer_to_journal,
                 effect::arm_timer, effect::answer_cancel, effect::change_status, effect::close>;

using run_effects = std::vector<run_effect>;

// -- the machine -------------------------------------------------------------------

/// What a run is born with.
struct run_setup {
  run_id id;
  std::string input;                         ///< the user's message
  std::shared_ptr<const agent_entry> entry;  ///< its agent and model
  std::string traceparent;                   ///< goes with every model call; empty: none
  event_index next_index = 1;                ///< how many events creating it has logged
  steady_us created_us = 0;
  std::int64_t unix_offset_ms = 0;  ///< unix time minus steady time
  std::uint64_t seed = 0;           ///< for the jitter of retries
  run_epoch epoch = 1;              ///< goes with every write to the journal
};

class run_machine {
 public:
  explicit run_machine(run_setup setup);

  /// Takes one signal at time `now_us` (never less than before) and appends what is to be done, in order.
  void step(run_signal&& what, steady_us now_us, run_effects& out);

  run_phase phase() const { return phase_; }
  /// The text logged so far.
  const std::string& text() const { return text_; }
  const run_id& id() const { return setup_.id; }
  run_epoch epoch() const { return setup_.epoch; }
  const std::shared_ptr<const agent_entry>& entry() const { return setup_.entry; }
  attempt_no attempt() const { return attempt_; }
  event_index next_index() const { return next_index_; }
  /// The ending once it is decided.
  const std::optional<ending>& decided() const { return ending_; }

 private:
  struct cancel_waiter {
    std::uint64_t ticket = 0;
    steady_us asked_us = 0;
    steady_us answer_by_us = 0;
  };

  void on(signal::begin&&);
  void on(model_opened&&);
  void on(model_delta&&);
  void on(model_done&&);
  void on(model_failed&&);
  void on(model_closed&&);
  void on(signal::stream_lost&&);
  void on(signal::tool_ended&&);
  void on(signal::tools_need_decision&&);
  void on(signal::decided&&);
  void on(signal::child_started&&);
  void on(signal::child_ended&&);
  void on(signal::tools_stopped&&);
  void on(signal::cancel&&);
  void on(signal::timer&&);
  void on(appended&&);
  void on(finished&&);
  void on(journal_refused&&);

  template <class Effect>
  void emit(Effect effect) {
    out_->emplace_back(std::move(effect));
  }

  bool is_current(attempt_no attempt) const;
  bool in_call() const;
  bool has_open_attempt() const { return open_attempts_ > 0; }
  void forget_attempt(attempt_no attempt);
  void open_attempt();
  model_request next_request() const;
  void add_delta(model_delta&& delta);
  void next_turn();

  void log(event_body body);
  void seal_pending();
  void flush();
  std::size_t unjournalled_bytes() const { return pending_text_.size() + unconfirmed_bytes_; }
  void throttle();

  void stop();
  void end(ending how);
  void fail(failure_code code, std::string message, std::uint16_t provider_status = 0);
  void send_finish();
  bool is_closed() const;
  void abandon_what_is_open();
  void settle();
  cancel_reply reply_for(const cancel_waiter& waiter) const;

  void check_deadlines();
  void arm();

  run_setup setup_;
  run_phase phase_ = run_phase::queued;
  steady_us now_us_ = 0;
  run_effects* out_ = nullptr;

  // the current call
  attempt_no attempt_ = 0;  // counted through the whole run
  std::uint32_t attempts_of_call_ = 0;
  std::uint32_t open_attempts_ = 0;  // of which nothing is known to be closed yet
  attempt_no closed_through_ = 0;    // attempts are opened one after the other and closed in order
  std::uint32_t turn_ = 0;
  bool paused_for_journal_ = false;
  steady_us opened_us_ = 0;
  steady_us activity_us_ = 0;
  steady_us retry_us_ = 0;
  std::uint64_t random_ = 0;

  // what was said
  std::string text_;
  std::size_t turn_text_from_ = 0;
  std::uint64_t call_first_token_us_ = 0;
  std::uint64_t run_first_token_us_ = 0;
  token_usage usage_;
  std::vector<chat_message> session_history_;  // of earlier runs
  std::vector<chat_message> history_;          // of finished turns

  // tools and children
  struct running_call {
    tool_call call;
    steady_us started_us = 0;
    bool ended = false;
    std::string result;
  };
  std::vector<running_call> calls_;
  std::vector<run_id> children_;
  bool tools_stopping_ = false;

  // the log
  event_index next_index_;
  delta_kind pending_kind_ = delta_kind::text;
  std::string pending_text_;            // not yet an event: may still grow
  std::vector<event_ptr> unconfirmed_;  // have an index, not yet confirmed by the journal
  std::size_t unconfirmed_bytes_ = 0;
  bool append_in_flight_ = false;

  // the end
  std::optional<ending> ending_;
  bool journalled_ = false;
  bool closed_ = false;
  bool abandoned_ = false;  // something was killed because it did not say that it is closed
  event_index ended_index_ = 0;
  steady_us ended_us_ = 0;
  steady_us finish_retry_us_ = 0;
  std::optional<run_phase> phase_at_cancel_;
  std::vector<cancel_waiter> waiters_;

  steady_us armed_us_ = 0;  // 0: no timer is running
};

}  // namespace oncue::core
