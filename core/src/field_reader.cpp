#include "field_reader.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "json_keys.hpp"
#include "oncue/core/json_text.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/safe_text.hpp"
#include "oncue/core/text.hpp"
#include "tool_json.hpp"

namespace oncue::core {
namespace {

using json = nlohmann::ordered_json;

std::string lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

/// pydantic's words for true and false, in any case.
std::optional<bool> parse_boolean(std::string_view text) {
  const auto word = lower(text);
  for (const std::string_view yes : {"true", "1", "on", "yes", "t", "y"}) {
    if (word == yes) return true;
  }
  for (const std::string_view no : {"false", "0", "off", "no", "f", "n"}) {
    if (word == no) return false;
  }
  return {};
}

std::string in_object(std::string_view key, std::string_view raw) {
  std::string members;
  add_raw(members, key, raw);
  return object_of(members);
}

std::string expected_context(std::string_view words) {
  std::string members;
  add(members, "expected", words);
  return object_of(members);
}

std::string too_long(std::size_t bytes_max) {
  return "Value error, expected UTF-8 of at most " + std::to_string(bytes_max) + " bytes";
}

/// Where in the text something is that is no JSON; 0 if it cannot be said.
std::size_t error_position(std::string_view text) {
  try {
    const auto never = json::parse(text);
  } catch (const json::parse_error& error) {
    return error.byte;
  } catch (const json::exception&) {  // a number that no double holds
  }
  return 0;
}

std::string where_name(field_reader::place where) {
  switch (where) {
    case field_reader::place::form: return "body";
    case field_reader::place::query: return "query";
    case field_reader::place::header: return "header";
  }
  return "?";
}

}  // namespace

std::string shown_input(std::string_view value) {
  std::string out;
  if (safe_text(value, {}).find("[redacted]") != std::string::npos) {
    append_json_string(out, "[redacted]");
  } else if (value.size() > limits::quoted_bytes_max) {
    append_json_string(out, std::string{value.substr(0, utf8_prefix(value, limits::quoted_bytes_max))} + "…");
  } else {
    append_json_string(out, value);
  }
  return out;
}

std::string one_of(std::span<const std::string_view> values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += i + 1 == values.size() ? " or " : ", ";
    out += "'" + std::string{values[i]} + "'";
  }
  return out;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n";
  const auto begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos) return {};
  text = text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
  if (const auto dot = text.find('.'); dot != std::string_view::npos) {
    const auto zeros = text.substr(dot + 1);
    if (zeros.empty() || zeros.find_first_not_of('0') != std::string_view::npos) return {};
    text = text.substr(0, dot);
  }
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return {};
  std::int64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) {
    value = std::numeric_limits<std::int64_t>::max();
  }
  return negative ? -value : value;
}

std::optional<std::string> field_reader::text(std::string_view name) const {
  for (auto field = fields_.rbegin(); field != fields_.rend(); ++field) {
    if (field->first != name) continue;
    if (field->second.empty() && where_ == place::form) return {};
    return field->second;
  }
  return {};
}

std::string field_reader::required(std::string_view name) {
  auto value = text_or_empty(name);
  if (value.empty()) {
    errors_.push_back({"missing", {where_name(where_), std::string{name}}, "Field required", {}, {}});
  }
  return value;
}

bool field_reader::boolean(std::string_view name, bool otherwise) {
  const auto value = text(name);
  if (!value) return otherwise;
  const auto parsed = parse_boolean(*value);
  if (!parsed) wrong(name, "bool_parsing", "Input should be a valid boolean, unable to interpret input", *value);
  return parsed.value_or(otherwise);
}

std::optional<std::int64_t> field_reader::integer(std::string_view name) {
  const auto value = text(name);
  if (!value) return {};
  const auto parsed = parse_integer(*value);
  if (!parsed) {
    wrong(name, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", *value);
  }
  return parsed;
}

std::optional<std::int64_t> field_reader::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  const auto value = integer(name);
  if (!value) return {};
  if (*value < least) {
    wrong(name, "greater_than_equal", "Input should be greater than or equal to " + std::to_string(least), *text(name),
          in_object("ge", std::to_string(least)));
    return {};
  }
  if (*value > most) {
    wrong(name, "less_than_equal", "Input should be less than or equal to " + std::to_string(most), *text(name),
          in_object("le", std::to_string(most)));
    return {};
  }
  return value;
}

std::optional<std::size_t> field_reader::choice(std::string_view name, std::span<const std::string_view> values) {
  const auto value = text(name);
  if (!value) return {};
  const auto found = std::find(values.begin(), values.end(), *value);
  if (found != values.end()) return static_cast<std::size_t>(found - values.begin());
  wrong(name, "enum", "Input should be " + one_of(values), *value, expected_context(one_of(values)));
  return {};
}

std::optional<std::string> field_reader::short_text(std::string_view name, std::size_t bytes_max) {
  auto value = text(name);
  if (!value || (value->size() <= bytes_max && is_utf8(*value))) return value;
  wrong(name, "value_error", too_long(bytes_max), *value);
  return {};
}

void field_reader::wrong(std::string_view name, std::string type, std::string message, std::string_view input,
                         std::optional<std::string> context) {
  errors_.push_back({std::move(type),
                     {where_name(where_), std::string{name}},
                     std::move(message),
                     shown_input(input),
                     std::move(context)});
}

body_reader::body_reader(std::string_view body, std::vector<field_error>& errors) : errors_{errors} {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    errors_.push_back({"missing", {"body"}, "Field required", {}, {}});
    return;
  }
  // Checks the depth as well: whoever walks through a document needs a stack.
  const auto compact = compact_arguments(body);
  if (compact) {
    object_ = json::parse(*compact);
    return;
  }
  if (!json::accept(body)) {
    errors_.push_back({"json_invalid",
                       {"body", std::to_string(error_position(body))},
                       "JSON decode error",
                       "{}",
                       R"({"error":"this is not JSON"})"});
  } else if (body[body.find_first_not_of(" \t\r\n")] == '{') {
    errors_.push_back({"value_error",
                       {"body"},
                       "Value error, nested deeper than " + std::to_string(limits::tool_call_depth_max) + " levels",
                       {},
                       {}});
  } else {
    errors_.push_back({"model_attributes_type",
                       {"body"},
                       "Input should be a valid dictionary or object to extract fields from",
                       shown_input(body),
                       {}});
  }
}

const json* body_reader::member(std::string_view name) const {
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(std::string{name});
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void body_reader::wrong(std::vector<std::string> loc, std::string type, std::string message, const json* input,
                        std::optional<std::string> context) {
  loc.insert(loc.begin(), "body");
  std::optional<std::string> shown;
  if (input) {
    const auto text = input->dump(-1, ' ', false, json::error_handler_t::replace);
    shown = text.size() <= limits::quoted_bytes_max && !input->is_string()
                ? text
                : shown_input(input->is_string() ? input->get_ref<const std::string&>() : text);
  }
  errors_.push_back({std::move(type), std::move(loc), std::move(message), std::move(shown), std::move(context)});
}

std::optional<std::string> body_reader::text(std::string_view name, std::size_t bytes_max, bool required) {
  const auto* value = member(name);
  if (!value) {
    if (required && object_.is_object()) wrong({std::string{name}}, "missing", "Field required", nullptr);
    return {};
  }
  if (!value->is_string()) {
    wrong({std::string{name}}, "string_type", "Input should be a valid string", value);
    return {};
  }
  const auto& found = value->get_ref<const std::string&>();
  if (found.size() <= bytes_max) return found;
  wrong({std::string{name}}, "value_error", too_long(bytes_max), value);
  return {};
}

std::optional<std::string> body_reader::object(std::string_view name) {
  const auto* value = member(name);
  if (!value) return {};
  if (!value->is_object()) {
    wrong({std::string{name}}, "dict_type", "Input should be a valid dictionary", value);
    return {};
  }
  auto found = value->dump(-1, ' ', false, json::error_handler_t::replace);
  if (found.size() <= limits::session_json_bytes_max) return found;
  wrong({std::string{name}}, "value_error", too_long(limits::session_json_bytes_max), value);
  return {};
}

std::vector<std::string> body_reader::texts(std::string_view name, std::size_t count_max,
                                            std::span<const std::string_view> values) {
  const std::string field{name};
  const auto* list = member(name);
  if (!list) {
    if (object_.is_object()) wrong({field}, "missing", "Field required", nullptr);
    return {};
  }
  if (!list->is_array()) {
    wrong({field}, "list_type", "Input should be a valid list", list);
    return {};
  }
  if (list->empty()) {
    wrong({field}, "too_short", "List should have at least 1 item after validation, not 0", list,
          R"({"field_type":"List","min_length":1,"actual_length":0})");
    return {};
  }
  if (list->size() > count_max) {
    wrong({field}, "value_error", "Value error, expected at most " + std::to_string(count_max) + " items", nullptr);
    return {};
  }
  std::vector<std::string> result;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto& item = (*list)[i];
    if (!item.is_string()) {
      wrong({field, std::to_string(i)}, "string_type", "Input should be a valid string", &item);
      return {};
    }
    auto text = item.get<std::string>();
    if (!values.empty() && std::find(values.begin(), values.end(), text) == values.end()) {
      wrong({field, std::to_string(i)}, "enum", "Input should be " + one_of(values), &item,
            expected_context(one_of(values)));
      return {};
    }
    result.push_back(std::move(text));
  }
  return result;
}

}  // namespace oncue::core
