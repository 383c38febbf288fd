#include "oncue/core/session_history.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace oncue::core {

namespace {

constexpr auto stopped_call = "stopped: the run ended before this call was answered";
constexpr auto empty_result = "(no output)";
constexpr auto no_last_words = "(the run ended without an answer)";

struct turn_call {
  tool_call call;
  std::optional<std::string> result;
};

/// One model call and the tools it asked for.
struct turn {
  std::string text;
  std::vector<turn_call> calls;
};

/// Servers parse a call's arguments when they are told of it again.
tool_call sendable(tool_call call) {
  if (!nlohmann::json::accept(call.arguments)) call.arguments = "{}";
  return call;
}

std::vector<turn> turns_of(const std::vector<event_ptr>& events) {
  std::vector<turn> turns(1);
  for (const auto& event : events) {
    if (const auto* delta = get_if<content_delta>(*event)) {
      turns.back().text += delta->text;
    } else if (get_if<model_request_started>(*event)) {
      if (!turns.back().calls.empty()) turns.emplace_back();
    } else if (const auto* started = get_if<tool_call_started>(*event)) {
      turns.back().calls.push_back({sendable(started->call), {}});
    } else if (const auto* ended = get_if<tool_call_ended>(*event)) {
      auto& calls = turns.back().calls;
      auto is_it = [&](const turn_call& x) { return x.call.id == ended->call.id && !x.result; };
      if (auto found = std::find_if(calls.begin(), calls.end(), is_it); found != calls.end()) found->result = ended->result;
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
      auto result = std::move(x.result).value_or(stopped_call);
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
