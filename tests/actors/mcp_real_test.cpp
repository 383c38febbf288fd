// Servers of tools that we did not write, where scripts/real-mcp has put them. Without them there is nothing to see:
// scripts/real-mcp check runs this with them.
#define CAF_SUITE actors.mcp_real

#include <unistd.h>

#include <caf/test/unit_test.hpp>

#include "oncue/io/child_process.hpp"
#include "support/mcp_bench.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

/// Where they are; empty: nowhere.
std::string home() {
  const auto* folder = std::getenv("ONCUE_REAL_MCP");
  if (!folder) CAF_MESSAGE("no real servers here: scripts/real-mcp setup, and scripts/real-mcp check");
  return folder ? folder : "";
}

core::mcp_spec program(const std::string& id, std::vector<std::string> argv) {
  core::mcp_spec spec;
  spec.id = id;
  spec.command.argv = std::move(argv);
  return spec;
}

bool has(const std::string& text, const std::string& what) {
  CAF_MESSAGE(text.substr(0, 300));
  return text.find(what) != std::string::npos;
}

/// Every sort of content, and a long call that is stopped while another goes on.
void use_everything(mcp_bench& bench) {
  CAF_CHECK(has(bench.names(), "echo get-annotated-message "));
  CAF_CHECK_EQUAL(bench.use("echo", R"({"message":"hällo"})"), "Echo: hällo");
  CAF_CHECK_EQUAL(bench.use("get-sum", R"({"a":1,"b":2})"), "The sum of 1 and 2 is 3.");
  CAF_CHECK(has(bench.use("get-sum", R"({"a":"x"})"), "failed: "));
  CAF_CHECK(has(bench.use("get-tiny-image"), "[image, image/png, "));
  CAF_CHECK(has(bench.use("get-structured-content", R"({"location":"Chicago"})"), "temperature"));
  CAF_CHECK(has(bench.use("get-resource-links", R"({"count":2})"), "demo://resource"));
  CAF_CHECK(has(bench.use("no-such-tool"), "failed: "));
  mcp_bench::call longer{bench, "trigger-long-running-operation", R"({"duration":1,"steps":4})"};
  mcp_bench::call stopped{bench, "trigger-long-running-operation", R"({"duration":600,"steps":600})"};
  CAF_CHECK_EQUAL(bench.use("echo", R"({"message":"between"})"), "Echo: between");
  stopped.stop();
  const auto what = stopped.wait();
  CAF_CHECK(what.closed && !what.answered);
  CAF_CHECK_EQUAL(bench.use("echo", R"({"message":"after"})"), "Echo: after");
  CAF_CHECK(has(longer.wait().text, "completed"));
}

/// Lets nothing through; tells when a word was said.
class watcher final : public io::child_handler {
 public:
  explicit watcher(std::string path) : path_{std::move(path)} {}
  void on_output(std::string_view bytes) override { std::ofstream{path_, std::ios::app} << bytes; }
  void on_errors(std::string_view bytes) override { on_output(bytes); }
  void on_exit(const io::child_exit&) override {}
  void on_gone() override {}

 private:
  std::string path_;
};

}  // namespace

CAF_TEST(the reference server of every feature works over pipes) {
  const auto folder = home();
  if (folder.empty()) return;
  mcp_bench bench{program("everything", {folder + "/npm/node_modules/.bin/mcp-server-everything", "stdio"})};
  use_everything(bench);
}

CAF_TEST(the reference server of every feature works over HTTP) {
  const auto folder = home();
  if (folder.empty()) return;
  scratch_folder scratch;
  const auto port = std::to_string(20'000 + getpid() % 10'000);
  io::event_loop loop;
  io::child_options options;
  options.command.argv = {folder + "/npm/node_modules/.bin/mcp-server-everything", "streamableHttp"};
  options.command.set_env = {{"PORT", port}};
  auto server = io::child_process::start(loop, std::move(options), std::make_unique<watcher>(scratch.file("log")));
  CAF_CHECK(has(wait_for_text(scratch.file("log"), "listening on port"), "listening on port"));
  core::mcp_spec spec;
  spec.id = "everything";
  spec.url = "http://127.0.0.1:" + port + "/mcp";
  mcp_bench bench{spec};
  use_everything(bench);
  bench.stop();
  CAF_CHECK(has(wait_for_text(scratch.file("log"), "termination"), "termination"));
  server.kill();
}

CAF_TEST(the reference server of files keeps to its folder) {
  const auto folder = home();
  if (folder.empty()) return;
  scratch_folder scratch;
  mcp_bench bench{program("filesystem", {folder + "/npm/node_modules/.bin/mcp-server-filesystem", scratch.file("")})};
  CAF_CHECK(has(bench.names(), "read_text_file "));
  const auto path = R"({"path":")" + scratch.file("note.txt") + '"';
  CAF_CHECK(has(bench.use("write_file", path + R"(,"content":"one\ntwo"})"), "Successfully wrote"));
  CAF_CHECK_EQUAL(bench.use("read_text_file", path + "}"), "one\ntwo");
  CAF_CHECK(has(bench.use("read_text_file", R"({"path":"/etc/passwd"})"), "failed: Access denied"));
}

CAF_TEST(the time server in Python works) {
  const auto folder = home();
  if (folder.empty()) return;
  mcp_bench bench{program("time", {folder + "/python/bin/mcp-server-time"})};
  CAF_CHECK_EQUAL(bench.names(), "get_current_time convert_time ");
  CAF_CHECK(has(bench.use("get_current_time", R"({"timezone":"Europe/Berlin"})"), "Europe/Berlin"));
  CAF_CHECK(has(bench.use("get_current_time", R"({"timezone":"Nowhere"})"), "failed: "));
}
