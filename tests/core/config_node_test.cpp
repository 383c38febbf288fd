// The tables of the configuration file that concern the node: [server], [store], [limits], and an agent's history.
#define CAF_SUITE core.config_node

#include <caf/test/unit_test.hpp>
#include <tuple>
#include <vector>

#include "oncue/core/config.hpp"

using namespace oncue::core;
using namespace std::chrono_literals;

namespace {

config decoded(std::string_view text) {
  auto result = decode_config(text, "oncue.toml");
  if (const auto* error = std::get_if<config_error>(&result)) {
    CAF_FAIL(to_string(*error));
    return {};
  }
  return std::get<config>(result);
}

std::string error_of(std::string_view text) {
  auto result = decode_config(text, "oncue.toml");
  const auto* error = std::get_if<config_error>(&result);
  return error ? to_string(*error) : "no error";
}

}  // namespace

CAF_TEST(a node without settings has the documented ones) {
  const auto result = decoded("");
  CAF_CHECK_EQUAL(result.server.host, "127.0.0.1");
  CAF_CHECK_EQUAL(result.server.port, 7777);
  CAF_CHECK_EQUAL(result.server.cors_origins.size(), 6u);
  CAF_CHECK(result.server.allowed_hosts.empty());
  CAF_CHECK_EQUAL(result.server.key_env, "OS_SECURITY_KEY");
  CAF_CHECK(result.server.drain_grace == 10s);
  CAF_CHECK(result.server.heartbeat == 15s);
  CAF_CHECK(result.server.log_format == log_format::text);
  CAF_CHECK(result.server.log_level == log_level::info);
  CAF_CHECK_EQUAL(result.store.path, "");
  CAF_CHECK(result.store.durability == store_durability::process);
  CAF_CHECK(result.store.compact_after == 10min);
  CAF_CHECK(result.store.retention == 30 * 24h);
  CAF_CHECK_EQUAL(result.store.size_bytes_max, 10ull << 30);
  CAF_CHECK_EQUAL(result.limits.queued_max, 10'000u);
  CAF_CHECK(result.agents[0].history == history_policy{});
  CAF_CHECK_EQUAL(result.agents[0].history.runs_max, 10u);
  CAF_CHECK_EQUAL(result.agents[0].history.bytes_max, 256u << 10);
}

CAF_TEST(every setting of the node is taken) {
  const auto result = decoded(R"(
[[agents]]
id = "a"
history_runs = 0
history_bytes_max = 1000
history_with_stopped = true
[server]
host = "[::1]"
port = 0
cors_origins = ["https://Example.com:8443", "http://[::1]:3000"]
allowed_hosts = ["My-Box.local", "[fe80::1]"]
key_env = ""
drain_grace = "0s"
heartbeat = "5m"
event_loops = 4
log_format = "json"
log_level = "off"
[store]
path = "/tmp/x.db"
durability = "power"
compact_after = "0s"
retention = "none"
size_bytes_max = 16777216
[limits]
live_runs = 3
running_runs = 2
queued_runs = 0
)");
  server_settings server{.host = "::1", .port = 0};
  server.cors_origins = {"https://example.com:8443", "http://[::1]:3000"};
  server.allowed_hosts = {"my-box.local", "fe80::1"};
  server.key_env = "";
  server.drain_grace = 0s;
  server.heartbeat = 5min;
  server.event_loops = 4;
  server.log_format = log_format::json;
  server.log_level = log_level::off;
  CAF_CHECK(result.server == server);
  CAF_CHECK((result.store == store_settings{"/tmp/x.db", store_durability::power, 0s, std::nullopt, 16u << 20}));
  CAF_CHECK((result.limits == roster_limits{.live_max = 3, .running_max = 2, .queued_max = 0}));
  CAF_CHECK((result.agents[0].history == history_policy{0, 1000, true}));
  CAF_CHECK(decoded("[store]\nretention = \"3650d\"").store.retention == 3650 * 24h);
  CAF_CHECK(decoded("[server]\ncors_origins = []").server.cors_origins.empty());
}

CAF_TEST(a wrong setting of the node is refused with its place and what was expected) {
  const std::string origin =
      "expected an origin such as \"https://app.example.com\" or \"http://localhost:3000\", without a path, got ";
  const std::string host = "expected a host's name or address, such as \"127.0.0.1\" or \"localhost\", got ";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"[server]\nprot = 1",
       "2:1: server.prot: unknown key; did you mean \"port\"? Known keys: host, port, cors_origins, allowed_hosts, "
       "key_env, drain_grace, heartbeat, event_loops, log_format, log_level"},
      {"server = 1", "1:10: server: expected a table, got 1"},
      {"[server]\nport = 65536", "2:8: server.port: expected a whole number from 0 to 65535, got 65536"},
      {"[server]\nport = \"7777\"", "2:8: server.port: expected a whole number from 0 to 65535, got a string"},
      {"[server]\nhost = \"\"", "2:8: server.host: " + host + "\"\""},
      {"[server]\nhost = \"a b\"", "2:8: server.host: " + host + "\"a b\""},
      {"[server]\nhost = \"http://h\"", "2:8: server.host: " + host + "\"http://h\""},
      {"[server]\nhost = \"localhost:80\"",
       "2:8: server.host: expected a host's name or address without a port, got \"localhost:80\""},
      {"[server]\nallowed_hosts = [\"ok\", \"h:1\"]",
       "2:24: server.allowed_hosts[1]: expected a host's name or address without a port, got \"h:1\""},
      {"[server]\nallowed_hosts = \"h\"", "2:17: server.allowed_hosts: expected a list of strings, got a string"},
      {"[server]\nallowed_hosts = [1]", "2:18: server.allowed_hosts[0]: expected a string, got 1"},
      {"[server]\ncors_origins = [\"*\"]", "2:17: server.cors_origins[0]: " + origin + "\"*\""},
      {"[server]\ncors_origins = [\"https://h/\"]", "2:17: server.cors_origins[0]: " + origin + "\"https://h/\""},
      {"[server]\ncors_origins = [\"h.com\"]", "2:17: server.cors_origins[0]: " + origin + "\"h.com\""},
      {"[server]\ncors_origins = [\"https://h:x\"]", "2:17: server.cors_origins[0]: " + origin + "\"https://h:x\""},
      {"[server]\ncors_origins = [\"https://\"]", "2:17: server.cors_origins[0]: " + origin + "\"https://\""},
      {"[server]\nkey_env = \"sk-123\"",
       "2:11: server.key_env: expected the name of an environment variable (letters, digits and _), not the key itself"},
      {"[server]\ndrain_grace = \"2h\"", "2:15: server.drain_grace: \"2h\" is too long: at most 1 h"},
      {"[server]\nevent_loops = 0", "2:15: server.event_loops: expected a whole number from 1 to 64, got 0"},
      {"[server]\nheartbeat = \"10ms\"", "2:13: server.heartbeat: expected at least 1 s, got \"10ms\""},
      {"[server]\nlog_format = \"xml\"", "2:14: server.log_format: expected one of text, json, got \"xml\""},
      {"[server]\nlog_level = \"loud\"",
       "2:13: server.log_level: expected one of debug, info, warning, error, off, got \"loud\""},
      {"[store]\npath = \"\"", "2:8: store.path: expected a text that is not empty"},
      {"[store]\npath = \"a\\u0000b\"", "2:8: store.path: expected a file's name of at most 4095 bytes, without NUL"},
      {"[store]\ndurability = \"disk\"", "2:14: store.durability: expected one of process, power, got \"disk\""},
      {"[store]\nretention = \"3651d\"", "2:13: store.retention: \"3651d\" is too long: at most 3650 d"},
      {"[store]\nretention = \"0s\"",
       "2:13: store.retention: expected a duration above 0, or \"none\" for no limit, got \"0s\""},
      {"[store]\nsize_bytes_max = 1000",
       "2:18: store.size_bytes_max: expected a whole number from 16777216 to 1125899906842624, got 1000"},
      {"[limits]\nlive_runs = 0", "2:13: limits.live_runs: expected a whole number from 1 to 1000000, got 0"},
      {"[limits]\nqueued_runs = -1", "2:15: limits.queued_runs: expected a whole number from 0 to 1000000, got -1"},
      {"[[agents]]\nid = \"a\"\nhistory_runs = 1001",
       "3:16: agents[0].history_runs: expected a whole number from 0 to 1000, got 1001"},
      {"[[agents]]\nid = \"a\"\nhistory_bytes_max = 0",
       "3:21: agents[0].history_bytes_max: expected a whole number from 1 to 16777216, got 0"},
      {"[[agents]]\nid = \"a\"\nhistory_with_stopped = 1",
       "3:24: agents[0].history_with_stopped: expected true or false, got 1"},
  };
  for (const auto& [text, expected] : table) CAF_CHECK_EQUAL(error_of(text), "oncue.toml:" + expected);
}

CAF_TEST(the address is the options the variables the files or the default one) {
  using text = std::optional<std::string>;
  struct row {
    environment env;
    text host_option, port_option;
    std::string expected;  ///< "host port", or the error
  };
  const server_settings file{.host = "10.0.0.1", .port = 8000};
  const std::vector<row> table = {
      {{}, {}, {}, "10.0.0.1 8000"},
      {{.agent_os_host = "0.0.0.0"}, {}, {}, "0.0.0.0 8000"},
      {{.agent_os_port = "9000"}, {}, {}, "10.0.0.1 9000"},
      {{.agent_os_host = "h", .agent_os_port = "9000"}, "[::1]", "0", "::1 0"},
      {{.agent_os_host = "not good", .agent_os_port = "x"}, "::", "65535", ":: 65535"},
      {{.agent_os_port = "x"}, {}, {}, "AGENT_OS_PORT: expected a whole number from 0 to 65535, got \"x\""},
      {{.agent_os_host = "a b"},
       {},
       {},
       "AGENT_OS_HOST: expected a host's name or address, such as \"127.0.0.1\" or \"localhost\", got \"a b\""},
      {{}, {}, "65536", "--port: expected a whole number from 0 to 65535, got \"65536\""},
      {{}, {}, "-1", "--port: expected a whole number from 0 to 65535, got \"-1\""},
      {{}, {}, "", "--port: expected a whole number from 0 to 65535, got \"\""},
      {{}, "h:1", {}, "--host: expected a host's name or address without a port, got \"h:1\""},
      {{}, "", {}, "--host: expected a host's name or address, such as \"127.0.0.1\" or \"localhost\", got \"\""},
  };
  for (const auto& [env, host_option, port_option, expected] : table) {
    auto result = resolve_listen(file, env, host_option, port_option);
    const auto* address = std::get_if<listen_address>(&result);
    CAF_CHECK_EQUAL(address ? address->host + " " + std::to_string(address->port) : std::get<std::string>(result),
                    expected);
  }
}
