// The program as a client of itself: `oncue serve` on a free port, and what a person does with it. The model is the
// built-in demo, which talks for a minute and a half unless it is stopped.
#define CAF_SUITE e2e.cli_serve

#include <stdlib.h>

#include <caf/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <optional>

#include "support/client_program.hpp"

using namespace oncue::test;

namespace {

struct fixture : client_program {
  fixture() {
    auto pattern = (std::filesystem::temp_directory_path() / "oncue-serve-XXXXXX").string();
    CAF_REQUIRE(::mkdtemp(pattern.data()));
    folder = pattern;
    serve("0");
  }
  ~fixture() {
    server.reset();
    std::filesystem::remove_all(folder);
  }

  void serve(const std::string& port, variables more = {}) {
    more.emplace_back("HOME", folder);
    auto options = command({"serve", "--port", port, "--store", folder + "/journal.db"}, std::move(more));
    options.folder = folder;
    server.emplace(options);
    CAF_REQUIRE(server->wait_for_out(" listens on http://127.0.0.1:"));
    CAF_REQUIRE(server->wait_for_out("\n"));
    auto from = server->out().find("http://");
    url = server->out().substr(from, server->out().find('\n', from) - from);
  }

  std::string folder;
  std::optional<child_process> server;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(cli_serve_tests, fixture)

CAF_TEST(what is started on a server is seen and followed and stopped there) {
  auto started = oncue({"run", "--url", url, "--background", "--run-id", "r1", "--session", "s1", "a story"});
  CAF_CHECK_EQUAL(started.out, "r1\n");
  auto live = oncue({"ps"});
  CAF_CHECK(contains(live.out, "\nr1      story-writer-agent  RUNNING  "));
  child_process attached{command({"attach", "r1"})};
  CAF_REQUIRE(attached.wait_for_out("Once upon a time"));
  auto so_far = oncue({"logs", "r1"});
  CAF_CHECK(contains(so_far.out, "  0  RunStarted "));
  CAF_CHECK(contains(so_far.err, "the run is not over"));
  auto cancelled = oncue({"cancel", "r1", "--reason", "enough"});
  CAF_CHECK_EQUAL(cancelled.code, 0);
  CAF_CHECK(cancelled.out.starts_with("run r1 · cancelled · the cancel took "));
  CAF_CHECK(cancelled.out.ends_with("(it was streaming)\n"));
  auto followed = finish(attached);
  CAF_CHECK_EQUAL(followed.code, 130);
  CAF_CHECK(contains(followed.err, " (enough) · "));
  CAF_CHECK_EQUAL(oncue({"logs", "r1", "--text"}).out, followed.out);
  CAF_CHECK_EQUAL(oncue({"attach", "r1"}).out, followed.out);
  CAF_CHECK_EQUAL(oncue({"cancel", "r1"}).out, "run r1 · cancelled · it had been cancelled before\n");
  CAF_CHECK_EQUAL(oncue({"ps"}).err, "no runs are live; 'oncue ps --all' lists ended ones too\n");
  CAF_CHECK(contains(oncue({"ps", "--all"}).out, "  CANCELLED  "));
  CAF_CHECK(contains(oncue({"sessions"}).out, "\ns1          a story  story-writer-agent  "));
  CAF_CHECK_EQUAL(oncue({"sessions", "s1"}).out, "> a story\n" + followed.out + "\nrun r1 · CANCELLED\n");

  auto waited = oncue({"run", "--url", url, "--cancel-after", "300ms", "--json", "again"});
  CAF_CHECK_EQUAL(waited.code, 130);
  auto events = json_lines(waited.out);
  CAF_REQUIRE(!events.empty());
  for (std::size_t i = 0; i < events.size(); ++i) CAF_CHECK(events[i]["event_index"] == i);
  CAF_CHECK(events.back()["event"] == "RunCancelled" && events.back()["reason"] == "--cancel-after 300 ms");
  CAF_CHECK_EQUAL(oncue({"run", "--url", url, "--run-id", "r1", "hello"}).code, 2);  // the id is used
}

CAF_TEST(a killed server costs an attached client nothing that was said) {
  const auto port = url.substr(url.rfind(':') + 1);
  oncue({"run", "--url", url, "--background", "--run-id", "r1", "a story"});
  child_process attached{command({"attach", "--json", "r1"})};
  CAF_REQUIRE(attached.wait_for_out("\"event_index\":9}"));
  server->send(SIGKILL);
  CAF_REQUIRE(server->wait());
  CAF_REQUIRE(attached.wait_for_err("connection lost"));
  serve(port);
  auto result = finish(attached);
  CAF_CHECK_EQUAL(result.code, 1);
  CAF_CHECK(contains(result.err, "connected again\n"));
  auto events = json_lines(result.out);
  std::string text;
  for (std::size_t i = 0; i < events.size(); ++i) {
    CAF_CHECK(events[i]["event_index"] == i);
    if (events[i]["event"] == "RunContent") text += events[i]["content"];
  }
  CAF_CHECK_EQUAL(events.back()["error_type"], "node_lost");
  CAF_CHECK_EQUAL(events.back()["partial_content"], text);
}

CAF_TEST(a server with a key opens to who has it) {
  server.reset();
  serve("0", {{"OS_SECURITY_KEY", "s3cret-key"}});
  auto without = oncue({"ps"});
  CAF_CHECK_EQUAL(without.code, 1);
  CAF_CHECK(contains(without.err, "; give the key in OS_SECURITY_KEY, or with --key\n"));
  CAF_CHECK_EQUAL(oncue({"ps"}, {{"OS_SECURITY_KEY", "s3cret-key"}}).code, 0);
  CAF_CHECK_EQUAL(oncue({"ps", "--key", "s3cret-key"}, {{"OS_SECURITY_KEY", "old"}}).code, 0);
}

CAF_TEST_FIXTURE_SCOPE_END()
