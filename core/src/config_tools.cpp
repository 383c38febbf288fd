#include "config_tools.hpp"

#include "oncue/core/tool_set.hpp"

namespace oncue::core {
namespace {

const names tool_keys = {"name",       "description", "parameters", "command",          "folder",           "env",
                         "set_env",    "timeout",     "grace",      "result_bytes_max", "memory_bytes_max", "confirm",
                         "user_input", "external"};
const names server_keys = {"id",       "command",       "folder",       "env",    "set_env",         "memory_bytes_max",
                           "url",      "headers",       "bearer_env",   "prefix", "tools",           "confirm",
                           "required", "start_timeout", "call_timeout", "grace",  "result_bytes_max"};

problem not_empty(std::string_view text) {
  return text.empty() ? problem{"expected a text that is not empty"} : std::nullopt;
}

problem any_text(std::string_view text) {
  return text.find('\0') == text.npos ? std::nullopt : problem{"expected a text without a NUL character"};
}

problem named_variable(std::string_view name) {
  if (name.empty()) return "expected the name of an environment variable";
  return variable_problem(name);
}

problem name_of_tool(std::string_view name) {
  auto wrong = tool_name_problem(name);
  return wrong.empty() ? std::nullopt : problem{wrong + ", got " + in_quotes(name)};
}

/// The keys by which a program is described.
void decode_command(const section& source, command_spec& command) {
  if (auto argv = source.texts("command", limits::command_words_max, any_text)) {
    if (argv->empty() || argv->front().empty())
      source.reject("command", "expected a program and its arguments, such as [\"python3\", \"tool.py\"]");
    command.argv = std::move(*argv);
  }
  command.folder = source.text_not_empty("folder").value_or("");
  if (auto variables = source.texts("env", limits::command_words_max, named_variable)) command.env = std::move(*variables);
  if (const auto values = source.child("set_env")) {
    for (auto&& [key, node] : values->table()) {
      const std::string name{key.str()};
      values->check(name, named_variable(name));
      command.set_env.emplace_back(name, *values->text(name));
    }
  }
  if (source.has("memory_bytes_max"))
    source.count("memory_bytes_max", command.memory_bytes_max, limits::child_memory_bytes_min, std::uint64_t{1} << 50);
}

/// As a table of TOML, or as the text of a JSON schema.
std::string decode_parameters(const section& source) {
  const auto* node = source.table().get("parameters");
  if (!node) return tool_spec{}.parameters;
  if (const auto* text = node->as_string()) return text->get();
  if (!node->is_table())
    source.reject("parameters", "expected a table, or a JSON schema as a string, got " + describe(*node));
  return to_json(*node, source.place("parameters")).dump();
}

template <class T>
bool knows(const std::vector<T>& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [&](const T& x) {
    if constexpr (requires { x.name; }) {
      return x.name == name;
    } else if constexpr (requires { x.id; }) {
      return x.id == name;
    } else {
      return x == name;
    }
  });
}

}  // namespace

tool_spec decode_tool(const section& source) {
  source.allow_only(tool_keys);
  tool_spec tool;
  tool.kind = tool_kind::process;
  if (!source.has("name")) source.reject("name", "expected a name, by which agents and models know the tool");
  tool.name = *source.text("name");
  source.check("name", name_of_tool(tool.name));
  tool.description = source.text("description").value_or("");
  if (tool.description.size() > limits::tool_description_bytes_max)
    source.reject("description", "expected at most " + std::to_string(limits::tool_description_bytes_max) + " bytes");
  tool.parameters = decode_parameters(source);
  decode_command(source, tool.command);
  source.duration("timeout", tool.timeout, milliseconds{1});
  source.duration("grace", tool.grace, milliseconds{0}, limits::tool_grace_max);
  source.count("result_bytes_max", tool.result_bytes_max, 1, limits::tool_result_bytes_max);

  auto is_external = source.flag("external").value_or(false);
  auto needs = static_cast<int>(source.flag("confirm").value_or(false)) + static_cast<int>(is_external) +
               static_cast<int>(source.has("user_input"));
  if (needs > 1) source.reject("confirm", "expected only one of confirm, user_input and external");
  if (source.flag("confirm").value_or(false)) tool.need = tool_need::confirmation;
  if (is_external) tool.need = tool_need::result;
  if (auto fields = source.texts("user_input", limits::tools_max, not_empty)) {
    tool.need = tool_need::user_input;
    tool.input_fields = std::move(*fields);
  }
  if (tool.command.argv.empty() && !is_external)
    source.reject("command",
                  "expected the program that does the tool's work, such as command = [\"python3\", \"tool.py\"]");
  if (!tool.command.argv.empty() && is_external)
    source.reject("external", "expected no command with external = true: somebody else does the tool's work");
  auto made = tool_set::make({tool});
  if (const auto* wrong = std::get_if<std::string>(&made))
    source.reject("parameters", wrong->substr(tool.name.size() + std::string_view{": parameters: "}.size()));
  return tool;
}

mcp_spec decode_mcp_server(const section& source) {
  source.allow_only(server_keys);
  mcp_spec server;
  server.id = source.id();
  decode_command(source, server.command);
  if (const auto url = source.text("url")) {
    source.check("url", base_url_problem(*url));
    server.url = *url;
  }
  if (server.command.argv.empty() == server.url.empty())
    source.reject("command", "expected either a command, for a server that is started here, or a url");
  if (server.url.empty()) {
    for (std::string_view key : {"headers", "bearer_env"}) {
      if (source.has(key)) source.reject(key, "expected this only with a url");
    }
  }
  if (const auto headers = source.child("headers")) {
    for (auto&& [key, node] : headers->table()) {
      const std::string name{key.str()};
      const auto value = headers->text(name);
      headers->check(name, header_name_problem(name));
      headers->check(name, header_value_problem(*value));
      server.headers.emplace_back(name, *value);
    }
  }
  if (const auto variable = source.text("bearer_env")) {
    source.check("bearer_env", named_variable(*variable));
    server.bearer_env = *variable;
  }
  server.prefix = source.text("prefix").value_or("");
  if (!server.prefix.empty()) source.check("prefix", name_of_tool(server.prefix));
  if (auto tools = source.texts("tools", limits::tools_max, not_empty)) server.tools = std::move(*tools);
  if (auto confirm = source.texts("confirm", limits::tools_max, not_empty)) server.confirm = std::move(*confirm);
  server.required = source.flag("required").value_or(true);
  source.duration("start_timeout", server.start_timeout, milliseconds{1});
  source.duration("call_timeout", server.call_timeout, milliseconds{1});
  source.duration("grace", server.grace, milliseconds{0}, limits::tool_grace_max);
  source.count("result_bytes_max", server.result_bytes_max, 1, limits::tool_result_bytes_max);
  return server;
}

void decode_agent_tools(const section& source, const config& file, const std::vector<std::string>& functions,
                        agent_spec& agent) {
  if (auto tools = source.texts("tools", limits::tools_max, [&](const std::string& name) -> problem {
        if (knows(file.tools, name) || knows(functions, name)) return {};
        names known;
        for (const auto& tool : file.tools) known.push_back(tool.name);
        for (const auto& function : functions) known.push_back(function);
        return "no tool has the name " + in_quotes(name) +
               (known.empty() ? "; there are none" : "; tools are: " + join(known));
      })) {
    agent.tools = std::move(*tools);
  }
  if (auto servers = source.texts("mcp_servers", limits::tools_max, [&](const std::string& id) -> problem {
        if (knows(file.mcp_servers, id)) return {};
        names known;
        for (const auto& server : file.mcp_servers) known.push_back(server.id);
        return "no MCP server has the id " + in_quotes(id) +
               (known.empty() ? "; there are none" : "; servers are: " + join(known));
      })) {
    agent.mcp_servers = std::move(*servers);
  }
  if (auto agents = source.texts("agents", limits::tools_max, id_problem)) {
    for (auto& id : *agents) agent.agents.push_back({std::move(id)});
  }
}

void check_agents_of_agents(const section& source, const config& file, const agent_spec& agent) {
  for (const auto& callee : agent.agents) {
    auto is_it = [&](const agent_spec& x) { return x.id == callee; };
    if (std::any_of(file.agents.begin(), file.agents.end(), is_it)) continue;
    names known;
    for (const auto& one : file.agents) known.push_back(one.id.value);
    source.reject("agents", "no agent has the id " + in_quotes(callee.value) + "; agents are: " + join(known));
  }
  auto made = tools_of(agent, file.tools, file.agents);
  if (const auto* wrong = std::get_if<std::string>(&made)) source.reject("tools", *wrong);
}

}  // namespace oncue::core
