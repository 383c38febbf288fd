// How a run is cancelled, and the one vocabulary in which that is answered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "oncue/messages/ids.hpp"
#include "oncue/messages/inspection.hpp"
#include "oncue/messages/run.hpp"

namespace oncue {

/// How much of what is under way may still come to its end. Nothing new begins in any of them, and the run ends as
/// cancelled.
enum class cancel_mode : std::uint8_t {
  immediate,    ///< nothing: model and tools are stopped now
  after_tools,  ///< the tools that run may answer; a model call is stopped now
  after_turn,   ///< the model may finish its answer, and the tools that it asks for may run
};
constexpr cancel_mode enum_max(cancel_mode) { return cancel_mode::after_turn; }

std::string_view to_string(cancel_mode mode);

struct cancel_request {
  run_id run;
  std::string reason;  ///< kept with the ending; empty: "Run <id> was cancelled"
  std::string by;      ///< who asks: "ctrl-c", "deadline", a user
  user_id scope;       ///< an intent for a run not seen yet only hits a run of this user; empty: of any user
  std::uint32_t wait_ms =
      1000;  ///< how long the answer may wait for the journal and the closed socket; the stop never waits
  cancel_mode mode = cancel_mode::immediate;
  std::uint64_t grace_ms = 0;  ///< of the two other modes: immediate follows then; 0: limits::cancel_grace_default
};

template <class Inspector>
bool inspect(Inspector& f, cancel_request& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("reason", x.reason), f.field("by", x.by),
                            f.field("scope", x.scope), f.field("wait_ms", x.wait_ms), f.field("mode", x.mode),
                            f.field("grace_ms", x.grace_ms));
}

enum class cancel_outcome : std::uint8_t {
  cancelled,      ///< the ending `cancelled` is journalled; the same on repeats
  accepted,       ///< the run has stopped, or lets something end first; its ending was not journalled within `wait_ms`
  already_ended,  ///< the run had ended by itself: nothing to cancel, see `status`
  intent_stored,  ///< no such run yet: if it is started with this id, it is cancelled at once
  unknown,        ///< no such run, and no room for another intent
};
constexpr cancel_outcome enum_max(cancel_outcome) { return cancel_outcome::unknown; }

std::string_view to_string(cancel_outcome outcome);

/// The receipt.
struct cancel_reply {
  cancel_outcome outcome = cancel_outcome::unknown;
  run_id run;
  std::optional<run_status> status;          ///< what the run is now; absent for intents and unknown runs
  std::optional<run_phase> phase_at_cancel;  ///< where the first accepted cancel hit it
  std::optional<event_index> index;          ///< the ending's index
  bool upstream_closed = false;              ///< nothing of the provider's call is open any more (also: nothing was)
  bool durable = false;                      ///< the ending is in the journal
  std::uint64_t latency_us = 0;              ///< from the run's taking the cancel to this answer
  std::uint32_t tools = 0;                   ///< tools that were at work when the run ended
  std::uint32_t tools_stopped = 0;           ///< of these, so many are closed by now: no process, no socket
  std::uint32_t tools_abandoned = 0;         ///< and so many could not be stopped: functions that do not return
  std::uint32_t children = 0;                ///< runs that worked for this one when it was cancelled
  std::uint32_t children_stopped = 0;        ///< of these, so many have said that they have ended
};

template <class Inspector>
bool inspect(Inspector& f, cancel_reply& x) {
  return f.object(x).fields(f.field("outcome", x.outcome), f.field("run", x.run), f.field("status", x.status),
                            f.field("phase_at_cancel", x.phase_at_cancel), f.field("index", x.index),
                            f.field("tools", x.tools), f.field("tools_stopped", x.tools_stopped),
                            f.field("tools_abandoned", x.tools_abandoned), f.field("children", x.children),
                            f.field("children_stopped", x.children_stopped), f.field("upstream_closed", x.upstream_closed),
                            f.field("durable", x.durable), f.field("latency_us", x.latency_us));
}

}  // namespace oncue
