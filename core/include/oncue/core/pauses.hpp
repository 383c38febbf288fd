// What is said about runs that wait for a person: why one cannot go on, and how one ends for which nobody decided. Both
// journals and the supervisor say it with these words. Decides nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "oncue/messages/errors.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/messages/ids.hpp"
#include "oncue/messages/run.hpp"

namespace oncue::core {

/// The pause in which a log ends; null if it does not end in one. A run is paused exactly while this is so.
inline const run_paused* pause_at_end(const std::vector<event_ptr>& log) {
  return log.empty() ? nullptr : get_if<run_paused>(*log.back());
}

/// Somebody wants to go on with a run that does not exist.
refusal cannot_continue_unknown(const run_id& run);

/// … or with one that is running, or over: agno's words.
refusal cannot_continue(const run_id& run, run_status status);

/// … or with one that was continued before, and has paused again since.
refusal cannot_continue_again(const run_id& run);

/// How a run ends for which nobody decided from `paused_at_ms` to `expired_at_ms` (unix time).
ending pause_expired(std::int64_t paused_at_ms, std::int64_t expired_at_ms);

}  // namespace oncue::core
