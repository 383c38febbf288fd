#include "postgres_url.hpp"

#include <libpq-fe.h>

#include <map>
#include <memory>

#include "oncue/core/limits.hpp"
#include "oncue/io/postgres_store.hpp"

namespace oncue::io {

namespace {

std::string part(const std::map<std::string, std::string>& words, const char* keyword) {
  auto found = words.find(keyword);
  return found == words.end() ? std::string{} : found->second;
}

/// A password with an "@" or a "/" as it is ends in the host, the port or the database's name, and would be shown.
bool is_plain(const std::map<std::string, std::string>& words) {
  return part(words, "port").find_first_not_of("0123456789,") == std::string::npos &&
         part(words, "host").find('@') == std::string::npos && part(words, "dbname").find('@') == std::string::npos;
}

/// What the URL says, and nothing else. Absent: libpq cannot read it. Its own sentence about that may hold the password.
std::unique_ptr<std::map<std::string, std::string>> words_of(const std::string& url) {
  if (!url.starts_with("postgresql://") && !url.starts_with("postgres://")) return nullptr;
  char* wrong = nullptr;
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed{PQconninfoParse(url.c_str(), &wrong),
                                                                      &PQconninfoFree};
  PQfreemem(wrong);
  if (!parsed) return nullptr;
  auto words = std::make_unique<std::map<std::string, std::string>>();
  for (const auto* option = parsed.get(); option->keyword; ++option) {
    if (option->val) words->emplace(option->keyword, option->val);
  }
  return is_plain(*words) ? std::move(words) : nullptr;
}

}  // namespace

std::string url_problem(const std::string& url) {
  if (words_of(url)) return {};
  return "the database's URL cannot be read: expected postgresql://user:password@host:port/database?sslmode=verify-full, "
         "with what is special in a password as %xx";
}

std::vector<std::pair<std::string, std::string>> connection_words(const std::string& url) {
  using namespace core::limits;
  auto in_ms = [](auto time) { return std::to_string(std::chrono::milliseconds{time}.count()); };
  std::map<std::string, std::string> words{
      {"application_name", "oncue"},
      {"keepalives", "1"},
      {"keepalives_idle", std::to_string(database_keepalive.count())},
      {"keepalives_interval", std::to_string(database_keepalive.count())},
      {"keepalives_count", "3"},
      {"tcp_user_timeout", in_ms(database_answer_max)},
  };
  auto given = words_of(url);
  for (const auto& [keyword, value] : *given) words[keyword] = value;
  // Many hosts: the one that may be written to, whichever it is now.
  if (part(words, "host").find(',') != std::string::npos && part(words, "target_session_attrs").empty()) {
    words["target_session_attrs"] = "read-write";
  }
  words["client_encoding"] = "UTF8";
  // Each statement finds its few rows by an index, and is planned once: tables that were small then must not be read whole
  // later, and nothing is worth compiling. What comes later counts: a URL may say otherwise.
  words["options"] = "-csearch_path=oncue -cenable_seqscan=off -cenable_mergejoin=off -cjit=off -cstatement_timeout=" +
                     in_ms(database_answer_max) + " -cidle_in_transaction_session_timeout=" + in_ms(database_answer_max) +
                     " " + part(words, "options");
  return {words.begin(), words.end()};
}

}  // namespace oncue::io
