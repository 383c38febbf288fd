#include "database.hpp"

#include <algorithm>
#include <utility>

#include "store_log.hpp"
#include "store_search.hpp"
#include "store_writer.hpp"

namespace oncue::sim {

using io::query;

// -- the store -----------------------------------------------------------------------

class simulated_archive final : public io::run_archive {
 private:
  template <class Read>
  auto guarded(Read&& read) -> io::store_result<decltype(read())> {
    if (auto problem = db_.problem_of(*line_); !problem.empty()) return problem;
    if (db_.loses_reply()) return std::string{"the database did not answer"};
    try {
      return read();
    } catch (const std::exception& error) {
      db_.luck_.broken("", std::string{"a read of the store failed: "} + error.what());
      return std::string{error.what()};
    }
  }
  template <class Question>
  auto found(const Question& what) {
    return guarded([&] { return io::search(db_.db_, what); });
  }

 public:
  simulated_archive(database& db, std::shared_ptr<database_line> line) : db_{db}, line_{std::move(line)} {}

  io::store_result<event_batch> read(const pull_limits& pull) override {
    return guarded([&] { return io::read_batch(db_.db_, pull, cache_); });
  }
  io::store_result<run_found> find(const find_run& what) override { return found(what); }
  io::store_result<run_owner> find(const find_owner& what) override { return found(what); }
  io::store_result<runs_found> find(const find_runs& what) override { return found(what); }
  io::store_result<session_reply> find(const find_session& what) override { return found(what); }
  io::store_result<sessions_found> find(const find_sessions& what) override { return found(what); }
  io::store_result<run_list> list(const list_runs& what) override { return found(what); }
  io::store_result<paused_run> find(const find_paused& what) override {
    return guarded([&] { return io::read_paused(db_.db_, what, cache_); });
  }
  io::store_result<history> load(const load_history& what) override {
    return guarded([&] { return io::read_history(db_.db_, what, cache_); });
  }

 private:
  database& db_;
  std::shared_ptr<database_line> line_;
  io::text_cache cache_;
};

class simulated_store final : public io::run_store {
 public:
  simulated_store(database& db, std::shared_ptr<database_line> line)
      : db_{db},
        line_{line},
        writer_{db.db_, {core::limits::intents_max, core::limits::intent_age_max.count()}},
        reads_{db, std::move(line)} {}

  std::vector<io::store_answer> commit(std::span<const io::store_write> writes) override {
    problem_.clear();
    if (writer_.incarnation() == 0) return refuse_all(writes, "this node has no lease now", true);
    problem_ = db_.problem_of(*line_);
    if (!problem_.empty()) return {};
    if (db_.full) {
      problem_ = "the database is full";
      return refuse_all(writes, problem_, false);
    }
    std::vector<io::store_answer> answers;
    try {
      io::transaction all{db_.db_};
      for (const auto& write : writes) {
        answers.push_back(std::visit([this](const auto& what) { return writer_.write(what); }, write));
      }
      all.commit();
    } catch (const std::exception& error) {
      writer_.forget_open_runs();
      problem_ = error.what();
      db_.luck_.broken("", "a group of writes failed: " + problem_);
      return refuse_all(writes, problem_, false);
    }
    for (std::size_t i = 0; i < writes.size(); ++i) show(writes[i], answers[i]);
    if (!db_.loses_reply()) return answers;
    db_.luck_.tell("", "node " + std::to_string(line_->node) + " does not hear the database's answer");
    writer_.forget_open_runs();
    problem_ = "the database did not answer";
    return {};
  }

  io::upkeep_result maintain(std::int64_t) override { return {}; }
  void own_as(incarnation_no self) override { writer_.own_as(static_cast<std::int64_t>(self)); }
  io::run_archive& reads() override { return reads_; }
  const io::store_stats& stats() const override { return stats_; }
  const std::string& problem() const override { return problem_; }
  const std::string& path() const override { return path_; }

 private:
  static std::vector<io::store_answer> refuse_all(std::span<const io::store_write> writes, const std::string& why,
                                                  bool fenced) {
    std::vector<io::store_answer> answers;
    for (const auto& write : writes) answers.push_back(io::refusal_of(write, why, fenced));
    return answers;
  }

  void show(const io::store_write& write, const io::store_answer& answer) {
    auto self = static_cast<incarnation_no>(writer_.incarnation());
    auto& books = db_.books_;
    if (const auto* what = std::get_if<create_run>(&write)) {
      const auto* reply = std::get_if<create_reply>(&answer);
      if (reply && !reply->refused && !reply->existing && !what->only_existing) {
        books.created(what->request, what->unowned ? 0 : self, what->events);
      }
    } else if (const auto* more = std::get_if<append_events>(&write)) {
      if (std::holds_alternative<appended>(answer)) books.appended(more->run, self, more->events);
    } else if (const auto* last = std::get_if<finish_run>(&write)) {
      const auto* done = std::get_if<finished>(&answer);
      if (!done) return;
      auto before = std::span{last->events}.first(last->events.size() - 1);
      if (done->ended->index == last->events.back()->index) books.appended(last->run, self, before);
      books.ended(last->run, done->ended, false);
    } else if (const auto* orphan = std::get_if<end_orphan>(&write)) {
      const auto* done = std::get_if<end_orphan_reply>(&answer);
      if (done && done->ended) books.ended(orphan->run, *done->ended, true);
    } else if (const auto* cancel = std::get_if<record_cancel>(&write)) {
      const auto* done = std::get_if<record_cancel_reply>(&answer);
      if (done && done->ended) books.ended(cancel->request.run, *done->ended, true);
    } else if (const auto* again = std::get_if<reopen_run>(&write)) {
      const auto* done = std::get_if<reopen_reply>(&answer);
      if (!done || done->refused) return;
      books.owned(again->run, self);
      books.appended(again->run, self, {&again->continued, 1});
    } else if (std::holds_alternative<end_expired>(write)) {
      const auto* done = std::get_if<expired_runs>(&answer);
      if (!done) return;
      for (const auto& run : done->ended) books.ended(run, db_.whole_log(run).back(), true);
    }
  }

  database& db_;
  std::shared_ptr<database_line> line_;
  io::store_writer writer_;
  simulated_archive reads_;
  io::store_stats stats_;
  std::string problem_;
  std::string path_ = "a database in memory";
};

std::shared_ptr<io::run_store> database::store_for(std::shared_ptr<database_line> line) {
  return std::make_shared<simulated_store>(*this, std::move(line));
}

std::shared_ptr<io::run_archive> database::archive_for(std::shared_ptr<database_line> line) {
  return std::make_shared<simulated_archive>(*this, std::move(line));
}

// -- faults and checks ---------------------------------------------------------------

std::string database::problem_of(const database_line& line) const {
  return away || line.cut || line.dead ? "the database cannot be reached" : "";
}

void database::set_away(bool is_away) {
  // Nobody could renew meanwhile: no lease is judged for the length of one.
  if (away && !is_away) {
    std::int64_t longest = 0;
    for (const auto& [number, node] : nodes_) longest = std::max(longest, node.lease_us);
    judges_from_us_ = luck_.now_us() + longest;
  }
  away = is_away;
}

std::vector<event_ptr> database::whole_log(const run_id& run) {
  std::vector<event_ptr> events;
  auto row = io::find_row(db_, run);
  if (!row) return events;
  io::text_cache cache;
  io::for_each_event(db_, *row, 0, cache, [&](event_ptr event) {
    events.push_back(std::move(event));
    return true;
  });
  return events;
}

std::vector<run_id> database::open_runs(bool paused) {
  std::vector<run_id> runs;
  query rows{db_, "SELECT run_id FROM runs WHERE stage=0 AND (?1 OR state<>'paused') ORDER BY run_no", paused};
  while (rows.next()) runs.push_back({rows.text(0)});
  return runs;
}

std::optional<run_summary> database::summary(const run_id& run) {
  auto row = io::find_row(db_, run);
  if (!row) return std::nullopt;
  return row->summary;
}

bool database::cancel_wanted(const run_id& run) {
  auto row = io::find_row(db_, run);
  return row && row->cancel_requested;
}

}  // namespace oncue::sim
