// A statement of a PostgreSQL connection: its arguments in binary form, its rows in memory.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "postgres_connection.hpp"

namespace oncue::io {

class postgres_statement final : public sql_statement {
 public:
  /// Without a name it is used once.
  postgres_statement(postgres_connection& db, std::string name, const std::string& sql)
      : db_{db}, name_{std::move(name)}, sql_{numbered(sql)} {}

  void bind_null(int position, sql_type type) override;
  void bind_number(int position, std::int64_t value) override;
  void bind_truth(int position, bool value) override;
  void bind_text(int position, const std::string& text) override;
  void bind_raw(int position, const std::string& bytes) override;
  void bind_blob(int position, const std::string& bytes) override { bind_raw(position, bytes); }
  void bind_numbers(int position, const std::vector<std::int64_t>& values) override;
  void bind_raws(int position, const std::vector<std::string_view>& values) override;

  bool step() override;
  int run() override;

  std::int64_t number(int column) override;
  std::string text(int column) override;
  bool is_null(int column) override { return PQgetisnull(result_.get(), row_, column) != 0; }

  void reset() noexcept override;

 private:
  struct argument {
    Oid type = 0;
    bool is_null = false;
    std::string own;
    std::string_view bytes;
  };
  argument& at(int position, Oid type);
  void execute();

  postgres_connection& db_;
  std::string name_;
  std::string sql_;
  std::uint64_t prepared_ = 0;
  std::deque<argument> arguments_;  // they refer to their own text: none of them moves
  std::size_t count_ = 0;
  postgres_connection::arguments sent_;
  postgres_connection::result result_;
  int row_ = -1;
};

}  // namespace oncue::io
