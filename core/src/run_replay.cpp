#include "oncue/core/run_replay.hpp"

#include <algorithm>
#include <utility>

#include "oncue/core/tool_set.hpp"

namespace oncue::core {
namespace {

/// Goes through a log and keeps what is known at its end.
class replayer {
 public:
  void take(const run_event& event) {
    at_ms_ = event.at_ms;
    if (event.index == 0) active_from_ms_ = started_ms_ = event.at_ms;
    std::visit([this](const auto& body) { on(body); }, event.body);
  }

  run_memory done() {
    if (!is_paused_) add_active();
    return std::move(memory_);
  }

 private:
  template <class T>
  void on(const boxed<T>& x) {
    on(*x);
  }
  template <class T>
  void on(const T&) {}

  void on(const content_delta& x) {
    note_first_token();
    memory_.text += x.text;
  }
  void on(const reasoning_delta&) { note_first_token(); }

  void on(const model_request_started& x) {
    memory_.attempt = x.attempt;
    if (memory_.turn == 0) memory_.turn = 1;
    if (!memory_.calls.empty()) end_turn();
  }

  void on(const model_request_retrying& x) { memory_.attempt = x.attempt; }

  void on(const model_request_completed& x) {
    memory_.usage += x.usage;
    if (x.tool_calls.empty()) return;
    chat_message said{chat_role::assistant, memory_.text.substr(memory_.turn_text_from), {}, {}};
    for (const auto& call : x.tool_calls) {
      said.tool_calls.push_back(sendable(call));
      memory_.calls.push_back({0, call, {}, false, {}});
    }
    memory_.history.push_back(std::move(said));
  }

  void on(const tool_call_started& x) {
    memory_.last_number = std::max(memory_.last_number, x.number);
    if (auto* call = find(x.call.id)) {
      call->number = x.number;
      call->facts = x.facts;
    }
  }

  void on(const tool_call_ended& x) {
    memory_.last_number = std::max(memory_.last_number, x.number);
    if (auto* call = find(x.call.id)) {
      call->answered = true;
      call->result = x.result;
    }
  }

  void on(const run_paused& x) {
    for (const auto& need : x.waiting_for) {
      if (auto* call = find(need.call.id)) call->facts = need.facts;
    }
    memory_.decisions.clear();
    add_active();
    is_paused_ = true;
  }

  void on(const run_continued& x) {
    memory_.decisions = x.decisions;
    is_paused_ = false;
    active_from_ms_ = at_ms_;
  }

  run_memory::call* find(const std::string& id) {
    for (auto& call : memory_.calls) {
      if (call.call.id == id && !call.answered) return &call;
    }
    return nullptr;
  }

  void end_turn() {
    for (auto& call : memory_.calls) {
      memory_.history.push_back({chat_role::tool, tool_answer_text(std::move(call.result)), {}, std::move(call.call.id)});
    }
    memory_.calls.clear();
    memory_.turn_text_from = memory_.text.size();
    ++memory_.turn;
  }

  void note_first_token() {
    if (memory_.first_token_us == 0 && at_ms_ > started_ms_) {
      memory_.first_token_us = static_cast<std::uint64_t>(at_ms_ - started_ms_) * 1000;
    }
  }

  void add_active() {
    memory_.active_us += static_cast<std::uint64_t>(std::max<std::int64_t>(at_ms_ - active_from_ms_, 0)) * 1000;
    active_from_ms_ = at_ms_;
  }

  run_memory memory_;
  std::int64_t at_ms_ = 0;
  std::int64_t started_ms_ = 0;
  std::int64_t active_from_ms_ = 0;
  bool is_paused_ = false;
};

}  // namespace

run_memory replay(const std::vector<event_ptr>& events) {
  replayer all;
  for (const auto& event : events) all.take(*event);
  return all.done();
}

}  // namespace oncue::core
