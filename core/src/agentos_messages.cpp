#include "agentos_messages.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "json_keys.hpp"
#include "oncue/core/pauses.hpp"
#include "tool_json.hpp"

namespace oncue::core {
namespace {

/// One message's members but for its id, which is made of the run's: the same for ever, though the journal does not keep
/// it.
class message_list {
 public:
  explicit message_list(const run_record& run) : run_{run} {}

  /// `before` are members that agno has before `metrics`, `behind` those behind `created_at`.
  void add_message(std::string_view role, std::string_view content, std::int64_t at_ms, std::string_view before = {},
                   std::string_view metrics = {}) {
    std::string members;
    add(members, "id", run_.summary.id.value + "-" + std::to_string(number_++));
    if (!content.empty() || before.empty()) add(members, "content", content);
    members += R"(,"from_history":false,"stop_after_tool_call":false)";
    add(members, "role", role);
    members += before;
    if (!metrics.empty()) add_raw(members, "metrics", object_of(metrics));
    add(members, "created_at", whole_seconds(at_ms));
    list_ += "," + object_of(members);
  }

  std::string take() { return std::move(list_); }

 private:
  const run_record& run_;
  std::size_t number_ = 0;
  std::string list_;
};

std::string metrics_text(const token_usage& usage, std::uint64_t first_token_us) {
  auto metrics = tokens_not_zero(usage);
  if (!metrics.empty() && first_token_us) add_seconds(metrics, "time_to_first_token", first_token_us);
  return metrics;
}

std::string calls_of(const std::vector<tool_call>& calls) {
  std::string list;
  for (const auto& call : calls) {
    std::string function;
    add(function, "name", call.name);
    add(function, "arguments", call.arguments);
    std::string members;
    add(members, "id", call.id);
    add(members, "type", "function");
    add_raw(members, "function", object_of(function));
    list += "," + object_of(members);
  }
  return list_of(list);
}

/// A tool's answer, as a message that belongs to its call.
void add_answer(message_list& messages, const tool_call_ended& ended, std::int64_t at_ms) {
  std::string members;
  add(members, "tool_call_id", ended.call.id);
  add(members, "tool_name", ended.call.name);
  add_raw(members, "tool_args", compact_arguments(ended.call.arguments).value_or("null"));
  add_bool(members, "tool_call_error", ended.failed || ended.stopped);
  messages.add_message("tool", ended.result, at_ms, members);
}

/// The run's whole text, in the parts that its turns had.
class text_parts {
 public:
  explicit text_parts(std::string_view text) : text_{text} {}
  /// Up to the turn's end. Older logs do not say where a turn ends.
  std::string_view until(std::uint64_t bytes) {
    const auto end = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, text_.size()));
    if (end <= from_) return {};
    const auto part = text_.substr(from_, end - from_);
    from_ = end;
    return part;
  }
  std::string_view rest() { return until(text_.size()); }

 private:
  std::string_view text_;
  std::size_t from_ = 0;
};

bool has_turns(const run_record& run) {
  return std::any_of(run.events.begin(), run.events.end(), [](const event_ptr& event) {
    const auto* asked = get_if<model_request_completed>(*event);
    return asked && !asked->tool_calls.empty();
  });
}

/// A run without tools, or of which no more is known than its text.
std::string question_and_answer(const run_record& run) {
  message_list messages{run};
  messages.add_message("user", run.input, run.summary.created_at_ms);
  if (!run.content.empty()) {
    const auto metrics = run.ended ? metrics_text(run.ended->usage, run.ended->first_token_us) : "";
    messages.add_message("assistant", run.content, run.updated_at_ms, {}, metrics);
  }
  return messages.take();
}

}  // namespace

std::string messages_of(const run_record& run) {
  if (!has_turns(run)) return question_and_answer(run);
  message_list messages{run};
  messages.add_message("user", run.input, run.summary.created_at_ms);
  text_parts parts{run.content};
  for (const auto& event : run.events) {
    if (const auto* said = get_if<model_request_completed>(*event)) {
      const auto text = parts.until(said->text_bytes);
      std::string calls;
      if (!said->tool_calls.empty()) add_raw(calls, "tool_calls", calls_of(said->tool_calls));
      if (text.empty() && calls.empty()) continue;
      messages.add_message("assistant", text, event->at_ms, calls, metrics_text(said->usage, said->first_token_us));
    } else if (const auto* ended = get_if<tool_call_ended>(*event)) {
      add_answer(messages, *ended, event->at_ms);
    }
  }
  if (const auto text = parts.rest(); !text.empty()) messages.add_message("assistant", text, run.updated_at_ms);
  return messages.take();
}

std::string said_of(const run_record& run) { return question_and_answer(run); }

std::string tools_of(const run_record& run) {
  struct shown_call {
    const tool_call* call;
    tool_no number;
    bool ended;
    std::string json;
  };
  std::vector<shown_call> calls;
  // Ids may repeat, numbers do not; what was never started has none.
  auto place_of = [&](const tool_call& call, tool_no number) -> shown_call& {
    auto found = std::find_if(calls.rbegin(), calls.rend(), [&](const shown_call& x) {
      return x.call->id == call.id && !x.ended && (x.number == number || x.number == 0 || number == 0);
    });
    if (found == calls.rend()) return calls.emplace_back(shown_call{&call, number, false, {}});
    found->number = number;
    found->json.clear();
    return *found;
  };
  for (const auto& event : run.events) {
    if (const auto* started = get_if<tool_call_started>(*event)) {
      append_tool(place_of(started->call, started->number).json, started->call, started->facts, {.at_ms = event->at_ms});
    } else if (const auto* ended = get_if<tool_call_ended>(*event)) {
      auto& place = place_of(ended->call, ended->number);
      place.ended = true;
      append_tool(place.json, ended->call, ended->facts,
                  {.at_ms = event->at_ms,
                   .ended = true,
                   .failed = ended->failed || ended->stopped,
                   .result = ended->result,
                   .duration_ms = ended->duration_ms});
    } else if (const auto* pause = get_if<run_paused>(*event)) {
      for (const auto& [call, facts] : pause->waiting_for) {
        append_tool(place_of(call, 0).json, call, facts, {.at_ms = event->at_ms});
      }
    }
  }
  std::string list;
  for (const auto& call : calls) list += "," + call.json;
  return list;
}

}  // namespace oncue::core
