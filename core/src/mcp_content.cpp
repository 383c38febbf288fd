#include "mcp_content.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "json_depth.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"

namespace oncue::core {

namespace {

using nlohmann::json;

/// How many bytes are in a text in base64.
std::size_t base64_bytes(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  return text.size() / 4 * 3 + text.size() % 4 * 3 / 4;
}

/// "[image, image/png, 1234 bytes]"
std::string note(std::string_view what, const std::string& mime_type, std::string_view base64) {
  auto text = "[" + std::string{what};
  if (!mime_type.empty()) text += ", " + mime_type;
  return text + ", " + std::to_string(base64_bytes(base64)) + " bytes]";
}

std::string resource_text(const json& item) {
  const auto* resource = mcp_member(item, "resource");
  if (!resource || !resource->is_object()) return "[resource without content]";
  if (const auto* text = mcp_member(*resource, "text"); text && text->is_string()) return text->get<std::string>();
  const auto uri = mcp_text_member(*resource, "uri");
  const auto* blob = mcp_member(*resource, "blob");
  const auto what = uri.empty() ? std::string{"resource"} : "resource " + uri;
  if (!blob || !blob->is_string()) return "[" + what + "]";
  return note(what, mcp_text_member(*resource, "mimeType"), blob->get_ref<const std::string&>());
}

std::string item_text(const json& item) {
  const auto type = mcp_text_member(item, "type");
  if (type == "text") return mcp_text_member(item, "text");
  if (type == "image" || type == "audio") {
    const auto* data = mcp_member(item, "data");
    const auto base64 = data && data->is_string() ? std::string_view{data->get_ref<const std::string&>()} : "";
    return note(type, mcp_text_member(item, "mimeType"), base64);
  }
  if (type == "resource_link") return mcp_text_member(item, "uri");
  if (type == "resource") return resource_text(item);
  return "[content of a sort that is not known here]";
}

/// A schema of something else than an object is no schema of arguments.
bool is_arguments_schema(const json& schema) {
  if (!schema.is_object()) return false;
  const auto* type = mcp_member(schema, "type");
  return !type || (type->is_string() && type->get_ref<const std::string&>() == "object");
}

}  // namespace

const json* mcp_member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

std::string mcp_text_member(const json& object, const char* name) {
  const auto* found = mcp_member(object, name);
  return found && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string mcp_cut(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  auto note = "\n[cut: " + std::to_string(text.size()) + " bytes in all]";
  if (note.size() >= bytes_max) note.clear();
  text.resize(utf8_prefix(text, bytes_max - note.size()));
  text.shrink_to_fit();
  return text + note;
}

mcp_outcome mcp_outcome_of(const json& result, std::string_view server, std::size_t bytes_max) {
  const auto name = std::string{server};
  if (!result.is_object()) {
    return {true, "the MCP server '" + name + "' answered with a result that is not an object"};
  }
  const auto* content = mcp_member(result, "content");
  if (content && !content->is_array()) {
    return {true, "the MCP server '" + name + "' answered with a content that is not a list"};
  }
  const auto* is_error = mcp_member(result, "isError");
  const bool failed = is_error && is_error->is_boolean() && is_error->get<bool>();
  std::string text;
  if (content && !content->empty()) {
    for (std::size_t i = 0; i < content->size(); ++i) {
      if (i > 0) text += '\n';
      text += item_text((*content)[i]);
    }
  } else if (const auto* structured = mcp_member(result, "structuredContent")) {
    text = structured->dump();
  }
  if (failed && text.empty()) text = "the tool failed and did not say why";
  return {failed, mcp_cut(std::move(text), bytes_max)};
}

bool mcp_add_tools(const json& page, std::vector<tool_definition>& tools, std::uint64_t& left_out) {
  for (const auto& tool : page) {
    auto name = mcp_text_member(tool, "name");
    auto known = std::any_of(tools.begin(), tools.end(), [&](const auto& other) { return other.name == name; });
    const auto* schema = mcp_member(tool, "inputSchema");
    tool_definition definition;
    definition.parameters = !schema ? R"({"type":"object","properties":{}})" : "";
    if (schema && is_arguments_schema(*schema)) definition.parameters = schema->dump();
    const auto& parameters = definition.parameters;
    if (name.empty() || name.size() > limits::mcp_tool_name_bytes_max || known || parameters.empty() ||
        parameters.size() > limits::tool_schema_bytes_max || !nested_at_most(parameters, limits::tool_schema_depth_max)) {
      ++left_out;
      continue;
    }
    if (tools.size() >= limits::tools_max) return false;
    definition.name = std::move(name);
    definition.description = mcp_text_member(tool, "description");
    if (definition.description.empty()) definition.description = mcp_text_member(tool, "title");
    definition.description.resize(utf8_prefix(definition.description, limits::tool_description_bytes_max));
    tools.push_back(std::move(definition));
  }
  return true;
}

}  // namespace oncue::core
