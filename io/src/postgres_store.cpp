#include "oncue/io/postgres_store.hpp"

#include <algorithm>
#include <utility>

#include "postgres_connection.hpp"
#include "postgres_schema.hpp"
#include "postgres_url.hpp"
#include "store_log.hpp"
#include "store_search.hpp"
#include "store_upkeep.hpp"
#include "store_writer.hpp"

namespace oncue::io {

namespace {

constexpr auto no_lease = "this node has no lease now";

/// Reads on a connection, which may be the store's.
class reader final : public run_archive {
 public:
  explicit reader(postgres_connection& db) : db_{db} {}

 private:
  template <class Question>
  auto found(const Question& what) {
    return guarded([&] { return search(db_, what); });
  }

  /// Every read sees one state of the tables, also if it takes several statements.
  template <class Read>
  auto guarded(Read&& read) -> store_result<decltype(read())> {
    // A connection that was idle may be found to be lost only now: a read may be asked again.
    auto may_be_stale = db_.is_connected();
    for (;;) {
      try {
        transaction snapshot{db_, transaction::kind::reading};
        auto result = read();
        snapshot.commit();
        return result;
      } catch (const store_unreachable& error) {
        if (!std::exchange(may_be_stale, false)) return database_problem(db_.name(), error);
        db_.forget_last_try();
      } catch (const std::exception& error) {
        return database_problem(db_.name(), error);
      }
    }
  }

 public:
  store_result<event_batch> read(const pull_limits& pull) override {
    return guarded([&] { return read_batch(db_, pull, cache_); });
  }
  store_result<run_found> find(const find_run& what) override { return found(what); }
  store_result<run_owner> find(const find_owner& what) override { return found(what); }
  store_result<runs_found> find(const find_runs& what) override { return found(what); }
  store_result<session_reply> find(const find_session& what) override { return found(what); }
  store_result<sessions_found> find(const find_sessions& what) override { return found(what); }
  store_result<run_list> list(const list_runs& what) override { return found(what); }
  store_result<paused_run> find(const find_paused& what) override {
    return guarded([&] { return read_paused(db_, what, cache_); });
  }
  store_result<history> load(const load_history& what) override {
    return guarded([&] { return read_history(db_, what, cache_); });
  }

 private:
  postgres_connection& db_;
  text_cache cache_;
};

/// Reads on a connection of its own.
class archive final : public run_archive {
 public:
  explicit archive(std::unique_ptr<postgres_connection> db) : db_{std::move(db)}, reads_{*db_} {}

  store_result<event_batch> read(const pull_limits& pull) override { return reads_.read(pull); }
  store_result<run_found> find(const find_run& what) override { return reads_.find(what); }
  store_result<run_owner> find(const find_owner& what) override { return reads_.find(what); }
  store_result<runs_found> find(const find_runs& what) override { return reads_.find(what); }
  store_result<paused_run> find(const find_paused& what) override { return reads_.find(what); }
  store_result<session_reply> find(const find_session& what) override { return reads_.find(what); }
  store_result<sessions_found> find(const find_sessions& what) override { return reads_.find(what); }
  store_result<run_list> list(const list_runs& what) override { return reads_.list(what); }
  store_result<history> load(const load_history& what) override { return reads_.load(what); }

 private:
  std::unique_ptr<postgres_connection> db_;
  reader reads_;
};

class store final : public run_store {
 public:
  store(std::unique_ptr<postgres_connection> db, postgres_options options)
      : options_{std::move(options)},
        db_{std::move(db)},
        writer_{*db_, {options_.intents_max, options_.intent_age_ms_max}},
        upkeep_{*db_, options_.settings},
        reads_{*db_} {}

  std::vector<store_answer> commit(std::span<const store_write> writes) override;
  upkeep_result maintain(std::int64_t now_ms) override;
  void own_as(incarnation_no self) override { writer_.own_as(static_cast<std::int64_t>(self)); }
  run_archive& reads() override { return reads_; }
  const store_stats& stats() const override {
    stats_.events = writer_.events();
    return stats_;
  }
  const std::string& problem() const override { return problem_; }
  const std::string& path() const override { return db_->name(); }

 private:
  std::vector<store_answer> write_all(std::span<const store_write> writes);
  std::vector<store_answer> refuse_all(std::span<const store_write> writes, const std::string& why, bool fenced);

  postgres_options options_;
  std::unique_ptr<postgres_connection> db_;
  store_writer writer_;
  store_upkeep upkeep_;
  reader reads_;
  mutable store_stats stats_;
  std::string problem_;
};

std::vector<store_answer> store::refuse_all(std::span<const store_write> writes, const std::string& why, bool fenced) {
  std::vector<store_answer> answers;
  for (const auto& write : writes) answers.push_back(refusal_of(write, why, fenced));
  return answers;
}

/// The appends that need nothing but their rows in one statement, and what is left in its order. Nothing is left of most
/// groups: then that statement is the whole transaction.
std::vector<store_answer> store::write_all(std::span<const store_write> writes) {
  std::vector<std::optional<store_answer>> answers(writes.size());
  auto plain = writer_.plain_appends(writes);
  for (auto i : plain) {
    const auto& what = std::get<append_events>(writes[i]);
    answers[i] = appended{what.run, what.events.back()->index + 1};
  }
  auto write_plain = [&] {
    if (plain.empty()) return;
    for (auto i : writer_.write_plain(writes, plain)) answers[i].reset();
    plain.clear();
  };
  if (plain.size() == writes.size()) write_plain();
  if (std::any_of(answers.begin(), answers.end(), [](const auto& x) { return !x; }) || !plain.empty()) {
    transaction all{*db_};
    writer_.lock_sessions(writes);
    writer_.lock_runs(writes);
    write_plain();
    for (std::size_t i = 0; i < writes.size(); ++i) {
      if (!answers[i]) answers[i] = std::visit([this](const auto& what) { return writer_.write(what); }, writes[i]);
    }
    all.commit();
  }
  ++stats_.transactions;
  stats_.writes += writes.size();
  std::vector<store_answer> all;
  all.reserve(answers.size());
  for (auto& answer : answers) all.push_back(std::move(*answer));
  return all;
}

std::vector<store_answer> store::commit(std::span<const store_write> writes) {
  if (writes.empty()) return {};
  problem_.clear();
  if (writer_.incarnation() == 0) return refuse_all(writes, no_lease, true);
  for (int tries = 1;; ++tries) {
    try {
      return write_all(writes);
    } catch (const store_unreachable& error) {
      ++stats_.failed;
      writer_.forget_open_runs();
      problem_ = database_problem(path(), error);
      return {};
    } catch (const std::exception& error) {
      ++stats_.failed;
      writer_.forget_open_runs();
      problem_ = database_problem(path(), error);
      auto is_conflict = dynamic_cast<const store_conflict*>(&error) != nullptr;
      if (is_conflict && tries < core::limits::database_tries_max) continue;
      if (writes.size() == 1 || is_database_wide(error)) return refuse_all(writes, problem_, false);
    }
    break;
  }
  // One write that cannot be made is found by making each alone.
  std::vector<store_answer> answers;
  for (const auto& write : writes) {
    auto one = commit({&write, 1});
    if (one.empty()) return {};
    answers.push_back(std::move(one.front()));
  }
  return answers;
}

upkeep_result store::maintain(std::int64_t now_ms) {
  try {
    return {.more = upkeep_.step(now_ms), .problem = {}};
  } catch (const std::exception& error) {
    return {.more = false, .problem = database_problem(path(), error)};
  }
}

}  // namespace

store_result<std::unique_ptr<run_store>> postgres_store::open(postgres_options options) {
  if (auto wrong = url_problem(options.settings.url); !wrong.empty()) return wrong;
  auto db = std::make_unique<postgres_connection>(options.settings.url);
  try {
    db->connect();
    if (auto newer = migrate(*db); !newer.empty()) return "the database " + db->name() + ": " + newer;
    return std::unique_ptr<run_store>{new store{std::move(db), std::move(options)}};
  } catch (const std::exception& error) {
    return database_problem(db->name(), error);
  }
}

store_result<std::unique_ptr<run_archive>> postgres_archive::open(const std::string& url) {
  if (auto wrong = url_problem(url); !wrong.empty()) return wrong;
  auto db = std::make_unique<postgres_connection>(url);
  try {
    db->connect();
    if (auto foreign = foreign_schema(*db); !foreign.empty()) return "the database " + db->name() + ": " + foreign;
    return std::unique_ptr<run_archive>{new archive{std::move(db)}};
  } catch (const std::exception& error) {
    return database_problem(db->name(), error);
  }
}

}  // namespace oncue::io
