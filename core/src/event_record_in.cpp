// How a kept event is read again: decode() of event_record.hpp.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "event_record_names.hpp"
#include "oncue/core/event_record.hpp"

namespace oncue::core {

namespace {

using json = nlohmann::ordered_json;

/// Takes an object's fields apart. A missing field keeps its default; one of another type is remembered as wrong.
class fields {
 public:
  explicit fields(const json& object, std::string& wrong) : object_{object}, wrong_{wrong} {
    if (!object.is_object()) wrong_ = "not a JSON object";
  }

  void take(const char* key, std::string& out) {
    if (const auto* value = find(key, &json::is_string)) out = value->get_ref<const std::string&>();
  }
  void take(const char* key, bool& out) {
    if (const auto* value = find(key, &json::is_boolean)) out = value->get<bool>();
  }
  template <class Number>
  requires std::is_unsigned_v<Number>
  void take(const char* key, Number& out) {
    const auto* value = find(key, &json::is_number_unsigned);
    if (!value) return;
    auto number = value->get<std::uint64_t>();
    if (number > std::numeric_limits<Number>::max()) {
      wrong_ = std::string{key} + " is too large";
    } else {
      out = static_cast<Number>(number);
    }
  }
  /// An enum by its stable name.
  template <class Enum, class NameOf>
  void take(const char* key, Enum& out, NameOf name_of_value) {
    const auto* value = find(key, &json::is_string);
    if (!value) return;
    using number = std::underlying_type_t<Enum>;
    for (number i = 0; i <= static_cast<number>(enum_max(Enum{})); ++i) {
      if (name_of_value(static_cast<Enum>(i)) != value->get_ref<const std::string&>()) continue;
      out = static_cast<Enum>(i);
      return;
    }
    wrong_ = std::string{key} + " is not known";
  }
  const json* object(const char* key) { return find(key, &json::is_object); }
  const json* array(const char* key) { return find(key, &json::is_array); }

 private:
  const json* find(const char* key, bool (json::*is_right)() const noexcept) {
    if (!object_.is_object()) return nullptr;
    auto found = object_.find(key);
    if (found == object_.end()) return nullptr;
    if (((*found).*is_right)()) return &*found;
    wrong_ = std::string{key} + " is of another type";
    return nullptr;
  }

  const json& object_;
  std::string& wrong_;
};

auto failure_name = [](failure_code code) { return to_string(code); };

void from_json(const json& object, std::string& wrong, token_usage& x) {
  fields in{object, wrong};
  in.take("input_tokens", x.input_tokens);
  in.take("output_tokens", x.output_tokens);
  in.take("reasoning_tokens", x.reasoning_tokens);
  in.take("cache_read_tokens", x.cache_read_tokens);
}

void from_json(const json& object, std::string& wrong, ending& x) {
  fields in{object, wrong};
  in.take("kind", x.kind, name_of);
  in.take("code", x.code, failure_name);
  in.take("provider_status", x.provider_status);
  in.take("message", x.message);
  in.take("by", x.by);
}

void from_json(const json& object, std::string& wrong, tool_call& x) {
  fields in{object, wrong};
  in.take("id", x.id);
  in.take("name", x.name);
  in.take("arguments", x.arguments);
}

void from_json(const json& object, std::string& wrong, input_field& x);
void from_json(const json& object, std::string& wrong, tool_requirement& x);
void from_json(const json& object, std::string& wrong, tool_decision& x);

template <class T>
void list_from_json(const json* list, std::string& wrong, std::vector<T>& out) {
  if (!list) return;
  for (const auto& value : *list) from_json(value, wrong, out.emplace_back());
}

void from_json(const json& object, std::string& wrong, input_field& x) {
  fields in{object, wrong};
  in.take("name", x.name);
  in.take("type", x.type);
  in.take("description", x.description);
  in.take("value", x.value);
}

void from_json(const json& object, std::string& wrong, tool_facts& x) {
  fields in{object, wrong};
  in.take("need", x.need, [](tool_need need) { return to_string(need); });
  if (object.is_object() && object.contains("confirmed")) in.take("confirmed", x.confirmed.emplace());
  in.take("note", x.note);
  list_from_json(in.array("inputs"), wrong, x.inputs);
  in.take("child", x.child.value);
  in.take("source", x.source);
}

void from_json(const json& object, std::string& wrong, tool_requirement& x) {
  from_json(object, wrong, x.call);
  from_json(object, wrong, x.facts);
}

void from_json(const json& object, std::string& wrong, tool_decision& x) {
  fields in{object, wrong};
  in.take("id", x.call_id);
  if (object.is_object() && object.contains("confirmed")) in.take("confirmed", x.confirmed.emplace());
  in.take("note", x.note);
  list_from_json(in.array("inputs"), wrong, x.inputs);
  if (object.is_object() && object.contains("result")) in.take("result", x.result.emplace());
}

void from_json(const json& object, std::string& wrong, run_started& x) {
  fields in{object, wrong};
  in.take("agent_name", x.agent_name);
  in.take("model", x.model);
  in.take("model_provider", x.model_provider);
}

void from_json(const json& object, std::string& wrong, model_request_started& x) {
  fields{object, wrong}.take("attempt", x.attempt);
}

void from_json(const json& object, std::string& wrong, model_request_retrying& x) {
  fields in{object, wrong};
  in.take("attempt", x.attempt);
  in.take("code", x.code, failure_name);
  in.take("provider_status", x.provider_status);
  in.take("delay_ms", x.delay_ms);
  in.take("message", x.message);
}

void from_json(const json& object, std::string& wrong, model_request_completed& x) {
  fields in{object, wrong};
  in.take("attempt", x.attempt);
  in.take("finish_reason", x.finish_reason);
  if (const auto* usage = in.object("usage")) from_json(*usage, wrong, x.usage);
  in.take("first_token_us", x.first_token_us);
  in.take("text_bytes", x.text_bytes);
  list_from_json(in.array("tool_calls"), wrong, x.tool_calls);
}

void from_json(const json& object, std::string& wrong, content_completed&) { fields{object, wrong}; }

void from_json(const json& object, std::string& wrong, tool_call_started& x) {
  from_json(object, wrong, x.call);
  from_json(object, wrong, x.facts);
  fields{object, wrong}.take("number", x.number);
}

void from_json(const json& object, std::string& wrong, tool_call_ended& x) {
  from_json(object, wrong, x.call);
  from_json(object, wrong, x.facts);
  fields in{object, wrong};
  in.take("number", x.number);
  in.take("failed", x.failed);
  in.take("stopped", x.stopped);
  in.take("result", x.result);
  in.take("duration_ms", x.duration_ms);
}

void from_json(const json& object, std::string& wrong, run_paused& x) {
  fields in{object, wrong};
  list_from_json(in.array("waiting_for"), wrong, x.waiting_for);
  std::uint64_t expires_at_ms = 0;
  in.take("expires_at_ms", expires_at_ms);
  if (expires_at_ms > std::numeric_limits<std::int64_t>::max()) wrong = "expires_at_ms is too large";
  x.expires_at_ms = static_cast<std::int64_t>(expires_at_ms);
}

void from_json(const json& object, std::string& wrong, run_continued& x) {
  fields in{object, wrong};
  list_from_json(in.array("decisions"), wrong, x.decisions);
  in.take("by", x.by);
}

void from_json(const json& object, std::string& wrong, child_event& x) {
  fields in{object, wrong};
  in.take("run", x.run.value);
  in.take("parent", x.parent.value);
  in.take("agent", x.agent.value);
  in.take("agent_name", x.agent_name);
  in.take("model", x.model);
  in.take("model_provider", x.model_provider);
  event_index index = 0;
  std::uint64_t at_ms = 0;
  std::uint64_t kind = 0;
  std::string data;
  in.take("index", index);
  in.take("at_ms", at_ms);
  in.take("kind", kind);
  in.take("data", data);
  auto body = decode(static_cast<std::int64_t>(std::min<std::uint64_t>(kind, 256)), std::move(data));
  if (auto* problem = std::get_if<std::string>(&body)) {
    if (wrong.empty()) wrong = "the child's event: " + *problem;
    return;
  }
  x.event = event_ptr{run_event{index, static_cast<std::int64_t>(at_ms), std::move(std::get<event_body>(body))}};
}

void from_json(const json& object, std::string& wrong, run_ended& x) {
  fields in{object, wrong};
  if (const auto* how = in.object("how")) from_json(*how, wrong, x.how);
  if (const auto* usage = in.object("usage")) from_json(*usage, wrong, x.usage);
  in.take("first_token_us", x.first_token_us);
  in.take("duration_us", x.duration_us);
}

template <class T>
std::variant<event_body, std::string> parsed(std::string_view data, std::string_view content = {}) {
  auto object = json::parse(data, nullptr, false);
  if (object.is_discarded()) return std::string{"not JSON"};
  T body;
  std::string wrong;
  from_json(object, wrong, body);
  if (!wrong.empty()) return wrong;
  if constexpr (std::is_same_v<T, run_ended>) body.content = content;
  if constexpr (is_alternative<T, event_body>) {
    return event_body{std::move(body)};
  } else {
    return event_body{boxed<T>{std::move(body)}};
  }
}

}  // namespace

std::variant<event_body, std::string> decode(std::int64_t kind, std::string data) {
  if (kind < 0 || kind > 255) return "unknown kind " + std::to_string(kind);
  switch (static_cast<record_kind>(kind)) {
    case record_kind::content_delta: return event_body{content_delta{std::move(data)}};
    case record_kind::reasoning_delta: return event_body{reasoning_delta{std::move(data)}};
    case record_kind::run_started: return parsed<run_started>(data);
    case record_kind::model_request_started: return parsed<model_request_started>(data);
    case record_kind::model_request_retrying: return parsed<model_request_retrying>(data);
    case record_kind::model_request_completed: return parsed<model_request_completed>(data);
    case record_kind::content_completed: return parsed<content_completed>(data);
    case record_kind::tool_call_started: return parsed<tool_call_started>(data);
    case record_kind::tool_call_ended: return parsed<tool_call_ended>(data);
    case record_kind::run_paused: return parsed<run_paused>(data);
    case record_kind::run_continued: return parsed<run_continued>(data);
    case record_kind::child_event: return parsed<child_event>(data);
    case record_kind::run_ended: {
      auto line_bytes = data.find('\n');
      if (line_bytes == std::string::npos) return std::string{"an ending without its content"};
      return parsed<run_ended>(std::string_view{data}.substr(0, line_bytes), std::string_view{data}.substr(line_bytes + 1));
    }
  }
  return "unknown kind " + std::to_string(kind);
}

std::optional<ending> decode_ending(std::string_view data) {
  auto object = json::parse(data, nullptr, false);
  if (object.is_discarded()) return std::nullopt;
  ending how;
  std::string wrong;
  from_json(object, wrong, how);
  return wrong.empty() ? std::optional{std::move(how)} : std::nullopt;
}

}  // namespace oncue::core
