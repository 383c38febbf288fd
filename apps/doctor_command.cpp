// `oncue doctor`: tries an agent's model for real. Is it reachable, is the key right, does it stream, does it stop when it
// is closed: by starting a run and cancelling it at its first token.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>

#include "commands.hpp"
#include "exit_codes.hpp"
#include "load_config.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/mcp_tools.hpp"
#include "oncue/io/child_process.hpp"
#include "oncue/io/world.hpp"
#include "oncue/runtime.hpp"
#include "terminal.hpp"

namespace oncue::apps {

namespace {

class report {
 public:
  void good(const std::string& text) const { line(style_.green, "ok  ", text); }
  void note(const std::string& text) const { line(style_.yellow, "note", text); }
  void bad(const std::string& text) const { line(style_.red, "FAIL", text); }

 private:
  void line(std::string_view colour, std::string_view word, const std::string& text) const {
    std::string out{colour};
    out.append(word).append(style_.off).append("  ").append(text).append("\n");
    write_all(STDOUT_FILENO, out);
  }

  const styles& style_ = styles_for(STDOUT_FILENO);
};

/// What is most likely wrong, for the failures that a person can mend.
std::string advice(const ending& how, const core::model_spec& model) {
  if (how.code == failure_code::provider_unreachable) return "check base_url (" + model.base_url + ") and the network";
  if (how.provider_status == 401 || how.provider_status == 403) {
    return model.api_key_env.empty() ? "the server wants a key: set api_key_env" : "check the key in " + model.api_key_env;
  }
  if (how.provider_status == 404) return "check base_url (does it end in /v1?) and the model's name '" + model.name + "'";
  if (how.code == failure_code::deadline_first_token) return "the server is slow: raise first_token_timeout";
  return {};
}

/// Programs that can be started, servers that have tools.
bool try_tools(const report& say, const core::agent_entry& entry, const core::config& config, runtime& node) {
  auto good = true;
  if (entry.tools) {
    for (const auto& tool : entry.tools->tools()) {
      if (tool->kind != core::tool_kind::process) continue;
      auto problem = io::command_problem(tool->command);
      good = good && problem.empty();
      if (problem.empty()) {
        say.good("the tool " + tool->name + " can be started: " + tool->command.argv.front());
      } else {
        say.bad("the tool " + tool->name + " cannot be started: " + problem);
      }
    }
  }
  for (const auto& id : entry.agent.mcp_servers) {
    auto is_it = [&](const core::mcp_spec& x) { return x.id == id; };
    auto spec = std::find_if(config.mcp_servers.begin(), config.mcp_servers.end(), is_it);
    auto listed = node.list_tools(id);
    if (!listed.problem.empty()) {
      say.bad("the MCP server " + id + ": " + listed.problem);
      good = false;
      continue;
    }
    std::string names;
    for (const auto& tool : core::mcp_tools(*spec, listed.tools)) names += (names.empty() ? "" : ", ") + tool.name;
    say.good("the MCP server " + id + " has " + std::to_string(listed.tools.size()) +
             " tools; the agent gets: " + (names.empty() ? "none" : names));
  }
  return good;
}

int try_model(const report& say, const core::agent_entry& entry, runtime& node) {
  auto run = node.start({.agent = entry.agent.id, .input = "Count slowly from one to one hundred, in words."});
  if (run.refused) {
    say.bad(run.refused->message);
    return exit_failed;
  }
  std::optional<cancel_reply> receipt;
  std::uint64_t first_token_us = 0;
  for (const auto& event : run.events) {
    auto is_token = get_if<content_delta>(event) || get_if<reasoning_delta>(event);
    if (is_token && !receipt) receipt = node.cancel({.run = run.id, .reason = "doctor", .by = "doctor", .wait_ms = 5000});
    if (const auto* retrying = get_if<model_request_retrying>(event)) say.note("trying again: " + retrying->message);
    const auto* ended = get_if<run_ended>(event);
    if (!ended) continue;
    first_token_us = ended->first_token_us;
    if (ended->how.kind == ending_kind::failed) {
      say.bad(ended->how.message + " [" + std::string{to_string(ended->how.code)} + "]");
      if (auto hint = advice(ended->how, entry.model); !hint.empty()) say.note(hint);
      return exit_failed;
    }
  }
  if (!receipt) {
    say.bad("the model answered without a single token");
    return exit_failed;
  }
  say.good("it streams: the first token came after " + core::format_microseconds(first_token_us));
  if (receipt->outcome == cancel_outcome::already_ended) {
    say.note("the answer was complete before it could be cancelled: the server may not stream token by token");
    return exit_completed;
  }
  if (receipt->outcome != cancel_outcome::cancelled || !receipt->upstream_closed) {
    say.bad("the run was cancelled, but its connection was not closed in time");
    return exit_failed;
  }
  say.good("it stops: cancelled and its connection closed in " + core::format_microseconds(receipt->latency_us));
  return exit_completed;
}

}  // namespace

int doctor_command(const doctor_options& options) {
  report say;
  auto loaded = load_config(options.config_path);
  if (const auto* error = std::get_if<std::string>(&loaded)) {
    say.bad(*error);
    return exit_usage;
  }
  auto& [config, env, path] = std::get<loaded_config>(loaded);
  say.good(path.empty() ? "no configuration file; the environment and defaults are used" : "configuration: " + path);

  agent_id agent = options.agent ? agent_id{*options.agent} : config.default_agent;
  if (auto error = core::apply_overrides(config, agent, options.overrides, env)) {
    say.bad(*error);
    return exit_usage;
  }
  auto catalog = core::make_catalog(config);
  auto entry = catalog.find(agent);
  if (!entry) {
    say.bad("there is no agent '" + agent.value + "'; 'oncue agents' lists them");
    return exit_usage;
  }
  const auto& model = entry->model;
  if (model.provider == core::provider_kind::scripted) {
    say.note("agent " + agent.value +
             " uses the built-in demo model; for a real one set OPENAI_API_KEY, or OPENAI_BASE_URL");
  } else {
    say.good("agent " + agent.value + ": " + model.name + " at " + model.base_url);
    if (!model.api_key_env.empty() && io::environment_variable(model.api_key_env).empty()) {
      say.bad("the environment variable " + model.api_key_env + " is not set: there is no API key");
      return exit_failed;
    }
    say.good(model.api_key_env.empty() ? "no API key is sent" : "the API key is in " + model.api_key_env);
  }
  ::signal(SIGPIPE, SIG_IGN);
  auto tools_good = true;
  {
    runtime node{{.catalog = std::move(catalog)}};
    tools_good = try_tools(say, *entry, config, node);
  }
  // Without its tools: a check must not do what a model may think of.
  auto alone = std::make_shared<core::agent_entry>();
  alone->agent = entry->agent;
  alone->agent.tools.clear();
  alone->agent.mcp_servers.clear();
  alone->agent.agents.clear();
  alone->model = entry->model;
  core::catalog only;
  only.agents[alone->agent.id] = alone;
  runtime node{{.catalog = std::move(only)}};
  auto code = try_model(say, *alone, node);
  return tools_good ? code : static_cast<int>(exit_failed);
}

}  // namespace oncue::apps
