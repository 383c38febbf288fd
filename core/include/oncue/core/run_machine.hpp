// Decides everything about one run: when to call the model, what to log, when to try again, when it is over and how.
// It is handed what happened and what time it is, and returns what is to be done; it touches nothing itself.
//
//   queued ─begin─▶ connecting ─opened─▶ waiting ─delta─▶ streaming ─done─┬─▶ ended (completed)
//                       ▲  │ failed, may be tried again                   │ tool calls
//                       │  ▼                                              ▼
//                       │ backing_off                          tools ─▶ paused ─▶ (gone; the journal keeps it)
//                       └────────────────── next turn ◀───────────┘ ◀─────begin── (made again from its log)
//   any of them ─cancel, deadline, limit, error─▶ ended
//
// A graceful cancel changes no phase: it is a wish that comes true when the turn or the tools are over, or its time is.
//
// Promises: one ending, decided once, logged last (I1); a cancel ends the run in whatever phase it is, and the socket and
// the tools are told before the journal is (I3); a delta counts only if its attempt is the current one (I7); the logged
// text is the concatenation of the logged deltas (I6); nothing is published before the journal has confirmed it (I5).
// "Ended" is a decision: the run stays until its ending is journalled and everything it opened is closed (I9). A child run
// is stopped with it, also one that is only being started (I12). A call that was stopped has an answer that says so.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "oncue/core/catalog.hpp"
#include "oncue/core/run_replay.hpp"
#include "oncue/core/run_signals.hpp"

namespace oncue::core {

// -- the machine -------------------------------------------------------------------

/// What a run is born with.
struct run_setup {
  run_id id;
  std::string input;                         ///< the user's message
  std::shared_ptr<const agent_entry> entry;  ///< its agent and model
  std::string traceparent;                   ///< goes with every model call; empty: none
  event_index next_index = 1;                ///< how many events creating it, or going on with it, has logged
  steady_us created_us = 0;                  ///< where its time begins: a paused run's, less what it has used
  std::int64_t unix_offset_ms = 0;           ///< unix time minus steady time
  std::uint64_t seed = 0;                    ///< for the jitter of retries, and the ids of children
  run_epoch epoch = 1;                       ///< goes with every write to the journal
  session_id session;                        ///< its children share it
  user_id user;
  run_id root;              ///< the topmost run; this one, if nothing is above it
  std::uint32_t depth = 0;  ///< how many runs are above it
};

class run_machine {
 public:
  explicit run_machine(run_setup setup);
  /// Goes on with a run that was paused, from what its log says. The first thing that it is told is to begin.
  run_machine(run_setup setup, run_memory memory);

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
  /// A call of the current turn.
  struct turn_call {
    tool_no number = 0;
    tool_call call;
    tool_facts facts;
    tool_ptr tool;  // null: there is none
    enum class state : std::uint8_t { waiting, running, answered } is = state::running;
    steady_us started_us = 0;
    std::string result;
  };
  struct child_run {
    run_id id;
    tool_no number = 0;  // the call it works for
    run_started names;
    agent_id agent;
    bool pull_due = false;
  };
  /// A cancel that lets something come to its end first.
  struct stop_wish {
    ending how;
    steady_us at_most_us = 0;
  };

  void on(signal::begin&&);
  void on(model_opened&&);
  void on(model_delta&&);
  void on(model_done&&);
  void on(model_failed&&);
  void on(model_closed&&);
  void on(signal::stream_lost&&);
  void on(tool_result&&);
  void on(tool_closed&&);
  void on(signal::tool_lost&&);
  void on(signal::child_said&&);
  void on(signal::child_lost&&);
  void on(signal::child_stopped&&);
  void on(signal::cancel&&);
  void on(signal::timer&&);
  void on(appended&&);
  void on(finished&&);
  void on(journal_refused&&);

  template <class Effect>
  void emit(Effect effect) {
    out_->emplace_back(std::move(effect));
  }

  // the model call: run_machine.cpp
  bool is_current(attempt_no attempt) const;
  bool in_call() const;
  bool has_open_attempt() const { return open_attempts_ > 0; }
  void forget_attempt(attempt_no attempt);
  void open_attempt();
  model_request next_request() const;
  void check_deadlines();
  void arm();

  // tools, pauses, children: run_machine_tools.cpp
  void begin_calls(std::vector<tool_call> calls);
  void resume_calls();
  void decide(turn_call& which, const tool_decision& word);
  std::string refusal_of(const turn_call& which);
  void announce(turn_call& which);
  void start(turn_call& which);
  void start_child(turn_call& which);
  void answer(turn_call& which, bool failed, std::string result, bool stopped = false);
  void next_turn();
  void pause();
  void leave_paused();
  static bool has_deadline(const turn_call& which);
  static steady_us deadline_of(const turn_call& which);
  void check_tool_deadlines();
  void stop_tools_and_children();
  void answer_stopped_calls();
  void pull_due_children();
  turn_call* running_call(tool_no number);
  bool has_running_calls() const;
  void forget_tool(tool_no number, bool abandoned);
  void child_is_over(const run_id& child, bool has_ended = true);
  cancel_request cancel_of(const run_id& child) const;

  // the log and the ending: run_machine_log.cpp
  void add_delta(model_delta&& delta);
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
  void answer_waiters();
  cancel_reply reply_for(const cancel_waiter& waiter) const;

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

  // tools and children: what a run without tools does not pay for
  struct tool_work {
    tool_box box;
    std::vector<turn_call> calls;          // of the current turn
    std::vector<tool_no> open;             // started, and not said to be closed
    std::vector<child_run> children;       // started, and not known to be over
    std::vector<tool_decision> decisions;  // a person's, before they are acted upon
    tool_no last_number = 0;
    std::uint32_t tools_at_end = 0;
    std::uint32_t tools_stopped = 0;
    std::uint32_t tools_abandoned = 0;
    std::uint32_t children_at_end = 0;
    std::uint32_t children_stopped = 0;
    std::int64_t expires_at_ms = 0;
    std::size_t bytes = 0;  // of calls and their answers in finished turns
  };
  tool_work& tools();
  std::unique_ptr<tool_work> tools_;

  // the log
  event_index next_index_;
  delta_kind pending_kind_ = delta_kind::text;
  std::string pending_text_;            // not yet an event: may still grow
  std::vector<event_ptr> unconfirmed_;  // have an index, not yet confirmed by the journal
  std::size_t unconfirmed_bytes_ = 0;
  bool append_in_flight_ = false;

  // the end
  std::optional<ending> ending_;
  std::unique_ptr<stop_wish> wish_;
  bool journalled_ = false;
  bool closed_ = false;
  bool abandoned_ = false;  // something was killed because it did not say that it is closed
  event_index ended_index_ = 0;
  steady_us closing_us_ = 0;  // when it paused or ended: close_grace later nothing is open
  steady_us finish_retry_us_ = 0;
  std::optional<run_phase> phase_at_cancel_;
  std::vector<cancel_waiter> waiters_;

  steady_us armed_us_ = 0;  // 0: no timer is running
};

}  // namespace oncue::core
