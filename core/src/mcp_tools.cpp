#include "oncue/core/mcp_tools.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

namespace oncue::core {

namespace {

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string fit_name(std::string_view wanted) {
  std::string name;
  for (const char c : wanted.substr(0, limits::tool_name_chars_max)) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    // One mark a character, not one a byte.
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) name += fits ? c : '_';
  }
  return name;
}

std::string unused_name(const std::string& name, const std::set<std::string>& used) {
  auto candidate = name;
  for (std::size_t number = 2; used.contains(candidate); ++number) {
    const auto ending = "_" + std::to_string(number);
    candidate = name.substr(0, limits::tool_name_chars_max - ending.size()) + ending;
  }
  return candidate;
}

}  // namespace

std::vector<tool_spec> mcp_tools(const mcp_spec& server, const std::vector<tool_definition>& listed) {
  std::vector<tool_spec> tools;
  std::set<std::string> used;
  for (const auto& definition : listed) {
    if (!server.tools.empty() && !has(server.tools, definition.name)) continue;
    tool_spec tool;
    tool.name = unused_name(fit_name(server.prefix + definition.name), used);
    if (tool.name.empty()) continue;
    used.insert(tool.name);
    tool.description = definition.description;
    tool.parameters = definition.parameters;
    tool.kind = tool_kind::mcp;
    const bool asks = has(server.confirm, "*") || has(server.confirm, definition.name);
    tool.need = asks ? tool_need::confirmation : tool_need::nothing;
    tool.timeout = server.call_timeout;
    tool.grace = server.grace;
    tool.result_bytes_max = server.result_bytes_max;
    tool.server = server.id;
    tool.remote = definition.name;
    tools.push_back(std::move(tool));
  }
  return tools;
}

}  // namespace oncue::core
