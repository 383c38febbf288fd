// One store for several nodes in one process, as a database would be: SQLite behind a lock, and who has which run.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/store.hpp"

namespace oncue::test {

/// The disk that the nodes share.
class shared_disk {
 public:
  shared_disk() : store{open_store(directory / "runs.db")} {}

  incarnation_no owner_of(const run_id& run) {
    std::scoped_lock lock{mutex};
    auto found = owners.find(run);
    return found == owners.end() ? 0 : found->second;
  }
  void give(const run_id& run, incarnation_no node) {
    std::scoped_lock lock{mutex};
    owners[run] = node;
  }

  temporary_directory directory;
  std::mutex mutex;
  std::unique_ptr<io::sqlite_store> store;
  std::map<run_id, incarnation_no> owners;
};

/// What one node sees of it: reads on a connection of its own.
class shared_archive : public io::run_archive {
 public:
  explicit shared_archive(std::shared_ptr<shared_disk> disk)
      : disk_{std::move(disk)}, reads_{must(io::sqlite_archive::open(disk_->store->path()))} {}

  io::store_result<event_batch> read(const pull_limits& pull) override { return reads_->read(pull); }
  io::store_result<run_found> find(const find_run& what) override { return reads_->find(what); }
  io::store_result<run_owner> find(const find_owner& what) override {
    auto found = reads_->find(what);
    if (auto* owner = std::get_if<run_owner>(&found)) owner->owner = disk_->owner_of(what.run);
    return found;
  }
  io::store_result<runs_found> find(const find_runs& what) override { return reads_->find(what); }
  io::store_result<paused_run> find(const find_paused& what) override { return reads_->find(what); }
  io::store_result<session_reply> find(const find_session& what) override { return reads_->find(what); }
  io::store_result<sessions_found> find(const find_sessions& what) override { return reads_->find(what); }
  io::store_result<run_list> list(const list_runs& what) override { return reads_->list(what); }
  io::store_result<history> load(const load_history& what) override { return reads_->load(what); }

 private:
  std::shared_ptr<shared_disk> disk_;
  std::unique_ptr<io::sqlite_archive> reads_;
};

class shared_store : public io::run_store {
 public:
  shared_store(std::shared_ptr<shared_disk> disk, incarnation_no node)
      : disk_{std::move(disk)}, node_{node}, archive_{disk_} {}

  std::vector<io::store_answer> commit(std::span<const io::store_write> writes) override {
    std::scoped_lock lock{disk_->mutex};
    for (const auto& write : writes) {
      if (const auto* made = std::get_if<create_run>(&write)) disk_->owners.emplace(made->request.id, node_);
    }
    return disk_->store->commit(writes);
  }
  io::upkeep_result maintain(std::int64_t) override { return {}; }
  io::run_archive& reads() override { return archive_; }
  const io::store_stats& stats() const override { return disk_->store->stats(); }
  const std::string& problem() const override { return none_; }
  const std::string& path() const override { return disk_->store->path(); }

 private:
  std::shared_ptr<shared_disk> disk_;
  incarnation_no node_;
  shared_archive archive_;
  std::string none_;
};

}  // namespace oncue::test
