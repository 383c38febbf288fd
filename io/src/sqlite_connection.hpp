// One connection to the database and its prepared statements, for the files behind sqlite_store.hpp. Throws std::exception
// within them; nothing of it crosses their border.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

#include "oncue/messages/ids.hpp"

namespace oncue::io {

/// What is stored is not what should be there.
struct store_corrupt : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class sqlite_connection {
 public:
  enum class access { read_write, read_only };

  /// The file must be there.
  sqlite_connection(const std::string& path, access how);
  sqlite_connection(const sqlite_connection&) = delete;
  sqlite_connection& operator=(const sqlite_connection&) = delete;

  /// Prepared once; `sql` is a literal.
  SQLite::Statement& statement(const char* sql);

  /// Prepared for one use.
  SQLite::Statement prepare(const std::string& sql) { return {db_, sql}; }

  /// One or more statements without a result.
  void exec(const std::string& sql) { db_.exec(sql); }
  std::int64_t number(const std::string& sql) { return db_.execAndGet(sql).getInt64(); }
  std::string text(const std::string& sql) { return db_.execAndGet(sql).getString(); }

  std::int64_t last_row() const { return db_.getLastInsertRowid(); }
  bool is_read_only() const;
  bool in_transaction() const;

  /// Measures the write-ahead log, and empties it only when it is very long: that is the reader's task.
  void watch_wal();
  std::size_t wal_bytes() const { return wal_bytes_; }

  /// Of this file. It is settled with the first table.
  std::size_t page_bytes() { return static_cast<std::size_t>(number("PRAGMA page_size")); }

  /// Puts the write-ahead log's pages in their place in the file, as far as no reader needs them. What failed, or nothing.
  std::string checkpoint();

  void begin(const char* sql);
  void commit();
  void roll_back() noexcept;

 private:
  SQLite::Database db_;
  std::unordered_map<const char*, SQLite::Statement> statements_;
  std::size_t wal_bytes_ = 0;
  std::size_t wal_page_bytes_ = 0;
};

/// Text that stays where it is until the statement has run.
struct in_place {
  const std::string& text;
};

struct blob {
  const std::string& bytes;
};

/// One use of a prepared statement: its arguments in order, then rows or a count of changes. The statement is free again
/// when this goes out of scope.
class query {
 public:
  template <class... Ts>
  explicit query(sqlite_connection& db, const char* sql, const Ts&... arguments) : statement_{db.statement(sql)} {
    int position = 0;
    (bind(++position, arguments), ...);
  }
  /// One that is made of parts, and not kept.
  template <class... Ts>
  explicit query(sqlite_connection& db, const std::string& sql, const Ts&... arguments)
      : own_{db.prepare(sql)}, statement_{*own_} {
    int position = 0;
    (bind(++position, arguments), ...);
  }
  ~query() { statement_.tryReset(); }
  query(const query&) = delete;
  query& operator=(const query&) = delete;

  /// True while there is a row.
  bool next() { return statement_.executeStep(); }
  /// How many rows were changed.
  int run() { return statement_.exec(); }

  std::int64_t number(int column) const { return statement_.getColumn(column).getInt64(); }
  std::uint64_t count(int column) const { return static_cast<std::uint64_t>(number(column)); }
  std::string text(int column) const { return statement_.getColumn(column).getString(); }
  bool is_null(int column) const { return statement_.isColumnNull(column); }

 private:
  template <std::integral T>
  void bind(int position, T value) {
    statement_.bind(position, static_cast<std::int64_t>(value));
  }
  void bind(int position, const std::string& text) { statement_.bind(position, text); }
  void bind(int position, const char* text) {
    if (text) {
      statement_.bind(position, text);
    } else {
      statement_.bind(position);
    }
  }
  void bind(int position, in_place x) { statement_.bindNoCopy(position, x.text); }
  void bind(int position, blob x) { statement_.bind(position, x.bytes.data(), static_cast<int>(x.bytes.size())); }
  template <class Tag>
  void bind(int position, const text_id<Tag>& id) {
    statement_.bind(position, id.value);
  }
  template <class T>
  void bind(int position, const std::optional<T>& value) {
    if (value) {
      bind(position, *value);
    } else {
      statement_.bind(position);
    }
  }

  std::optional<SQLite::Statement> own_;
  SQLite::Statement& statement_;
};

/// A transaction that is rolled back unless it was committed.
class transaction {
 public:
  enum class kind { writing, reading };
  explicit transaction(sqlite_connection& db, kind what = kind::writing) : db_{db} {
    db_.begin(what == kind::writing ? "BEGIN IMMEDIATE" : "BEGIN");
  }
  ~transaction() {
    if (!done_) db_.roll_back();
  }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  void commit() {
    db_.commit();
    done_ = true;
  }

 private:
  sqlite_connection& db_;
  bool done_ = false;
};

/// One sentence for people, which begins with the file's name.
std::string store_problem(const std::string& path, const std::exception& error);

/// True if it is the disk or the file that fails, and not the one statement.
bool is_environmental(const std::exception& error);

/// In memory there is one connection, no file and no lock.
inline bool is_in_memory(const std::string& path) { return path == ":memory:"; }

}  // namespace oncue::io
