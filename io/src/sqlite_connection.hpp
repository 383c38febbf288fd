// One connection to an SQLite file and its prepared statements. Throws std::exception within the files behind
// sqlite_store.hpp; nothing of it crosses their border.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <unordered_map>

#include "sql_connection.hpp"

namespace oncue::io {

class sqlite_statement final : public sql_statement {
 public:
  sqlite_statement(SQLite::Database& db, const std::string& sql) : statement_{db, sql} {}

  void bind_null(int position, sql_type) override { statement_.bind(position); }
  void bind_number(int position, std::int64_t value) override { statement_.bind(position, value); }
  void bind_truth(int position, bool value) override { statement_.bind(position, value ? 1 : 0); }
  void bind_text(int position, const std::string& text) override { statement_.bind(position, text); }
  void bind_raw(int position, const std::string& bytes) override { statement_.bindNoCopy(position, bytes); }
  void bind_blob(int position, const std::string& bytes) override {
    statement_.bind(position, bytes.data(), static_cast<int>(bytes.size()));
  }
  void bind_numbers(int, const std::vector<std::int64_t>&) override { no_lists(); }
  void bind_raws(int, const std::vector<std::string_view>&) override { no_lists(); }

  bool step() override { return statement_.executeStep(); }
  int run() override { return statement_.exec(); }

  std::int64_t number(int column) override { return statement_.getColumn(column).getInt64(); }
  std::string text(int column) override { return statement_.getColumn(column).getString(); }
  bool is_null(int column) override { return statement_.isColumnNull(column); }

  void reset() noexcept override { statement_.tryReset(); }

 private:
  [[noreturn]] static void no_lists() { throw std::logic_error{"SQLite has no lists"}; }

  SQLite::Statement statement_;
};

class sqlite_connection final : public sql_connection {
 public:
  enum class access { read_write, read_only };

  /// The file must be there.
  sqlite_connection(const std::string& path, access how);

  sql_statement& statement(const char* sql) override;
  std::unique_ptr<sql_statement> prepare(const std::string& sql) override {
    return std::make_unique<sqlite_statement>(db_, sql);
  }
  void exec(const std::string& sql) override { db_.exec(sql); }
  bool is_shared() const override { return false; }

  std::int64_t number(const std::string& sql) { return db_.execAndGet(sql).getInt64(); }
  std::string text(const std::string& sql) { return db_.execAndGet(sql).getString(); }

  bool is_read_only() const;
  bool in_transaction() const;

  /// Measures the write-ahead log, and empties it only when it is very long: that is the reader's task.
  void watch_wal();
  std::size_t wal_bytes() const { return wal_bytes_; }

  /// Of this file. It is settled with the first table.
  std::size_t page_bytes() { return static_cast<std::size_t>(number("PRAGMA page_size")); }

  /// Of the file, without its free pages.
  std::int64_t bytes_used();
  /// Some free pages go back to the system, if there are many. False: there are not.
  bool give_back_space();

  /// Puts the write-ahead log's pages in their place in the file, as far as no reader needs them. What failed, or nothing.
  std::string checkpoint();

  void begin(purpose what) override;
  void commit() override;
  void roll_back() noexcept override;

 private:
  SQLite::Database db_;
  std::unordered_map<const char*, sqlite_statement> statements_;
  std::size_t wal_bytes_ = 0;
  std::size_t wal_page_bytes_ = 0;
};

/// One sentence for people, which begins with the file's name.
std::string store_problem(const std::string& path, const std::exception& error);

/// True if it is the disk or the file that fails, and not the one statement.
bool is_environmental(const std::exception& error);

/// In memory there is one connection, no file and no lock.
inline bool is_in_memory(const std::string& path) { return path == ":memory:"; }

}  // namespace oncue::io
