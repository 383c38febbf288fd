// The program itself, as a person or a script starts it: what goes to which stream, what the exit code says, and that a
// signal in any phase stops the run and closes the provider's socket.
#define CAF_SUITE e2e.cli

#include <stdlib.h>

#include <caf/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/child_process.hpp"
#include "support/provider.hpp"

using namespace oncue::test;
using namespace std::chrono_literals;
using arguments = std::vector<std::string>;
using variables = std::vector<std::pair<std::string, std::string>>;
using records = std::vector<connection_record>;

namespace {

struct said {
  int code = -1;
  std::string out;
  std::string err;
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool last_is_closed(const records& all) { return !all.empty() && all.back().client_closed; }

/// A folder of its own, no variable of the outside, and a provider.
struct fixture {
  fixture() {
    auto pattern = (std::filesystem::temp_directory_path() / "oncue-cli-XXXXXX").string();
    CAF_REQUIRE(::mkdtemp(pattern.data()));
    folder = pattern;
  }
  ~fixture() { std::filesystem::remove_all(folder); }

  child_options command(arguments words, variables more = {}) const {
    child_options options;
    words.insert(words.begin(), ONCUE_PROGRAM);
    options.arguments = std::move(words);
    options.environment = {{"HOME", folder}, {"XDG_CONFIG_HOME", folder + "/config"}, {"TERM", "xterm"}};
    options.environment.insert(options.environment.end(), more.begin(), more.end());
    options.folder = folder;
    return options;
  }

  static said finish(child_process& child) {
    auto code = child.wait();
    CAF_REQUIRE(code);
    return {*code, child.out(), child.err()};
  }
  static said finish(const child_options& options) {
    child_process child{options};
    return finish(child);
  }

  said oncue(arguments words, variables more = {}) const { return finish(command(std::move(words), std::move(more))); }

  arguments run(const std::string& scenario, arguments more = {}) const {
    arguments words{"run", "--base-url", server.base_url(scenario), "--run-id", "r1"};
    words.insert(words.end(), more.begin(), more.end());
    words.push_back("tell me");
    return words;
  }

  void write(const std::string& name, std::string_view text) const { std::ofstream{folder + "/" + name} << text; }

  std::string folder;
  provider server;
};

std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line, nullptr, false));
  return lines;
}

/// What is wrong with a whole output of --json, or nothing.
std::string broken_json(const std::string& text, const std::string& last_event) {
  std::uint64_t index = 0;
  std::string content;
  auto lines = json_lines(text);
  for (const auto& line : lines) {
    if (!line.is_object()) return "line " + std::to_string(index) + " is no JSON object";
    if (line.value("event_index", std::uint64_t{9999}) != index) return "a gap at " + std::to_string(index);
    if (line.value("run_id", "") != "r1") return "a line without the run's id";
    if (line.value("event", "") == "RunContent") content += line.value("content", "");
    ++index;
  }
  if (lines.empty() || lines.front().value("event", "") != "RunStarted") return "the first event is not RunStarted";
  if (lines.back().value("event", "") != last_event) return "the last event is " + lines.back().value("event", "");
  auto kept = lines.back().value(last_event == "RunError" ? "partial_content" : "content", "");
  return content.empty() || kept == content ? "" : "the ending's text is not that of the deltas";
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(cli_tests, fixture)

CAF_TEST(the text goes to standard output and all else to standard error) {
  for (std::string scenario : {"words;n=20;gap_ms=1", "split_utf8;n=20", "one_byte;n=20", "reasoning;n=20"}) {
    CAF_MESSAGE(scenario);
    auto result = oncue(run(scenario));
    CAF_CHECK_EQUAL(result.code, 0);
    CAF_CHECK_EQUAL(result.out, expected_text(scenario));
    CAF_CHECK(result.err.starts_with("run r1 · story-writer-agent · gpt-4o-mini\ncompleted in "));
    CAF_CHECK(contains(result.err, "\nrun r1 · status COMPLETED\n"));
    CAF_CHECK(!contains(result.err, "think0"));
  }
  CAF_CHECK(contains(oncue(run("words;n=3")).err, " · 9 characters · 3 tokens\n"));
  CAF_CHECK(contains(oncue(run("split_utf8;n=2")).err, " · 9 characters"));  // characters, not bytes

  auto from_input = command({"run", "--base-url", server.base_url("echo"), "-"});
  from_input.input = "tell me about\ndragons";
  CAF_CHECK(contains(finish(from_input).out, R"({"role":"user","content":"tell me about\ndragons"}])"));

  auto demo = oncue({"run", "--cancel-after", "10ms", "tell me"});
  CAF_CHECK_EQUAL(demo.code, 130);
  CAF_CHECK(contains(demo.err, "This is the built-in demo model, not a real one. For a real one set OPENAI_API_KEY"));
}

CAF_TEST(json lines are events with gapless indices and nothing else) {
  auto whole = oncue(run("words;n=20", {"--json"}));
  CAF_CHECK_EQUAL(whole.code, 0);
  CAF_CHECK_EQUAL(broken_json(whole.out, "RunCompleted"), "");
  CAF_CHECK_EQUAL(json_lines(whole.out).back()["content"], expected_text("words;n=20"));
  auto cancelled = oncue(run("endless;gap_ms=5", {"--json", "--cancel-after", "200ms"}));
  CAF_CHECK_EQUAL(cancelled.code, 130);
  CAF_CHECK_EQUAL(broken_json(cancelled.out, "RunCancelled"), "");
  CAF_CHECK_EQUAL(json_lines(cancelled.out).back()["reason"], "--cancel-after 200 ms");
  auto failed = oncue(run("early_close;k=3", {"--json"}));
  CAF_CHECK_EQUAL(failed.code, 1);
  CAF_CHECK_EQUAL(broken_json(failed.out, "RunError"), "");
  CAF_CHECK_EQUAL(json_lines(failed.out).back()["error_type"], "provider_protocol");
  for (const auto& result : {whole, cancelled, failed}) CAF_CHECK_EQUAL(result.err, "");
}

CAF_TEST(a signal in any phase cancels the run and says what was kept) {
  struct {
    std::string scenario;
    int signal;
    std::string marker;  // in the output; empty: the provider has the request
    std::string phase;
  } cases[] = {
      {"slow_accept", SIGINT, "", "connecting"},
      {"silence", SIGINT, "", ""},
      {"endless;gap_ms=1", SIGINT, "w9 ", "streaming"},
      {"endless;gap_ms=1", SIGTERM, "w9 ", "streaming"},
      {"silence_after;k=3", SIGINT, "w2 ", "streaming"},
      {"rate_limit_then_ok;k=9;after_s=60", SIGINT, "", "backing_off"},
      {"silence", SIGTERM, "", ""},
  };
  for (const auto& [scenario, signal, marker, phase] : cases) {
    CAF_MESSAGE(scenario << ", signal " << signal);
    auto before = server.records().size();
    child_process child{command(run(scenario))};
    CAF_REQUIRE(server.wait_until([&](const records& all) { return all.size() > before && all.back().requests == 1; }));
    if (!marker.empty()) CAF_REQUIRE(child.wait_for_out(marker));
    if (phase == "backing_off") CAF_REQUIRE(child.wait_for_err("trying again in 1 min: Rate limit reached for requests\n"));
    child.send(signal);
    CAF_CHECK(server.wait_until(last_is_closed));
    auto result = finish(child);
    CAF_CHECK_EQUAL(result.code, 130);
    CAF_CHECK(expected_text("words;n=100000").starts_with(result.out));
    CAF_CHECK(contains(result.err, signal == SIGINT ? " (Ctrl-C) · " : " (SIGTERM) · "));
    auto kept = result.out.empty() ? "no text yet\n" : std::to_string(result.out.size()) + " characters kept\n";
    CAF_CHECK(contains(result.err, kept));
    CAF_CHECK(contains(result.err, "\nrun r1 · status CANCELLED · the cancel took "));
    CAF_CHECK(contains(result.err, ", the provider's connection is closed (it was " + phase));
    CAF_CHECK_EQUAL(server.records().size(), before + 1);
  }
}

CAF_TEST(a cancel waits for no reader and a second signal leaves at once) {
  // More text than the pipe takes: the program waits for a reader who does not come.
  auto blocked = command(run("silence_after;k=3000"));
  blocked.read_out = false;
  blocked.out_pipe_bytes = 4096;
  auto all_sent = [](const records& all) { return !all.empty() && all.back().deltas_sent == 3000; };
  {
    child_process child{blocked};
    CAF_REQUIRE(server.wait_until(all_sent));
    child.send(SIGINT);
    CAF_CHECK(server.wait_until(last_is_closed));
    child.send(SIGINT);
    auto result = finish(child);
    CAF_CHECK_EQUAL(result.code, 130);
    CAF_CHECK_LESS(result.out.size(), expected_text("words;n=3000").size());
    CAF_CHECK(!contains(result.err, "status CANCELLED"));
  }
  blocked.arguments.insert(blocked.arguments.end() - 1, {"--cancel-after", "400ms"});
  child_process child{blocked};
  auto connections = server.records().size();
  CAF_REQUIRE(server.wait_until([&](const records& all) { return all.size() > connections && all_sent(all); }));
  CAF_CHECK(server.wait_until(last_is_closed));
  child.read_out_from_now_on();
  auto result = finish(child);
  CAF_CHECK_EQUAL(result.code, 130);
  CAF_CHECK(result.out == expected_text("words;n=3000"));
  CAF_CHECK(contains(result.err, "(--cancel-after 400 ms) · " + std::to_string(result.out.size()) + " characters kept\n"));
}

CAF_TEST(an output that nobody reads any more ends the run) {
  child_process child{command(run("endless;gap_ms=1"))};
  CAF_REQUIRE(child.wait_for_out("w3 "));
  child.close_out();
  CAF_CHECK(server.wait_until(last_is_closed));
  auto result = finish(child);
  CAF_CHECK_EQUAL(result.code, 130);
  CAF_CHECK(contains(result.err, "(the output was closed)"));
}

CAF_TEST(an output that is closed while the model is silent ends the run at once) {
  child_process child{command(run("silence"))};
  auto connections = server.records().size();
  CAF_REQUIRE(server.wait_until([&](const records& all) { return all.size() > connections; }));
  child.close_out();
  CAF_CHECK(server.wait_until(last_is_closed));
  auto result = finish(child);
  CAF_CHECK_EQUAL(result.code, 130);
  CAF_CHECK(contains(result.err, "(the output was closed)"));
}

CAF_TEST(a missed deadline exits with 124 and names itself) {
  auto total = oncue(run("endless;gap_ms=5", {"--timeout", "300ms"}));
  CAF_CHECK_EQUAL(total.code, 124);
  CAF_CHECK(contains(total.err, ": total deadline: the run was not over within 300 ms · "));
  CAF_CHECK(contains(total.err, std::to_string(total.out.size()) + " characters kept\n"));
  CAF_CHECK(contains(total.err, "status ERROR · deadline_total\n"));
  CAF_CHECK(server.wait_until(last_is_closed));
  auto first = oncue(run("silence", {"--first-token-timeout", "200ms"}));
  CAF_CHECK_EQUAL(first.code, 124);
  CAF_CHECK_EQUAL(first.out, "");
  CAF_CHECK(contains(first.err, ": first-token deadline: no token came within 200 ms\n"));
  CAF_CHECK(contains(first.err, "status ERROR · deadline_first_token\n"));
  CAF_CHECK(server.wait_until(last_is_closed));
}

CAF_TEST(a provider that fails exits with 1 and its own words and never shows the key) {
  auto gone = std::make_unique<provider>()->base_url("words");
  struct {
    std::string base_url;
    std::string err;
    std::string out = {};
  } cases[] = {
      {server.base_url("status;code=401"), "Incorrect API key provided: [redacted]. You can find your API key at"},
      {server.base_url("status;code=404"),
       "The model `misbehaving` does not exist or you do not have access to it. (HTTP 404)\n"},
      {server.base_url("bad_json;k=3"), "got: {\"choices\":[{\"delta\":{\"content\": · 9 characters kept\n", "w0 w1 w2 "},
      {server.base_url("early_close;k=3"), " closed the connection in the middle of its answer", "w0 w1 w2 "},
      {gone, ": connection refused\n"},
      {"http://nonexistent.invalid/v1", "the name nonexistent.invalid has no address\n"},
  };
  const std::string key = "sk-proj-0123456789abcdefXYZW";
  for (const auto& [base_url, err, out] : cases) {
    for (bool json : {false, true}) {
      CAF_MESSAGE(base_url << (json ? ", json" : ""));
      arguments words{"run", "tell me", "--run-id", "r1"};
      if (json) words.push_back("--json");
      auto result = oncue(words, {{"OPENAI_API_KEY", key}, {"OPENAI_BASE_URL", base_url}});
      CAF_CHECK_EQUAL(result.code, 1);
      if (json) {
        CAF_CHECK_EQUAL(broken_json(result.out, "RunError"), "");
      } else {
        CAF_CHECK(contains(result.err, err));
        CAF_CHECK_EQUAL(result.out, out);
      }
      for (auto part : {key, key.substr(0, 8), key.substr(key.size() - 4)}) {
        CAF_CHECK(!contains(result.out + result.err, part));
      }
    }
  }
  CAF_CHECK(contains(server.records().front().request_head, "Authorization: Bearer " + key));
}

CAF_TEST(bad input exits with 2 and says which field and what was expected) {
  write("bad.toml", "[[models]]\nid = \"a\"\nbase_url = \n");
  write("unknown.toml", "[[models]]\nid = \"a\"\nprovider = \"scripted\"\n[[agents]]\nid = \"x\"\nmodle = \"a\"\n");
  write("secret.toml", "[[models]]\nid = \"a\"\napi_key = \"sk-secret-0123456789\"\n");
  const std::string hint = "Run 'oncue --help', or 'oncue run --help', for what is possible.\n";
  struct {
    arguments words;
    std::string err;  // behind "error: "; with "…" at its end: the beginning of it
    variables more = {};
  } cases[] = {
      {{}, "A subcommand is required\n" + hint},
      {{"run"}, "prompt is required\n" + hint},
      {{"run", "--nope", "x"}, "The following argument was not expected: --nope\n" + hint},
      {{"run", ""}, "the message is empty\n"},
      {{"run", " \n"}, "the message is empty\n"},
      {{"run", "-"}, "the message is empty\n"},
      {{"run", "\xff"}, "the message is not valid UTF-8\n"},
      {{"run", "--agent", "nobody", "x"}, "no agent has the id \"nobody\"; agents are: story-writer-agent\n"},
      {{"run", "--run-id", "a b", "x"}, "run_id must be 1 to 128 characters of A-Z a-z 0-9 . _ : -\n"},
      {{"run", "--run-id", std::string(129, 'a'), "x"}, "run_id must be 1 to 128 characters of A-Z a-z 0-9 . _ : -\n"},
      {{"run", "--timeout", "0s", "x"}, "--timeout: expected a duration above 0, or \"none\" for no limit, got \"0s\"\n"},
      {{"run", "--timeout", "0", "x"},
       "--timeout: \"0\" has no unit: write \"0s\" for seconds or \"0ms\" for milliseconds\n"},
      {{"run", "--first-token-timeout", "soon", "x"}, "--first-token-timeout: \"soon\" is not a duration: expected one…"},
      {{"run", "--cancel-after", "8", "x"}, "--cancel-after: \"8\" has no unit…"},
      {{"run", "--base-url", "localhost:80", "x"},
       "--base-url: expected a URL that starts with http:// or https://, got \"localhost:80\"\n"},
      {{"run", "x"}, "OPENAI_BASE_URL: expected a URL that starts with…", {{"OPENAI_BASE_URL", "localhost"}}},
      {{"run", "--model", "gpt", "x"}, "--model: no model has the id \"gpt\"…"},
      {{"run", "--config", "none.toml", "x"},
       "cannot read the configuration file that --config names: none.toml: No such file or directory\n"},
      {{"agents"},
       "cannot read the configuration file that ONCUE_CONFIG names: none.toml: No such file or directory\n",
       {{"ONCUE_CONFIG", "none.toml"}}},
      {{"agents", "--config", "bad.toml"}, "bad.toml:3:12: not valid TOML: …"},
      {{"agents", "--config", "unknown.toml"}, "unknown.toml:6:1: agents[0].modle: unknown key; did you mean \"model\"?…"},
      {{"agents", "--config", "secret.toml"}, "secret.toml:3:1: models[0].api_key: keys do not belong into this file…"},
  };
  for (auto& [words, err, more] : cases) {
    CAF_MESSAGE(err);
    auto result = oncue(words, more);
    CAF_CHECK_EQUAL(result.code, 2);
    CAF_CHECK_EQUAL(result.out, "");
    auto expected = "error: " + err;
    if (expected.ends_with("…")) {
      expected.resize(expected.size() - std::string_view{"…"}.size());
      result.err.resize(std::min(result.err.size(), expected.size()));
    }
    CAF_CHECK_EQUAL(result.err, expected);
  }
  CAF_CHECK_EQUAL(server.records().size(), 0u);
}

CAF_TEST(init writes a file that is accepted and never overwrites one) {
  auto made = oncue({"init"});
  CAF_CHECK_EQUAL(made.code, 0);
  CAF_CHECK_EQUAL(made.out, "wrote oncue.toml; every setting is explained in it. Try: oncue agents\n");
  auto again = oncue({"init"});
  CAF_CHECK_EQUAL(again.code, 2);
  CAF_CHECK_EQUAL(again.err, "error: oncue.toml: File exists; --force overwrites it, or give another path\n");
  write("oncue.toml", "[[agents]]\nid = \"mine\"\n");
  CAF_CHECK(contains(oncue({"agents"}).out, "* mine "));  // found where one stands
  CAF_CHECK_EQUAL(oncue({"init"}).code, 2);
  CAF_CHECK(contains(oncue({"agents"}).out, "* mine "));
  CAF_CHECK_EQUAL(oncue({"init", "--force"}).code, 0);
  CAF_CHECK_EQUAL(oncue({"init", "config/none/here.toml"}).code, 1);

  auto list = oncue({"agents", "--config", "oncue.toml"});
  CAF_CHECK_EQUAL(list.code, 0);
  CAF_CHECK(list.out.starts_with("* story-writer-agent  demo-story-model (demo, offline)\n"));
  CAF_CHECK(contains(list.out, "From oncue.toml. * is the default agent.\n"));
  auto parsed = nlohmann::json::parse(oncue({"agents", "--json"}).out, nullptr, false);
  CAF_REQUIRE(parsed.is_array() && parsed.size() == 1);
  CAF_CHECK_EQUAL(parsed[0]["id"], "story-writer-agent");
  CAF_CHECK_EQUAL(parsed[0]["model"]["provider"], "scripted");
  CAF_CHECK(parsed[0]["is_default"] == true);
}

CAF_TEST(doctor says what works and what to do where it does not ) {
  auto gone = std::make_unique<provider>()->base_url("words");
  const variables with_key{{"OPENAI_API_KEY", "sk-proj-0123456789abcdefXYZW"}};
  struct {
    std::string base_url;
    int code;
    std::vector<std::string> lines;
    variables more = {};
  } cases[] = {
      {server.base_url("words"), 0, {"ok    no API key is sent\n", "ok    it streams: the first token came after "}},
      {server.base_url("endless;gap_ms=1"),
       0,
       {"ok    no configuration file; the environment and defaults are used\n",
        "ok    agent story-writer-agent: gpt-4o-mini at ", "ok    it streams: the first token came after ",
        "ok    it stops: cancelled and its connection closed in "}},
      {server.base_url("status;code=401"),
       1,
       {"ok    the API key is in OPENAI_API_KEY\n", "FAIL  Incorrect API key provided: [redacted].",
        "note  check the key in OPENAI_API_KEY\n"},
       with_key},
      {server.base_url("status;code=401"), 1, {"note  the server wants a key: set api_key_env\n"}},
      {server.base_url("status;code=404"), 1, {"FAIL  The model ", "note  check base_url (does it end in /v1?)"}},
      {server.base_url("silence"),
       1,
       {"FAIL  first-token deadline", "note  the server is slow: raise first_token_timeout\n"}},
      {gone,
       1,
       {"note  trying again: cannot connect to ", "FAIL  cannot connect to ", "note  check base_url (" + gone + ")"}},
      {"localhost", 2, {"FAIL  --base-url: expected a URL that starts with "}},
  };
  for (const auto& [base_url, code, lines, more] : cases) {
    CAF_MESSAGE(base_url);
    auto result = oncue({"doctor", "--base-url", base_url, "--first-token-timeout", "500ms"}, more);
    CAF_CHECK_EQUAL(result.code, code);
    CAF_CHECK_EQUAL(result.err, "");
    for (const auto& line : lines) {
      CAF_CHECK(contains(result.out, line));
      if (!contains(result.out, line)) CAF_MESSAGE(line << " is not in\n" << result.out);
    }
    CAF_CHECK(!contains(result.out, "sk-proj-"));
  }
  CAF_CHECK(contains(oncue({"doctor"}).out, "note  agent story-writer-agent uses the built-in demo model"));
  write("oncue.toml", "[[models]]\nid = \"m\"\napi_key_env = \"NO_SUCH_KEY\"\n");
  auto without = oncue({"doctor"});
  CAF_CHECK_EQUAL(without.code, 1);
  CAF_CHECK(contains(without.out, "FAIL  the environment variable NO_SUCH_KEY is not set: there is no API key\n"));
}

CAF_TEST(only a terminal gets colours and a waiting line) {
  auto on_terminal = [this](const std::string& scenario, variables more = {}) {
    auto options = command(run(scenario), std::move(more));
    options.terminal = true;
    return options;
  };
  auto coloured = finish(on_terminal("error_in_stream;k=3"));
  CAF_CHECK(contains(coloured.out, "w0 w1 w2 \n\033[31mfailed\033[0m after "));
  CAF_CHECK(!contains(finish(on_terminal("error_in_stream;k=3", {{"NO_COLOR", "1"}})).out, "\033"));
  CAF_CHECK(contains(finish(on_terminal("error_in_stream;k=3", {{"NO_COLOR", ""}})).out, "\033"));
  for (auto words : {run("error_in_stream;k=3"), arguments{"agents"}, arguments{"doctor"}, arguments{"run", "--nope"}}) {
    auto piped = oncue(words);
    CAF_CHECK(!contains(piped.out + piped.err, "\033"));
  }

  child_process waiting{on_terminal("silence")};
  CAF_REQUIRE(waiting.wait_for_out("waiting for the first token … 1 s"));
  waiting.send(SIGINT);
  auto result = finish(waiting);
  CAF_CHECK_EQUAL(result.code, 130);
  CAF_CHECK(contains(result.out, "\r\033[K\033[33mcancelled\033[0m after "));
}

CAF_TEST_FIXTURE_SCOPE_END()
