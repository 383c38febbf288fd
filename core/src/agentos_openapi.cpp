#include "oncue/core/agentos_openapi.hpp"

#include <algorithm>
#include <vector>

#include "agentos_route_table.hpp"
#include "json_keys.hpp"
#include "oncue/core/json_text.hpp"

namespace oncue::core {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string schema_of(const route_field& field) {
  std::string members;
  switch (field.kind) {
    case field_kind::text: add(members, "type", "string"); break;
    case field_kind::boolean: add(members, "type", "boolean"); break;
    case field_kind::integer: add(members, "type", "integer"); break;
    case field_kind::object: add(members, "type", "object"); break;
    case field_kind::texts: members = R"(,"type":"array","items":{"type":"string"})"; break;
  }
  if (!field.values.empty()) {
    std::string values;
    for (const auto value : field.values) values += "," + quoted(value);
    add_raw(members, "enum", list_of(values));
  }
  return object_of(members);
}

std::string parameter(const route_field& field, std::string_view in) {
  std::string members;
  add(members, "name", field.name);
  add(members, "in", in);
  if (field.required) add_bool(members, "required", true);
  if (!field.about.empty()) add(members, "description", field.about);
  add_raw(members, "schema", schema_of(field));
  return object_of(members);
}

/// The names in braces, each with what a matched route would hold there.
std::vector<std::string> names_in(std::string_view path) {
  std::vector<std::string> names;
  for (auto open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1)) {
    names.emplace_back(path.substr(open + 1, path.find('}', open) - open - 1));
  }
  return names;
}

std::string parameters_of(const route_entry& entry) {
  std::string list;
  for (const auto& name : names_in(entry.path)) list += "," + parameter({name, field_kind::text, true, {}}, "path");
  for (const auto& field : entry.query) list += "," + parameter(field, "query");
  for (const auto& field : entry.headers) list += "," + parameter(field, "header");
  return list.empty() ? std::string{} : list_of(list);
}

std::string body_of(const route_entry& entry) {
  std::string properties;
  std::string required;
  for (const auto& field : entry.fields) {
    auto schema = schema_of(field);
    if (!field.about.empty()) {
      schema.pop_back();
      add(schema, "description", field.about);
      schema += '}';
    }
    add_raw(properties, field.name, schema);
    if (field.required) required += "," + quoted(field.name);
  }
  std::string schema = R"(,"type":"object")";
  add_raw(schema, "properties", object_of(properties));
  if (!required.empty()) add_raw(schema, "required", list_of(required));
  std::string media;
  add_raw(media, "schema", object_of(schema));
  std::string content;
  if (entry.body == body_kind::json) add_raw(content, "application/json", object_of(media));
  if (entry.body != body_kind::json) add_raw(content, "application/x-www-form-urlencoded", object_of(media));
  if (entry.body == body_kind::form) add_raw(content, "multipart/form-data", object_of(media));
  std::string members;
  if (!required.empty()) add_bool(members, "required", true);
  add_raw(members, "content", object_of(content));
  return object_of(members);
}

std::string schema_of_answer(int status, std::string_view media_type) {
  if (media_type != "application/json") return R"({"type":"string"})";
  if (status == 422) return R"({"$ref":"#/components/schemas/ValidationError"})";
  if (status >= 400) return R"({"$ref":"#/components/schemas/Error"})";
  return "{}";
}

std::string answers_of(const route_entry& entry, bool key_needed) {
  std::string members;
  auto add_answer = [&](int status, std::string_view content, std::string_view about) {
    std::string media;
    while (!content.empty()) {
      const auto type = content.substr(0, content.find(' '));
      content.remove_prefix(std::min(content.size(), type.size() + 1));
      std::string schema;
      add_raw(schema, "schema", schema_of_answer(status, type));
      add_raw(media, type, object_of(schema));
    }
    std::string answer;
    add(answer, "description", about);
    if (!media.empty()) add_raw(answer, "content", object_of(media));
    add_raw(members, std::to_string(status), object_of(answer));
  };
  for (const auto& answer : entry.answers) add_answer(answer.status, answer.content, answer.about);
  if (key_needed) add_answer(401, "application/json", "the server has a key, and this is not it");
  return object_of(members);
}

std::string operation(const route_entry& entry) {
  const bool key_needed = needs_key(entry.make(names_in(entry.path)));
  std::string members;
  add_raw(members, "tags", "[" + quoted(entry.group) + "]");
  add(members, "summary", entry.summary);
  if (!entry.details.empty()) add(members, "description", entry.details);
  add(members, "operationId", entry.name);
  if (const auto parameters = parameters_of(entry); !parameters.empty()) add_raw(members, "parameters", parameters);
  if (entry.body != body_kind::none) add_raw(members, "requestBody", body_of(entry));
  add_raw(members, "responses", answers_of(entry, key_needed));
  if (!key_needed) add_raw(members, "security", "[]");
  return object_of(members);
}

std::string lower(std::string_view method) {
  std::string result{method};
  for (auto& c : result) c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string paths() {
  std::vector<std::pair<std::string_view, std::string>> by_path;  // in the table's order
  for (const auto& entry : route_table()) {
    if (entry.group.empty()) continue;
    auto found = std::find_if(by_path.begin(), by_path.end(), [&](const auto& x) { return x.first == entry.path; });
    if (found == by_path.end()) found = by_path.insert(by_path.end(), {entry.path, {}});
    add_raw(found->second, lower(entry.method), operation(entry));
  }
  std::string members;
  for (const auto& [path, operations] : by_path) add_raw(members, path, object_of(operations));
  return object_of(members);
}

constexpr std::string_view components =
    R"({"schemas":{"Error":{"type":"object","properties":{"detail":{"type":"string"}},"required":["detail"]},)"
    R"("ValidationError":{"type":"object","properties":{"detail":{"type":["array","string"],"items":{"type":"object","properties":{)"
    R"("type":{"type":"string"},"loc":{"type":"array","items":{"type":["string","integer"]}},"msg":{"type":"string"},)"
    R"("input":{},"ctx":{"type":"object"}},"required":["type","loc","msg","input"]}}},"required":["detail"]}},)"
    R"("securitySchemes":{"key":{"type":"http","scheme":"bearer","description":"needed only if the server has a key"}}})";

}  // namespace

std::string openapi_document(const os_facts& facts) {
  std::string info;
  add(info, "title", facts.name);
  add(info, "summary", "LLM agent runs that stop on cue, on AgentOS' wire");
  add(info, "version", facts.version);
  std::string members;
  add(members, "openapi", "3.1.0");
  add_raw(members, "info", object_of(info));
  add_raw(members, "paths", paths());
  add_raw(members, "components", components);
  if (facts.with_key) add_raw(members, "security", R"([{"key":[]}])");
  return object_of(members);
}

}  // namespace oncue::core
