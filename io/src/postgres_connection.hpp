// One connection to a PostgreSQL, which may be lost at any time: the next use after that makes a new one, but for the rest
// of a transaction. Nothing waits longer than limits::database_connect_max for a connection and
// limits::database_answer_max for a statement; then the connection is given up. Throws store_unreachable, store_conflict or
// another std::exception within the files behind the stores.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "oncue/core/limits.hpp"
#include "sql_connection.hpp"

namespace oncue::io {

/// The database cannot be reached, or does not take what was asked now. What was asked last may have been done.
struct store_unreachable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Two transactions were in each other's way, and this one gave way: the same again may well succeed.
struct store_conflict : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What the database says of a statement that it does not run.
struct store_refused : std::runtime_error {
  store_refused(const std::string& message, std::string sqlstate)
      : std::runtime_error{message}, state{std::move(sqlstate)} {}
  std::string state;
};

/// "?" and "?3" as "$1" and "$3".
std::string numbered(const std::string& sql);

class postgres_connection : public sql_connection {
 public:
  /// Connects at the first use. The URL has no problems: see url_problem().
  explicit postgres_connection(const std::string& url);
  ~postgres_connection() override { drop(); }

  /// Now, if there is no connection.
  void connect();
  /// Closes it: the next use makes a new one.
  void drop() noexcept;
  bool is_connected() const { return connection_ != nullptr; }

  /// How often it has connected: what was known of an earlier connection is not true of this one.
  std::uint64_t connections() const { return generation_; }

  /// In which the tables are; quoted, for use in a statement. Of the URL's options, else "oncue".
  const std::string& schema() const { return schema_; }
  /// For people, without the password.
  const std::string& name() const { return name_; }

  sql_statement& statement(const char* sql) override;
  std::unique_ptr<sql_statement> prepare(const std::string& sql) override;
  void exec(const std::string& sql) override;
  bool is_shared() const override { return true; }
  void begin(purpose what) override;
  void commit() override;
  void roll_back() noexcept override;

  struct free_result {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using result = std::unique_ptr<PGresult, free_result>;

  /// Arguments of one execution; the pointers refer to what the caller keeps.
  struct arguments {
    std::vector<Oid> types;
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
  };
  /// Runs a statement under a name that is this connection's for as long as it lives; prepares it if `prepared` is another
  /// connection's number, and changes that. Without a name it is prepared for this time.
  result execute(const std::string& name, const std::string& sql, const arguments& with, std::uint64_t& prepared);

 private:
  using clock = std::chrono::steady_clock;

  void check();
  void ensure();
  void wait(short events, clock::time_point until, const char* for_what);
  result simple(const std::string& sql);
  /// Of what was sent.
  result answer();
  void sent(int ok);
  [[noreturn]] void lost(const std::string& why);
  [[noreturn]] void refuse(const PGresult* refused);

  std::vector<std::pair<std::string, std::string>> words_;
  std::string name_;
  std::string schema_;
  PGconn* connection_ = nullptr;
  std::uint64_t generation_ = 0;
  bool in_transaction_ = false;
  clock::time_point next_try_{};
  std::string last_problem_;
  std::unordered_map<const char*, std::unique_ptr<sql_statement>> statements_;
};

/// One sentence for people, which begins with the database's name.
std::string database_problem(const std::string& name, const std::exception& error);

/// True if the database or its tables are what fails, and not the one statement.
bool is_database_wide(const std::exception& error);

}  // namespace oncue::io
