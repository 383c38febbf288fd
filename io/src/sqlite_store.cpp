#include "oncue/io/sqlite_store.hpp"

#include <utility>

#include "sqlite_connection.hpp"
#include "sqlite_file.hpp"
#include "sqlite_schema.hpp"
#include "store_log.hpp"
#include "store_search.hpp"
#include "store_upkeep.hpp"
#include "store_writer.hpp"

namespace oncue::io {

// -- the archive -------------------------------------------------------------------

struct sqlite_archive::impl {
  std::string path;
  std::unique_ptr<sqlite_connection> own;  // null: a store's
  sqlite_connection* db = nullptr;
  text_cache cache;

  /// Every read sees one state of the file, also if it takes several statements.
  template <class Read>
  auto guarded(Read&& read) -> store_result<decltype(read(*db))> {
    try {
      transaction snapshot{*db, transaction::kind::reading};
      auto result = read(*db);
      snapshot.commit();
      return result;
    } catch (const std::exception& error) {
      return store_problem(path, error);
    }
  }
};

sqlite_archive::sqlite_archive(std::unique_ptr<impl> parts) : impl_{std::move(parts)} {}
sqlite_archive::~sqlite_archive() = default;

store_result<std::unique_ptr<sqlite_archive>> sqlite_archive::open(const std::string& path) {
  try {
    auto parts = std::make_unique<impl>();
    parts->path = path;
    parts->own = std::make_unique<sqlite_connection>(path, sqlite_connection::access::read_only);
    parts->db = parts->own.get();
    if (auto foreign = foreign_file(*parts->db, path); !foreign.empty()) return foreign;
    return std::unique_ptr<sqlite_archive>{new sqlite_archive{std::move(parts)}};
  } catch (const std::exception& error) {
    return store_problem(path, error);
  }
}

std::string sqlite_archive::checkpoint() {
  auto problem = impl_->db->checkpoint();
  return problem.empty() ? problem : "the store " + impl_->path + ": its write-ahead log stays long: " + problem;
}

store_result<event_batch> sqlite_archive::read(const pull_limits& pull) {
  return impl_->guarded([&](auto& db) { return read_batch(db, pull, impl_->cache); });
}
store_result<run_found> sqlite_archive::find(const find_run& what) {
  return impl_->guarded([&](auto& db) { return search(db, what); });
}
store_result<run_owner> sqlite_archive::find(const find_owner& what) {
  return impl_->guarded([&](auto& db) { return search(db, what); });
}
store_result<runs_found> sqlite_archive::find(const find_runs& what) {
  return impl_->guarded([&](auto& db) { return search(db, what); });
}
store_result<paused_run> sqlite_archive::find(const find_paused& what) {
  return impl_->guarded([&](auto& db) { return read_paused(db, what, impl_->cache); });
}
store_result<session_reply> sqlite_archive::find(const find_session& what) {
  return impl_->guarded([&](auto& db) { return search(db, what); });
}
store_result<sessions_found> sqlite_archive::find(const find_sessions& what) {
  return impl_->guarded([&](auto& db) { return search(db, what); });
}
store_result<run_list> sqlite_archive::list(const list_runs& what) {
  return impl_->guarded([&](auto& db) { return search(db, what); });
}
store_result<history> sqlite_archive::load(const load_history& what) {
  return impl_->guarded([&](auto& db) { return read_history(db, what, impl_->cache); });
}

// -- the store ---------------------------------------------------------------------

struct sqlite_store::impl {
  explicit impl(store_options settings) : options{std::move(settings)} {}

  std::string prepare();
  void configure();
  std::vector<store_answer> write_all(std::span<const store_write> writes);

  store_options options;
  file_lock lock;  // let go of after the connection
  std::unique_ptr<sqlite_connection> db;
  std::unique_ptr<store_writer> writer;
  std::unique_ptr<store_upkeep> upkeep;
  std::unique_ptr<sqlite_archive> archive;
  store_stats stats;
  std::string problem;
  std::size_t checkpoint_bytes = 0;  // how long the write-ahead log was when the last checkpoint was asked for

  const std::string& path() const { return options.settings.path; }
};

/// Everything that may be wrong with a file, in the order in which it can be known. A sentence, or nothing.
std::string sqlite_store::impl::prepare() {
  if (path().empty()) return "the store has no path";
  if (!is_in_memory(path())) {
    if (auto wrong = make_store_file(path()); !wrong.empty()) return wrong;
    if (auto wrong = lock.take(path()); !wrong.empty()) return wrong;
  }
  db = std::make_unique<sqlite_connection>(path(), sqlite_connection::access::read_write);
  if (auto foreign = foreign_file(*db, path()); !foreign.empty()) return foreign;
  // SQLite opens a file that it may not write as one to be read.
  if (db->is_read_only()) return "the store " + path() + " is read-only";
  configure();
  migrate(*db);
  writer = std::make_unique<store_writer>(*db, intent_limits{options.intents_max, options.intent_age_ms_max});
  upkeep = std::make_unique<store_upkeep>(*db, options.settings, [this] { return db->bytes_used(); });

  transaction arrival{*db};
  {
    query row{*db, "INSERT INTO nodes(node_id, started_ms) VALUES(?, ?) RETURNING incarnation", options.node,
              options.now_ms};
    row.next();
    writer->own_as(row.number(0));
  }
  arrival.commit();
  for (;;) {
    transaction some{*db};
    auto ended = writer->end_predecessors(options.now_ms, core::limits::orphans_commit_max);
    some.commit();
    if (ended == 0) return {};
    stats.orphans += ended;
  }
}

void sqlite_store::impl::configure() {
  // Before the first table, after which neither changes: small pages, and free ones can be given back a few at a time.
  db->exec("PRAGMA page_size = " + std::to_string(core::limits::store_page_bytes));
  db->exec("PRAGMA auto_vacuum = INCREMENTAL");
  if (!is_in_memory(path()) && db->text("PRAGMA journal_mode = WAL") != "wal") {
    throw store_corrupt{"this file system cannot hold it: SQLite's write-ahead log needs shared memory"};
  }
  db->exec(options.settings.durability == core::store_durability::power ? "PRAGMA synchronous = FULL"
                                                                        : "PRAGMA synchronous = NORMAL");
  db->watch_wal();
  db->exec("PRAGMA temp_store = MEMORY");
  db->exec("PRAGMA cache_size = -" + std::to_string(core::limits::store_cache_kib));
  db->number("PRAGMA journal_size_limit = " + std::to_string(core::limits::store_wal_bytes_max));
}

store_result<std::unique_ptr<sqlite_store>> sqlite_store::open(store_options options) {
  auto parts = std::make_unique<impl>(std::move(options));
  try {
    if (auto problem = parts->prepare(); !problem.empty()) return problem;
    auto reads = std::make_unique<sqlite_archive::impl>();
    reads->path = parts->path();
    reads->db = parts->db.get();
    parts->archive.reset(new sqlite_archive{std::move(reads)});
    return std::unique_ptr<sqlite_store>{new sqlite_store{std::move(parts)}};
  } catch (const std::exception& error) {
    return store_problem(parts->path(), error);
  }
}

sqlite_store::sqlite_store(std::unique_ptr<impl> parts) : impl_{std::move(parts)} {}
sqlite_store::~sqlite_store() = default;

std::vector<store_answer> sqlite_store::impl::write_all(std::span<const store_write> writes) {
  std::vector<store_answer> answers;
  answers.reserve(writes.size());
  transaction all{*db};
  for (const auto& write : writes) {
    answers.push_back(std::visit([this](const auto& what) { return writer->write(what); }, write));
  }
  all.commit();
  ++stats.transactions;
  stats.writes += writes.size();
  return answers;
}

std::vector<store_answer> sqlite_store::commit(std::span<const store_write> writes) {
  if (writes.empty()) return {};
  impl_->problem.clear();
  try {
    return impl_->write_all(writes);
  } catch (const std::exception& error) {
    ++impl_->stats.failed;
    impl_->writer->forget_open_runs();
    impl_->problem = store_problem(path(), error);
    // One write that cannot be made is found by making each alone.
    if (writes.size() > 1 && !is_environmental(error)) {
      std::vector<store_answer> answers;
      for (const auto& write : writes) answers.push_back(std::move(commit({&write, 1}).front()));
      return answers;
    }
  }
  std::vector<store_answer> answers;
  for (const auto& write : writes) {
    answers.push_back(refusal_of(write, impl_->problem));
  }
  return answers;
}

upkeep_result sqlite_store::maintain(std::int64_t now_ms) {
  try {
    return {.more = impl_->upkeep->step(now_ms) || impl_->db->give_back_space(), .problem = {}};
  } catch (const std::exception& error) {
    return {.more = false, .problem = store_problem(path(), error)};
  }
}

bool sqlite_store::wants_checkpoint() {
  auto bytes = impl_->db->wal_bytes();
  if (bytes < impl_->checkpoint_bytes) impl_->checkpoint_bytes = 0;  // the log began anew
  if (bytes < impl_->checkpoint_bytes + core::limits::store_wal_bytes_high) return false;
  impl_->checkpoint_bytes = bytes;
  return true;
}

sqlite_archive& sqlite_store::reads() { return *impl_->archive; }

const store_stats& sqlite_store::stats() const {
  impl_->stats.events = impl_->writer->events();
  return impl_->stats;
}

const std::string& sqlite_store::problem() const { return impl_->problem; }

const std::string& sqlite_store::path() const { return impl_->options.settings.path; }

}  // namespace oncue::io
