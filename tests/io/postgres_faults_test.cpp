// A PostgreSQL that is not there, not ours, or goes away.
#define CAF_SUITE io.postgres_faults

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <caf/test/unit_test.hpp>
#include <chrono>
#include <future>
#include <string>

#include "oncue/core/limits.hpp"
#include "support/postgres.hpp"
#include "support/promises.hpp"
#include "support/store.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

bool says(const std::string& sentence, const std::string& what) {
  CAF_MESSAGE(sentence);
  return sentence.find(what) != std::string::npos && sentence.find("s3cret") == std::string::npos &&
         sentence.find('\n') == std::string::npos;
}

append_events deltas(const std::string& id, event_index from, std::size_t count) {
  append_events what{{id}, from, {}, 1};
  for (auto i = from; i < from + count; ++i) what.events.push_back(delta(i, "d" + std::to_string(i)));
  return what;
}

/// The answers, once the database takes the writes again.
std::vector<io::store_answer> commit_again(io::run_store& store, const std::vector<io::store_write>& writes) {
  auto until = std::chrono::steady_clock::now() + 20s;
  for (;;) {
    auto answers = store.commit(writes);
    if (!answers.empty()) return answers;
    if (std::chrono::steady_clock::now() > until) CAF_FAIL("it does not come back: " << store.problem());
  }
}

/// "postgresql://somebody:…@host/…" instead of the user that the URL names.
std::string as(const std::string& user, const std::string& url) {
  return "postgresql://" + user + url.substr(url.find('@'));
}

}  // namespace

CAF_TEST(a url that leads nowhere is one sentence without a password) {
  CAF_CHECK(says(postgres_problem("mysql://ann:s3cret@db/x"), "the database's URL cannot be read: expected postgresql://"));
  CAF_CHECK(says(postgres_problem("postgresql://ann:x@s3cret@db/x"), "the database's URL cannot be read"));
  CAF_CHECK(says(postgres_problem("postgresql://ann:s3cret@127.0.0.1:1/x"),
                 "the database postgresql://ann@127.0.0.1:1/x cannot be reached: "));
  CAF_CHECK(says(postgres_problem("postgresql://ann:s3cret@no.such.host.invalid/x"), "could not translate host name"));
  auto url = postgres_url();
  auto nowhere = url.substr(0, url.rfind('/'));
  CAF_CHECK(says(postgres_problem(nowhere + "/nowhere"), "database \"nowhere\" does not exist"));
  CAF_CHECK(says(postgres_problem(as("nobody_here:s3cret", url)), "role \"nobody_here\" does not exist"));
  auto archive = io::postgres_archive::open("postgresql://ann:s3cret@127.0.0.1:1/x");
  CAF_CHECK(says(std::get<std::string>(archive), "cannot be reached"));
}

CAF_TEST(a server that takes no connection is given up in time) {
  // A socket that listens, and that nobody accepts from.
  auto listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof address;
  CAF_REQUIRE_EQUAL(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  CAF_REQUIRE_EQUAL(::listen(listener, 5), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  auto url = "postgresql://ann:s3cret@127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/x";
  auto begin = std::chrono::steady_clock::now();
  CAF_CHECK(says(postgres_problem(url), "cannot be reached: it did not take the connection in time"));
  auto waited = std::chrono::steady_clock::now() - begin;
  CAF_CHECK(waited >= core::limits::database_connect_max && waited < core::limits::database_connect_max + 1s);
  ::close(listener);
}

CAF_TEST(a database in another encoding is refused) {
  postgres_client sql{postgres_url()};
  auto name = "ascii" + std::to_string(::getpid());
  sql("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'SQL_ASCII'");
  auto url = postgres_url();
  CAF_CHECK(says(postgres_problem(url.substr(0, url.rfind('/') + 1) + name),
                 "its encoding is SQL_ASCII: expected a database made with ENCODING 'UTF8'"));
  sql("DROP DATABASE " + name);
}

CAF_TEST(tables of a newer version are left alone) {
  postgres_schema schema;
  open_postgres(schema.url());
  schema.client()("UPDATE schema_version SET version=5");
  CAF_CHECK(
      says(postgres_problem(schema.url()), "it was written by a newer version of oncue (schema 5, this one knows 1)"));
  auto archive = io::postgres_archive::open(schema.url());
  CAF_CHECK(says(std::get<std::string>(archive), "newer version of oncue (schema 5, this one knows 1)"));
}

CAF_TEST(an archive does not make the tables) {
  postgres_schema schema;
  auto archive = io::postgres_archive::open(schema.url());
  CAF_CHECK(says(std::get<std::string>(archive), "there are no tables of oncue in the schema " + schema.name()));
  CAF_CHECK_EQUAL(schema.client()("SELECT count(*) FROM pg_namespace WHERE nspname='" + schema.name() + "'"), "0");
}

CAF_TEST(nodes that start at the same time make the tables once) {
  postgres_schema schema;
  std::vector<std::future<std::string>> nodes;
  for (int i = 0; i < 4; ++i) {
    nodes.push_back(std::async(std::launch::async, [url = schema.url()] { return postgres_problem(url); }));
  }
  for (auto& node : nodes) CAF_CHECK_EQUAL(node.get(), "");
  CAF_CHECK_EQUAL(schema.client()("SELECT version FROM schema_version"), "1");
  CAF_CHECK_EQUAL(schema.client()("SELECT count(*) FROM totals"), "1");
}

CAF_TEST(a connection that is cut comes back and the same writes count once) {
  postgres_schema schema;
  // Other tests' connections have other names.
  auto store = open_postgres(schema.url() + "&application_name=oncue-" + schema.name());
  put<create_reply>(*store, creation("r"));
  put<appended>(*store, deltas("r", 1, 1));
  auto sql = schema.client();
  auto cut = [&] {
    auto backend = sql("SELECT pid FROM pg_stat_activity WHERE application_name='oncue-" + schema.name() + "'");
    sql("SELECT pg_terminate_backend(" + backend + ")");
  };
  std::size_t lost = 0;
  for (event_index from = 2; from < 60; from += 2) {
    if (from % 10 == 0) cut();
    std::vector<io::store_write> group{deltas("r", from, 2)};
    auto answers = store->commit(group);
    if (answers.empty()) {
      ++lost;
      CAF_CHECK(says(store->problem(), "cannot be reached"));
      answers = commit_again(*store, group);
    }
    CAF_REQUIRE_EQUAL(answers.size(), 1u);
    CAF_CHECK_EQUAL(refusal_of(answers[0]), "");
  }
  CAF_CHECK(lost >= 3);
  auto events = read_all(store->reads(), "r");
  CAF_REQUIRE_EQUAL(events.size(), 60u);
  for (event_index i = 1; i < 60; ++i) {
    CAF_CHECK_EQUAL(get_if<content_delta>(*events[i])->text, "d" + std::to_string(i));
  }
  // A read may be asked again: whoever asks does not hear of the cut.
  cut();
  CAF_CHECK_EQUAL(must(store->reads().list({5})).runs.size(), 1u);
}

CAF_TEST(a server that crashes in the middle loses nothing that was confirmed) {
  own_postgres server;
  auto store = open_postgres(server.url());
  put<create_reply>(*store, creation("r"));
  auto crash = std::async(std::launch::async, [&] {
    for (int i = 0; i < 3; ++i) server.restart();
  });
  event_index next = 1;
  std::size_t lost = 0;
  while (crash.wait_for(0s) != std::future_status::ready || lost == 0) {
    std::vector<io::store_write> group{deltas("r", next, 3)};
    auto answers = store->commit(group);
    if (answers.empty()) ++lost;
    if (answers.empty()) answers = commit_again(*store, group);
    CAF_REQUIRE_EQUAL(refusal_of(answers[0]), "");
    next += 3;
  }
  CAF_MESSAGE(next << " events, " << lost << " groups without an answer");
  std::vector<io::store_write> last{finish_run{{"r"}, next, {ended(next, "x")}, 1}};
  commit_again(*store, last);
  CAF_CHECK_EQUAL(read_all(store->reads(), "r", 0, 200).size(), next + 1);
}

CAF_TEST(a frozen server is given up in time and used again later) {
  own_postgres server;
  auto store = open_postgres(server.url());
  put<create_reply>(*store, creation("r"));
  server.pause();
  auto begin = std::chrono::steady_clock::now();
  std::vector<io::store_write> group{deltas("r", 1, 1)};
  CAF_CHECK(store->commit(group).empty());
  auto waited = std::chrono::steady_clock::now() - begin;
  CAF_CHECK(says(store->problem(), "cannot be reached: it did not answer in time"));
  CAF_CHECK(waited >= core::limits::database_answer_max && waited < core::limits::database_answer_max + 1s);
  // A new connection is not answered either, and the tries keep a distance.
  CAF_CHECK(store->commit(group).empty());
  server.resume();
  CAF_CHECK_EQUAL(refusal_of(commit_again(*store, group)[0]), "");
  CAF_CHECK_EQUAL(read_all(store->reads(), "r").size(), 2u);
}

CAF_TEST(a wrong password and a replica are told apart) {
  own_postgres server;
  postgres_client sql{server.url()};
  sql("CREATE ROLE ann LOGIN PASSWORD 'right'");
  sql("CREATE DATABASE of_ann OWNER ann");
  server.require_passwords("ann");
  auto url = server.url().substr(0, server.url().rfind('/')) + "/of_ann";
  CAF_CHECK(says(postgres_problem(as("ann:s3cret", url)), "password authentication failed for user \"ann\""));
  CAF_CHECK(says(postgres_problem(as("ann", url)), "no password supplied"));
  CAF_CHECK_EQUAL(postgres_problem(as("ann:right", url)), "");
  server.become_replica();
  CAF_CHECK(says(postgres_problem(server.url()), "this is a replica, which may be behind: expected the primary"));
}
