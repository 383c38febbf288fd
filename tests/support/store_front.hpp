// In front of a real store: the test takes it away, fills it up, and sees which cancels it is told of.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/node.hpp"

namespace oncue::test {

struct store_front {
  bool away = false;                 ///< it cannot be reached
  bool full = false;                 ///< it refuses every write
  std::vector<std::string> cancels;  ///< runs whose cancel was written down
};

class fronted_store : public io::run_store {
 public:
  fronted_store(std::shared_ptr<io::run_store> real, store_front& front) : real_{std::move(real)}, front_{front} {}

  std::vector<io::store_answer> commit(std::span<const io::store_write> writes) override {
    if (front_.away) return {};
    if (!front_.full) {
      for (const auto& write : writes) {
        if (const auto* cancel = std::get_if<record_cancel>(&write)) front_.cancels.push_back(cancel->request.run.value);
      }
      return real_->commit(writes);
    }
    std::vector<io::store_answer> answers;
    for (const auto& write : writes) answers.push_back(std::visit([this](const auto& x) { return refuse(x); }, write));
    return answers;
  }
  io::upkeep_result maintain(std::int64_t now_ms) override { return real_->maintain(now_ms); }
  io::run_archive& reads() override { return real_->reads(); }
  const io::store_stats& stats() const override { return real_->stats(); }
  const std::string& problem() const override { return front_.away ? away_ : front_.full ? full_ : real_->problem(); }
  const std::string& path() const override { return real_->path(); }

 private:
  io::store_answer refuse(const create_run&) {
    return create_reply{refusal{refusal_code::journal_unavailable, problem()}, {}};
  }
  io::store_answer refuse(const append_events& what) { return journal_refused{what.run, problem()}; }
  io::store_answer refuse(const finish_run& what) { return journal_refused{what.run, problem()}; }
  template <class Write>
  io::store_answer refuse(const Write&) {
    return io::store_failed{problem()};
  }

  std::shared_ptr<io::run_store> real_;
  store_front& front_;
  std::string away_ = "the database cannot be reached";
  std::string full_ = "the disk is full";
};

inline node_options with_store(store_front& front, node_options options = {}) {
  options.journal = journal_kind::sqlite;
  options.wrap_store = [&front](std::shared_ptr<io::run_store> real) {
    return std::make_shared<fronted_store>(std::move(real), front);
  };
  return options;
}

}  // namespace oncue::test
