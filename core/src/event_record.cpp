#include "oncue/core/event_record.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

namespace oncue::core {

namespace {

using json = nlohmann::ordered_json;

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

// -- out -----------------------------------------------------------------------

constexpr std::string_view name_of(ending_kind kind) {
  switch (kind) {
    case ending_kind::completed: return "completed";
    case ending_kind::failed: return "failed";
    case ending_kind::cancelled: return "cancelled";
  }
  return "?";
}

json to_json(const token_usage& x) {
  return {{"input_tokens", x.input_tokens},
          {"output_tokens", x.output_tokens},
          {"reasoning_tokens", x.reasoning_tokens},
          {"cache_read_tokens", x.cache_read_tokens}};
}

json to_json(const ending& x) {
  json object = {{"kind", name_of(x.kind)}};
  if (x.kind == ending_kind::failed || x.code != ending{}.code) object["code"] = to_string(x.code);
  if (x.provider_status != 0) object["provider_status"] = x.provider_status;
  if (!x.message.empty()) object["message"] = x.message;
  if (!x.by.empty()) object["by"] = x.by;
  return object;
}

json to_json(const tool_call& x) { return {{"id", x.id}, {"name", x.name}, {"arguments", x.arguments}}; }
json to_json(const input_field& x);
json to_json(const tool_requirement& x);
json to_json(const tool_decision& x);

template <class T>
json list_of(const std::vector<T>& values) {
  auto list = json::array();
  for (const auto& value : values) list.push_back(to_json(value));
  return list;
}

json to_json(const input_field& x) {
  return {{"name", x.name}, {"type", x.type}, {"description", x.description}, {"value", x.value}};
}

/// Adds to the call's object: most calls have no facts.
void add(json& object, const tool_facts& x) {
  if (x.need != tool_need::nothing) object["need"] = to_string(x.need);
  if (x.confirmed) object["confirmed"] = *x.confirmed;
  if (!x.note.empty()) object["note"] = x.note;
  if (!x.inputs.empty()) object["inputs"] = list_of(x.inputs);
  if (!x.child.empty()) object["child"] = x.child.value;
}

json to_json(const tool_requirement& x) {
  auto object = to_json(x.call);
  add(object, x.facts);
  return object;
}

json to_json(const tool_decision& x) {
  json object = {{"id", x.call_id}};
  if (x.confirmed) object["confirmed"] = *x.confirmed;
  if (!x.note.empty()) object["note"] = x.note;
  if (!x.inputs.empty()) object["inputs"] = list_of(x.inputs);
  if (x.result) object["result"] = *x.result;
  return object;
}

json to_json(const run_started& x) {
  return {{"agent_name", x.agent_name}, {"model", x.model}, {"model_provider", x.model_provider}};
}

json to_json(const model_request_started& x) { return {{"attempt", x.attempt}}; }

json to_json(const model_request_retrying& x) {
  return {{"attempt", x.attempt},
          {"code", to_string(x.code)},
          {"provider_status", x.provider_status},
          {"delay_ms", x.delay_ms},
          {"message", x.message}};
}

json to_json(const model_request_completed& x) {
  json object = {{"attempt", x.attempt},
                 {"finish_reason", x.finish_reason},
                 {"usage", to_json(x.usage)},
                 {"first_token_us", x.first_token_us},
                 {"text_bytes", x.text_bytes}};
  if (!x.tool_calls.empty()) object["tool_calls"] = list_of(x.tool_calls);
  return object;
}

json to_json(const content_completed&) { return json::object(); }

json to_json(const tool_call_started& x) {
  auto object = to_json(x.call);
  object["number"] = x.number;
  add(object, x.facts);
  return object;
}

json to_json(const tool_call_ended& x) {
  auto object = to_json(x.call);
  object["number"] = x.number;
  add(object, x.facts);
  object["failed"] = x.failed;
  if (x.stopped) object["stopped"] = true;
  object["result"] = x.result;
  object["duration_ms"] = x.duration_ms;
  return object;
}

json to_json(const run_paused& x) { return {{"waiting_for", list_of(x.waiting_for)}, {"expires_at_ms", x.expires_at_ms}}; }

json to_json(const run_continued& x) { return {{"decisions", list_of(x.decisions)}, {"by", x.by}}; }

/// The child's event as its own record: kind and data.
json to_json(const child_event& x) {
  std::string scratch;
  auto record = encode(x.event->body, scratch);
  return {{"run", x.run.value},
          {"parent", x.parent.value},
          {"agent", x.agent.value},
          {"agent_name", x.agent_name},
          {"model", x.model},
          {"model_provider", x.model_provider},
          {"index", x.event->index},
          {"at_ms", static_cast<std::uint64_t>(x.event->at_ms)},
          {"kind", static_cast<std::uint64_t>(record.kind)},
          {"data", record.data}};
}

json to_json(const run_ended& x) {
  return {{"how", to_json(x.how)},
          {"usage", to_json(x.usage)},
          {"first_token_us", x.first_token_us},
          {"duration_us", x.duration_us}};
}

template <class T>
constexpr record_kind kind_of = record_kind::content_delta;
#define ONCUE_KIND(name) \
  template <>            \
  constexpr record_kind kind_of<name> = record_kind::name
ONCUE_KIND(reasoning_delta);
ONCUE_KIND(run_started);
ONCUE_KIND(model_request_started);
ONCUE_KIND(model_request_retrying);
ONCUE_KIND(model_request_completed);
ONCUE_KIND(content_completed);
ONCUE_KIND(tool_call_started);
ONCUE_KIND(tool_call_ended);
ONCUE_KIND(run_paused);
ONCUE_KIND(run_continued);
ONCUE_KIND(run_ended);
ONCUE_KIND(child_event);
#undef ONCUE_KIND

template <class T>
const T& value_of(const T& x) {
  return x;
}
template <class T>
const T& value_of(const boxed<T>& x) {
  return *x;
}

// -- in ------------------------------------------------------------------------

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

record_ref encode(const event_body& body, std::string& scratch) {
  return std::visit(
      [&](const auto& x) -> record_ref {
        const auto& value = value_of(x);
        using type = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<type, content_delta> || std::is_same_v<type, reasoning_delta>) {
          return {kind_of<type>, value.text};
        } else {
          scratch = text_of(to_json(value));
          if constexpr (std::is_same_v<type, run_ended>) {
            scratch += '\n';
            scratch += value.content;
          }
          return {kind_of<type>, scratch};
        }
      },
      body);
}

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

std::string encode(const ending& how) { return text_of(to_json(how)); }

std::optional<ending> decode_ending(std::string_view data) {
  auto object = json::parse(data, nullptr, false);
  if (object.is_discarded()) return std::nullopt;
  ending how;
  std::string wrong;
  from_json(object, wrong, how);
  return wrong.empty() ? std::optional{std::move(how)} : std::nullopt;
}

}  // namespace oncue::core
