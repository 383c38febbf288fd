#include "oncue/core/openai_tool_calls.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "oncue/core/limits.hpp"

namespace oncue::core {

namespace {

using nlohmann::json;

std::string take_text(json& object, const char* name) {
  auto it = object.find(name);
  if (it == object.end() || !it->is_string()) return {};
  return std::move(it->get_ref<std::string&>());
}

/// json::dump recurses: what comes from outside is measured before.
bool is_deeper_than(const json& value, std::size_t depth) {
  if (!value.is_structured()) return false;
  if (depth == 0) return true;
  return std::any_of(value.begin(), value.end(), [&](const json& inner) { return is_deeper_than(inner, depth - 1); });
}

/// The arguments as text. Some servers send the object itself.
std::optional<std::string> take_arguments(json& function) {
  auto it = function.find("arguments");
  if (it == function.end() || !it->is_object()) return take_text(function, "arguments");
  if (is_deeper_than(*it, limits::tool_call_depth_max)) return std::nullopt;
  return it->dump(-1, ' ', false, json::error_handler_t::replace);
}

/// A fresh id under a used index: a new call for servers that number all calls 0 (older Ollama), a fragment of the same one
/// for those that make up an id for each fragment (older vLLM). The first send whole calls, with name and arguments.
bool begins_new_call(const tool_call& last, const std::string& id, const std::string& name) {
  if (id.empty() || name.empty() || last.id.empty() || id == last.id) return false;
  return name != last.name || (last.arguments.ends_with('}') && json::accept(last.arguments));
}

}  // namespace

std::string openai_tool_calls::add(json& fragments) {
  if (!fragments.is_array()) return {};
  for (auto& fragment : fragments) {
    if (!fragment.is_object()) continue;
    if (auto problem = add_fragment(fragment); !problem.empty()) return problem;
  }
  return {};
}

std::string openai_tool_calls::add_fragment(json& fragment) {
  auto id = take_text(fragment, "id");
  std::string name;
  std::optional<std::string> arguments = std::string();
  if (auto it = fragment.find("function"); it != fragment.end() && it->is_object()) {
    name = take_text(*it, "name");
    arguments = take_arguments(*it);
  }
  if (!arguments) return "the arguments of a tool call are nested too deep";
  auto* target = find(fragment, id, name);
  if (!target) {
    if (entries_.size() == limits::tool_calls_max) {
      return "expected at most " + std::to_string(limits::tool_calls_max) + " tool calls in one answer";
    }
    auto next = entries_.empty() ? 0 : entries_.back().index;
    if (!entries_.empty() && next < std::numeric_limits<std::int64_t>::max()) ++next;
    auto it = fragment.find("index");
    bool has_index = it != fragment.end() && it->is_number_integer();
    target = &entries_.emplace_back();
    target->index = has_index ? it->get<std::int64_t>() : next;
  }
  auto& call = target->call;
  if (call.id.empty()) call.id = std::move(id);
  if (call.name.empty()) call.name = std::move(name);
  if (call.id.size() + call.name.size() + call.arguments.size() + arguments->size() > limits::tool_call_bytes_max) {
    return "expected at most " + std::to_string(limits::tool_call_bytes_max) + " bytes of arguments in a tool call";
  }
  bytes_ += arguments->size();
  if (bytes_ > limits::answer_calls_bytes_max) {
    return "expected at most " + std::to_string(limits::answer_calls_bytes_max) + " bytes of arguments in one answer";
  }
  if (call.arguments.empty()) {
    call.arguments = std::move(*arguments);
  } else {
    call.arguments += *arguments;
  }
  return {};
}

/// The call to which a fragment belongs; null if it begins one.
openai_tool_calls::entry* openai_tool_calls::find(const json& fragment, const std::string& id, const std::string& name) {
  auto it = fragment.find("index");
  if (it != fragment.end() && it->is_number_integer()) {
    auto index = it->get<std::int64_t>();
    auto found = std::find_if(entries_.rbegin(), entries_.rend(), [&](const entry& e) { return e.index == index; });
    return found == entries_.rend() || begins_new_call(found->call, id, name) ? nullptr : &*found;
  }
  if (!id.empty()) {
    auto found = std::find_if(entries_.rbegin(), entries_.rend(), [&](const entry& e) { return e.call.id == id; });
    return found == entries_.rend() ? nullptr : &*found;
  }
  return entries_.empty() || !name.empty() ? nullptr : &entries_.back();
}

std::vector<tool_call> openai_tool_calls::take(attempt_no attempt) {
  std::stable_sort(entries_.begin(), entries_.end(), [](const entry& a, const entry& b) { return a.index < b.index; });
  std::vector<tool_call> calls;
  calls.reserve(entries_.size());
  for (auto& e : entries_) {
    if (e.call.id.empty()) e.call.id = "call_" + std::to_string(attempt) + "_" + std::to_string(calls.size());
    calls.push_back(std::move(e.call));
  }
  entries_.clear();
  return calls;
}

}  // namespace oncue::core
