// `oncue agents`: which agents there are, and which model each of them uses.
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "exit_codes.hpp"
#include "load_config.hpp"
#include "terminal.hpp"

namespace oncue::apps {

int agents_command(const agents_options& options) {
  auto loaded = load_config(options.config_path);
  if (const auto* error = std::get_if<std::string>(&loaded)) {
    print_error(*error);
    return exit_usage;
  }
  const auto& [config, env, path] = std::get<loaded_config>(loaded);
  auto catalog = core::make_catalog(config);

  if (options.json) {
    // The shape of AgentOS' GET /agents, as far as there is something to say.
    auto list = nlohmann::ordered_json::array();
    for (const auto& agent : config.agents) {
      const auto& model = catalog.find(agent.id)->model;
      nlohmann::ordered_json item{{"id", agent.id.value}, {"name", agent.name}};
      if (!agent.description.empty()) item["description"] = agent.description;
      item["model"] = {{"name", model.id}, {"model", model.name}, {"provider", core::to_string(model.provider)}};
      const auto& entry = *catalog.find(agent.id);
      if (entry.tools) {
        auto tools = nlohmann::ordered_json::array();
        for (const auto& tool : entry.tools->tools()) {
          nlohmann::ordered_json one{{"name", tool->name}, {"description", tool->description}};
          one["parameters"] = nlohmann::ordered_json::parse(tool->parameters, nullptr, false);
          if (tool->need == tool_need::confirmation) one["requires_confirmation"] = true;
          if (tool->need == tool_need::result) one["external_execution"] = true;
          if (tool->need == tool_need::user_input) one["requires_user_input"] = true;
          tools.push_back(std::move(one));
        }
        item["tools"] = {{"tools", std::move(tools)}};
      }
      if (!agent.mcp_servers.empty()) item["mcp_servers"] = agent.mcp_servers;
      item["is_default"] = agent.id == config.default_agent;
      list.push_back(std::move(item));
    }
    write_all(STDOUT_FILENO, list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    return exit_completed;
  }

  const auto& style = styles_for(STDOUT_FILENO);
  std::size_t id_width = 0;
  for (const auto& agent : config.agents) id_width = std::max(id_width, agent.id.value.size());
  std::string text;
  for (const auto& agent : config.agents) {
    const auto& model = catalog.find(agent.id)->model;
    auto is_default = agent.id == config.default_agent;
    text += is_default ? "* " : "  ";
    text.append(style.bold).append(agent.id.value).append(style.off);
    text += std::string(id_width - agent.id.value.size() + 2, ' ');
    text += model.name;
    text.append(style.dim);
    if (model.provider == core::provider_kind::scripted) {
      text += " (demo, offline)";
    } else {
      text += " at " + model.base_url;
    }
    text.append(style.off);
    text += '\n';
    std::string tools;
    if (const auto& set = catalog.find(agent.id)->tools) {
      for (const auto& tool : set->tools()) {
        tools += (tools.empty() ? "" : ", ") + tool->name;
        if (tool->need != tool_need::nothing) tools += " (" + std::string{to_string(tool->need)} + ")";
        if (tool->kind == core::tool_kind::agent) tools += " (agent)";
      }
    }
    for (const auto& server : agent.mcp_servers) tools += (tools.empty() ? "" : ", ") + server + ".* (MCP)";
    if (!tools.empty()) text += std::string(id_width + 4, ' ') + "tools: " + tools + "\n";
    if (!agent.description.empty()) text += std::string(id_width + 4, ' ') + agent.description + "\n";
  }
  text.append(style.dim);
  text += path.empty() ? "No configuration file; 'oncue init' writes one." : "From " + path + ".";
  text += " * is the default agent.";
  text.append(style.off);
  text += '\n';
  write_all(STDOUT_FILENO, text);
  return exit_completed;
}

}  // namespace oncue::apps
