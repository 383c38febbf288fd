// One connection to a database and its statements, whichever database it is, for the files behind the stores. The same
// SQL serves all of them: "?" or "?3" for an argument, "user" in quotes, true and NOT for what is yes or no. Throws
// std::exception within these files; nothing of it crosses their border.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "oncue/messages/ids.hpp"

namespace oncue::io {

/// What is stored is not what should be there.
struct store_corrupt : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What an argument is, also if it is null.
enum class sql_type { number, truth, text, bytes };

/// A statement that was prepared: arguments from 1, columns from 0.
class sql_statement {
 public:
  virtual ~sql_statement() = default;

  virtual void bind_null(int position, sql_type type) = 0;
  virtual void bind_number(int position, std::int64_t value) = 0;
  virtual void bind_truth(int position, bool value) = 0;
  virtual void bind_text(int position, const std::string& text) = 0;
  /// Stays where it is until the statement has run.
  virtual void bind_raw(int position, const std::string& bytes) = 0;
  virtual void bind_blob(int position, const std::string& bytes) = 0;
  /// Lists, for unnest(): only where is_shared().
  virtual void bind_numbers(int position, const std::vector<std::int64_t>& values) = 0;
  virtual void bind_raws(int position, const std::vector<std::string_view>& values) = 0;

  /// True while there is a row.
  virtual bool step() = 0;
  /// Runs it; how many rows were changed.
  virtual int run() = 0;

  virtual std::int64_t number(int column) = 0;  ///< 0 if it is null
  virtual std::string text(int column) = 0;     ///< of bytes too
  virtual bool is_null(int column) = 0;

  virtual void reset() noexcept = 0;
};

class sql_connection {
 public:
  enum class purpose { writing, reading };

  virtual ~sql_connection() = default;
  sql_connection() = default;
  sql_connection(const sql_connection&) = delete;
  sql_connection& operator=(const sql_connection&) = delete;

  /// Prepared once; `sql` is a literal.
  virtual sql_statement& statement(const char* sql) = 0;
  /// Prepared for one use.
  virtual std::unique_ptr<sql_statement> prepare(const std::string& sql) = 0;
  /// One or more statements without arguments and result.
  virtual void exec(const std::string& sql) = 0;

  /// Other connections write what this one writes: whoever changes a run locks its row first.
  virtual bool is_shared() const = 0;

  virtual void begin(purpose what) = 0;
  virtual void commit() = 0;
  virtual void roll_back() noexcept = 0;
};

/// Text that stays where it is until the statement has run; bytes of any sort, where a store tells the two apart.
struct raw {
  const std::string& bytes;
};

struct blob {
  const std::string& bytes;
};

/// One use of a prepared statement: its arguments in order, then rows or a count of changes. The statement is free again
/// when this goes out of scope.
class query {
 public:
  template <class... Ts>
  explicit query(sql_connection& db, const char* sql, const Ts&... arguments) : statement_{db.statement(sql)} {
    int position = 0;
    (bind(++position, arguments), ...);
  }
  /// One that is made of parts, and not kept.
  template <class... Ts>
  explicit query(sql_connection& db, const std::string& sql, const Ts&... arguments)
      : own_{db.prepare(sql)}, statement_{*own_} {
    int position = 0;
    (bind(++position, arguments), ...);
  }
  ~query() { statement_.reset(); }
  query(const query&) = delete;
  query& operator=(const query&) = delete;

  /// True while there is a row.
  bool next() { return statement_.step(); }
  /// How many rows were changed.
  int run() { return statement_.run(); }

  std::int64_t number(int column) const { return statement_.number(column); }
  std::uint64_t count(int column) const { return static_cast<std::uint64_t>(number(column)); }
  std::string text(int column) const { return statement_.text(column); }
  bool is_null(int column) const { return statement_.is_null(column); }

 private:
  template <std::integral T>
  void bind(int position, T value) {
    if constexpr (std::is_same_v<T, bool>) {
      statement_.bind_truth(position, value);
    } else {
      statement_.bind_number(position, static_cast<std::int64_t>(value));
    }
  }
  void bind(int position, const std::string& text) { statement_.bind_text(position, text); }
  void bind(int position, const char* text) { statement_.bind_text(position, text); }
  void bind(int position, raw x) { statement_.bind_raw(position, x.bytes); }
  void bind(int position, blob x) { statement_.bind_blob(position, x.bytes); }
  void bind(int position, const std::vector<std::int64_t>& values) { statement_.bind_numbers(position, values); }
  void bind(int position, const std::vector<std::string_view>& values) { statement_.bind_raws(position, values); }
  template <class Tag>
  void bind(int position, const text_id<Tag>& id) {
    statement_.bind_text(position, id.value);
  }
  template <class T>
  void bind(int position, const std::optional<T>& value) {
    if (value) return bind(position, *value);
    auto type = std::is_same_v<T, bool> ? sql_type::truth : std::is_integral_v<T> ? sql_type::number : sql_type::text;
    statement_.bind_null(position, type);
  }

  std::unique_ptr<sql_statement> own_;
  sql_statement& statement_;
};

/// A transaction that is rolled back unless it was committed.
class transaction {
 public:
  using kind = sql_connection::purpose;
  explicit transaction(sql_connection& db, kind what = kind::writing) : db_{db} { db_.begin(what); }
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
  sql_connection& db_;
  bool done_ = false;
};

}  // namespace oncue::io
