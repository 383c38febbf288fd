#include "shared_sql.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "sqlite_schema.hpp"

namespace oncue::sim {

namespace {

struct replacement {
  std::string_view what;
  std::string_view with;
};

// What a database of its own needs and one thread does not.
constexpr std::array replacements{
    replacement{" FOR NO KEY UPDATE OF runs SKIP LOCKED", ""},
    replacement{" FOR NO KEY UPDATE SKIP LOCKED", ""},
    replacement{" FOR NO KEY UPDATE", ""},
    replacement{"pg_advisory_xact_lock(hashtextextended(?, 1))", "?"},
    replacement{"pg_advisory_xact_lock(hashtextextended(?, 2))", "?"},
    replacement{" SELECT * FROM unnest(?, ?, ?, ?, ?)", " VALUES(?, ?, ?, ?, ?)"},
};

std::string for_one_thread(std::string sql) {
  for (const auto& [what, with] : replacements) {
    for (auto at = sql.find(what); at != std::string::npos; at = sql.find(what)) sql.replace(at, what.size(), with);
  }
  return sql;
}

}  // namespace

shared_statement::shared_statement(io::sqlite_connection& db, const std::string& sql)
    : real_{db.prepare(for_one_thread(sql))}, is_rows_{sql.find("unnest(") != std::string::npos} {}

void shared_statement::bind_numbers(int position, const std::vector<std::int64_t>& values) {
  lists_.push_back({position, values, {}});
}

void shared_statement::bind_raws(int position, const std::vector<std::string_view>& values) {
  lists_.push_back({position, {}, {values.begin(), values.end()}});
}

int shared_statement::run() {
  if (!is_rows_) return real_->run();
  auto lists = std::exchange(lists_, {});
  auto rows = lists.front().numbers.size();
  int changed = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    for (const auto& [position, numbers, texts] : lists) {
      if (numbers.empty()) {
        real_->bind_text(position, texts[row]);
      } else {
        real_->bind_number(position, numbers[row]);
      }
    }
    changed += real_->run();
    real_->reset();
  }
  return changed;
}

void shared_statement::run_later() {
  if (is_rows_) {
    run();
    return;
  }
  while (real_->step()) continue;
}

shared_connection::shared_connection() : real_{":memory:", io::sqlite_connection::access::read_write} {
  io::migrate(real_);
}

io::sql_statement& shared_connection::statement(const char* sql) {
  auto& found = statements_[sql];
  if (!found) found = std::make_unique<shared_statement>(real_, sql);
  return *found;
}

std::unique_ptr<io::sql_statement> shared_connection::prepare(const std::string& sql) {
  return std::make_unique<shared_statement>(real_, sql);
}

}  // namespace oncue::sim
