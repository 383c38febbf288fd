// Reading a run's row and its events as they were logged, wherever they are kept by now.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "oncue/core/delta_cuts.hpp"
#include "oncue/messages/journal.hpp"
#include "sql_connection.hpp"

namespace oncue::io {

/// Where a run is in its life in the store. Kept in files.
namespace stage {
inline constexpr std::int64_t open = 0;
inline constexpr std::int64_t whole = 1;      ///< ended; every event is a row (or some already in `cuts`)
inline constexpr std::int64_t compact = 2;    ///< ended; deltas are in `cuts` and the ending's content
inline constexpr std::int64_t stripping = 3;  ///< only the ending is promised; older rows are being deleted
inline constexpr std::int64_t stripped = 4;
inline constexpr std::int64_t forgetting = 5;  ///< nobody sees it any more; it is being deleted
}  // namespace stage

struct run_row {
  std::int64_t number = 0;
  run_summary summary;
  user_id user;
  run_epoch epoch = 0;
  std::int64_t owner = 0;
  event_index first = 0;  ///< below it nothing is promised any more
  event_index next = 0;
  std::int64_t updated_at_ms = 0;
  std::int64_t stage = stage::open;
  bool tools = false;
  bool cancel_requested = false;
  std::string cancel_reason;
  std::string cancel_by;
  std::int64_t cancel_mode = 0;
  std::int64_t cancel_grace_ms = 0;

  bool is_open() const { return stage == stage::open; }
};

/// The columns that row_of() reads, for `SELECT … FROM runs WHERE …`.
#define ONCUE_RUN_COLUMNS                                                                                               \
  "run_no, run_id, agent, session, \"user\", state, epoch, owner, first_seq, next_seq, created_ms, updated_ms, stage, " \
  "tools, cancel_requested, cancel_reason, cancel_by, ending, cancel_mode, cancel_grace_ms"
#define ONCUE_RUN_COLUMN_COUNT 20
run_row row_of(const query& rows);

/// Sets what deltas have not changed in an open run's row: where its log ends, and when it was written.
void catch_up(sql_connection& db, run_row& run);

/// What a row is looked at for. For writing, a shared store locks it until the end of the transaction.
enum class row_use { reading, writing };

/// Nothing if there is no such run, or it is being forgotten. The row has been caught up.
std::optional<run_row> find_row(sql_connection& db, const run_id& run, row_use use = row_use::reading);

/// A state as the file has it.
std::string state_name(run_status status);
run_status status_of_name(const std::string& name);

/// The text of the ended run that was read last: a replay comes in many pulls.
struct text_cache {
  std::int64_t run_no = 0;
  std::shared_ptr<const std::string> text;
};

/// The run's ending. It has one.
event_ptr load_ending(sql_connection& db, const run_row& run);

/// The text and the usage of a run, from its events.
struct run_sum {
  std::string content;
  token_usage usage;
};
run_sum load_sum(sql_connection& db, std::int64_t run_no);

/// The run's events from `from` on, in order, for as long as `take` says true.
void for_each_event(sql_connection& db, const run_row& run, event_index from, text_cache& cache,
                    const std::function<bool(event_ptr)>& take);

/// The events that are no deltas, neither the run's own nor a child's.
std::vector<event_ptr> load_landmarks(sql_connection& db, const run_row& run);

/// The request as it was created, without its idempotency key.
run_request load_request(sql_connection& db, const run_row& run);

/// All that is needed to go on with a paused run.
paused_run read_paused(sql_connection& db, const find_paused& what, text_cache& cache);

/// Answers a pull.
event_batch read_batch(sql_connection& db, const pull_limits& pull, text_cache& cache);

/// The messages of the session's ended runs.
history read_history(sql_connection& db, const load_history& what, text_cache& cache);

}  // namespace oncue::io
