// SQLite in memory in the part of a shared database: the statements that the stores write for many nodes run on it. One
// thread does everything, so row locks and advisory locks are left out; lists become one statement a row.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sqlite_connection.hpp"

namespace oncue::sim {

class shared_statement final : public io::sql_statement {
 public:
  shared_statement(io::sqlite_connection& db, const std::string& sql);

  void bind_null(int position, io::sql_type type) override { real_->bind_null(position, type); }
  void bind_number(int position, std::int64_t value) override { real_->bind_number(position, value); }
  void bind_truth(int position, bool value) override { real_->bind_truth(position, value); }
  void bind_text(int position, const std::string& text) override { real_->bind_text(position, text); }
  void bind_raw(int position, const std::string& bytes) override { real_->bind_raw(position, bytes); }
  void bind_blob(int position, const std::string& bytes) override { real_->bind_blob(position, bytes); }
  void bind_numbers(int position, const std::vector<std::int64_t>& values) override;
  void bind_raws(int position, const std::vector<std::string_view>& values) override;

  bool step() override { return real_->step(); }
  int run() override;
  void run_later() override;

  std::int64_t number(int column) override { return real_->number(column); }
  std::string text(int column) override { return real_->text(column); }
  bool is_null(int column) override { return real_->is_null(column); }
  void reset() noexcept override { real_->reset(); }

 private:
  struct list {
    int position = 0;
    std::vector<std::int64_t> numbers;
    std::vector<std::string> texts;
  };

  std::unique_ptr<io::sql_statement> real_;
  bool is_rows_ = false;
  std::vector<list> lists_;
};

class shared_connection final : public io::sql_connection {
 public:
  shared_connection();

  io::sql_statement& statement(const char* sql) override;
  std::unique_ptr<io::sql_statement> prepare(const std::string& sql) override;
  void exec(const std::string& sql) override { real_.exec(sql); }
  bool is_shared() const override { return true; }

  void begin(purpose what) override { real_.begin(what); }
  void commit() override { real_.commit(); }
  void roll_back() noexcept override { real_.roll_back(); }

 private:
  io::sqlite_connection real_;
  std::unordered_map<const char*, std::unique_ptr<shared_statement>> statements_;  // only looked up, never walked
};

}  // namespace oncue::sim
