// What a run machine is told, and what it asks to be done: the two halves of its step. Values only.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "oncue/core/tool_set.hpp"
#include "oncue/messages/cancel.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/messages/journal.hpp"
#include "oncue/messages/model.hpp"
#include "oncue/messages/run.hpp"
#include "oncue/messages/tools.hpp"

namespace oncue::core {

/// Monotonic microseconds from an origin that only differences of matter.
using steady_us = std::int64_t;

// -- what happened ---------------------------------------------------------------

namespace signal {

/// A place is free, and it is the run's turn in its session.
struct begin {
  std::vector<chat_message> history;  ///< what was said in the session before, valid for any provider
  std::string problem;                ///< not empty: it could not be read, and the run fails
  std::vector<tool_spec> listed;      ///< what the agent's servers of tools have
  std::string no_tools;               ///< not empty: a server that the agent needs has none, and the run fails
};

/// The stream's actor died without having said model_closed.
struct stream_lost {
  attempt_no attempt = 0;
};

/// The actor of a tool's call died without having said tool_closed.
struct tool_lost {
  tool_no number = 0;
};

/// Events of a child run, as they were published there.
struct child_said {
  run_id child;
  std::vector<event_ptr> events;  ///< in order; the last one may be its ending
};

/// There will be no such child, or nothing more can be heard of it.
struct child_lost {
  run_id child;
  std::string why;
};

/// The answer to a cancel of the child.
struct child_stopped {
  run_id child;
  bool has_ended = true;  ///< false: it did not say so in time, or there never was such a run
};

/// Somebody wants the run cancelled. `ticket` comes back with the answer.
struct cancel {
  cancel_request request;
  std::uint64_t ticket = 0;
};

struct timer {};  ///< the time asked for by effect::arm_timer has come, or another one

}  // namespace signal

using run_signal =
    std::variant<signal::begin, model_opened, model_delta, model_done, model_failed, model_closed, signal::stream_lost,
                 tool_result, tool_closed, signal::tool_lost, signal::child_said, signal::child_lost, signal::child_stopped,
                 signal::cancel, signal::timer, appended, finished, journal_refused>;

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
struct open_tool {
  tool_ptr tool;
  start_tool what;
};
struct stop_tool {  ///< at once; tool_closed answers
  tool_no number = 0;
};
struct kill_tool {  ///< it did not say tool_closed within the grace period
  tool_no number = 0;
};
struct start_child {
  run_request request;
};
struct pull_child {  ///< its next events are wanted
  run_id child;
};
struct cancel_child {
  cancel_request request;
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
/// Over, or paused: everything is closed and journalled, and the journal alone keeps it.
struct close {
  run_status status = run_status::completed;
  std::int64_t expires_at_ms = 0;  ///< of a paused one; 0: never
};

}  // namespace effect

using run_effect =
    std::variant<effect::open_stream, effect::close_stream, effect::kill_stream, effect::pause_stream,
                 effect::resume_stream, effect::open_tool, effect::stop_tool, effect::kill_tool, effect::start_child,
                 effect::pull_child, effect::cancel_child, effect::append, effect::finish, effect::publish,
                 effect::defer_to_journal, effect::arm_timer, effect::answer_cancel, effect::change_status, effect::close>;

using run_effects = std::vector<run_effect>;

}  // namespace oncue::core
