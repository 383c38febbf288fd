// Why a run was refused, and why a run failed. A code exists only if a caller can react to it; details go into the message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oncue/messages/inspection.hpp"

namespace oncue {

/// Why `start` was refused. Nothing has happened: no run exists, no id is used up.
enum class refusal_code : std::uint8_t {
  invalid_run_id,       ///< not 1–128 characters of A-Za-z0-9._:-
  run_id_used,          ///< a run with this id exists or existed: choose another
  unknown_agent,        ///< no agent has this id
  invalid_input,        ///< empty, too large, or not UTF-8
  too_many_runs,        ///< the node's limit of live runs is reached: try later
  draining,             ///< the node is shutting down: try another node
  journal_unavailable,  ///< the store takes nothing now: try later
  session_busy,         ///< the session has a run, and this one asked not to wait
  idempotency_reused,   ///< the key was used before, for another agent, session or message
  unknown_run,          ///< continue: there is no such run
  not_paused,           ///< continue: the run is running, or over; the message says which
};
constexpr refusal_code enum_max(refusal_code) { return refusal_code::not_paused; }

/// Why a run ended as failed.
enum class failure_code : std::uint8_t {
  deadline_first_token,   ///< no first token in time
  deadline_idle,          ///< silence between two tokens for too long
  deadline_total,         ///< the whole run took too long
  provider_unreachable,   ///< no connection: host, port, proxy, TLS
  provider_refused,       ///< the provider answered with an error status (its status and message are kept)
  provider_rate_limited,  ///< the provider said 429 until the attempts or the time ran out
  provider_protocol,      ///< the provider's stream could not be understood, or was cut
  output_limit,           ///< the text grew above run_text_bytes_max; the prefix is kept
  turn_limit,             ///< the model asked for tools more than turns_max times
  journal_failed,         ///< the store refused events of this run
  actor_lost,             ///< the run's actor died; its supervisor wrote this ending
  node_lost,              ///< the process died; the next one wrote this ending
  deadline_pause,         ///< nobody decided in time on what the run was paused for
  tools_unavailable,      ///< a server of tools that the agent needs could not be started
};
constexpr failure_code enum_max(failure_code) { return failure_code::tools_unavailable; }

/// Stable names, as they show on the wire, in the CLI and in the journal.
std::string_view to_string(refusal_code code);
std::string_view to_string(failure_code code);

/// True for the four deadlines: the CLI's exit code 124.
bool is_deadline(failure_code code);

struct refusal {
  refusal_code code = refusal_code::invalid_input;
  std::string message;  ///< one sentence: which field, what was expected

  friend bool operator==(const refusal&, const refusal&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, refusal& x) {
  return f.object(x).fields(f.field("code", x.code), f.field("message", x.message));
}

}  // namespace oncue
