// Servers of tools as programs: the actor, the call's actor, the pipes and the scripted server together. HTTP is in
// mcp_http_test.cpp, and what a server may say is in tables in core/mcp_session_test.cpp.
#define CAF_SUITE actors.mcp_server

#include "oncue/actors/mcp_server.hpp"

#include <signal.h>

#include <caf/test/unit_test.hpp>

#include "support/mcp_bench.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

core::mcp_spec scripted(const std::vector<std::string>& modes = {}) {
  core::mcp_spec spec;
  spec.id = "scripted";
  spec.command.argv = {"python3", ONCUE_TEST_SUPPORT "/mcp_server.py"};
  spec.command.argv.insert(spec.command.argv.end(), modes.begin(), modes.end());
  return spec;
}

const std::string first_tools = "echo add wait die hang deaf garbage wrong change spawn twice fail big progress env ";

/// True once there is no process of that number, within a generous time.
bool is_gone(pid_t process) {
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (kill(process, 0) == 0) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

CAF_TEST(a server is started and lists its tools and works) {
  mcp_bench bench{scripted()};
  CAF_CHECK_EQUAL(bench.names(), first_tools);
  CAF_CHECK_EQUAL(bench.use("echo", R"({"text":"häll\"o\n"})"), "häll\"o\n");
  CAF_CHECK_EQUAL(bench.use("add", R"({"a":1,"b":2})"), "3");
  CAF_CHECK_EQUAL(bench.use("fail", R"({"text":"sorry"})"), "failed: sorry");
  CAF_CHECK_EQUAL(bench.use("nothing"),
                  "failed: the MCP server 'scripted' refused the call: Unknown tool: nothing (code -32602)");
  CAF_CHECK_EQUAL(bench.use("echo", "[]"), "failed: the arguments are not a JSON object");
}

CAF_TEST(a server may be noisy and list in pages and speak an older version) {
  mcp_bench bench{scripted({"noisy", "pages=3", "many=40", "version=2024-11-05"})};
  CAF_CHECK_EQUAL(bench.list().tools.size(), 55u);
  CAF_CHECK_EQUAL(bench.use("garbage"), "tidy");
  CAF_CHECK_EQUAL(bench.use("twice", R"({"text":"once"})"), "once");
  CAF_CHECK_EQUAL(bench.use("progress", R"({"count":500})"), "done");
  CAF_CHECK_EQUAL(bench.use("wrong"), "failed: the MCP server 'scripted' answered with a content that is not a list");
  CAF_CHECK_EQUAL(bench.use("echo", R"({"text":"still here"})"), "still here");
}

CAF_TEST(a large result comes whole and a larger one is cut) {
  mcp_bench bench{scripted()};
  CAF_CHECK(bench.use("big", R"({"bytes":9000000})", 16u << 20) == std::string(9'000'000, 'x'));
  CAF_CHECK(bench.use("big", R"({"bytes":9000000})", 1000).ends_with("[cut: 9000000 bytes in all]"));
}

CAF_TEST(tools that change are listed anew) {
  mcp_bench bench{scripted()};
  CAF_CHECK_EQUAL(bench.use("change"), "changed");
  auto names = bench.names();
  while (names == first_tools) names = bench.names();
  CAF_CHECK_EQUAL(names, first_tools + "added ");
}

CAF_TEST(a call that is stopped is told to the server and the others go on) {
  scratch_folder folder;
  mcp_bench bench{scripted({"--record", folder.file("record")})};
  mcp_bench::call other{bench, "wait", R"({"seconds":0.3})"};
  mcp_bench::call hanging{bench, "hang", "{}"};
  wait_for_text(folder.file("record"), R"("hanging")");
  hanging.stop();
  const auto stopped = hanging.wait();
  CAF_CHECK(stopped.closed);
  CAF_CHECK(!stopped.answered);
  const auto told = wait_for_text(folder.file("record"), R"("stopped")");
  CAF_CHECK(told.find(R"("method": "notifications/cancelled", "params": {"requestId": )") != std::string::npos);
  CAF_CHECK(told.find(R"("stopped")") != std::string::npos);
  CAF_CHECK_EQUAL(other.wait().text, "waited");
}

CAF_TEST(a call whose actor is killed is told to the server) {
  scratch_folder folder;
  mcp_bench bench{scripted({"--record", folder.file("record")})};
  mcp_bench::call hanging{bench, "hang", "{}"};
  wait_for_text(folder.file("record"), R"("hanging")");
  hanging.kill();
  CAF_CHECK(wait_for_text(folder.file("record"), R"("stopped")").find(R"("stopped")") != std::string::npos);
}

CAF_TEST(calls of a server that dies fail with its last words and the next one starts it again) {
  mcp_bench bench{scripted()};
  bench.list();
  mcp_bench::call hanging{bench, "hang", "{}"};
  const std::string why =
      "the MCP server 'scripted' ended (exit code 3) while it worked on this call; its last words: something broke inside";
  CAF_CHECK_EQUAL(bench.use("die", R"({"code":3})"), "failed: " + why);
  const auto died = hanging.wait();
  CAF_CHECK(died.failed);
  CAF_CHECK_EQUAL(died.text, why);
  CAF_CHECK_EQUAL(bench.use("echo", R"({"text":"back"})"), "back");
}

CAF_TEST(why a server cannot be used is one sentence) {
  struct row {
    std::vector<std::string> argv;
    std::string problem;
  };
  auto exiting = scripted({"exit=7"}).command.argv;
  auto refusing = scripted({"refuse"}).command.argv;
  auto future = scripted({"version=2099-01-01"}).command.argv;
  for (const auto& row : std::vector<row>{
           {exiting,
            "the MCP server 'scripted' ended (exit code 7) before it was ready; its last words: cannot start: the "
            "moon is full"},
           {refusing, "the MCP server 'scripted' refused to begin: not today (code -32603)"},
           {future,
            "the MCP server 'scripted' speaks version \"2099-01-01\" of the protocol; expected 2025-06-18, "
            "2025-03-26 or 2024-11-05"},
           {{"/nowhere/server"}, "the MCP server 'scripted' could not be started: "}}) {
    core::mcp_spec spec;
    spec.id = "scripted";
    spec.command.argv = row.argv;
    mcp_bench bench{spec};
    const auto said = bench.names();
    CAF_CHECK_EQUAL(said.substr(0, row.problem.size()), row.problem);
    CAF_MESSAGE(said);
    CAF_CHECK(bench.use("echo").starts_with("failed: " + row.problem));
  }
}

CAF_TEST(a server that does not get ready is stopped at its time) {
  auto spec = scripted({"silent", "stubborn"});
  spec.start_timeout = 300ms;
  spec.grace = 50ms;
  mcp_bench bench{spec};
  CAF_CHECK_EQUAL(bench.names(), "the MCP server 'scripted' was not ready within 300 ms");
}

CAF_TEST(a server gets the variables that are named and no others) {
  auto spec = scripted();
  setenv("ONCUE_TEST_KEPT", "kept", 1);
  setenv("ONCUE_TEST_SECRET", "secret", 1);
  spec.command.env = {"ONCUE_TEST_KEPT"};
  spec.command.set_env = {{"ONCUE_TEST_SET", "set"}};
  mcp_bench bench{spec};
  CAF_CHECK_EQUAL(bench.use("env", R"({"name":"ONCUE_TEST_KEPT"})"), "kept");
  CAF_CHECK_EQUAL(bench.use("env", R"({"name":"ONCUE_TEST_SET"})"), "set");
  CAF_CHECK_EQUAL(bench.use("env", R"({"name":"ONCUE_TEST_SECRET"})"), "");
}

CAF_TEST(when a server is stopped nothing that it started is left) {
  auto spec = scripted({"stubborn"});
  spec.grace = 50ms;
  mcp_bench bench{spec};
  const auto child = std::stoi(bench.use("spawn"));
  CAF_CHECK_EQUAL(kill(child, 0), 0);
  mcp_bench::call hanging{bench, "hang", "{}"};
  bench.stop();
  CAF_CHECK(kill(child, 0) != 0);
  CAF_CHECK_EQUAL(hanging.wait().closed, true);
}

CAF_TEST(a server that everybody has forgotten goes too) {
  auto spec = scripted();
  mcp_bench bench{spec};
  const auto child = std::stoi(bench.use("spawn"));
  CAF_CHECK_EQUAL(kill(child, 0), 0);
  bench.forget();
  CAF_CHECK(is_gone(child));
}
