// The journal on disk: an SQLite file that holds runs, their events, sessions and cancels for runs not seen yet. Promises
// what the journal port promises (writes idempotent by run and index, an ending that succeeds once, an accepted cancel in
// its condition), for whole groups of writes in one transaction; that the file is this process's alone and readable by its
// user alone; and that no error leaves it as an exception: a write that fails changes nothing and says why. Old runs become
// smaller, then go, in small steps. Starts no thread and reads no clock: one thread at a time, and the time is handed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/core/settings.hpp"
#include "oncue/io/run_store.hpp"

namespace oncue::io {

struct store_options {
  core::store_settings settings;  ///< `path` may be ":memory:": then there is no second connection, and no file
  std::string node = "local";     ///< this node's name, for people who look into the file
  std::int64_t now_ms = 0;        ///< unix time of the start
  std::size_t intents_max = core::limits::intents_max;
  std::int64_t intent_age_ms_max = core::limits::intent_age_max.count();
};

/// Reads, on a connection and a thread of its own beside the store's, or as a part of the store. Also puts what was
/// committed in its place in the file: that takes tens of milliseconds, in which the store goes on.
class sqlite_archive : public run_archive {
 public:
  /// A second connection, which writes no data, to a file that a store has open.
  static store_result<std::unique_ptr<sqlite_archive>> open(const std::string& path);
  ~sqlite_archive() override;
  sqlite_archive(const sqlite_archive&) = delete;
  sqlite_archive& operator=(const sqlite_archive&) = delete;

  /// Answers a pull; never waits for events to come.
  store_result<event_batch> read(const pull_limits& pull) override;
  store_result<run_found> find(const find_run& what) override;
  store_result<run_owner> find(const find_owner& what) override;
  store_result<runs_found> find(const find_runs& what) override;
  /// Only what was committed: what waits to be written has to be written before.
  store_result<paused_run> find(const find_paused& what) override;
  store_result<session_reply> find(const find_session& what) override;
  store_result<sessions_found> find(const find_sessions& what) override;
  store_result<run_list> list(const list_runs& what) override;
  store_result<history> load(const load_history& what) override;

  /// Empties the write-ahead log as far as that is possible now. What failed, or nothing.
  std::string checkpoint() override;

 private:
  friend class sqlite_store;
  struct impl;
  explicit sqlite_archive(std::unique_ptr<impl> parts);
  std::unique_ptr<impl> impl_;
};

class sqlite_store : public run_store {
 public:
  /// Opens the file, or makes it (0600, in a directory of 0700 if there is none). Takes the file's lock, brings an older
  /// file to this version, registers this process, and ends the runs that earlier processes left open: cancelled if that
  /// was asked for, else failed with node_lost. Paused ones stay paused, unless they are children of other runs. Error: one
  /// sentence that names the file.
  static store_result<std::unique_ptr<sqlite_store>> open(store_options options);
  ~sqlite_store() override;
  sqlite_store(const sqlite_store&) = delete;
  sqlite_store& operator=(const sqlite_store&) = delete;

  /// All writes in one transaction, in their order, each with its own answer; a refused one does not touch the others. If
  /// the transaction fails, nothing of it is there, and every write is answered with a refusal.
  std::vector<store_answer> commit(std::span<const store_write> writes) override;

  /// One small step of compaction, retention or giving back space.
  upkeep_result maintain(std::int64_t now_ms) override;

  /// True when so much was committed since it last said so that an archive should make a checkpoint.
  bool wants_checkpoint() override;

  /// Reads on the store's own connection.
  sqlite_archive& reads() override;

  const store_stats& stats() const override;
  /// Why the last group of writes failed; empty if it did not.
  const std::string& problem() const override;
  const std::string& path() const override;

 private:
  struct impl;
  explicit sqlite_store(std::unique_ptr<impl> parts);
  std::unique_ptr<impl> impl_;
};

}  // namespace oncue::io
