// The writes, one by one, inside a transaction that somebody else begins and commits. A write that is refused has changed
// nothing; one that throws leaves a transaction that has to be rolled back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "oncue/io/run_store.hpp"
#include "sql_connection.hpp"
#include "store_log.hpp"

namespace oncue::io {

struct intent_limits {
  std::size_t intents_max = 0;
  std::int64_t intent_age_ms_max = 0;
};

class store_writer {
 public:
  store_writer(sql_connection& db, intent_limits limits) : db_{db}, limits_{limits} {}

  /// Every run that is created from now on is this incarnation's, and no other one's are changed.
  void own_as(std::int64_t incarnation) {
    incarnation_ = incarnation;
    open_runs_.clear();
  }
  std::int64_t incarnation() const { return incarnation_; }

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

  /// Ends an open run in the place of whoever should have: text and usage are those of its events. As cancelled, if that
  /// was accepted before. Of a shared store: the row was read for writing, in this transaction.
  event_ptr end_as(const run_row& run, ending how, std::int64_t at_ms);

  /// Of a shared store: an open run whose node is gone waits for any node again. False, and nothing has changed: its log
  /// holds more than begun model calls, so that to begin it anew could do something twice.
  bool requeue(const run_row& run);

  /// Of a group for a shared store: the appends that may go in one statement, ahead of the others.
  std::vector<std::size_t> plain_appends(std::span<const store_write> writes) const;
  /// Those that were not written: their runs are not what this writer remembers.
  std::vector<std::size_t> write_plain(std::span<const store_write> writes, std::span<const std::size_t> which);

  /// Of a shared store: locks all of a group's runs in one order, so that two nodes never wait for each other.
  void lock_runs(std::span<const store_write> writes);

  /// Of a shared store: locks the sessions that a group's new runs belong to, in one order, until the group is committed.
  /// Numbers are given out before that: without it a run could begin while an older one of its session is not to be seen
  /// yet.
  void lock_sessions(std::span<const store_write> writes);

  std::uint64_t events() const { return events_; }

  /// After a rollback: what this writer remembers of the open runs may never have been written.
  void forget_open_runs() { open_runs_.clear(); }

 private:
  /// An open run of this process, as it stands in the store, if nobody else writes there. It spares an append the look at
  /// the run's row, and an append of deltas the change of it.
  struct open_run {
    std::int64_t number = 0;
    run_epoch epoch = 0;
    event_index next = 0;
    bool is_running = false;
    bool tools = false;
  };

  std::optional<create_reply> made_before(const create_run& what);
  std::optional<create_reply> made_by_this(const create_run& what);
  std::optional<refusal> busy_elsewhere(const create_run& what);
  std::optional<cancel_request> take_intent(const create_run& what);
  std::int64_t insert_run(const create_run& what);
  void flag(std::int64_t run_no, const cancel_request& request);
  void lock_id(const run_id& run);
  std::optional<reopen_reply> reopened_by_this(const reopen_run& what, const run_row& run);
  record_cancel_reply keep_intent(const record_cancel& what);
  bool is_plain(const append_events& what, event_index next) const;
  bool advance(const append_events& what, std::size_t skip, open_run& run);
  bool close_run(const run_row& run, event_index first, const run_event& ended);
  void insert(std::int64_t run_no, std::span<const event_ptr> events);
  open_run* find_open(const run_id& run);
  open_run& remember(const run_row& row);

  sql_connection& db_;
  intent_limits limits_;
  std::int64_t incarnation_ = 0;
  std::uint64_t events_ = 0;
  std::unordered_map<run_id, open_run> open_runs_;
  std::string scratch_;
};

/// Indices that rise by one.
bool is_gapless(std::span<const event_ptr> events);
std::size_t ending_count(std::span<const event_ptr> events);
std::string gap(event_index from, event_index next);
/// Somebody else has the run, or had it in between.
journal_refused fenced(const run_row& run, run_epoch epoch);

/// The run that a write is about; null: it is about others.
const run_id* run_of(const store_write& write);
/// The write's own sort of refusal.
store_answer refusal_of(const store_write& write, const std::string& why, bool fenced = false);

}  // namespace oncue::io
