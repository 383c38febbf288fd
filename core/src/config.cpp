// Decodes the configuration file: which keys there are, and what each may hold.
#include "oncue/core/config.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "config_node.hpp"
#include "config_section.hpp"
#include "config_tools.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::core {
namespace {

const names file_keys = {"default_agent", "models", "tools",   "mcp_servers", "agents",
                         "server",        "store",  "cluster", "limits"};
const names model_keys = {"id",         "provider", "name",       "base_url",      "api_key_env", "temperature",
                          "max_tokens", "headers",  "extra_body", "include_usage", "scripted"};
const names openai_only_keys = {"base_url", "api_key_env", "temperature",  "max_tokens",
                                "headers",  "extra_body",  "include_usage"};
const names scripted_keys = {"first_token_delay", "token_delay", "tokens", "silent", "text", "calls"};
const names scripted_call_keys = {"name", "arguments"};
const names agent_keys = {"id",
                          "name",
                          "model",
                          "description",
                          "instructions",
                          "history_runs",
                          "history_bytes_max",
                          "history_with_stopped",
                          "limits",
                          "tools",
                          "mcp_servers",
                          "agents"};
const names limits_keys = {"first_token_timeout", "idle_timeout", "total_timeout",   "turns_max",    "run_text_bytes_max",
                           "attempts_max",        "retry_base",   "retry_delay_max", "pause_timeout"};
const names reserved_body_keys = {"model", "messages", "stream"};

void decode_headers(const section& source, model_spec& model) {
  for (auto&& [key, node] : source.table()) {
    const std::string name{key.str()};
    const auto value = source.text(name);
    source.check(name, header_name_problem(name));
    source.check(name, header_value_problem(*value));
    model.headers.emplace_back(name, *value);
  }
}

void decode_extra_body(const section& source, const std::string& path, model_spec& model) {
  for (auto key : reserved_body_keys) {
    if (source.has(key))
      source.reject(key, "expected none of " + join(reserved_body_keys) + ": the request sets them itself");
  }
  const auto object = to_json(source.table(), path);
  if (!object.empty()) model.extra_body = object.dump();
}

void decode_openai(const section& source, model_spec& model) {
  model.base_url = openai_base_url;
  if (const auto url = source.text("base_url")) {
    source.check("base_url", base_url_problem(*url));
    model.base_url = trim_slashes(*url);
  }
  if (model.base_url == openai_base_url) model.api_key_env = openai_key_variable;
  if (const auto variable = source.text("api_key_env")) {
    source.check("api_key_env", variable_problem(*variable));
    model.api_key_env = *variable;
  }
  if (const auto* node = source.table().get("temperature")) {
    const auto value = node->is_number() ? node->value<double>() : std::nullopt;
    if (!value || !(*value >= 0 && *value <= 2))
      source.reject("temperature", "expected a number from 0 to 2, got " + describe(*node));
    model.temperature = *value;
  }
  if (source.has("max_tokens"))
    source.count("max_tokens", model.max_tokens.emplace(), 1, std::numeric_limits<std::uint32_t>::max());
  if (const auto headers = source.child("headers")) decode_headers(*headers, model);
  if (const auto extra = source.child("extra_body")) decode_extra_body(*extra, source.place("extra_body"), model);
  model.include_usage = source.flag("include_usage").value_or(true);
}

void decode_scripted(const section& source, scripted_spec& scripted) {
  source.allow_only(scripted_keys);
  source.duration("first_token_delay", scripted.first_token_delay);
  source.duration("token_delay", scripted.token_delay);
  source.count("tokens", scripted.tokens, 0, limits::scripted_tokens_max);
  scripted.silent = source.flag("silent").value_or(false);
  scripted.text = source.text("text").value_or("");
  for (const auto& call : source.children("calls")) {
    call.allow_only(scripted_call_keys);
    if (!call.has("name")) call.reject("name", "expected the name of the tool to call");
    tool_call one;
    one.name = *call.text("name");
    const auto arguments = call.child("arguments");
    one.arguments = arguments ? to_json(arguments->table(), call.place("arguments")).dump() : "{}";
    if (one.arguments == "null") one.arguments = "{}";
    scripted.calls.push_back(std::move(one));
  }
}

model_spec decode_model(const section& source) {
  source.allow_only(model_keys);
  model_spec model;
  model.id = source.id();
  const auto provider = source.text("provider").value_or("openai");
  if (provider != "openai" && provider != "scripted")
    source.reject("provider", "expected \"openai\" or \"scripted\", got " + in_quotes(provider));
  model.provider = provider == "openai" ? provider_kind::openai : provider_kind::scripted;
  model.name = source.text_not_empty("name").value_or(model.id);
  if (model.provider == provider_kind::openai) {
    if (source.has("scripted")) source.reject("scripted", "expected this only with provider = \"scripted\"");
    decode_openai(source, model);
  } else {
    for (auto key : openai_only_keys) {
      if (source.has(key)) source.reject(key, "expected this only with provider = \"openai\"");
    }
    if (const auto scripted = source.child("scripted")) decode_scripted(*scripted, model.scripted);
  }
  return model;
}

void decode_limits(const section& source, agent_spec& agent) {
  source.allow_only(limits_keys);
  source.deadline("first_token_timeout", agent.limits.first_token);
  source.deadline("idle_timeout", agent.limits.idle);
  source.deadline("total_timeout", agent.limits.total);
  source.deadline("pause_timeout", agent.pause_timeout, limits::pause_timeout_max);
  source.count("turns_max", agent.turns_max, 1, limits::turns_max_ceiling);
  source.count("run_text_bytes_max", agent.run_text_bytes_max, 1, limits::run_text_bytes_ceiling);
  source.count("attempts_max", agent.retry.attempts_max, 1, limits::attempts_max_ceiling);
  source.duration("retry_base", agent.retry.base);
  agent.retry.delay_max = std::max(agent.retry.delay_max, agent.retry.base);
  source.duration("retry_delay_max", agent.retry.delay_max);
  if (agent.retry.delay_max < agent.retry.base)
    source.reject("retry_delay_max", "expected at least retry_base, which is " + format_duration(agent.retry.base) +
                                         ", got " + format_duration(agent.retry.delay_max));
}

agent_spec decode_agent(const section& source, const config& file, const environment& env) {
  const auto& models = file.models;
  source.allow_only(agent_keys);
  agent_spec agent;
  agent.id.value = source.id();
  agent.name = source.text_not_empty("name").value_or(agent.id.value);
  agent.description = source.text("description").value_or("");
  agent.instructions = source.text("instructions").value_or("");
  agent.model = source.text("model").value_or(models.front().id);
  names known;
  for (const auto& model : models) known.push_back(model.id);
  if (std::find(known.begin(), known.end(), agent.model) == known.end())
    source.reject("model", "no model has the id " + in_quotes(agent.model) + "; models are: " + join(known));
  source.count("history_runs", agent.history.runs_max, 0, limits::history_runs_max);
  source.count("history_bytes_max", agent.history.bytes_max, 1, limits::history_bytes_max);
  agent.history.with_stopped = source.flag("history_with_stopped").value_or(false);
  decode_agent_tools(source, file, env.function_tools, agent);
  agent.limits = default_deadlines();
  if (const auto limits = source.child("limits")) decode_limits(*limits, agent);
  return agent;
}

/// Appends to `list` what is not there yet.
template <class T>
void add_unique(std::vector<T>& list, T item, const section& source, std::string_view list_name) {
  constexpr bool has_id = requires { item.id; };
  auto key_of = [](const T& x) -> const auto& {
    if constexpr (has_id) {
      return x.id;
    } else {
      return x.name;
    }
  };
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (key_of(list[i]) == key_of(item))
      source.reject(has_id ? "id" : "name", std::string{"expected "} + (has_id ? "an id" : "a name") + " of its own, but " +
                                                std::string{list_name} + "[" + std::to_string(i) + "] has it too");
  }
  list.push_back(std::move(item));
}

config decode_file(const section& file, const environment& env) {
  file.allow_only(file_keys);
  config result;
  for (const auto& source : file.children("models")) add_unique(result.models, decode_model(source), source, "models");
  if (result.models.empty()) {
    auto model = default_model(env);
    if (auto* error = std::get_if<config_error>(&model)) throw rejection{std::move(*error)};
    result.models.push_back(std::get<model_spec>(std::move(model)));
  }
  for (const auto& source : file.children("tools")) add_unique(result.tools, decode_tool(source), source, "tools");
  for (const auto& source : file.children("mcp_servers"))
    add_unique(result.mcp_servers, decode_mcp_server(source), source, "mcp_servers");
  for (const auto& source : file.children("agents"))
    add_unique(result.agents, decode_agent(source, result, env), source, "agents");
  auto has_agent = [&](std::string_view id) {
    return std::any_of(result.agents.begin(), result.agents.end(), [&](const auto& a) { return a.id.value == id; });
  };
  const auto declared = file.children("agents");
  if (!has_agent(default_agent_id)) result.agents.push_back(default_agent(result.models.front().id));
  for (std::size_t i = 0; i < declared.size(); ++i) check_agents_of_agents(declared[i], result, result.agents[i]);
  result.default_agent.value = file.text("default_agent").value_or(result.agents.front().id.value);
  if (!has_agent(result.default_agent.value)) {
    names known;
    for (const auto& agent : result.agents) known.push_back(agent.id.value);
    file.reject("default_agent",
                "no agent has the id " + in_quotes(result.default_agent.value) + "; agents are: " + join(known));
  }
  if (const auto table = file.child("server")) result.server = decode_server(*table);
  if (const auto table = file.child("store")) result.store = decode_store(*table);
  if (const auto table = file.child("cluster")) result.cluster = decode_cluster(*table);
  if (const auto table = file.child("limits")) result.limits = decode_node_limits(*table);
  return result;
}

}  // namespace

std::string to_string(const config_error& error) {
  if (error.file.empty()) return error.message;
  auto place = error.file + ":";
  if (error.line > 0) place += std::to_string(error.line) + ":" + std::to_string(error.column) + ":";
  return place + " " + error.message;
}

config_result decode_config(std::string_view text, std::string_view file_name, const environment& env) {
  const std::string file{file_name};
  if (text.size() > limits::config_file_bytes_max)
    return config_error{
        .file = file, .message = "expected a file of at most " + std::to_string(limits::config_file_bytes_max) + " bytes"};
  try {
    const auto table = toml::parse(text, file_name);
    return decode_file(section{table, ""}, env);
  } catch (const toml::parse_error& error) {
    const auto& where = error.source().begin;
    return config_error{file, where.line, where.column, "not valid TOML: " + std::string{error.description()}};
  } catch (rejection& rejected) {
    // Without a line it is the environment's fault, and the message says so.
    if (rejected.error.line > 0) rejected.error.file = file;
    return std::move(rejected.error);
  }
}

}  // namespace oncue::core
