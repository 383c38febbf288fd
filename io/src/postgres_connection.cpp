#include "postgres_connection.hpp"

#include <poll.h>

#include <cerrno>
#include <system_error>
#include <utility>

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
    : words_{connection_words(url)}, name_{url_without_password(url)} {}

// -- connecting --------------------------------------------------------------------

void postgres_connection::drop() noexcept {
  if (connection_) PQfinish(std::exchange(connection_, nullptr));
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

postgres_connection::result postgres_connection::answer() {
  auto until = clock::now() + core::limits::database_answer_max;
  for (;;) {
    auto left = PQflush(connection_);
    if (left == 0) break;
    if (left < 0) lost(one_line(PQerrorMessage(connection_)));
    wait(POLLIN | POLLOUT, until, "did not take a statement");
    sent(PQconsumeInput(connection_));
  }
  result last;
  for (;;) {
    while (PQisBusy(connection_)) {
      wait(POLLIN, until, "did not answer");
      sent(PQconsumeInput(connection_));
    }
    result next{PQgetResult(connection_)};
    if (!next) break;
    // The first that failed says why; behind it there may be nothing but the loss of the connection.
    auto status = PQresultStatus(last.get());
    if (!last || status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) last = std::move(next);
  }
  auto status = PQresultStatus(last.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) refuse(last.get());
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

postgres_connection::result postgres_connection::execute(const std::string& name, const std::string& sql,
                                                         const arguments& with, std::uint64_t& prepared) {
  ensure();
  auto count = static_cast<int>(with.types.size());
  if (name.empty()) {
    sent(PQsendQueryParams(connection_, sql.c_str(), count, with.types.data(), with.values.data(), with.lengths.data(),
                           with.formats.data(), 1));
    return answer();
  }
  if (prepared != generation_) {
    sent(PQsendPrepare(connection_, name.c_str(), sql.c_str(), count, with.types.data()));
    answer();
    prepared = generation_;
  }
  sent(PQsendQueryPrepared(connection_, name.c_str(), count, with.values.data(), with.lengths.data(), with.formats.data(),
                           1));
  return answer();
}

sql_statement& postgres_connection::statement(const char* sql) {
  auto& found = statements_[sql];
  if (!found) found = std::make_unique<postgres_statement>(*this, "s" + std::to_string(statements_.size()), sql);
  return *found;
}

std::unique_ptr<sql_statement> postgres_connection::prepare(const std::string& sql) {
  return std::make_unique<postgres_statement>(*this, "", sql);
}

void postgres_connection::exec(const std::string& sql) { simple(sql); }

postgres_connection::result postgres_connection::simple(const std::string& sql) {
  ensure();
  sent(PQsendQuery(connection_, sql.c_str()));
  return answer();
}

// -- transactions ------------------------------------------------------------------

void postgres_connection::begin(purpose what) {
  if (in_transaction_) roll_back();
  exec(what == purpose::writing ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
  in_transaction_ = true;
}

void postgres_connection::commit() {
  auto done = simple("COMMIT");
  // Of a transaction in which something failed it makes a ROLLBACK, and calls that a success.
  if (std::string_view{PQcmdStatus(done.get())} != "COMMIT") throw store_conflict{"the transaction was rolled back"};
  in_transaction_ = false;
}

void postgres_connection::roll_back() noexcept {
  if (!std::exchange(in_transaction_, false) || !connection_) return;
  try {
    exec("ROLLBACK");
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
