#include "oncue/core/agentos_events_in.hpp"

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "json_depth.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::core {
namespace {

using json = nlohmann::ordered_json;

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

/// Looks up keys of one object. The first one that is wrong is kept as a sentence; what it was read for is then empty.
class keys {
 public:
  keys(const json& object, std::string& error) : object_{object}, error_{error} {}

  /// The value, or null if there is none.
  const json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  std::string text(const char* key) const {
    const auto* value = find(key);
    if (!value) return {};
    if (value->is_string()) return value->get<std::string>();
    wrong(key, "a string");
    return {};
  }

  /// agno's content may be a structure, if the agent was told to answer with one.
  std::string any_text(const char* key) const {
    const auto* value = find(key);
    if (!value) return {};
    return value->is_string() ? value->get<std::string>() : text_of(*value);
  }

  std::optional<std::uint64_t> number(const char* key, std::uint64_t most = std::uint64_t{1} << 53) const {
    const auto* value = find(key);
    if (!value) return {};
    if (value->is_number_unsigned() && value->get<std::uint64_t>() <= most) return value->get<std::uint64_t>();
    wrong(key, "a whole number from 0 to " + std::to_string(most));
    return {};
  }

  /// Seconds, with or without a decimal point, in units of which a second has `units`.
  std::uint64_t seconds(const char* key, double units) const {
    constexpr double seconds_max = 1e9 * 1000;
    const auto* value = find(key);
    if (!value) return 0;
    const auto given = value->is_number() ? value->get<double>() : -1;
    if (given >= 0 && given <= seconds_max) return static_cast<std::uint64_t>(std::llround(given * units));
    wrong(key, "seconds");
    return 0;
  }

  bool flag(const char* key) const {
    const auto* value = find(key);
    if (!value) return false;
    if (value->is_boolean()) return value->get<bool>();
    wrong(key, "true or false");
    return false;
  }

  /// The object under the key; an empty one if there is none.
  keys object(const char* key) const {
    static const json none = json::object();
    const auto* value = find(key);
    if (value && !value->is_object()) wrong(key, "an object");
    return {value && value->is_object() ? *value : none, error_};
  }

  void wrong(const char* key, const std::string& expected) const {
    if (error_.empty()) error_ = std::string{key} + ": expected " + expected;
  }

  keys at(const json& object) const { return {object, error_}; }

 private:
  const json& object_;
  std::string& error_;
};

struct failure {
  failure_code code = failure_code::provider_protocol;
  bool known = false;
};

failure failure_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(enum_max(failure_code{})); ++i) {
    const auto code = static_cast<failure_code>(i);
    if (to_string(code) == name) return {code, true};
  }
  return {};
}

std::uint16_t provider_status_in(const keys& from) {
  return static_cast<std::uint16_t>(from.number("provider_status", 999).value_or(0));
}

token_usage usage_in(const keys& from) {
  return {from.number("input_tokens").value_or(0), from.number("output_tokens").value_or(0),
          from.number("reasoning_tokens").value_or(0), from.number("cache_read_tokens").value_or(0)};
}

tool_call call_in(const keys& tool) {
  const auto* arguments = tool.find("tool_args");
  return {tool.text("tool_call_id"), tool.text("tool_name"), arguments ? text_of(*arguments) : ""};
}

// -- the bodies, each from its object ----------------------------------------------------------

using body = std::optional<event_body>;

body started(const keys& from) {
  return run_started{from.text("agent_name"), from.text("model"), from.text("model_provider")};
}

body retrying(const keys& from) {
  return model_request_retrying{.attempt = static_cast<attempt_no>(from.number("attempt", 1'000'000).value_or(0)),
                                .code = failure_named(from.text("error_type")).code,
                                .provider_status = provider_status_in(from),
                                .delay_ms = from.number("delay_ms").value_or(0),
                                .message = from.text("content")};
}

body content(const keys& from) {
  auto text = from.any_text("content");
  auto reasoning = from.text("reasoning_content");
  if (!text.empty()) return content_delta{std::move(text)};
  if (!reasoning.empty()) return reasoning_delta{std::move(reasoning)};
  return {};
}

body request_completed(const keys& from) {
  return model_request_completed{.finish_reason = from.text("finish_reason"),
                                 .usage = usage_in(from),
                                 .first_token_us = from.seconds("time_to_first_token", 1e6)};
}

/// A schema's type for what agno names by Python's types; nobody's type here is empty.
std::string schema_type(const std::string& name) {
  if (name == "str") return "string";
  if (name == "int") return "integer";
  if (name == "float") return "number";
  if (name == "bool") return "boolean";
  if (name == "list") return "array";
  if (name == "dict") return "object";
  return {};
}

/// Calls `take` for each object of a list.
template <class Take>
void each_object(const keys& from, const char* key, Take&& take) {
  const auto* list = from.find(key);
  if (!list) return;
  if (!list->is_array()) return from.wrong(key, "a list");
  for (const auto& item : *list) {
    if (!item.is_object()) return from.wrong(key, "a list of objects");
    take(from.at(item));
  }
}

tool_facts facts_in(const keys& tool) {
  tool_facts facts;
  if (tool.flag("requires_confirmation")) facts.need = tool_need::confirmation;
  if (tool.flag("requires_user_input")) facts.need = tool_need::user_input;
  if (tool.flag("external_execution_required")) facts.need = tool_need::result;
  if (tool.find("confirmed")) facts.confirmed = tool.flag("confirmed");
  facts.note = tool.text("confirmation_note");
  each_object(tool, "user_input_schema", [&](const keys& field) {
    const auto* value = field.find("value");
    facts.inputs.push_back({field.text("name"), schema_type(field.text("field_type")), field.text("description"),
                            value ? text_of(*value) : ""});
  });
  facts.child = {tool.text("child_run_id")};
  return facts;
}

body tool_started(const keys& from) {
  const auto tool = from.object("tool");
  return tool_call_started{.call = call_in(tool), .facts = facts_in(tool)};
}

tool_call_ended ended_tool(const keys& from) {
  const auto tool = from.object("tool");
  return {.call = call_in(tool),
          .facts = facts_in(tool),
          .failed = tool.flag("tool_call_error"),
          .stopped = from.flag("stopped"),
          .result = tool.any_text("result"),
          .duration_ms = tool.object("metrics").seconds("duration", 1e3)};
}

body tool_ended(const keys& from) { return ended_tool(from); }

/// A tool that was stopped is shown as one that failed: then it is not both.
body tool_failed(const keys& from) {
  auto ended = ended_tool(from);
  ended.failed = !ended.stopped;
  if (ended.result.empty()) ended.result = from.any_text("error");
  return ended;
}

/// What waits is in the requirements; servers that do not send them have it in the tools.
body paused(const keys& from) {
  run_paused result;
  each_object(from, "requirements", [&](const keys& requirement) {
    const auto tool = requirement.object("tool_execution");
    result.waiting_for.push_back({call_in(tool), facts_in(tool)});
  });
  if (result.waiting_for.empty()) {
    each_object(from, "tools", [&](const keys& tool) { result.waiting_for.push_back({call_in(tool), facts_in(tool)}); });
  }
  result.expires_at_ms = static_cast<std::int64_t>(from.seconds("expires_at", 1e3));
  return result;
}

body completed(const keys& from) {
  const auto metrics = from.object("metrics");
  run_ended ended;
  ended.content = from.any_text("content");
  ended.usage = usage_in(metrics);
  ended.first_token_us = metrics.seconds("time_to_first_token", 1e6);
  ended.duration_us = metrics.seconds("duration", 1e6);
  return ended;
}

body cancelled(const keys& from) {
  run_ended ended{.how = {.kind = ending_kind::cancelled}};
  ended.how.message = from.text("reason");
  ended.how.by = from.text("cancelled_by");
  ended.content = from.any_text("content");
  // A run without any text has its reason in the text's place.
  if (ended.content == ended.how.message) ended.content.clear();
  return ended;
}

body failed(const keys& from) {
  const auto type = from.text("error_type");
  const auto code = failure_named(type);
  run_ended ended{.how = {.kind = ending_kind::failed, .code = code.code}};
  ended.how.provider_status = provider_status_in(from);
  ended.how.message = from.any_text("content");
  if (!code.known && !type.empty()) ended.how.message += " (" + type + ")";
  ended.content = from.text("partial_content");
  return ended;
}

body body_of(std::string_view name, const keys& from) {
  if (name == "RunContent") return content(from);
  if (name == "RunStarted") return started(from);
  if (name == "ModelRequestStarted") return model_request_started{};
  if (name == "ModelRequestRetrying") return retrying(from);
  if (name == "ReasoningContentDelta") return content(from);
  if (name == "ModelRequestCompleted") return request_completed(from);
  if (name == "RunContentCompleted") return content_completed{};
  if (name == "ToolCallStarted") return tool_started(from);
  if (name == "ToolCallCompleted") return tool_ended(from);
  if (name == "ToolCallError") return tool_failed(from);
  if (name == "RunPaused") return paused(from);
  if (name == "RunContinued") return run_continued{};
  if (name == "RunCompleted") return completed(from);
  if (name == "RunCancelled") return cancelled(from);
  if (name == "RunError") return failed(from);
  return {};
}

run_labels labels_in(const keys& from) {
  return {.run = {from.text("run_id")},
          .agent = {from.text("agent_id")},
          .agent_name = from.text("agent_name"),
          .session = {from.text("session_id")},
          .model = from.text("model"),
          .model_provider = from.text("model_provider"),
          .parent = {from.text("parent_run_id")}};
}

}  // namespace

std::variant<incoming_event, std::string> read_agentos_event(std::string_view text) {
  if (text.size() > limits::client_event_bytes_max) {
    return "an event is larger than " + std::to_string(limits::client_event_bytes_max) + " bytes";
  }
  if (!nested_at_most(text, limits::client_event_depth_max)) {
    return "an event is nested deeper than " + std::to_string(limits::client_event_depth_max);
  }
  const auto object = json::parse(text, nullptr, false);
  if (!object.is_object()) return "an event is not a JSON object";

  std::string error;
  const keys from{object, error};
  incoming_event result{.name = from.text("event"), .index = {}, .labels = labels_in(from), .event = {}, .error = {}};
  if (error.empty() && result.name.empty()) from.wrong("event", "a name");
  result.index = from.number("event_index");
  const auto at_ms = static_cast<std::int64_t>(from.seconds("created_at", 1e3));
  if (auto made = body_of(result.name, from)) {
    result.event = run_event{.index = result.index.value_or(0), .at_ms = at_ms, .body = std::move(*made)};
  } else if (result.name == "error") {
    result.error = from.text("error");
  }
  if (!error.empty()) return result.name.empty() ? "an event's " + error : "the event " + result.name + ": " + error;
  return result;
}

bool make_child_event(incoming_event& incoming, const run_id& run) {
  const auto& labels = incoming.labels;
  if (!incoming.event || labels.run.empty() || labels.run == run || get_if<child_event>(*incoming.event)) return false;
  const auto at_ms = incoming.event->at_ms;
  child_event body{labels.run, labels.parent, labels.agent, labels.agent_name, labels.model, labels.model_provider, {}};
  // Its index in the child's own log is not on the wire.
  incoming.event->index = 0;
  body.event = event_ptr{std::move(*incoming.event)};
  incoming.event = run_event{incoming.index.value_or(0), at_ms, std::move(body)};
  return true;
}

bool take_trailing_completed(run_ended& ended, const incoming_event& next) {
  if (ended.how.kind != ending_kind::cancelled || next.name != "RunCompleted" || !next.event) return false;
  const auto* own = get_if<run_ended>(*next.event);
  if (!own) return false;  // a child's
  const auto& completed = *own;
  ended.usage = completed.usage;
  ended.first_token_us = completed.first_token_us;
  ended.duration_us = completed.duration_us;
  return true;
}

}  // namespace oncue::core
