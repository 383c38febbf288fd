#include "oncue/core/pauses.hpp"

#include <algorithm>
#include <chrono>

#include "oncue/core/duration.hpp"

namespace oncue::core {

namespace {

refusal not_paused(const run_id& run, const char* why) {
  return {refusal_code::not_paused, "Cannot continue run " + run.value + ": " + why};
}

const char* words_for(run_status status) {
  switch (status) {
    case run_status::pending:
    case run_status::running: return "run is running";
    case run_status::paused: return "run is paused";
    case run_status::completed: return "run is completed";
    case run_status::failed: return "run has errored";
    case run_status::cancelled: return "run is cancelled";
  }
  return "run is not paused";
}

}  // namespace

refusal cannot_continue_unknown(const run_id& run) {
  return {refusal_code::unknown_run, "there is no run '" + run.value + "'"};
}

refusal cannot_continue(const run_id& run, run_status status) { return not_paused(run, words_for(status)); }

refusal cannot_continue_again(const run_id& run) {
  return not_paused(run, "it was continued before, and has paused again since");
}

ending pause_expired(std::int64_t paused_at_ms, std::int64_t expired_at_ms) {
  std::chrono::milliseconds time{std::max<std::int64_t>(expired_at_ms - paused_at_ms, 0)};
  return {.kind = ending_kind::failed,
          .code = failure_code::deadline_pause,
          .message = "nobody decided within the time there was for it, " + format_duration(time)};
}

}  // namespace oncue::core
