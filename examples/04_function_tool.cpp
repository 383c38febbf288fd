// A C++ function as a tool: the model asks for it, it runs on a thread of its own, and a cancel asks it to stop. Here the
// demo model stands in for a real one: it calls the function first and then talks. A second function shows the rest: it
// never finishes by itself, and the cancel ends it.
//
//   build/dev/examples/04_function_tool
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "oncue/core/config.hpp"
#include "oncue/runtime.hpp"

namespace {

oncue::tool_answer add(const nlohmann::json& arguments, const oncue::tool_context&) {
  // The arguments fit the schema: nothing else gets here.
  return {std::to_string(arguments["a"].get<int>() + arguments["b"].get<int>())};
}

oncue::tool_answer wait_for_ever(const nlohmann::json&, const oncue::tool_context& call) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock{mutex};
  never.wait(lock, call.stop, [] { return false; });
  return {"I was asked to stop", true};
}

/// An agent of the demo model that calls `tool` in its first turn.
void add_agent(oncue::core::config& config, const std::string& id, const std::string& tool, const std::string& arguments) {
  oncue::core::model_spec model;
  model.id = id;
  model.name = "demo";
  model.scripted.text = "The tool has answered.";
  model.scripted.calls = {{"", tool, arguments}};
  config.models.push_back(model);
  oncue::core::agent_spec agent;
  agent.id = {id};
  agent.name = id;
  agent.model = id;
  agent.tools = {tool};
  config.agents.push_back(agent);
}

}  // namespace

int main() {
  oncue::core::config config;
  add_agent(config, "adder", "add", R"({"a": 19, "b": 23})");
  add_agent(config, "waiter", "wait", "{}");

  oncue::runtime_options options;
  options.catalog = oncue::core::make_catalog(config);
  oncue::function_tool adding;
  adding.spec.name = "add";
  adding.spec.description = "Adds two numbers";
  adding.spec.parameters = R"({"type": "object", "required": ["a", "b"],
                               "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}})";
  adding.run = add;
  oncue::function_tool waiting;
  waiting.spec.name = "wait";
  waiting.run = wait_for_ever;
  options.tools = {adding, waiting};
  oncue::runtime runtime{std::move(options)};

  auto run = runtime.start({.agent = {"adder"}, .input = "What is 19 and 23?"});
  for (const auto& event : run.events) {
    if (const auto* ended = oncue::get_if<oncue::tool_call_ended>(event)) {
      std::cout << ended->call.name << " answered " << ended->result << "\n";
    }
    if (const auto* ended = oncue::get_if<oncue::run_ended>(event)) std::cout << ended->content << "\n";
  }

  auto stuck = runtime.start({.agent = {"waiter"}, .input = "Wait."});
  for (const auto& event : stuck.events) {
    if (!oncue::get_if<oncue::tool_call_started>(event)) continue;
    auto receipt = runtime.cancel({.run = stuck.id, .reason = "enough", .by = "example", .wait_ms = 5000});
    std::cout << "cancel: " << to_string(receipt.outcome) << ", " << receipt.tools_stopped << " of " << receipt.tools
              << " tools stopped\n";
  }
  return 0;
}
