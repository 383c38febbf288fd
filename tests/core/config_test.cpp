#define CAF_SUITE core.config

#include "oncue/core/config.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <sstream>
#include <vector>

#include "oncue/core/limits.hpp"

using namespace oncue::core;
using namespace std::chrono_literals;
using oncue::agent_id;

namespace {

/// The configuration, or one without agents after a message that says why.
config good(const config_result& result) {
  if (const auto* error = std::get_if<config_error>(&result)) {
    CAF_FAIL(to_string(*error));
    return {};
  }
  return std::get<config>(result);
}

config decoded(std::string_view text, const environment& env = {}) { return good(decode_config(text, "oncue.toml", env)); }

std::string error_of(const config_result& result) {
  const auto* error = std::get_if<config_error>(&result);
  return error ? to_string(*error) : "no error";
}

std::string error_of(std::string_view text) { return error_of(decode_config(text, "oncue.toml")); }

std::string overridden(config& target, std::string agent, const config_overrides& overrides, const environment& env = {}) {
  return apply_overrides(target, agent_id{std::move(agent)}, overrides, env).value_or("");
}

const model_spec& model_of(const config& source, const std::string& agent) {
  static const model_spec none;
  for (const auto& a : source.agents) {
    if (a.id.value != agent) continue;
    for (const auto& m : source.models) {
      if (m.id == a.model) return m;
    }
  }
  return none;
}

struct bad_file {
  std::string text;
  std::string expected;  ///< behind "oncue.toml:"
};

}  // namespace

CAF_TEST(a whole file becomes checked values) {
  const auto result = decoded(R"(
default_agent = "critic"
[[models]]
id = "groq"
name = "llama-3.3-70b"
base_url = "https://api.groq.com/openai/v1//"
api_key_env = "GROQ_API_KEY"
temperature = 1
max_tokens = 1000
headers = { X-Team = "stories", authorization = "Basic abc" }
include_usage = false
[models.extra_body]
top_p = 0.5
stop = ["END", "\n"]
nested = { on = true, n = -3 }
[[models]]
id = "offline"
provider = "scripted"
[models.scripted]
first_token_delay = "1s"
token_delay = "0ms"
tokens = 5
silent = true
text = "one two"
[[agents]]
id = "story-writer-agent"
instructions = "Be brief."
[[agents]]
id = "critic"
name = "Critic"
description = "An agent that judges"
model = "offline"
[agents.limits]
first_token_timeout = "5s"
idle_timeout = "none"
total_timeout = "1h30m"
turns_max = 2
run_text_bytes_max = 100
attempts_max = 1
retry_base = "10s"
)");
  CAF_REQUIRE_EQUAL(result.models.size(), 2u);
  model_spec groq{.id = "groq", .provider = provider_kind::openai, .name = "llama-3.3-70b"};
  groq.base_url = "https://api.groq.com/openai/v1";
  groq.api_key_env = "GROQ_API_KEY";
  groq.temperature = 1.0;
  groq.max_tokens = 1000;
  groq.headers = {{"X-Team", "stories"}, {"authorization", "Basic abc"}};
  groq.extra_body = R"({"nested":{"n":-3,"on":true},"stop":["END","\n"],"top_p":0.5})";
  groq.include_usage = false;
  CAF_CHECK(result.models[0] == groq);
  model_spec offline{.id = "offline", .provider = provider_kind::scripted, .name = "offline"};
  offline.scripted = {.first_token_delay = 1s, .token_delay = 0ms, .tokens = 5, .silent = true, .text = "one two"};
  CAF_CHECK(result.models[1] == offline);

  CAF_REQUIRE_EQUAL(result.agents.size(), 2u);
  agent_spec writer{
      .id = {"story-writer-agent"}, .name = "story-writer-agent", .instructions = "Be brief.", .model = "groq"};
  writer.limits = {.first_token = 60s, .idle = 60s, .total = 15min};
  CAF_CHECK(result.agents[0] == writer);
  agent_spec critic{.id = {"critic"}, .name = "Critic", .description = "An agent that judges", .model = "offline"};
  critic.limits = {.first_token = 5s, .idle = {}, .total = 90min};
  critic.turns_max = 2;
  critic.run_text_bytes_max = 100;
  critic.retry = {.attempts_max = 1, .base = 10s, .delay_max = 10s};
  CAF_CHECK(result.agents[1] == critic);
  CAF_CHECK_EQUAL(result.default_agent.value, "critic");

  const auto agents = make_catalog(result);
  CAF_REQUIRE_EQUAL(agents.agents.size(), 2u);
  CAF_CHECK(agents.find({"critic"})->model == offline);
  CAF_CHECK(agents.find({"nobody"}) == nullptr);
}

CAF_TEST(what a file leaves out has a default) {
  auto result = decoded("[[models]]\nid = \"gpt-4o\"");
  CAF_CHECK_EQUAL(result.models[0].name, "gpt-4o");
  CAF_CHECK_EQUAL(result.models[0].base_url, "https://api.openai.com/v1");
  CAF_CHECK_EQUAL(result.models[0].api_key_env, "OPENAI_API_KEY");
  CAF_CHECK_EQUAL(result.models[0].include_usage, true);
  CAF_REQUIRE_EQUAL(result.agents.size(), 1u);
  CAF_CHECK_EQUAL(result.agents[0].name, "StoryWriterAgent");
  CAF_CHECK_EQUAL(result.agents[0].description, "An agent that writes stories");
  CAF_CHECK_EQUAL(result.agents[0].model, "gpt-4o");
  CAF_CHECK(result.agents[0].limits == default_deadlines());
  CAF_CHECK_EQUAL(result.default_agent.value, "story-writer-agent");

  // A key goes nowhere but to its own service.
  CAF_CHECK_EQUAL(decoded("[[models]]\nid=\"a\"\nbase_url=\"http://[::1]:8080/v1\"").models[0].api_key_env, "");
  CAF_CHECK_EQUAL(decoded("[[models]]\nid=\"a\"\nbase_url=\"https://api.openai.com/v1/\"").models[0].api_key_env,
                  "OPENAI_API_KEY");
  CAF_CHECK_EQUAL(decoded("[[models]]\nid=\"a\"\napi_key_env=\"\"").models[0].api_key_env, "");

  // The first agent is the default one, and the story writer is always there.
  result = decoded("[[agents]]\nid=\"a\"");
  CAF_REQUIRE_EQUAL(result.agents.size(), 2u);
  CAF_CHECK_EQUAL(result.default_agent.value, "a");
  CAF_CHECK_EQUAL(result.agents[0].model, "demo");
  CAF_CHECK_EQUAL(result.agents[1].id.value, "story-writer-agent");
  CAF_CHECK_EQUAL(decoded("default_agent='story-writer-agent'\n[[agents]]\nid='a'").default_agent.value,
                  "story-writer-agent");

  // Without models in the file the environment decides, as it does without a file.
  CAF_CHECK(decoded("") == good(default_config({})));
  const environment env{.openai_api_key_set = true};
  CAF_CHECK(decoded("# nothing", env) == good(default_config(env)));
}

CAF_TEST(a bad file is refused with its place and what was expected) {
  const std::string model = "[[models]]\nid = \"a\"\n";
  const std::string scripted = model + "provider = \"scripted\"\n";
  const std::string agent = "[[agents]]\nid = \"a\"\n";
  const std::string limits = agent + "[agents.limits]\n";
  const std::string known_model =
      "Known keys: id, provider, name, base_url, api_key_env, temperature, max_tokens, headers, extra_body, include_usage, "
      "scripted";
  const std::vector<bad_file> table = {
      // -- the file
      {"modles = 1",
       "1:1: modles: unknown key; did you mean \"models\"? Known keys: default_agent, models, tools, mcp_servers, agents, "
       "server, store, cluster, "
       "limits"},
      {"[tools]\nport = 1", "1:1: tools: expected tables, each written as [[tools]], got a table"},
      {"[models]\nid = \"a\"", "1:1: models: expected tables, each written as [[models]], got a table"},
      {"models = [1]", "1:11: models[0]: expected tables, each written as [[models]], got 1"},
      {"agents = \"a\"", "1:10: agents: expected tables, each written as [[agents]], got a string"},
      {"default_agent = \"b\"\n" + agent,
       "1:17: default_agent: no agent has the id \"b\"; agents are: a, story-writer-agent"},
      {"default_agent = 7", "1:17: default_agent: expected a string, got 7"},
      // -- models
      {"[[models]]\nname = \"a\"", "1:1: models[0].id: expected an id, which every one of these needs"},
      {"[[models]]\nid = \"a b\"", "2:6: models[0].id: expected 1 to 128 characters of A-Z a-z 0-9 . _ : -, got \"a b\""},
      {model + model, "4:6: models[1].id: expected an id of its own, but models[0] has it too"},
      {model + "base_ulr = \"x\"", "3:1: models[0].base_ulr: unknown key; did you mean \"base_url\"? " + known_model},
      {model + "\"tempera\\nture\" = 1",
       "3:1: models[0].\"tempera\\nture\": unknown key; did you mean \"temperature\"? " + known_model},
      {model + "zz = 1", "3:1: models[0].zz: unknown key. " + known_model},
      {model + "api_key = \"sk-secret\"",
       "3:1: models[0].api_key: keys do not belong into this file: put the key into an environment variable and name it, "
       "as "
       "in api_key_env = \"OPENAI_API_KEY\""},
      {model + "Api-Key = \"sk-secret\"",
       "3:1: models[0].Api-Key: keys do not belong into this file: put the key into an environment variable and name it, "
       "as "
       "in api_key_env = \"OPENAI_API_KEY\""},
      {model + "api_key_env = \"sk-secret\"",
       "3:15: models[0].api_key_env: expected the name of an environment variable (letters, digits and _), not the key "
       "itself"},
      {model + "api_key_env = \"1A\"",
       "3:15: models[0].api_key_env: expected the name of an environment variable (letters, digits and _), not the key "
       "itself"},
      {model + "provider = \"anthropic\"",
       "3:12: models[0].provider: expected \"openai\" or \"scripted\", got \"anthropic\""},
      {model + "name = \"\"", "3:8: models[0].name: expected a text that is not empty"},
      {model + "base_url = \"localhost:8080\"",
       "3:12: models[0].base_url: expected a URL that starts with http:// or https://, got \"localhost:8080\""},
      {model + "base_url = \"sk-0123456789\"",
       "3:12: models[0].base_url: expected a URL that starts with http:// or https://, got \"[redacted]\""},
      {model + "base_url = \"\"",
       "3:12: models[0].base_url: expected a URL that starts with http:// or https://, got \"\""},
      {model + "base_url = \"http://\"",
       "3:12: models[0].base_url: expected a URL that starts with http:// or https://, got \"http://\""},
      {model + "base_url = \"http:///v1\"", "3:12: models[0].base_url: expected a URL with a host, got \"http:///v1\""},
      {model + "base_url = \"http://h/v1?key=1\"",
       "3:12: models[0].base_url: expected a URL without ? and #, because paths are appended to it, got "
       "\"http://h/v1?key=1\""},
      {model + "base_url = \"http://h\\r\\nX: y\"",
       "3:12: models[0].base_url: expected a URL without spaces and control characters, got \"http://h\\r\\nX: y\""},
      {model + "base_url = \"https://me:secret@h/v1\"",
       "3:12: models[0].base_url: expected a URL without user name and password: keys belong into the environment"},
      {model + "base_url = true", "3:12: models[0].base_url: expected a string, got a boolean"},
      {model + "temperature = 2.5", "3:15: models[0].temperature: expected a number from 0 to 2, got 2.5"},
      {model + "temperature = -1", "3:15: models[0].temperature: expected a number from 0 to 2, got -1"},
      {model + "temperature = nan",
       "3:15: models[0].temperature: expected a number from 0 to 2, got a float that is not finite"},
      {model + "temperature = \"1\"", "3:15: models[0].temperature: expected a number from 0 to 2, got a string"},
      {model + "max_tokens = 0", "3:14: models[0].max_tokens: expected a whole number from 1 to 4294967295, got 0"},
      {model + "max_tokens = 1.5", "3:14: models[0].max_tokens: expected a whole number from 1 to 4294967295, got 1.5"},
      {model + "max_tokens = 4294967296",
       "3:14: models[0].max_tokens: expected a whole number from 1 to 4294967295, got 4294967296"},
      {model + "include_usage = \"yes\"", "3:17: models[0].include_usage: expected true or false, got a string"},
      {model + "headers = [\"X: y\"]", "3:11: models[0].headers: expected a table, got an array"},
      {model + "headers = { X = 1 }", "3:17: models[0].headers.X: expected a string, got 1"},
      {model + "headers = { X = \"a\\r\\nb\" }",
       "3:17: models[0].headers.X: expected a header value without line breaks, NUL and other control characters"},
      {model + "headers = { X = \"a\\u0000b\" }",
       "3:17: models[0].headers.X: expected a header value without line breaks, NUL and other control characters"},
      {model + "headers = { \"X\\nY\" = \"b\" }",
       "3:22: models[0].headers.\"X\\nY\": expected a header name: letters, digits and !#$%&'*+-.^_`|~"},
      {model + "headers = { \"\" = \"b\" }",
       "3:18: models[0].headers.\"\": expected a header name: letters, digits and !#$%&'*+-.^_`|~"},
      {model + "extra_body = \"{}\"", "3:14: models[0].extra_body: expected a table, got a string"},
      {model + "extra_body = { stream = false }",
       "3:25: models[0].extra_body.stream: expected none of model, messages, stream: the request sets them itself"},
      {model + "extra_body = { a = [1, 2026-01-01] }",
       "3:24: models[0].extra_body.a[1]: expected a value that JSON can hold, got a date"},
      {model + "extra_body = { a = inf }",
       "3:20: models[0].extra_body.a: expected a value that JSON can hold, got a float that is not finite"},
      {model + "[models.scripted]", "3:1: models[0].scripted: expected this only with provider = \"scripted\""},
      {scripted + "temperature = 1", "4:15: models[0].temperature: expected this only with provider = \"openai\""},
      {scripted + "[models.scripted]\ntoken_delay = 60",
       "5:15: models[0].scripted.token_delay: expected a duration such as \"8s\", got 60"},
      {scripted + "[models.scripted]\ntoken_delay = \"60\"",
       "5:15: models[0].scripted.token_delay: \"60\" has no unit: write \"60s\" for seconds or \"60ms\" for milliseconds"},
      {scripted + "[models.scripted]\ntokens = -1",
       "5:10: models[0].scripted.tokens: expected a whole number from 0 to 10000000, got -1"},
      {scripted + "[models.scripted]\ntoken = 1",
       "5:1: models[0].scripted.token: unknown key; did you mean \"tokens\"? Known keys: first_token_delay, token_delay, "
       "tokens, silent, text, calls"},
      // -- agents
      {agent + agent, "4:6: agents[1].id: expected an id of its own, but agents[0] has it too"},
      {"[[agents]]\nid = \"" + std::string(129, 'x') + "\"",
       "2:6: agents[0].id: expected 1 to 128 characters of A-Z a-z 0-9 . _ : -, got \"" + std::string(60, 'x') + "…\""},
      {agent + "model = \"b\"\n" + model, "3:9: agents[0].model: no model has the id \"b\"; models are: a"},
      {agent + "timeout = \"8s\"",
       "3:1: agents[0].timeout: unknown key. Known keys: id, name, model, description, instructions, history_runs, "
       "history_bytes_max, history_with_stopped, limits, tools, mcp_servers, agents"},
      {agent + "limits = 1", "3:10: agents[0].limits: expected a table, got 1"},
      {limits + "total_timout = \"8s\"",
       "4:1: agents[0].limits.total_timout: unknown key; did you mean \"total_timeout\"? Known keys: first_token_timeout, "
       "idle_timeout, total_timeout, turns_max, run_text_bytes_max, attempts_max, retry_base, retry_delay_max, "
       "pause_timeout"},
      {limits + "idle_timeout = 60",
       "4:16: agents[0].limits.idle_timeout: expected a duration such as \"8s\", or \"none\", got 60"},
      {limits + "idle_timeout = \"0s\"",
       "4:16: agents[0].limits.idle_timeout: expected a duration above 0, or \"none\" for no limit, got \"0s\""},
      {limits + "total_timeout = \"25h\"", "4:17: agents[0].limits.total_timeout: \"25h\" is too long: at most 24 h"},
      {limits + "turns_max = 1001", "4:13: agents[0].limits.turns_max: expected a whole number from 1 to 1000, got 1001"},
      {limits + "attempts_max = 0", "4:16: agents[0].limits.attempts_max: expected a whole number from 1 to 20, got 0"},
      {limits + "run_text_bytes_max = 999999999999",
       "4:22: agents[0].limits.run_text_bytes_max: expected a whole number from 1 to 268435456, got 999999999999"},
      {limits + "retry_base = \"2s\"\nretry_delay_max = \"1s\"",
       "5:19: agents[0].limits.retry_delay_max: expected at least retry_base, which is 2 s, got 1 s"},
  };
  for (const auto& [text, expected] : table) CAF_CHECK_EQUAL(error_of(text), "oncue.toml:" + expected);
}

CAF_TEST(a table header without a key is refused and ends no process) {
  for (const auto* text : {"[\nmodels]", "[[\nmodels]]", "[=]", "a = 1\n[ \t\n", "[\x01]"}) {
    const auto error = error_of(text);
    CAF_MESSAGE(error);
    CAF_CHECK(error.find(": not valid TOML: ") != std::string::npos);
  }
}

CAF_TEST(a letter outside of ASCII where a key begins is refused) {
  for (const auto* text : {"\xC3\xA9 = 1", "\xD2\x87", "[\xD2\x87]", "a = \xE1\x9A\x81"}) {
    const auto error = error_of(text);
    CAF_MESSAGE(error);
    CAF_CHECK(error.find(": not valid TOML: ") != std::string::npos);
  }
}

CAF_TEST(a text that is not TOML is refused with its place) {
  for (const auto* text : {"a = ", "[[models]\n", "id = \"a", "a = 1\na = 2", "x = \"\xC3\x28\"", "= 1", "\"a\""}) {
    const auto error = error_of(text);
    CAF_MESSAGE(error);
    CAF_CHECK_EQUAL(error.rfind("oncue.toml:", 0), 0u);
    CAF_CHECK(error.find(": not valid TOML: ") != std::string::npos);
  }
  CAF_CHECK_EQUAL(error_of(std::string(limits::config_file_bytes_max + 1, '\n')),
                  "oncue.toml: expected a file of at most 1048576 bytes");
}

CAF_TEST(without a file the environment chooses the model) {
  const auto offline = good(default_config({.openai_model = "gpt-4o"}));
  CAF_REQUIRE_EQUAL(offline.models.size(), 1u);
  CAF_CHECK(offline.models[0] ==
            (model_spec{.id = "demo", .provider = provider_kind::scripted, .name = "demo-story-model"}));
  CAF_REQUIRE_EQUAL(offline.agents.size(), 1u);
  CAF_CHECK_EQUAL(offline.agents[0].model, "demo");
  CAF_CHECK_EQUAL(offline.default_agent.value, "story-writer-agent");

  struct row {
    environment env;
    std::string name, base_url, api_key_env;
  };
  const std::vector<row> table = {
      {{true, "", ""}, "gpt-4o-mini", "https://api.openai.com/v1", "OPENAI_API_KEY"},
      {{true, "", "o3"}, "o3", "https://api.openai.com/v1", "OPENAI_API_KEY"},
      {{true, "http://h/v1/", ""}, "gpt-4o-mini", "http://h/v1", "OPENAI_API_KEY"},
      {{false, "http://h/v1", "m"}, "m", "http://h/v1", ""},
      {{false, "https://api.openai.com/v1", ""}, "gpt-4o-mini", "https://api.openai.com/v1", "OPENAI_API_KEY"},
  };
  for (const auto& [env, name, base_url, api_key_env] : table) {
    const auto result = good(default_config(env));
    CAF_CHECK_EQUAL(result.models[0].id, "openai");
    CAF_CHECK_EQUAL(result.models[0].name, name);
    CAF_CHECK_EQUAL(result.models[0].base_url, base_url);
    CAF_CHECK_EQUAL(result.models[0].api_key_env, api_key_env);
  }

  const environment bad{.openai_base_url = "localhost:8080"};
  const std::string expected =
      "OPENAI_BASE_URL: expected a URL that starts with http:// or https://, got \"localhost:8080\"";
  CAF_CHECK_EQUAL(error_of(default_config(bad)), expected);
  CAF_CHECK_EQUAL(error_of(decode_config("", "oncue.toml", bad)), expected);
  CAF_CHECK_EQUAL(error_of(decode_config("[[models]]\nid='a'", "oncue.toml", bad)), "no error");
}

CAF_TEST(the command line changes one agent and no other) {
  const auto before = decoded(R"(
[[models]]
id = "cloud"
name = "gpt-4o"
[[models]]
id = "local"
name = "llama"
base_url = "http://127.0.0.1:8080/v1"
[[models]]
id = "demo"
provider = "scripted"
[[agents]]
id = "a"
[[agents]]
id = "b"
[[agents]]
id = "d"
model = "demo"
)");
  const environment with_key{.openai_api_key_set = true};

  auto x = before;
  CAF_CHECK_EQUAL(overridden(x, "a", {.timeout = "8s", .first_token_timeout = "none"}), "");
  CAF_CHECK(x.agents[0].limits.total == 8s);
  CAF_CHECK(x.agents[0].limits.first_token == std::nullopt);
  CAF_CHECK(x.agents[0].limits.idle == 60s);
  CAF_CHECK(x.agents[1] == before.agents[1]);
  CAF_CHECK(x.models == before.models);

  // A model's id, or else a name that the provider knows.
  CAF_CHECK_EQUAL(overridden(x, "a", {.model = "local"}), "");
  CAF_CHECK(model_of(x, "a") == before.models[1]);
  CAF_CHECK_EQUAL(overridden(x, "a", {.model = "qwen"}), "");
  CAF_CHECK_EQUAL(model_of(x, "a").name, "qwen");
  CAF_CHECK_EQUAL(model_of(x, "a").base_url, "http://127.0.0.1:8080/v1");
  CAF_CHECK_EQUAL(overridden(x, "b", {.model = "o3"}), "");
  CAF_CHECK_EQUAL(model_of(x, "a").name, "qwen");
  CAF_CHECK_EQUAL(model_of(x, "b").name, "o3");
  CAF_CHECK_EQUAL(model_of(x, "b").api_key_env, "OPENAI_API_KEY");
  CAF_CHECK(std::equal(before.models.begin(), before.models.end(), x.models.begin()));
  CAF_CHECK_EQUAL(make_catalog(x).agents.size(), 4u);

  // A base URL makes the demo model a real one; the key goes along only if it is there.
  x = before;
  CAF_CHECK_EQUAL(overridden(x, "d", {.model = "llama3", .base_url = "http://h/v1/"}), "");
  CAF_CHECK(model_of(x, "d").provider == provider_kind::openai);
  CAF_CHECK_EQUAL(model_of(x, "d").name, "llama3");
  CAF_CHECK_EQUAL(model_of(x, "d").base_url, "http://h/v1");
  CAF_CHECK_EQUAL(model_of(x, "d").api_key_env, "");
  x = before;
  CAF_CHECK_EQUAL(overridden(x, "d", {.base_url = "http://h/v1"}, with_key), "");
  CAF_CHECK_EQUAL(model_of(x, "d").name, "gpt-4o-mini");
  CAF_CHECK_EQUAL(model_of(x, "d").api_key_env, "OPENAI_API_KEY");
  CAF_CHECK_EQUAL(overridden(x, "a", {.base_url = "http://h/v1"}), "");
  CAF_CHECK_EQUAL(model_of(x, "a").name, "gpt-4o");
  CAF_CHECK_EQUAL(model_of(x, "a").api_key_env, "");
  CAF_CHECK_EQUAL(overridden(x, "b", {.model = "local", .base_url = "http://h/v2"}, with_key), "");
  CAF_CHECK_EQUAL(model_of(x, "b").name, "llama");
  CAF_CHECK_EQUAL(model_of(x, "b").api_key_env, "");

  // What is wrong is named, and nothing changes.
  const std::vector<std::tuple<std::string, config_overrides, std::string>> table = {
      {"z", {}, "no agent has the id \"z\"; agents are: a, b, d, story-writer-agent"},
      {"a", {.timeout = "8"}, "--timeout: \"8\" has no unit: write \"8s\" for seconds or \"8ms\" for milliseconds"},
      {"a", {.timeout = "0s"}, "--timeout: expected a duration above 0, or \"none\" for no limit, got \"0s\""},
      {"a", {.timeout = "9s", .first_token_timeout = "25h"}, "--first-token-timeout: \"25h\" is too long: at most 24 h"},
      {"a", {.base_url = "h:1"}, "--base-url: expected a URL that starts with http:// or https://, got \"h:1\""},
      {"a", {.model = ""}, "--model: expected the id of a model or a provider's model name, got an empty text"},
      {"d",
       {.model = "o3"},
       "--model: no model has the id \"o3\", and the offline demo model has no other names: set OPENAI_API_KEY, or say "
       "where "
       "the model is with --base-url"},
  };
  for (const auto& [agent, overrides, expected] : table) {
    x = before;
    CAF_CHECK_EQUAL(overridden(x, agent, overrides), expected);
    CAF_CHECK(x == before);
  }
}

CAF_TEST(a new file is accepted as it is and with every setting switched on) {
  const auto text = commented_config();
  const auto fresh = decoded(text);
  CAF_CHECK_EQUAL(fresh.models.size(), 4u);
  CAF_CHECK_EQUAL(fresh.default_agent.value, "story-writer-agent");
  // Nothing to install and nothing to pay before the first run.
  CAF_CHECK(model_of(fresh, "story-writer-agent") ==
            (model_spec{.id = "demo", .provider = provider_kind::scripted, .name = "demo-story-model"}));
  CAF_CHECK(fresh.agents[0].limits == default_deadlines());

  // Settings that state their default change nothing; the others are examples.
  std::string switched_on, decodable, defaults_on;
  bool in_example = false;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    const bool in_list = line.rfind("#  \"", 0) == 0;
    const bool setting = line.size() > 1 && line[0] == '#' && (line[1] != ' ' || in_list);
    // A table that is not there by itself is an example as a whole.
    in_example = line.find("#[[") == 0 || (in_example && line.find("# ---") != 0 && line.find("[") != 0);
    const bool example = line.find("#temperature") == 0 || line.find("#max_tokens") == 0 || line.find("#headers") == 0 ||
                         line.find("#extra_body") == 0 || line.find("#text") == 0 || line.find("#instructions") == 0 ||
                         line.find("#path") == 0 || line.find("#url") == 0 || line.find("#name = \"node") == 0 ||
                         line.find("#advertised_url") == 0 || line.find("#link_advertised") == 0 ||
                         line.find("#ca_file") == 0 || line.find("#cert_file") == 0 || line.find("#key_file") == 0 ||
                         line.find("#calls") == 0 || line.find("#tools") == 0 || line.find("#mcp_servers") == 0 ||
                         line.find("#agents") == 0 || in_example;
    switched_on += (setting ? line.substr(1) : line) + "\n";
    // A store has one place.
    const bool other_place = line.find("#path") == 0 || line.find("#url_env") == 0;
    decodable += (setting && !other_place ? line.substr(1) : line) + "\n";
    defaults_on += (setting && !example ? line.substr(1) : line) + "\n";
    CAF_CHECK(line.size() <= 124);
  }
  CAF_CHECK(decoded(defaults_on) == fresh);
  const auto all = decoded(decodable);
  CAF_CHECK(all.models[0].temperature == 0.7);
  CAF_CHECK_EQUAL(all.models[0].extra_body, R"({"seed":7,"top_p":0.9})");

  // Every key is explained: an unknown key's error lists them all.
  for (const auto* path :
       {"x = 1", "[[models]]\nx = 1", "[[models]]\nid='a'\nprovider='scripted'\n[models.scripted]\nx = 1",
        "[[agents]]\nx = 1", "[[agents]]\nid='a'\n[agents.limits]\nx = 1", "[server]\nx = 1", "[store]\nx = 1",
        "[cluster]\nx = 1", "[limits]\nx = 1", "[[tools]]\nx = 1", "[[mcp_servers]]\nx = 1"}) {
    const auto error = error_of(path);
    std::istringstream known{error.substr(error.find("Known keys: ") + 12)};
    for (std::string key; known >> key;) {
      if (key.back() == ',') key.pop_back();
      const bool there = switched_on.find("\n" + key + " = ") != std::string::npos ||
                         switched_on.find("." + key + "]\n") != std::string::npos ||
                         switched_on.find("\n[[" + key + "]]\n") != std::string::npos ||
                         switched_on.find("\n[" + key + "]\n") != std::string::npos;
      if (!there) CAF_ERROR(key);
    }
  }
}
