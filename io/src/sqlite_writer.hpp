// The writes, one by one, inside a transaction that somebody else begins and commits. A write that is refused has changed
// nothing; one that throws leaves a transaction that has to be rolled back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "oncue/io/sqlite_store.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_log.hpp"

namespace oncue::io {

class sqlite_writer {
 public:
  sqlite_writer(sqlite_connection& db, const store_options& options) : db_{db}, options_{options} {}

  /// Registers this process; every run that is created from now on is its own.
  void take_over(std::int64_t now_ms);

  store_answer write(const create_run& what);
  store_answer write(const append_events& what);
  store_answer write(const finish_run& what);
  store_answer write(const end_orphan& what);
  store_answer write(const record_cancel& what);
  store_answer write(const reopen_run& what);
  store_answer write(const end_expired& what);
  store_answer write(const create_session& what);
  store_answer write(const change_session& what);
  store_answer write(const delete_sessions& what);

  /// Ends some runs of earlier processes, at most `runs_max`. How many: 0 when none are left. Those that wait for a person
  /// go on waiting, but for children: whoever would go on with them is gone.
  std::size_t end_predecessors(std::int64_t now_ms, std::size_t runs_max);

  std::uint64_t events() const { return events_; }

  /// After a rollback: what this writer remembers of the open runs may never have been written.
  void forget_open_runs() { open_runs_.clear(); }

 private:
  /// An open run of this process, as it stands in the file: nobody else writes there. It spares an append the look at the
  /// run's row, and an append of deltas the change of it.
  struct open_run {
    std::int64_t number = 0;
    run_epoch epoch = 0;
    event_index next = 0;
    bool is_running = false;
    bool tools = false;
  };

  std::optional<create_reply> made_before(const create_run& what);
  std::optional<cancel_request> take_intent(const create_run& what);
  void insert_run(const create_run& what);
  bool advance(const append_events& what, std::size_t skip);
  event_ptr end_as(const run_row& run, ending how, std::int64_t at_ms);
  bool close_run(const run_row& run, event_index first, const run_event& ended);
  void insert(std::int64_t run_no, const run_event& event);
  open_run* find_open(const run_id& run);

  sqlite_connection& db_;
  const store_options& options_;
  std::int64_t incarnation_ = 0;
  std::uint64_t events_ = 0;
  std::unordered_map<run_id, open_run> open_runs_;
  std::string scratch_;
};

}  // namespace oncue::io
