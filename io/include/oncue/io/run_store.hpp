// The journal's store, whatever it is made of: groups of writes in one transaction, and reads beside them. Promises what
// the journal port promises: writes idempotent by run and index, an ending that succeeds once, an accepted cancel in its
// condition. No error leaves it as an exception: a write that fails changes nothing and says why. One thread at a time, and
// the time is handed in.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "oncue/messages/archive.hpp"
#include "oncue/messages/journal.hpp"

namespace oncue::io {

/// What was asked for, or one sentence about the store.
template <class T>
using store_result = std::variant<T, std::string>;

using store_write = std::variant<create_run, append_events, finish_run, end_orphan, record_cancel, reopen_run, end_expired,
                                 create_session, change_session, delete_sessions>;

/// A write without a refusal of its own could not be made.
struct store_failed {
  std::string message;
};

/// Of the write's own sort: create_reply, appended or journal_refused, finished or journal_refused, and so on.
using store_answer = std::variant<create_reply, appended, finished, journal_refused, end_orphan_reply, record_cancel_reply,
                                  reopen_reply, expired_runs, session_reply, sessions_deleted, store_failed>;

struct upkeep_result {
  bool more = false;    ///< there is more to do: ask again soon
  std::string problem;  ///< not empty: this step failed and changed nothing
};

/// What the store has done since it was opened.
struct store_stats {
  std::uint64_t transactions = 0;  ///< groups of writes that were committed
  std::uint64_t writes = 0;        ///< in them, refused ones included
  std::uint64_t events = 0;        ///< rows written
  std::uint64_t failed = 0;        ///< transactions that were rolled back
  std::uint64_t orphans = 0;       ///< runs of an earlier process that were ended at the start
};

/// Reads. Never waits for events to come.
class run_archive {
 public:
  virtual ~run_archive() = default;

  /// Answers a pull.
  virtual store_result<event_batch> read(const pull_limits& pull) = 0;
  virtual store_result<run_found> find(const find_run& what) = 0;
  virtual store_result<run_owner> find(const find_owner& what) = 0;
  virtual store_result<runs_found> find(const find_runs& what) = 0;
  /// Only what was committed: what waits to be written has to be written before.
  virtual store_result<paused_run> find(const find_paused& what) = 0;
  virtual store_result<session_reply> find(const find_session& what) = 0;
  virtual store_result<sessions_found> find(const find_sessions& what) = 0;
  virtual store_result<run_list> list(const list_runs& what) = 0;
  virtual store_result<history> load(const load_history& what) = 0;

  /// Puts what was committed in its place, where a store has such a step. What failed, or nothing.
  virtual std::string checkpoint() { return {}; }
};

class run_store {
 public:
  virtual ~run_store() = default;

  /// All writes in one transaction, in their order, each with its own answer; a refused one does not touch the others. If
  /// the transaction fails, nothing of it is there, and every write is answered with a refusal. No answers at all: the
  /// store cannot be reached, and nothing is known of these writes. They may be committed again as they are.
  virtual std::vector<store_answer> commit(std::span<const store_write> writes) = 0;

  /// One small step of compaction, retention or giving back space.
  virtual upkeep_result maintain(std::int64_t now_ms) = 0;

  /// True when so much was committed since it last said so that an archive should make a checkpoint.
  virtual bool wants_checkpoint() { return false; }

  /// Of a shared store: it writes as this node from now on. 0: it may not write at all.
  virtual void own_as(incarnation_no) {}

  /// Reads on the store's own connection.
  virtual run_archive& reads() = 0;

  virtual const store_stats& stats() const = 0;
  /// Why the last group of writes failed; empty if it did not.
  virtual const std::string& problem() const = 0;
  /// Where it is, for people: holds no password.
  virtual const std::string& path() const = 0;
};

}  // namespace oncue::io
