// POST …/continue: decode_continue of agentos_requests.hpp.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "field_reader.hpp"
#include "json_depth.hpp"
#include "oncue/core/agentos_requests.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"

namespace oncue::core {
namespace {

using json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 2> disconnect_words = {"cancel", "continue"};  // as disconnect_policy

/// The first thing that is wrong with a list of decisions, as the rest of a sentence: "tools[0].confirmed: expected …".
struct problem {
  std::string place;
  std::string expected;
};

/// One object of the list, with its place for errors.
class item {
 public:
  item(const json& object, std::string place, std::optional<problem>& wrong)
      : object_{object}, place_{std::move(place)}, wrong_{wrong} {}

  /// The value, or null if there is none.
  const json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  std::optional<std::string> text(const char* key) const {
    const auto* value = find(key);
    if (!value) return {};
    if (value->is_string()) return value->get<std::string>();
    fail(key, "a string");
    return {};
  }
  std::optional<bool> flag(const char* key) const {
    const auto* value = find(key);
    if (!value) return {};
    if (value->is_boolean()) return value->get<bool>();
    fail(key, "true or false");
    return {};
  }
  /// A tool's result: whatever is not text is told as JSON.
  std::optional<std::string> any_text(const char* key) const {
    const auto* value = find(key);
    if (!value) return {};
    return value->is_string() ? value->get<std::string>() : compact(*value);
  }
  /// Calls `take` for each object of a list under the key.
  template <class Take>
  void each(const char* key, Take&& take) const {
    if (const auto* list = find(key)) each_object(*list, at(key), wrong_, take);
  }
  template <class Take>
  static void each_object(const json& list, const std::string& place, std::optional<problem>& wrong, Take&& take) {
    if (!list.is_array()) {
      if (!wrong) wrong = {place, "a list"};
      return;
    }
    std::size_t number = 0;
    for (const auto& value : list) {
      const auto here = place + "[" + std::to_string(number++) + "]";
      if (value.is_object()) {
        take(item{value, here, wrong});
      } else if (!wrong) {
        wrong = {here, "an object"};
      }
    }
  }
  std::optional<item> object(const char* key) const {
    const auto* value = find(key);
    if (!value) return {};
    if (value->is_object()) return item{*value, at(key), wrong_};
    fail(key, "an object");
    return {};
  }
  void fail(const char* key, std::string expected) const {
    if (!wrong_) wrong_ = {at(key), std::move(expected)};
  }

  static std::string compact(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

 private:
  std::string at(const char* key) const { return place_ + "." + key; }

  const json& object_;
  std::string place_;
  std::optional<problem>& wrong_;
};

bool says_something(const tool_decision& x) { return x.confirmed || x.result || !x.inputs.empty(); }

/// What the first has left open, the second may say.
void merge(tool_decision& into, tool_decision&& other) {
  if (!into.confirmed) into.confirmed = other.confirmed;
  if (into.note.empty()) into.note = std::move(other.note);
  if (!into.result) into.result = std::move(other.result);
  for (auto& field : other.inputs) {
    const auto same = [&](const input_field& x) { return x.name == field.name; };
    if (into.inputs.size() >= limits::tools_max) return;
    if (std::none_of(into.inputs.begin(), into.inputs.end(), same)) into.inputs.push_back(std::move(field));
  }
}

class decision_list {
 public:
  void add(tool_decision decision) {
    if (!says_something(decision) || decisions_.size() >= limits::tool_calls_max) return;  // no run waits for more
    const auto same = [&](const tool_decision& x) { return x.call_id == decision.call_id; };
    if (auto known = std::find_if(decisions_.begin(), decisions_.end(), same); known != decisions_.end()) {
      merge(*known, std::move(decision));
    } else {
      decisions_.push_back(std::move(decision));
    }
  }
  std::vector<tool_decision> take() { return std::move(decisions_); }

 private:
  std::vector<tool_decision> decisions_;
};

/// The fields that have a value; the others are still open.
void read_inputs(const item& from, std::vector<input_field>& inputs) {
  from.each("user_input_schema", [&](const item& field) {
    auto name = field.text("name");
    if (!name) return field.fail("name", "the field's name");
    if (const auto* value = field.find("value")) inputs.push_back({std::move(*name), "", "", item::compact(*value)});
  });
}

/// A ToolExecution with what was decided. One that has run already decides nothing.
tool_decision read_tool(const item& tool) {
  tool_decision decision;
  auto id = tool.text("tool_call_id");
  if (!id || id->empty()) tool.fail("tool_call_id", "the call's id");
  decision.call_id = std::move(id).value_or("");
  if (tool.flag("tool_call_error")) return decision;
  decision.confirmed = tool.flag("confirmed");
  decision.note = tool.text("confirmation_note").value_or("");
  decision.result = tool.any_text("result");
  read_inputs(tool, decision.inputs);
  return decision;
}

/// A RunRequirement: what is decided in its tool counts before what is beside it.
tool_decision read_requirement(const item& requirement) {
  const auto tool = requirement.object("tool_execution");
  auto decision = tool ? read_tool(*tool) : tool_decision{.call_id = requirement.text("id").value_or("")};
  tool_decision beside;
  beside.confirmed = requirement.flag("confirmation");
  beside.note = requirement.text("confirmation_note").value_or("");
  beside.result = requirement.any_text("external_execution_result");
  read_inputs(requirement, beside.inputs);
  merge(decision, std::move(beside));
  if (decision.call_id.empty() && says_something(decision)) {
    requirement.fail("tool_execution", "the tool that is decided on");
  }
  return decision;
}

/// The list in the field, read with `read`; or the answer that says what is wrong with it.
template <class Read>
std::optional<http_answer> read_list(const field_reader& fields, const char* name, decision_list& decisions, Read&& read) {
  const auto text = fields.text_or_empty(name);
  if (text.empty()) return {};
  if (text.size() > limits::decisions_bytes_max) {
    return error_answer(413,
                        std::string{name} + " is larger than " + std::to_string(limits::decisions_bytes_max) + " bytes");
  }
  const auto list = nested_at_most(text, limits::client_event_depth_max) ? json::parse(text, nullptr, false)
                                                                         : json(json::value_t::discarded);
  if (list.is_discarded()) return error_answer(400, "Invalid JSON in " + std::string{name} + " field");
  if (list.is_null()) return {};
  std::optional<problem> wrong;
  item::each_object(list, name, wrong, [&](const item& one) { decisions.add(read(one)); });
  if (!wrong) return {};
  return error_answer(
      400, "Invalid structure or content for " + std::string{name} + ": " + wrong->place + ": expected " + wrong->expected);
}

/// agno can also begin a run again, from somewhere else, or as another one.
std::optional<http_answer> not_a_pause(field_reader& fields) {
  const auto from = fields.text_or_empty("continue_from");
  const bool other_place = !from.empty() && from != "end";
  const bool other_run = fields.boolean("fork", false) || fields.boolean("regenerate", false);
  const bool more_input =
      !fields.text_or_empty("input").empty() || !fields.text_or_empty("additional_instructions").empty();
  if (!other_place && !other_run && !more_input) return {};
  return not_served_answer("continue with continue_from, fork, regenerate, input or additional_instructions");
}

}  // namespace

decoded<continue_form> decode_continue(const run_id& run, const field_pairs& form) {
  std::vector<field_error> errors;
  field_reader fields{field_reader::place::form, form, errors};
  decision_list decisions;
  if (auto wrong = read_list(fields, "tools", decisions, read_tool)) return std::move(*wrong);
  if (auto wrong = read_list(fields, "requirements", decisions, read_requirement)) return std::move(*wrong);
  if (auto other = not_a_pause(fields)) return std::move(*other);
  continue_form result;
  result.stream = fields.boolean("stream", true);
  result.background = fields.boolean("background", false);
  result.stream_events = fields.boolean("stream_events", true);
  if (const auto word = fields.choice("on_disconnect", disconnect_words)) {
    result.on_disconnect = static_cast<disconnect_policy>(*word);
  }
  result.request.run = run;
  result.request.session = {fields.short_text("session_id", limits::run_id_chars_max).value_or("")};
  result.request.by = fields.short_text("user_id", limits::run_id_chars_max).value_or("");
  result.request.decisions = decisions.take();
  if (!errors.empty()) return fields_answer(errors);
  if (result.request.session.empty()) return error_answer(400, "session_id is required for this action");
  return result;
}

}  // namespace oncue::core
