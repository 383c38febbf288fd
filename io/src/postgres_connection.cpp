#include "postgres_connection.hpp"

#include <poll.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "oncue/core/store_url.hpp"
#include "oncue/io/postgres_store.hpp"
#include "postgres_statement.hpp"
#include "postgres_url.hpp"

namespace oncue::io {

namespace {

constexpr int oldest_version = 13;

std::string one_line(std::string_view text) {
  std::string line;
  for (char c : text) {
    if (c != '\n' && c != '\t' && c != '\r') {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::string field(const PGresult* of, int which) {
  const auto* text = PQresultErrorField(of, which);
  return text ? text : "";
}

/// The server ends, is overloaded, or became a replica: another try, later or elsewhere, may find a better one.
bool is_away(const std::string& state) {
  return state.starts_with("08") || state.starts_with("57P") || state == "57014" || state == "53300" || state == "25006" ||
         state == "25P03";
}

}  // namespace

postgres_connection::postgres_connection(const std::string& url)
    : words_{connection_words(url)}, name_{core::without_password(url)} {}

// -- connecting --------------------------------------------------------------------

void postgres_connection::drop() noexcept {
  if (connection_) PQfinish(std::exchange(connection_, nullptr));
  unanswered_ = 0;
  just_prepared_.clear();
}

void postgres_connection::lost(const std::string& why) {
  last_problem_ = why.empty() ? "the connection was lost" : why;
  next_try_ = clock::now() + core::limits::database_retry;
  drop();
  throw store_unreachable{last_problem_};
}

/// Until the socket can be used, or the time is over.
void postgres_connection::wait(short events, clock::time_point until, const char* for_what) {
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    if (left <= 0) lost(std::string{"it "} + for_what + " in time");
    pollfd socket{.fd = PQsocket(connection_), .events = events, .revents = 0};
    if (socket.fd < 0) lost("the connection was lost");
    auto ready = ::poll(&socket, 1, static_cast<int>(left));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) lost(std::generic_category().message(errno));
  }
}

void postgres_connection::connect() {
  if (connection_) return;
  auto until = clock::now() + core::limits::database_connect_max;
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : words_) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  connection_ = PQconnectStartParams(keywords.data(), values.data(), 0);
  if (!connection_) throw std::bad_alloc{};
  auto state = PQstatus(connection_) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) lost(one_line(PQerrorMessage(connection_)));
    wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until, "did not take the connection");
    state = PQconnectPoll(connection_);
  }
  PQsetnonblocking(connection_, 1);
  PQsetNoticeProcessor(
      connection_, [](void*, const char*) {}, nullptr);
  ++generation_;
  check();
}

/// What a database has to be, each time: behind a name there may be another one now.
void postgres_connection::check() {
  if (auto version = PQserverVersion(connection_); version < oldest_version * 10'000) {
    drop();
    throw store_refused{"PostgreSQL " + std::to_string(version / 10'000) + " is too old: expected " +
                            std::to_string(oldest_version) + " or later",
                        "0A000"};
  }
  const auto* encoding = PQparameterStatus(connection_, "server_encoding");
  if (std::string name = encoding ? encoding : ""; name != "UTF8") {
    drop();
    throw store_refused{"its encoding is " + name + ": expected a database made with ENCODING 'UTF8'", "0A000"};
  }
  query state{*this,
              "SELECT pg_is_in_recovery(), quote_ident(trim(both ' \"' from split_part(current_setting('search_path'),"
              " ',', 1)))"};
  state.next();
  if (state.number(0) != 0) lost("this is a replica, which may be behind: expected the primary");
  schema_ = state.text(1);
}

/// A connection, for a statement that may have one made.
void postgres_connection::ensure() {
  if (connection_) return;
  // What was begun is gone with the old connection, and has to be begun again.
  if (in_transaction_) throw store_unreachable{last_problem_};
  if (clock::now() < next_try_) throw store_unreachable{last_problem_};
  connect();
}

// -- statements --------------------------------------------------------------------

void postgres_connection::sent(int ok) {
  if (!ok) lost(one_line(PQerrorMessage(connection_)));
}

void postgres_connection::flush(clock::time_point until) {
  for (;;) {
    auto left = PQflush(connection_);
    if (left == 0) return;
    if (left < 0) lost(one_line(PQerrorMessage(connection_)));
    wait(POLLIN | POLLOUT, until, "did not take a statement");
    sent(PQconsumeInput(connection_));
  }
}

/// Null between the answers of two statements.
postgres_connection::result postgres_connection::next_result(clock::time_point until) {
  while (PQisBusy(connection_)) {
    wait(POLLIN, until, "did not answer");
    sent(PQconsumeInput(connection_));
  }
  result next{PQgetResult(connection_)};
  if (!next && PQstatus(connection_) == CONNECTION_BAD) lost(one_line(PQerrorMessage(connection_)));
  return next;
}

postgres_connection::result postgres_connection::answer() {
  auto until = clock::now() + core::limits::database_answer_max;
  sent(PQpipelineSync(connection_));
  flush(until);
  result last;
  result failed;
  for (;;) {
    auto next = next_result(until);
    if (!next) continue;
    auto status = PQresultStatus(next.get());
    if (status == PGRES_PIPELINE_SYNC) break;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
      last = std::move(next);
    } else if (!failed) {
      // What comes behind it was not tried. The connection may be lost with it.
      failed = std::move(next);
      if (PQstatus(connection_) == CONNECTION_BAD) break;
    }
  }
  unanswered_ = 0;
  if (failed) {
    for (auto* statement : just_prepared_) statement->connection = 0;
    just_prepared_.clear();
    refuse(failed.get());
  }
  just_prepared_.clear();
  return last;
}

void postgres_connection::refuse(const PGresult* refused) {
  auto state = field(refused, PG_DIAG_SQLSTATE);
  auto why = one_line(field(refused, PG_DIAG_MESSAGE_PRIMARY));
  if (refused == nullptr || state.empty() || PQstatus(connection_) == CONNECTION_BAD || is_away(state)) {
    lost(why.empty() ? one_line(PQerrorMessage(connection_)) : why);
  }
  if (state == "40001" || state == "40P01") throw store_conflict{why};
  if (auto detail = one_line(field(refused, PG_DIAG_MESSAGE_DETAIL)); !detail.empty()) why += " (" + detail + ")";
  throw store_refused{why, state};
}

postgres_connection::result postgres_connection::execute(const std::string& sql, const arguments& with, prepared* known,
                                                         wait_for what) {
  ensure();
  if (PQpipelineStatus(connection_) == PQ_PIPELINE_OFF) sent(PQenterPipelineMode(connection_));
  auto count = static_cast<int>(with.types.size());
  if (!known) {
    sent(PQsendQueryParams(connection_, sql.c_str(), count, with.types.data(), with.values.data(), with.lengths.data(),
                           with.formats.data(), 1));
  } else {
    if (known->connection != generation_) {
      // A name of its own each time: whether an earlier one came to be is not known.
      known->name = "s" + std::to_string(++names_);
      sent(PQsendPrepare(connection_, known->name.c_str(), sql.c_str(), count, with.types.data()));
      known->connection = generation_;
      just_prepared_.push_back(known);
    }
    sent(PQsendQueryPrepared(connection_, known->name.c_str(), count, with.values.data(), with.lengths.data(),
                             with.formats.data(), 1));
  }
  ++unanswered_;
  return what == wait_for::answer ? answer() : nullptr;
}

void postgres_connection::send(const std::string& sql) { execute(sql, {}, nullptr, wait_for::nothing); }

sql_statement& postgres_connection::statement(const char* sql) {
  auto& found = statements_[sql];
  if (!found) found = std::make_unique<postgres_statement>(*this, sql, postgres_statement::use::often);
  return *found;
}

std::unique_ptr<sql_statement> postgres_connection::prepare(const std::string& sql) {
  return std::make_unique<postgres_statement>(*this, sql, postgres_statement::use::once);
}

/// Only outside of it may several statements be sent as one text.
void postgres_connection::leave_pipeline() {
  if (PQpipelineStatus(connection_) == PQ_PIPELINE_OFF) return;
  if (unanswered_ > 0) answer();
  sent(PQexitPipelineMode(connection_));
}

void postgres_connection::exec(const std::string& sql) {
  ensure();
  leave_pipeline();
  auto until = clock::now() + core::limits::database_answer_max;
  sent(PQsendQuery(connection_, sql.c_str()));
  flush(until);
  result failed;
  while (auto next = next_result(until)) {
    auto status = PQresultStatus(next.get());
    auto is_good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
    if (!is_good && !failed) failed = std::move(next);
  }
  if (failed) refuse(failed.get());
}

// -- transactions ------------------------------------------------------------------

void postgres_connection::begin(purpose what) {
  if (in_transaction_) roll_back();
  send(what == purpose::writing ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
  in_transaction_ = true;
}

void postgres_connection::commit() {
  send("COMMIT");
  auto done = answer();
  // Of a transaction in which something failed it makes a ROLLBACK, and calls that a success.
  if (std::string_view{PQcmdStatus(done.get())} != "COMMIT") throw store_conflict{"the transaction was rolled back"};
  in_transaction_ = false;
}

void postgres_connection::roll_back() noexcept {
  if (!std::exchange(in_transaction_, false) || !connection_) return;
  try {
    try {
      if (unanswered_ > 0) answer();
    } catch (const store_unreachable&) {
      return;
    } catch (const std::exception&) {
      // It is rolled back anyway.
    }
    send("ROLLBACK");
    answer();
  } catch (const std::exception&) {
    drop();  // which rolls back as well
  }
}

// -- sentences ---------------------------------------------------------------------

std::string database_problem(const std::string& name, const std::exception& error) {
  if (dynamic_cast<const store_unreachable*>(&error)) return "the database " + name + " cannot be reached: " + error.what();
  return "the database " + name + ": " + error.what();
}

bool is_database_wide(const std::exception& error) {
  const auto* refused = dynamic_cast<const store_refused*>(&error);
  // What is stored for one run makes no sense, or what was to be stored does not fit.
  return refused && !refused->state.starts_with("22") && !refused->state.starts_with("23") &&
         !refused->state.starts_with("54");
}

}  // namespace oncue::io
