// The program with tools: what a person sees of them, and that Ctrl-C in a tool leaves nothing of it.
#define CAF_SUITE e2e.tools

#include <sched.h>
#include <stdlib.h>

#include <caf/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "support/client_program.hpp"
#include "support/provider.hpp"

using namespace oncue::test;

namespace {

constexpr auto agents = R"(
[[models]]
id = "caller"
provider = "scripted"
[models.scripted]
first_token_delay = "0ms"
token_delay = "0ms"
text = "That is all."
calls = [ { name = "first" }, { name = "second", arguments = { word = "hello" } } ]
[[agents]]
id = "caller"
model = "caller"
tools = ["first", "second"]
)";

struct fixture {
  fixture() {
    auto pattern = (std::filesystem::temp_directory_path() / "oncue-tools-XXXXXX").string();
    CAF_REQUIRE(::mkdtemp(pattern.data()));
    folder = pattern;
  }
  ~fixture() { std::filesystem::remove_all(folder); }

  /// Two programs as tools, each a script of sh.
  void tools(const std::string& first, const std::string& second, const std::string& more = {}) const {
    std::ofstream file{folder + "/oncue.toml"};
    file << "[[tools]]\nname = \"first\"\ncommand = [\"sh\", \"-c\", '''" << first << "''']\n" << more;
    file << "[[tools]]\nname = \"second\"\ncommand = [\"sh\", \"-c\", '''" << second << "''']\n";
    file << agents;
  }

  child_options command(arguments words) const {
    child_options options;
    words.insert(words.begin(), ONCUE_PROGRAM);
    options.arguments = std::move(words);
    options.environment = {{"HOME", folder}, {"TERM", "xterm"}, {"PATH", "/usr/bin:/bin"}, {"SECRET", "do not tell"}};
    options.folder = folder;
    return options;
  }

  said oncue(arguments words) const { return client_program::finish(command(std::move(words))); }

  bool has(const std::string& name) const { return std::filesystem::exists(folder + "/" + name); }
  std::string read(const std::string& name) const {
    std::ifstream in{folder + "/" + name};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  bool alive(const std::string& pid_file) const {
    auto pid = std::stoi("0" + read(pid_file));
    return pid > 0 && ::kill(pid, 0) == 0;
  }

  std::string folder;
};

}  // namespace

CAF_TEST(a run calls programs and shows each with its time and the model has the last word) {
  fixture f;
  f.tools("echo one", "cat");
  auto got = f.oncue({"run", "--agent", "caller", "go"});
  CAF_CHECK_EQUAL(got.code, 0);
  CAF_CHECK_EQUAL(got.out, "That is all.");
  CAF_CHECK(contains(got.err, "→ first()"));
  CAF_CHECK(contains(got.err, "→ second(word=hello)"));
  CAF_CHECK(contains(got.err, "✓ second"));
}

CAF_TEST(json has the calls and their results) {
  fixture f;
  f.tools("echo one", "cat");
  auto got = f.oncue({"run", "--json", "--agent", "caller", "go"});
  CAF_CHECK_EQUAL(got.code, 0);
  std::string results;
  for (const auto& line : json_lines(got.out)) {
    if (line["event"] == "ToolCallCompleted") results += line["tool"]["result"].get<std::string>() + ";";
  }
  CAF_CHECK(results == "one;{\"word\":\"hello\"};" || results == "{\"word\":\"hello\"};one;");
  CAF_MESSAGE(results);
}

CAF_TEST(a tool gets no variable that it was not given) {
  fixture f;
  f.tools("env", "cat");
  auto got = f.oncue({"run", "--json", "--agent", "caller", "go"});
  CAF_CHECK_EQUAL(got.code, 0);
  CAF_CHECK(contains(got.out, "ONCUE_RUN_ID"));
  CAF_CHECK(!contains(got.out, "do not tell"));
}

CAF_TEST(Ctrl C in a tool ends the run at once and leaves no process of it) {
  fixture f;
  // Deaf to SIGTERM, with a daemon that has left its session.
  f.tools("trap '' TERM; setsid sh -c 'echo $$ > daemon; exec sleep 1000' & echo $$ > first; while :; do sleep 1000; done",
          "echo $$ > second; exec sleep 60");
  child_process child{f.command({"run", "--json", "--agent", "caller", "go"})};
  CAF_REQUIRE(child.wait_for_out("\"tool_name\":\"second\""));
  // Both have said who they are; no clock is asked.
  while (f.read("first").empty() || f.read("second").empty() || f.read("daemon").empty()) ::sched_yield();
  child.send(SIGINT);
  CAF_CHECK(child.wait_for_out("\"event\":\"RunCancelled\""));
  auto got = client_program::finish(child);
  CAF_CHECK_EQUAL(got.code, 130);
  CAF_CHECK(!f.alive("first"));
  CAF_CHECK(!f.alive("second"));
  CAF_CHECK(!f.alive("daemon"));
  int stopped = 0;
  for (const auto& line : json_lines(got.out)) stopped += line["event"] == "ToolCallError";
  CAF_CHECK_EQUAL(stopped, 2);
}

CAF_TEST(a killed oncue leaves no tool behind) {
  fixture f;
  f.tools("echo $$ > first; exec sleep 1000", "echo $$ > second; exec sleep 1000");
  {
    child_process child{f.command({"run", "--json", "--agent", "caller", "go"})};
    while (f.read("first").empty() || f.read("second").empty()) ::sched_yield();
    child.send(SIGKILL);
    CAF_CHECK_EQUAL(*child.wait(), 128 + SIGKILL);
  }
  // Their guard sees it; nothing here can be waited for.
  while (f.alive("first") || f.alive("second")) ::sched_yield();
}

CAF_TEST(tools that go wrong are answers that the model reads) {
  fixture f;
  f.tools("echo oops >&2; exit 3", "kill -SEGV $$");
  auto got = f.oncue({"run", "--agent", "caller", "go"});
  CAF_CHECK_EQUAL(got.code, 0);
  CAF_CHECK_EQUAL(got.out, "That is all.");
  CAF_CHECK(contains(got.err, "✗ first"));
  CAF_CHECK(contains(got.err, "3"));
  CAF_CHECK(contains(got.err, "✗ second"));
}

CAF_TEST(a tool that floods or takes too long is stopped and the run goes on) {
  fixture f;
  f.tools("yes", "exec sleep 1000", "timeout = \"300ms\"\nresult_bytes_max = 1000\n");
  std::ofstream{f.folder + "/oncue.toml", std::ios::app};
  auto text = f.read("oncue.toml");
  text.insert(text.find("[[tools]]\nname = \"second\"") + 9, "\ntimeout = \"300ms\"");
  std::ofstream{f.folder + "/oncue.toml"} << text;
  auto got = f.oncue({"run", "--agent", "caller", "go"});
  CAF_CHECK_EQUAL(got.code, 0);
  CAF_CHECK(contains(got.err, "✗ first"));
  CAF_CHECK(contains(got.err, "timeout"));
}

CAF_TEST(a program that is not there is said so and the run goes on) {
  fixture f;
  f.tools("echo one", "cat");
  auto text = f.read("oncue.toml");
  text.replace(text.find("[\"sh\""), 5, "[\"no-such-program\"");
  std::ofstream{f.folder + "/oncue.toml"} << text;
  auto got = f.oncue({"run", "--agent", "caller", "go"});
  CAF_CHECK_EQUAL(got.code, 0);
  CAF_CHECK(contains(got.err, "no-such-program"));
  auto checked = f.oncue({"doctor", "--agent", "caller"});
  CAF_CHECK_EQUAL(checked.code, 1);
  CAF_CHECK(contains(checked.out, "no-such-program"));
}

CAF_TEST(where nobody can be asked a call that needs a person is refused and with yes it runs) {
  fixture f;
  f.tools("echo one > ran", "cat", "confirm = true\n");
  auto refused = f.oncue({"run", "--agent", "caller", "go"});
  CAF_CHECK_EQUAL(refused.code, 0);
  CAF_CHECK(!f.has("ran"));
  CAF_CHECK(contains(refused.err, "--yes"));
  auto allowed = f.oncue({"run", "--yes", "--agent", "caller", "go"});
  CAF_CHECK_EQUAL(allowed.code, 0);
  CAF_CHECK(f.has("ran"));
  CAF_CHECK_EQUAL(allowed.out, "That is all.");
}

CAF_TEST(a provider is told which tools there are and what they answered) {
  fixture f;
  provider server;
  std::ofstream{f.folder + "/oncue.toml"} << R"([[tools]]
name = "get_weather"
description = "Tells the weather"
parameters = { type = "object", properties = { city = { type = "string" } }, required = ["city"] }
command = ["cat"]
[[models]]
id = "real"
base_url = ")" << server.base_url("tool_call;calls=2;words=3")
                                          << R"("
[[agents]]
id = "weather"
tools = ["get_weather"]
)";
  auto got = f.oncue({"run", "--agent", "weather", "go"});
  CAF_CHECK_EQUAL(got.code, 0);
  CAF_CHECK_EQUAL(got.out, "w0 w1 w2 ");
  CAF_CHECK(contains(got.err, "✓ get_weather"));
  auto second = nlohmann::json::parse(server.records().back().request_body);
  CAF_CHECK_EQUAL(second["tools"][0]["function"]["name"], "get_weather");
  CAF_CHECK_EQUAL(second["tools"][0]["function"]["parameters"]["required"][0], "city");
  const auto& messages = second["messages"];
  CAF_CHECK_EQUAL(messages[1]["tool_calls"].size(), 2u);
  CAF_CHECK_EQUAL(messages[3]["role"], "tool");
  CAF_CHECK(nlohmann::json::parse(messages[3]["content"].get<std::string>())["city"] == "Reikjavík");
}

CAF_TEST(the list of agents has their tools) {
  fixture f;
  f.tools("echo one", "cat", "confirm = true\n");
  CAF_CHECK(contains(f.oncue({"agents"}).out, "tools: first (confirmation), second"));
  auto listed = nlohmann::json::parse(f.oncue({"agents", "--json"}).out);
  CAF_CHECK(listed[0]["tools"]["tools"][0]["requires_confirmation"] == true);
}
