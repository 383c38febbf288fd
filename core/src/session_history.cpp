#include "oncue/core/session_history.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "json_depth.hpp"

namespace oncue::core {

namespace {

constexpr auto stopped_call = "stopped: the run ended before this call was answered";
constexpr auto unmade_call = "not run: the run ended before this call was made";
constexpr auto empty_result = "(no output)";
constexpr auto no_last_words = "(the run ended without an answer)";

struct turn_call {
  tool_call call;
  bool started = false;
  tool_no number = 0;
  std::optional<std::string> result;
};

/// One model call and the tools it asked for.
struct turn {
  std::string text;
  std::vector<turn_call> calls;
};

/// Servers parse a call's arguments when they are told of it again.
tool_call sendable(tool_call call) {
  if (!is_json(call.arguments)) call.arguments = "{}";
  return call;
}

/// Older logs do not say what the model asked for, only what was started.
void start(std::vector<turn_call>& calls, const tool_call_started& event) {
  auto asked = std::find_if(calls.begin(), calls.end(),
                            [&](const turn_call& x) { return x.call.id == event.call.id && !x.started && !x.result; });
  if (asked == calls.end()) {
    calls.push_back({sendable(event.call), true, event.number, {}});
  } else {
    asked->started = true;
    asked->number = event.number;
  }
}

/// Calls may have one id: then the number says which was answered, and without one it is the first that waits.
void answer(std::vector<turn_call>& calls, const tool_call_ended& event) {
  auto waits = [&](const turn_call& x) { return x.call.id == event.call.id && !x.result; };
  auto found =
      std::find_if(calls.begin(), calls.end(), [&](const turn_call& x) { return waits(x) && x.number == event.number; });
  if (found == calls.end()) found = std::find_if(calls.begin(), calls.end(), waits);
  if (found == calls.end()) return;
  found->result = event.stopped && event.result.empty() ? stopped_call : event.result;
}

std::vector<turn> turns_of(const std::vector<event_ptr>& events) {
  std::vector<turn> turns(1);
  for (const auto& event : events) {
    auto& now = turns.back();
    if (const auto* delta = get_if<content_delta>(*event)) {
      now.text += delta->text;
    } else if (get_if<model_request_started>(*event)) {
      if (!now.calls.empty()) turns.emplace_back();
    } else if (const auto* asked = get_if<model_request_completed>(*event)) {
      for (const auto& call : asked->tool_calls) now.calls.push_back({sendable(call), false, 0, {}});
    } else if (const auto* started = get_if<tool_call_started>(*event)) {
      start(now.calls, *started);
    } else if (const auto* ended = get_if<tool_call_ended>(*event)) {
      answer(now.calls, *ended);
    }
  }
  return turns;
}

std::size_t bytes_of(const std::vector<chat_message>& run) {
  std::size_t sum = 0;
  for (const auto& message : run) {
    sum += message.content.size() + message.tool_call_id.size();
    for (const auto& call : message.tool_calls) sum += call.id.size() + call.name.size() + call.arguments.size();
  }
  return sum;
}

}  // namespace

bool tells_of_tools(const std::vector<event_ptr>& events) {
  return std::any_of(events.begin(), events.end(), [](const event_ptr& event) {
    const auto* asked = get_if<model_request_completed>(*event);
    return (asked && !asked->tool_calls.empty()) || get_if<tool_call_started>(*event);
  });
}

std::vector<chat_message> run_messages(std::string input, std::string content) {
  if (content.empty()) return {};
  return {{chat_role::user, std::move(input), {}, {}}, {chat_role::assistant, std::move(content), {}, {}}};
}

std::vector<chat_message> run_messages(std::string input, const std::vector<event_ptr>& events) {
  std::vector<chat_message> messages{{chat_role::user, std::move(input), {}, {}}};
  for (auto& turn : turns_of(events)) {
    if (turn.text.empty() && turn.calls.empty()) continue;
    chat_message said{chat_role::assistant, std::move(turn.text), {}, {}};
    for (const auto& x : turn.calls) said.tool_calls.push_back(x.call);
    messages.push_back(std::move(said));
    for (auto& x : turn.calls) {
      auto result = std::move(x.result).value_or(x.started ? stopped_call : unmade_call);
      if (result.empty()) result = empty_result;
      messages.push_back({chat_role::tool, std::move(result), {}, std::move(x.call.id)});
    }
  }
  if (messages.size() == 1) return {};
  if (messages.back().role == chat_role::tool) messages.push_back({chat_role::assistant, no_last_words, {}, {}});
  return messages;
}

bool history_budget::add(std::vector<chat_message> run) {
  if (run.empty()) return true;
  auto bytes = bytes_of(run);
  if (runs_left_ == 0 || bytes > bytes_left_) {
    runs_left_ = 0;
    return false;
  }
  --runs_left_;
  bytes_left_ -= bytes;
  runs_.push_back(std::move(run));
  return true;
}

history history_budget::take() {
  history all;
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    std::move(run->begin(), run->end(), std::back_inserter(all.messages));
  }
  runs_.clear();
  return all;
}

}  // namespace oncue::core
