#include "oncue/core/tool_set.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "json_depth.hpp"
#include "json_schema.hpp"

namespace oncue::core {
namespace {

using nlohmann::json;

/// The arguments as an object; a sentence if they are none.
std::variant<json, std::string> arguments_of(const tool_call& call) {
  if (call.arguments.empty()) return json::object();
  if (!nested_at_most(call.arguments, limits::tool_call_depth_max)) {
    return "arguments: expected them nested at most " + std::to_string(limits::tool_call_depth_max) + " deep";
  }
  auto value = has_no_nul(call.arguments) ? json::parse(call.arguments, nullptr, false) : json(json::value_t::discarded);
  if (value.is_discarded()) return std::string{"arguments: expected a JSON object, got what is not JSON"};
  if (!value.is_object()) return std::string{"arguments: expected a JSON object, got "} + value.type_name();
  return value;
}

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

// -- a set ------------------------------------------------------------------------

struct tool_set::entry {
  tool_ptr tool;
  std::optional<json_schema> schema;  // absent: not looked at yet, or not to be used
  bool compiled = false;
};

tool_set::tool_set() = default;
tool_set::~tool_set() = default;
tool_set::tool_set(tool_set&&) noexcept = default;
tool_set& tool_set::operator=(tool_set&&) noexcept = default;

std::variant<tool_set, std::string> tool_set::make(std::vector<tool_spec> tools) {
  tool_set set;
  for (auto& spec : tools) {
    auto schema = json_schema::compile(spec.parameters);
    if (const auto* problem = std::get_if<std::string>(&schema)) return spec.name + ": parameters: " + *problem;
    auto tool = std::make_shared<const tool_spec>(std::move(spec));
    entry made{tool, std::get<json_schema>(std::move(schema)), true};
    if (!set.by_name_.try_emplace(tool->name, std::move(made)).second) return tool->name + ": two tools have this name";
    set.tools_.push_back(std::move(tool));
  }
  return set;
}

// -- a box ------------------------------------------------------------------------

tool_box::tool_box(std::shared_ptr<const tool_set> fixed) : fixed_{std::move(fixed)} {}
tool_box::~tool_box() = default;
tool_box::tool_box(tool_box&&) noexcept = default;
tool_box& tool_box::operator=(tool_box&&) noexcept = default;

void tool_box::add(std::vector<tool_spec> listed) {
  for (auto& spec : listed) {
    if (find(spec.name)) continue;
    if (!listed_) listed_ = std::make_unique<tool_set>();
    auto tool = std::make_shared<const tool_spec>(std::move(spec));
    listed_->by_name_[tool->name].tool = tool;
    listed_->tools_.push_back(std::move(tool));
  }
}

bool tool_box::empty() const { return (!fixed_ || fixed_->tools_.empty()) && !listed_; }

std::vector<tool_definition> tool_box::definitions() const {
  std::vector<tool_definition> all;
  for (const auto* set : {fixed_.get(), static_cast<const tool_set*>(listed_.get())}) {
    if (!set) continue;
    for (const auto& tool : set->tools_) all.push_back({tool->name, tool->description, tool->parameters});
  }
  return all;
}

tool_ptr tool_box::find(std::string_view name) const {
  for (const auto* set : {fixed_.get(), static_cast<const tool_set*>(listed_.get())}) {
    if (!set) continue;
    if (auto found = set->by_name_.find(name); found != set->by_name_.end()) return found->second.tool;
  }
  return nullptr;
}

std::string tool_box::problem_with(const tool_call& call) {
  const tool_set::entry* known = nullptr;
  if (fixed_) {
    if (auto found = fixed_->by_name_.find(call.name); found != fixed_->by_name_.end()) known = &found->second;
  }
  if (!known && listed_) {
    if (auto found = listed_->by_name_.find(call.name); found != listed_->by_name_.end()) {
      auto& entry = found->second;
      if (!std::exchange(entry.compiled, true)) {
        auto schema = json_schema::compile(entry.tool->parameters);
        if (auto* good = std::get_if<json_schema>(&schema)) entry.schema = std::move(*good);
      }
      known = &entry;
    }
  }
  if (!known) {
    std::string names;
    for (const auto& tool : definitions()) names += (names.empty() ? "" : ", ") + tool.name;
    return "this agent has no tool named '" + call.name + "'" +
           (names.empty() ? "; it has no tools" : "; its tools are: " + names);
  }
  auto arguments = arguments_of(call);
  if (auto* problem = std::get_if<std::string>(&arguments)) return std::move(*problem);
  return known->schema ? known->schema->problem_with(std::get<json>(arguments)) : std::string{};
}

// -- calls and decisions ------------------------------------------------------------

std::string source_of(const tool_spec& tool) {
  switch (tool.kind) {
    case tool_kind::function: return "function";
    case tool_kind::process: return tool.command.argv.empty() ? "process" : "process:" + tool.command.argv.front();
    case tool_kind::mcp: return "mcp:" + tool.server + ":" + tool.remote;
    case tool_kind::agent: return "agent:" + tool.agent.value;
  }
  return {};
}

tool_call sendable(tool_call call) {
  if (!call.arguments.empty() && !is_json(call.arguments)) call.arguments = "{}";
  return call;
}

std::string tool_answer_text(std::string result) { return result.empty() ? "(no output)" : std::move(result); }

std::string problem_with(const std::vector<tool_requirement>& waiting_for, const std::vector<tool_decision>& decisions) {
  auto waits = [&](const tool_decision& x) {
    return std::any_of(waiting_for.begin(), waiting_for.end(), [&](const auto& w) { return w.call.id == x.call_id; });
  };
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const auto& one = decisions[i];
    auto is_same = [&](const auto& other) { return other.call_id == one.call_id; };
    if (!waits(one)) return "tools: the run does not wait for a call '" + one.call_id + "'";
    if (std::count_if(decisions.begin(), decisions.end(), is_same) > 1) {
      return "tools: the call '" + one.call_id + "' is decided twice";
    }
  }
  for (const auto& need : waiting_for) {
    auto is_it = [&](const tool_decision& x) { return x.call_id == need.call.id; };
    auto found = std::find_if(decisions.begin(), decisions.end(), is_it);
    auto call = "tools: the call '" + need.call.id + "' of " + need.call.name;
    if (found == decisions.end()) return call + " has no decision";
    if (found->confirmed == false) continue;
    switch (need.facts.need) {
      case tool_need::nothing: break;
      case tool_need::confirmation:
        if (!found->confirmed) return call + ": expected confirmed, true or false";
        break;
      case tool_need::result:
        if (!found->result) return call + ": expected its result, or confirmed = false";
        break;
      case tool_need::user_input:
        for (const auto& field : need.facts.inputs) {
          auto is_field = [&](const input_field& x) { return x.name == field.name; };
          auto given = std::find_if(found->inputs.begin(), found->inputs.end(), is_field);
          if (given == found->inputs.end() || given->value.empty()) return call + ": expected a value for " + field.name;
          if (!is_json(given->value)) return call + ": expected a JSON value for " + field.name;
        }
        break;
    }
  }
  return {};
}

tool_call with_inputs(tool_call call, const std::vector<input_field>& inputs) {
  auto parsed = arguments_of(call);
  auto* arguments = std::get_if<json>(&parsed);
  if (!arguments) return call;
  for (const auto& input : inputs) {
    auto value = json::parse(input.value, nullptr, false);
    if (!value.is_discarded()) (*arguments)[input.name] = std::move(value);
  }
  call.arguments = text_of(*arguments);
  return call;
}

std::vector<input_field> inputs_of(const tool_spec& tool, const tool_call& call) {
  auto schema = json::parse(tool.parameters, nullptr, false);
  auto parsed = arguments_of(call);
  const auto* given = std::get_if<json>(&parsed);
  std::vector<input_field> fields;
  auto properties = schema.is_object() ? schema.value("properties", json::object()) : json::object();
  if (!properties.is_object()) return fields;
  for (const auto& entry : properties.items()) {
    const auto& name = entry.key();
    const auto& property = entry.value();
    const auto& wanted = tool.input_fields;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
    input_field field{name, {}, {}, {}};
    auto text = [&property](const char* key) {
      auto found = property.is_object() ? property.find(key) : property.end();
      return found != property.end() && found->is_string() ? found->template get<std::string>() : std::string{};
    };
    field.type = text("type");
    field.description = text("description");
    if (given && given->contains(name)) field.value = text_of((*given)[name]);
    fields.push_back(std::move(field));
  }
  return fields;
}

std::string text_argument(const tool_call& call, std::string_view name) {
  auto parsed = arguments_of(call);
  const auto* arguments = std::get_if<json>(&parsed);
  if (!arguments) return {};
  auto found = arguments->find(std::string{name});
  return found != arguments->end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string tool_name_problem(std::string_view name) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (!name.empty() && name.size() <= limits::tool_name_chars_max && std::all_of(name.begin(), name.end(), allowed))
    return {};
  return "expected 1 to " + std::to_string(limits::tool_name_chars_max) + " characters of A-Z a-z 0-9 _ -";
}

}  // namespace oncue::core
