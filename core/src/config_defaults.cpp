// The configuration without a file, and what the command line changes in one.
#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <utility>

#include "config_rules.hpp"
#include "oncue/core/config.hpp"
#include "oncue/core/json_text.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::core {
namespace {

template <class Range, class Id>
auto* find_by_id(Range& range, const Id& id) {
  auto it = std::find_if(range.begin(), range.end(), [&](const auto& x) { return x.id == id; });
  return it == range.end() ? nullptr : &*it;
}

/// Makes `model` call `url`. A key goes along only where it did before, or where it was made for.
void point_at(model_spec& model, std::string_view url, const environment& env) {
  model.base_url = trim_slashes(url);
  const bool may_send = env.openai_api_key_set || model.base_url == openai_base_url;
  if (model.provider == provider_kind::scripted) {
    model.provider = provider_kind::openai;
    model.name = env.openai_model.empty() ? openai_model_name : env.openai_model;
    model.api_key_env = may_send ? openai_key_variable : "";
  } else if (model.api_key_env == openai_key_variable && !may_send) {
    model.api_key_env.clear();
  }
}

problem apply_model_options(model_spec& model, bool chosen_by_id, const config_overrides& overrides,
                            const environment& env) {
  if (overrides.base_url) {
    if (auto wrong = base_url_problem(*overrides.base_url)) return "--base-url: " + *wrong;
    point_at(model, *overrides.base_url, env);
  }
  if (overrides.model && !chosen_by_id) {
    if (overrides.model->empty())
      return "--model: expected the id of a model or a provider's model name, got an empty text";
    if (model.provider == provider_kind::scripted)
      return "--model: no model has the id " + in_quotes(*overrides.model) +
             ", and the offline demo model has no other names: set OPENAI_API_KEY, or say where the model is with "
             "--base-url";
    model.name = *overrides.model;
  }
  return {};
}

problem apply_deadline(std::optional<milliseconds>& target, const std::optional<std::string>& text,
                       const std::string& option) {
  if (!text) return {};
  auto parsed = parse_deadline(*text);
  if (auto* error = std::get_if<std::string>(&parsed)) return option + ": " + *error;
  target = std::get<std::optional<milliseconds>>(parsed);
  return {};
}

}  // namespace

deadlines default_deadlines() {
  return {.first_token = limits::first_token_timeout_default,
          .idle = limits::idle_timeout_default,
          .total = limits::total_timeout_default};
}

config_result default_config(const environment& env) {
  auto model = default_model(env);
  if (auto* error = std::get_if<config_error>(&model)) return std::move(*error);
  config result;
  result.models.push_back(std::get<model_spec>(std::move(model)));
  result.agents.push_back(default_agent(result.models.front().id));
  result.default_agent = result.agents.front().id;
  return result;
}

std::optional<std::string> apply_overrides(config& target, const agent_id& agent, const config_overrides& overrides,
                                           const environment& env) {
  auto* found = find_by_id(target.agents, agent);
  if (!found) {
    std::vector<std::string_view> known;
    for (const auto& a : target.agents) known.push_back(a.id.value);
    return "no agent has the id " + in_quotes(agent.value) + "; agents are: " + join(known);
  }
  agent_spec changed = *found;
  const auto* by_id = overrides.model ? find_by_id(target.models, *overrides.model) : nullptr;
  if (by_id) changed.model = by_id->id;
  model_spec model = *find_by_id(target.models, changed.model);
  if (auto wrong = apply_model_options(model, by_id != nullptr, overrides, env)) return wrong;
  if (auto wrong = apply_deadline(changed.limits.total, overrides.timeout, "--timeout")) return wrong;
  if (auto wrong = apply_deadline(changed.limits.first_token, overrides.first_token_timeout, "--first-token-timeout"))
    return wrong;

  if (overrides.base_url || (overrides.model && !by_id)) {
    // A copy of its own, under an id that no file can contain.
    model.id = "(command line for " + agent.value + ")";
    changed.model = model.id;
    if (auto* earlier = find_by_id(target.models, model.id)) {
      *earlier = std::move(model);
    } else {
      target.models.push_back(std::move(model));
    }
  }
  *found = std::move(changed);
  return {};
}

namespace {

/// An agent as a tool of another: what to ask it is its one argument.
tool_spec agent_tool(const agent_spec& agent) {
  tool_spec tool;
  tool.kind = tool_kind::agent;
  tool.agent = agent.id;
  tool.name = agent.id.value.substr(0, limits::tool_name_chars_max);
  std::replace_if(
      tool.name.begin(), tool.name.end(), [](char c) { return c == '.' || c == ':'; }, '_');
  tool.description = agent.description.empty() ? "Asks the agent " + agent.name : agent.description;
  tool.parameters = R"({"type":"object","properties":{"message":{"type":"string","minLength":1,)"
                    R"("description":"What the agent is to do, with all that it has to know"}},"required":["message"]})";
  return tool;
}

}  // namespace

std::variant<tool_set, std::string> tools_of(const agent_spec& agent, const std::vector<tool_spec>& tools,
                                             const std::vector<agent_spec>& agents) {
  std::vector<tool_spec> wanted;
  for (const auto& name : agent.tools) {
    auto is_it = [&](const tool_spec& x) { return x.name == name; };
    if (auto found = std::find_if(tools.begin(), tools.end(), is_it); found != tools.end()) wanted.push_back(*found);
  }
  for (const auto& id : agent.agents) {
    if (const auto* found = find_by_id(agents, id)) wanted.push_back(agent_tool(*found));
  }
  return tool_set::make(std::move(wanted));
}

catalog make_catalog(const config& source) {
  std::map<std::string_view, const model_spec*> models;
  for (const auto& model : source.models) models.emplace(model.id, &model);
  catalog result;
  result.mcp_servers = source.mcp_servers;
  for (const auto& agent : source.agents) {
    auto entry = std::make_shared<agent_entry>();
    entry->agent = agent;
    entry->model = *models.at(agent.model);
    auto tools = tools_of(agent, source.tools, source.agents);
    if (const auto* wrong = std::get_if<std::string>(&tools)) {
      throw std::invalid_argument{"agent " + agent.id.value + ": " + *wrong};
    }
    auto set = std::get<tool_set>(std::move(tools));
    if (!set.tools().empty()) entry->tools = std::make_shared<const tool_set>(std::move(set));
    result.agents.emplace(agent.id, std::move(entry));
  }
  return result;
}

catalog with_functions(const catalog& source, const std::vector<tool_spec>& functions) {
  catalog result = source;
  for (auto& [id, entry] : result.agents) {
    std::vector<tool_spec> tools;
    auto has = [&](const std::string& name) {
      return std::any_of(tools.begin(), tools.end(), [&](const tool_spec& x) { return x.name == name; });
    };
    if (entry->tools) {
      for (const auto& tool : entry->tools->tools()) tools.push_back(*tool);
    }
    auto declared = tools.size();
    for (const auto& name : entry->agent.tools) {
      if (has(name)) continue;
      auto is_it = [&](const tool_spec& x) { return x.name == name; };
      auto found = std::find_if(functions.begin(), functions.end(), is_it);
      if (found == functions.end()) {
        throw std::invalid_argument{"agent " + id.value + ": tools: there is no tool named '" + name + "'"};
      }
      tools.push_back(*found);
    }
    if (tools.size() == declared) continue;
    auto made = tool_set::make(std::move(tools));
    if (const auto* wrong = std::get_if<std::string>(&made)) {
      throw std::invalid_argument{"agent " + id.value + ": tools: " + *wrong};
    }
    auto changed = std::make_shared<agent_entry>();
    changed->agent = entry->agent;
    changed->model = entry->model;
    changed->tools = std::make_shared<const tool_set>(std::get<tool_set>(std::move(made)));
    entry = std::move(changed);
  }
  return result;
}

}  // namespace oncue::core
