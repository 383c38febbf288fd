// A PostgreSQL for tests: one that the test runner has started, with a schema of one's own, or one that a test may stop,
// freeze and restart.
#pragma once

#include <libpq-fe.h>
#include <stdlib.h>
#include <unistd.h>

#include <caf/test/unit_test.hpp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "oncue/io/postgres_store.hpp"
#include "support/store.hpp"

namespace oncue::test {

/// Where the runner's PostgreSQL is: ONCUE_TEST_POSTGRES, or the file that ONCUE_TEST_POSTGRES_FILE names.
inline std::string postgres_url() {
  if (const char* url = ::getenv("ONCUE_TEST_POSTGRES")) return url;
  std::string url;
  if (const char* file = ::getenv("ONCUE_TEST_POSTGRES_FILE")) std::getline(std::ifstream{file}, url);
  if (url.empty()) CAF_FAIL("expected the URL of a PostgreSQL in ONCUE_TEST_POSTGRES: see tests/support/postgres");
  return url;
}

/// A connection beside the store's, for what a test does to the database.
class postgres_client {
 public:
  explicit postgres_client(const std::string& url) : connection_{PQconnectdb(url.c_str()), &PQfinish} {
    if (PQstatus(connection_.get()) != CONNECTION_OK) CAF_FAIL(PQerrorMessage(connection_.get()));
  }

  /// The first column of the first row, or nothing.
  std::string operator()(const std::string& sql) {
    std::unique_ptr<PGresult, decltype(&PQclear)> result{PQexec(connection_.get(), sql.c_str()), &PQclear};
    auto status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) CAF_FAIL(sql << ": " << PQerrorMessage(connection_.get()));
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

/// A schema of a test's own, gone afterwards.
class postgres_schema {
 public:
  explicit postgres_schema(const std::string& server = postgres_url()) : server_{server} {
    static int count = 0;
    name_ = "t" + std::to_string(::getpid()) + "_" + std::to_string(++count);
  }
  ~postgres_schema() {
    std::unique_ptr<PGconn, decltype(&PQfinish)> connection{PQconnectdb(server_.c_str()), &PQfinish};
    PQclear(PQexec(connection.get(), "SET client_min_messages = error"));
    PQclear(PQexec(connection.get(), ("DROP SCHEMA IF EXISTS " + name_ + " CASCADE").c_str()));
  }
  postgres_schema(const postgres_schema&) = delete;
  postgres_schema& operator=(const postgres_schema&) = delete;

  /// The server's, with the schema in its options.
  std::string url() const {
    return server_ + (server_.find('?') == std::string::npos ? "?" : "&") + "options=-csearch_path%3D" + name_;
  }
  const std::string& name() const { return name_; }

  /// A connection that sees its tables.
  postgres_client client() const { return postgres_client{url()}; }

 private:
  std::string server_;
  std::string name_;
};

/// One that is a test's alone.
class own_postgres {
 public:
  own_postgres() : url_{run("start")} {}
  ~own_postgres() { run("stop"); }
  own_postgres(const own_postgres&) = delete;
  own_postgres& operator=(const own_postgres&) = delete;

  const std::string& url() const { return url_; }

  /// As after a crash; its clients are not asked.
  void restart() { run("restart"); }
  void pause() { run("pause"); }
  void resume() { run("resume"); }
  /// From now on that role is asked for its password.
  void require_passwords(const std::string& role) { run("passwords", role); }
  /// As if it followed another one.
  void become_replica() { run("replica"); }

 private:
  /// The first line of what the script says.
  std::string run(const std::string& command, const std::string& argument = {}) {
    auto line = ONCUE_TEST_SUPPORT "/postgres " + command + " " + (directory_ / "server") + " " + argument;
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> script{::popen(line.c_str(), "r"), &::pclose};
    char text[512] = {};
    std::string first = std::fgets(text, sizeof text, script.get()) ? text : "";
    while (std::fgets(text, sizeof text, script.get())) {
    }
    if (::pclose(script.release()) != 0) CAF_FAIL(line << " failed");
    first.resize(std::min(first.find('\n'), first.size()));
    return first;
  }

  temporary_directory directory_;
  std::string url_;
};

/// The store, or a failed test. It writes as that incarnation.
inline std::unique_ptr<io::run_store> open_postgres(const std::string& url, incarnation_no self = 1,
                                                    io::postgres_options options = {}) {
  options.settings.url = url;
  auto opened = io::postgres_store::open(std::move(options));
  if (auto* problem = std::get_if<std::string>(&opened)) CAF_FAIL(*problem);
  auto store = std::move(std::get<0>(opened));
  store->own_as(self);
  return store;
}

/// Why it cannot be opened.
inline std::string postgres_problem(const std::string& url) {
  auto opened = io::postgres_store::open({.settings = {.url = url}});
  auto* problem = std::get_if<std::string>(&opened);
  return problem ? *problem : "";
}

}  // namespace oncue::test
