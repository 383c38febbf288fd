#define CAF_SUITE core.config_tools

#include <caf/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "oncue/core/config.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

config good(std::string_view text, const environment& env = {}) {
  auto result = decode_config(text, "oncue.toml", env);
  if (const auto* error = std::get_if<config_error>(&result)) CAF_FAIL(to_string(*error));
  return std::get<config>(std::move(result));
}

std::string error_of(std::string_view text) {
  auto result = decode_config(text, "oncue.toml");
  const auto* error = std::get_if<config_error>(&result);
  return error ? to_string(*error) : "";
}

bool has(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) return true;
  CAF_MESSAGE(text);
  return false;
}

constexpr auto clock_tool = R"(
[[tools]]
name = "clock"
description = "Tells the time"
parameters = { type = "object", properties = { zone = { type = "string" } }, required = ["zone"] }
command = ["date", "-u"]
env = ["TZ_FILE"]
set_env = { LC_ALL = "C" }
timeout = "5s"
grace = "1s"
result_bytes_max = 100
memory_bytes_max = 100000000
confirm = true
)";

}  // namespace

CAF_TEST(a tool is a program with a schema and limits) {
  auto file = good(std::string{clock_tool} + "[[agents]]\nid = \"a\"\ntools = [\"clock\"]\n");
  CAF_REQUIRE_EQUAL(file.tools.size(), 1u);
  const auto& tool = file.tools[0];
  CAF_CHECK(tool.kind == tool_kind::process);
  CAF_CHECK(tool.need == tool_need::confirmation);
  CAF_CHECK_EQUAL(tool.command.argv.size(), 2u);
  CAF_CHECK_EQUAL(tool.timeout.count(), 5000);
  CAF_CHECK_EQUAL(tool.grace.count(), 1000);
  CAF_CHECK_EQUAL(tool.result_bytes_max, 100u);
  CAF_CHECK(nlohmann::json::parse(tool.parameters)["required"][0] == "zone");
  auto entry = make_catalog(file).find({"a"});
  CAF_REQUIRE(entry->tools != nullptr);
  CAF_CHECK_EQUAL(entry->tools->tools().at(0)->name, "clock");
  CAF_CHECK(make_catalog(file).find({"story-writer-agent"})->tools == nullptr);
}

CAF_TEST(servers of tools are programs or addresses) {
  auto file = good(R"(
[[mcp_servers]]
id = "files"
command = ["npx", "server"]
tools = ["read"]
confirm = ["*"]
required = false
[[mcp_servers]]
id = "web"
url = "https://mcp.example.com/mcp"
headers = { X-Team = "research" }
bearer_env = "TOKEN"
prefix = "web_"
[[agents]]
id = "a"
mcp_servers = ["files", "web"]
)");
  CAF_REQUIRE_EQUAL(file.mcp_servers.size(), 2u);
  CAF_CHECK(!file.mcp_servers[0].required);
  CAF_CHECK_EQUAL(file.mcp_servers[1].bearer_env, "TOKEN");
  CAF_CHECK_EQUAL(make_catalog(file).mcp_servers.size(), 2u);
}

CAF_TEST(an agent may call agents that come behind it and itself) {
  auto file = good("[[agents]]\nid=\"a.one\"\nagents=[\"b\",\"a.one\"]\n[[agents]]\nid=\"b\"\ndescription=\"Looks up\"\n");
  auto tools = make_catalog(file).find({"a.one"})->tools->tools();
  CAF_REQUIRE_EQUAL(tools.size(), 2u);
  CAF_CHECK(tools[0]->kind == tool_kind::agent);
  CAF_CHECK_EQUAL(tools[0]->agent.value, "b");
  CAF_CHECK_EQUAL(tools[0]->description, "Looks up");
  CAF_CHECK_EQUAL(tools[1]->name, "a_one");
}

CAF_TEST(what cannot work is refused at start - up with its place) {
  struct wrong {
    const char* text;
    const char* why;
  };
  for (const auto& [text, why] : {
           wrong{"[[tools]]\ncommand=[\"x\"]", "tools[0].name: expected a name"},
           wrong{"[[tools]]\nname=\"a b\"\ncommand=[\"x\"]", "tools[0].name: expected 1 to 64"},
           wrong{"[[tools]]\nname=\"a\"", "tools[0].command: expected the program"},
           wrong{"[[tools]]\nname=\"a\"\ncommand=[]", "tools[0].command: expected a program"},
           wrong{"[[tools]]\nname=\"a\"\ncommand=\"x\"", "tools[0].command: expected a list"},
           wrong{"[[tools]]\nname=\"a\"\ncommand=[\"x\"]\nparameters=\"{\"", "tools[0].parameters: "},
           wrong{"[[tools]]\nname=\"a\"\ncommand=[\"x\"]\nparameters={type=\"string\"}", "schema of an object"},
           wrong{"[[tools]]\nname=\"a\"\ncommand=[\"x\"]\nparameters={type=\"object\",properties=7}",
                 "tools[0].parameters"},
           wrong{"[[tools]]\nname=\"a\"\ncommand=[\"x\"]\nparameters='{\"type\":\"object\",\"$ref\":\"http://x/y\"}'",
                 "$ref"},
           wrong{"[[tools]]\nname=\"a\"\ncommand=[\"x\"]\nconfirm=true\nexternal=true", "only one of"},
           wrong{"[[tools]]\nname=\"a\"\ncommand=[\"x\"]\nexternal=true", "tools[0].external: expected no command"},
           wrong{"[[tools]]\nname=\"a\"\ncommand=[\"x\"]\ngrace=\"1h\"", "tools[0].grace"},
           wrong{"[[tools]]\nname=\"a\"\ncommand=[\"x\"]\nresult_bytes_max=0", "tools[0].result_bytes_max"},
           wrong{"[[tools]]\nname=\"a\"\ncommand=[\"x\"]\n[[tools]]\nname=\"a\"\ncommand=[\"x\"]",
                 "expected a name of its own"},
           wrong{"[[mcp_servers]]\nid=\"a\"", "mcp_servers[0].command: expected either"},
           wrong{"[[mcp_servers]]\nid=\"a\"\nurl=\"ftp://x\"", "mcp_servers[0].url"},
           wrong{"[[mcp_servers]]\nid=\"a\"\ncommand=[\"x\"]\nbearer_env=\"T\"", "only with a url"},
           wrong{"[[agents]]\nid=\"a\"\ntools=[\"x\"]", "agents[0].tools[0]: no tool has the name"},
           wrong{"[[agents]]\nid=\"a\"\nmcp_servers=[\"x\"]", "no MCP server has the id"},
           wrong{"[[agents]]\nid=\"a\"\nagents=[\"x\"]", "no agent has the id"},
           wrong{"[[agents]]\nid=\"a\"\nagents=[\"a\", \"a\"]", "two tools have this name"},
           wrong{"[[agents]]\nid=\"a\"\n[agents.limits]\npause_timeout=\"99d\"", "pause_timeout"},
       }) {
    CAF_CHECK(has(error_of(text), why));
  }
}

CAF_TEST(functions of the program join the tools of the agents that name them) {
  environment env;
  env.function_tools = {"add"};
  auto file = good("[[agents]]\nid=\"a\"\ntools=[\"add\"]", env);
  tool_spec add;
  add.name = "add";
  auto whole = with_functions(make_catalog(file), {add});
  CAF_CHECK_EQUAL(whole.find({"a"})->tools->tools().at(0)->name, "add");
  bool thrown = false;
  try {
    with_functions(make_catalog(file), {});
  } catch (const std::invalid_argument& error) {
    thrown = has(error.what(), "there is no tool named 'add'");
  }
  CAF_CHECK(thrown);
}

CAF_TEST(the demo model may be told to call tools first) {
  auto file = good(
      "[[models]]\nid=\"m\"\nprovider=\"scripted\"\n[models.scripted]\ncalls=[{name=\"clock\",arguments={zone=\"UTC\"}},"
      "{name=\"b\"}]\n");
  CAF_REQUIRE_EQUAL(file.models[0].scripted.calls.size(), 2u);
  CAF_CHECK_EQUAL(file.models[0].scripted.calls[0].arguments, R"({"zone":"UTC"})");
  CAF_CHECK_EQUAL(file.models[0].scripted.calls[1].arguments, "{}");
}
