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
#include "sqlite_connection.hpp"
#include "sqlite_schema.hpp"

namespace oncue::io {

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

  bool is_open() const { return stage == stage::open; }
};

/// The columns that row_of() reads, for `SELECT … FROM runs WHERE …`.
#define ONCUE_RUN_COLUMNS                                                                                           \
  "run_no, run_id, agent, session, user, state, epoch, owner, first_seq, next_seq, created_ms, updated_ms, stage, " \
  "tools, cancel_requested, cancel_reason, cancel_by, ending"
#define ONCUE_RUN_COLUMN_COUNT 18
run_row row_of(const query& rows);

/// Sets what deltas have not changed in an open run's row: where its log ends, and when it was written.
void catch_up(sqlite_connection& db, run_row& run);

/// Nothing if there is no such run, or it is being forgotten. The row has been caught up.
std::optional<run_row> find_row(sqlite_connection& db, const run_id& run);

/// A state as the file has it.
std::string state_name(run_status status);
run_status status_of_name(const std::string& name);

/// The text of the ended run that was read last: a replay comes in many pulls.
struct text_cache {
  std::int64_t run_no = 0;
  std::shared_ptr<const std::string> text;
};

/// The run's ending. It has one.
event_ptr load_ending(sqlite_connection& db, const run_row& run);

/// The text and the usage of a run, from its events.
struct run_sum {
  std::string content;
  token_usage usage;
};
run_sum load_sum(sqlite_connection& db, std::int64_t run_no);

/// The run's events from `from` on, in order, for as long as `take` says true.
void for_each_event(sqlite_connection& db, const run_row& run, event_index from, text_cache& cache,
                    const std::function<bool(event_ptr)>& take);

/// The events that are no deltas, neither the run's own nor a child's.
std::vector<event_ptr> load_landmarks(sqlite_connection& db, const run_row& run);

/// All that is needed to go on with a paused run.
paused_run read_paused(sqlite_connection& db, const find_paused& what, text_cache& cache);

/// Answers a pull.
event_batch read_batch(sqlite_connection& db, const pull_limits& pull, text_cache& cache);

/// The messages of the session's ended runs.
history read_history(sqlite_connection& db, const load_history& what, text_cache& cache);

}  // namespace oncue::io
