// Servers of tools over streamable HTTP: the actor, the transport, real sockets and the scripted server together.
#define CAF_SUITE actors.mcp_http

#include <caf/test/unit_test.hpp>
#include <future>

#include "oncue/io/child_process.hpp"
#include "support/mcp_bench.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

/// The scripted server on a port of its own, gone with it.
class web_server {
 public:
  explicit web_server(const std::vector<std::string>& modes = {}) {
    io::child_options options;
    options.command.argv = {"python3", ONCUE_TEST_SUPPORT "/mcp_server.py", "--http", folder_.file("port"), "--record",
                            record()};
    options.command.argv.insert(options.command.argv.end(), modes.begin(), modes.end());
    child_ = io::child_process::start(loop_, std::move(options), std::make_unique<handler>(&gone_));
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (!std::filesystem::exists(folder_.file("port")) && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
  }

  ~web_server() { stop(); }
  web_server(const web_server&) = delete;
  web_server& operator=(const web_server&) = delete;

  void stop() {
    if (std::exchange(stopped_, true)) return;
    child_.kill();
    gone_.get_future().wait();
  }

  core::mcp_spec spec() const {
    core::mcp_spec spec;
    spec.id = "web";
    spec.url = "http://127.0.0.1:" + wait_for_text(folder_.file("port"), "") + "/mcp";
    return spec;
  }

  std::string record() const { return folder_.file("record"); }

 private:
  class handler final : public io::child_handler {
   public:
    explicit handler(std::promise<void>* gone) : gone_{gone} {}
    void on_output(std::string_view) override {}
    void on_errors(std::string_view) override {}
    void on_exit(const io::child_exit&) override {}
    void on_gone() override { gone_->set_value(); }

   private:
    std::promise<void>* gone_;
  };

  scratch_folder folder_;
  std::promise<void> gone_;
  io::event_loop loop_;
  io::child_process child_;
  bool stopped_ = false;
};

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t number = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++number;
  return number;
}

bool has(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

CAF_TEST(a server over HTTP lists its tools and works in a session that is ended at the end) {
  web_server server{{"pages=4"}};
  mcp_bench bench{server.spec()};
  CAF_CHECK_EQUAL(bench.list().tools.size(), 15u);
  CAF_CHECK_EQUAL(bench.use("echo", R"({"text":"hello"})"), "hello");
  CAF_CHECK_EQUAL(bench.use("garbage"), "tidy");
  CAF_CHECK_EQUAL(bench.use("progress", R"({"count":300})"), "done");
  CAF_CHECK(bench.use("big", R"({"bytes":9000000})", 16u << 20) == std::string(9'000'000, 'x'));
  CAF_CHECK_EQUAL(bench.use("nothing"),
                  "failed: the MCP server 'web' refused the call: Unknown tool: nothing (code -32602)");
  bench.stop();
  const auto record = wait_for_text(server.record(), "deleted");
  CAF_CHECK(has(record, R"({"deleted": "session-1", "version": "2025-06-18"})"));
  CAF_CHECK(has(record, R"("session": null, "version": null, "accept": "application/json, text/event-stream")"));
  // All but the first request name the session and the version.
  CAF_CHECK_EQUAL(count(record, R"("session": null)"), 1u);
  CAF_CHECK_EQUAL(count(record, R"("version": null)"), 1u);
}

CAF_TEST(a server may answer with JSON and have no session) {
  web_server server{{"json", "stateless", "version=2025-03-26"}};
  mcp_bench bench{server.spec()};
  CAF_CHECK_EQUAL(bench.use("add", R"({"a":1,"b":2})"), "3");
  bench.stop();
  CAF_CHECK(!has(wait_for_text(server.record(), ""), "deleted"));
}

CAF_TEST(a call that is stopped has its socket closed and is told to the server and the others go on) {
  web_server server;
  mcp_bench bench{server.spec()};
  mcp_bench::call other{bench, "wait", R"({"seconds":0.3})"};
  mcp_bench::call hanging{bench, "hang", "{}"};
  wait_for_text(server.record(), R"("hanging")");
  hanging.stop();
  const auto stopped = hanging.wait();
  CAF_CHECK(stopped.closed);
  CAF_CHECK(!stopped.answered);
  const auto record = wait_for_text(server.record(), R"("stopped")");
  CAF_CHECK(has(record, R"("stopped")"));
  CAF_CHECK(has(record, "notifications/cancelled"));
  mcp_bench::call deaf{bench, "deaf", "{}"};
  wait_for_text(server.record(), R"("listening")");
  deaf.stop();
  CAF_CHECK(deaf.wait().closed);
  CAF_CHECK(has(wait_for_text(server.record(), R"("deserted")"), R"("deserted")"));
  CAF_CHECK_EQUAL(other.wait().text, "waited");
}

CAF_TEST(a session that the server has forgotten is begun again and the call repeated) {
  web_server server{{"forget=2"}};
  mcp_bench bench{server.spec()};
  for (const auto* text : {"1", "2", "3", "4"}) {
    CAF_CHECK_EQUAL(bench.use("echo", std::string{R"({"text":")"} + text + "\"}"), text);
  }
  CAF_CHECK_EQUAL(count(wait_for_text(server.record(), ""), R"("method": "initialize")"), 2u);
}

CAF_TEST(streams that a server leaves open are closed after a while) {
  web_server server{{"lingering"}};
  mcp_bench bench{server.spec()};
  for (std::size_t i = 0; i < core::limits::mcp_answered_streams_max; ++i) {
    CAF_CHECK_EQUAL(bench.use("echo", R"({"text":"x"})"), "x");
  }
  CAF_CHECK(!has(wait_for_text(server.record(), ""), R"("left")"));
  CAF_CHECK_EQUAL(bench.use("echo", R"({"text":"x"})"), "x");
  CAF_CHECK(has(wait_for_text(server.record(), R"("left")"), R"("left")"));
}

CAF_TEST(a token is sent and never said) {
  web_server server{{"token=geheim-token-1"}};
  auto spec = server.spec();
  spec.bearer_env = "WEB_TOKEN";
  {
    mcp_bench bench{spec, {{"WEB_TOKEN", "geheim-token-1"}}};
    CAF_CHECK_EQUAL(bench.use("echo", R"({"text":"let in"})"), "let in");
  }
  {
    mcp_bench bench{spec, {{"WEB_TOKEN", "falscher-token-2"}}};
    CAF_CHECK_EQUAL(bench.names(), "the MCP server 'web' answered with status 401: invalid token: Bearer [redacted]");
  }
  mcp_bench bench{spec};
  CAF_CHECK_EQUAL(bench.names(),
                  "the MCP server 'web' could not be started: the environment variable WEB_TOKEN, which should "
                  "hold its token, is not set");
}

CAF_TEST(a server that is not there or goes away is a sentence) {
  web_server server;
  mcp_bench bench{server.spec()};
  CAF_CHECK_EQUAL(bench.use("echo", R"({"text":"here"})"), "here");
  CAF_CHECK_EQUAL(bench.use("die", R"({"code":1})"),
                  "failed: the MCP server 'web' closed the connection before it had answered");
  server.stop();
  const auto gone = bench.use("echo", R"({"text":"still there?"})");
  CAF_MESSAGE(gone);
  CAF_CHECK(gone.starts_with("failed: the MCP server 'web' could not be reached: "));
  mcp_bench late{server.spec()};
  CAF_CHECK(late.names().starts_with("the MCP server 'web' could not be reached: "));
}

CAF_TEST(a server that is killed is not waited for when the node stops) {
  web_server server;
  mcp_bench bench{server.spec()};
  bench.list();
  mcp_bench::call hanging{bench, "hang", "{}"};
  wait_for_text(server.record(), R"("hanging")");
  server.stop();
  CAF_CHECK(hanging.wait().failed);
  bench.stop();
}
