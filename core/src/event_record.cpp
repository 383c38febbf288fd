// What is kept of an event; how it is read again is in event_record_in.cpp.
#include "oncue/core/event_record.hpp"

#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "event_record_names.hpp"

namespace oncue::core {

namespace {

using json = nlohmann::ordered_json;

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

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
  if (!x.source.empty()) object["source"] = x.source;
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

std::string encode(const ending& how) { return text_of(to_json(how)); }

}  // namespace oncue::core
