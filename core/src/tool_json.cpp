#include "tool_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "json_depth.hpp"
#include "json_keys.hpp"
#include "oncue/core/json_text.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::core {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// The end of the string that begins at `begin`, behind its closing quote. The text is valid JSON.
std::size_t end_of_string(std::string_view json, std::size_t begin) {
  auto i = begin + 1;
  while (i < json.size() && json[i] != '"') i += json[i] == '\\' ? 2 : 1;
  return std::min(i + 1, json.size());
}

/// The end of the value that begins at `begin` in valid compact JSON.
std::size_t end_of_value(std::string_view json, std::size_t begin) {
  std::size_t depth = 0;
  for (auto i = begin; i < json.size();) {
    const char c = json[i];
    if (c == '"') {
      i = end_of_string(json, i);
      continue;
    }
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) return i;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++i;
  }
  return json.size();
}

/// A JSON value as it shows in a line of text: strings without quotes, long values as "...".
std::string shown(std::string_view value) {
  const auto max = limits::tool_call_value_bytes_shown;
  std::string text;
  if (value.front() == '"') {
    // Six bytes are the most that one character takes (\u00e9); whatever is longer need not be decoded.
    if (value.size() > 6 * max + 2) return "...";
    text = nlohmann::json::parse(value).get<std::string>();
  } else {
    text = value;
  }
  return text.size() > max ? "..." : text;
}

void add_text_or_null(std::string& out, std::string_view key, std::string_view text) {
  if (text.empty()) {
    add_raw(out, key, "null");
  } else {
    add(out, key, text);
  }
}

/// A JSON schema's type as agno names it, by Python's types.
std::string_view python_type(std::string_view type) {
  if (type == "integer") return "int";
  if (type == "number") return "float";
  if (type == "boolean") return "bool";
  if (type == "array") return "list";
  if (type == "object") return "dict";
  return "str";
}

bool has_all_inputs(const tool_facts& facts) {
  return std::all_of(facts.inputs.begin(), facts.inputs.end(), [](const input_field& x) { return !x.value.empty(); });
}

std::string input_schema(const std::vector<input_field>& fields) {
  std::string list;
  for (const auto& field : fields) {
    std::string members;
    add(members, "name", field.name);
    add(members, "field_type", python_type(field.type));
    add_text_or_null(members, "description", field.description);
    add_raw(members, "value", is_json(field.value) ? field.value : "null");
    list += "," + object_of(members);
  }
  return list_of(list);
}

}  // namespace

std::optional<std::string> compact_arguments(std::string_view arguments) {
  while (!arguments.empty() && is_space(arguments.front())) arguments.remove_prefix(1);
  if (arguments.empty()) return "{}";
  // Whoever reads our output may need a stack for nested values.
  if (arguments.front() != '{' || !is_json(arguments)) return {};
  std::string out;
  out.reserve(arguments.size());
  std::size_t depth = 0;
  for (std::size_t i = 0; i < arguments.size();) {
    const char c = arguments[i];
    if (c == '"') {
      const auto end = end_of_string(arguments, i);
      out += arguments.substr(i, end - i);
      i = end;
      continue;
    }
    if ((c == '{' || c == '[') && ++depth > limits::tool_call_depth_max) return {};
    if (c == '}' || c == ']') --depth;
    if (!is_space(c)) out += c;
    ++i;
  }
  return out;
}

std::string call_line(const tool_call& call) {
  auto line = call.name + "(";
  const auto json = compact_arguments(call.arguments).value_or("{}");
  for (std::size_t i = 1; i < json.size() && json[i] == '"';) {
    const auto key_end = end_of_string(json, i);
    const auto value_end = end_of_value(json, key_end + 1);
    if (i > 1) line += ", ";
    line += shown(std::string_view{json}.substr(i, key_end - i)) + "=";
    line += shown(std::string_view{json}.substr(key_end + 1, value_end - key_end - 1));
    i = value_end + 1;
  }
  return line + ")";
}

void append_decimal(std::string& out, std::uint64_t value, std::uint64_t unit) {
  out += std::to_string(value / unit) + ".";
  auto digits = std::to_string(unit + value % unit).substr(1);
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  out += digits;
}

void append_tool(std::string& out, const tool_call& call, const tool_facts& facts, const tool_state& state) {
  const auto at_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(state.at_ms, 0));
  out += R"({"tool_call_id":)";
  append_json_string(out, call.id);
  out += R"(,"tool_name":)";
  append_json_string(out, call.name);
  out += R"(,"tool_args":)" + compact_arguments(call.arguments).value_or("null") + R"(,"tool_call_error":)";
  if (state.ended) {
    out += state.failed ? R"(true,"result":)" : R"(false,"result":)";
    append_json_string(out, state.result);
    out += R"(,"metrics":{"start_time":)";
    append_decimal(out, at_ms - std::min(at_ms, state.duration_ms), 1000);
    out += R"(,"end_time":)";
    append_decimal(out, at_ms, 1000);
    out += R"(,"duration":)";
    append_decimal(out, state.duration_ms, 1000);
    out += '}';
  } else {
    out += R"(null,"result":null,"metrics":null)";
  }
  add_text_or_null(out, "child_run_id", facts.child.value);
  out += R"(,"stop_after_tool_call":false,"created_at":)" + std::to_string(at_ms / 1000);
  const auto asks_input = facts.need == tool_need::user_input;
  add_raw(out, "requires_confirmation", facts.need == tool_need::confirmation ? "true" : "null");
  add_raw(out, "confirmed", !facts.confirmed ? "null" : *facts.confirmed ? "true" : "false");
  add_text_or_null(out, "confirmation_note", facts.note);
  add_raw(out, "requires_user_input", asks_input ? "true" : "null");
  add_raw(out, "user_input_schema", asks_input ? input_schema(facts.inputs) : "null");
  out += R"(,"user_feedback_schema":null)";
  add_raw(out, "answered", asks_input && has_all_inputs(facts) ? "true" : "null");
  add_raw(out, "external_execution_required", facts.need == tool_need::result ? "true" : "null");
  out += R"(,"external_execution_silent":null,"approval_type":null,"approval_id":null})";
}

void add_requirements(std::string& members, const run_paused& pause, std::int64_t at_ms, std::string_view tools) {
  std::string waiting;
  std::string requirements;
  for (const auto& [call, facts] : pause.waiting_for) {
    std::string tool;
    append_tool(tool, call, facts, {.at_ms = at_ms});
    waiting += "," + tool;
    std::string requirement;
    add(requirement, "id", call.id);  // one requirement a call: the call's id tells them apart
    add(requirement, "created_at", iso_time_python(at_ms));
    add_raw(requirement, "tool_execution", tool);
    if (facts.need == tool_need::user_input) add_raw(requirement, "user_input_schema", input_schema(facts.inputs));
    requirements += "," + object_of(requirement);
  }
  add_raw(members, "tools", tools.empty() ? list_of(waiting) : std::string{tools});
  add_raw(members, "requirements", list_of(requirements));
}

std::string_view paused_content(const run_paused& pause) {
  // agno says what the last of the calls needs.
  const auto need = pause.waiting_for.empty() ? tool_need::confirmation : pause.waiting_for.back().facts.need;
  switch (need) {
    case tool_need::user_input: return "I have tools to execute, but I need user input.";
    case tool_need::result: return "I have tools to execute, but it needs external execution.";
    case tool_need::nothing:
    case tool_need::confirmation: break;
  }
  return "I have tools to execute, but I need confirmation.";
}

}  // namespace oncue::core
