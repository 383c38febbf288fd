#include "scripted_calls.hpp"

#include <utility>

#include "oncue/core/text.hpp"

namespace oncue::testkit {

using detail::script_step;

std::vector<std::string> detail::scripted_calls::waiting(const std::string& model) const {
  constexpr std::size_t prompt_shown = 40;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto& call = *calls[i];
    if (call.closed_at) continue;
    auto number = std::to_string(i);
    auto line = model + ", call " + number;
    if (!call.request.messages.empty()) {
      const auto& prompt = call.request.messages.back().content;
      line += " (\"" + prompt.substr(0, core::utf8_prefix(prompt, prompt_shown)) +
              (prompt.size() > prompt_shown ? "…\")" : "\")");
    }
    if (call.is_paused) {
      line += " is paused by its run";
    } else if (call.until) {
      line += " goes on at " + std::to_string(call.until->count()) + " ms";
    } else if (call.hangs) {
      line += " hangs, as it was told to";
    } else if (!call.steps.empty()) {
      line += " has more to say: settle()";
    } else {
      line += " was not planned: use answers() before it, or say what it does with call(" + number + ")";
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

scripted_stream_state::scripted_stream_state(scripted_stream_actor::pointer self,
                                             std::shared_ptr<detail::scripted_calls> model,
                                             std::function<milliseconds()> now)
    : self_{self}, model_{std::move(model)}, now_{std::move(now)} {}

scripted_stream_state::~scripted_stream_state() { note_closed(true); }

scripted_stream_actor::behavior_type scripted_stream_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg&) { close(true); });
  return {
      [this](model_request& request, attempt_no attempt, const delta_sink_actor& sink) { open(request, attempt, sink); },
      [this](deltas_taken x) {
        credit_.taken(x.bytes);
        go_on();
      },
      [this](close_stream) {
        if (!model_->deaf) close(true);
      },
      [this](pause_stream) {
        if (call_) call_->is_paused = true;
      },
      [this](resume_stream) {
        if (!call_) return;
        call_->is_paused = false;
        go_on();
      },
      [this](alarm) {
        if (!call_) return;
        call_->plays = false;
        call_->until.reset();
        if (!call_->is_paused && !credit_.is_full()) take_step();
      },
  };
}

void scripted_stream_state::open(model_request& request, attempt_no attempt, const delta_sink_actor& sink) {
  if (call_) return;
  attempt_ = attempt;
  sink_ = sink;
  self_->monitor(sink_);
  call_ = std::make_shared<detail::scripted_call>();
  call_->request = std::move(request);
  call_->opened_at = now_();
  call_->stream = caf::actor_cast<alarm_client_actor>(self_);
  if (!model_->planned.empty()) {
    call_->steps = std::move(model_->planned.front());
    model_->planned.pop_front();
  } else if (model_->otherwise) {
    call_->steps = *model_->otherwise;
  }
  model_->calls.push_back(call_);
  self_->send(sink_, model_opened{attempt_});
  go_on();
}

/// Each step is a message of its own, so that anything may come in between.
void scripted_stream_state::go_on() {
  if (!call_ || call_->plays || call_->steps.empty()) return;
  call_->plays = true;
  self_->send(caf::actor_cast<alarm_client_actor>(self_), alarm{});
}

void scripted_stream_state::take_step() {
  if (call_->steps.empty() || !sink_) return;
  auto step = std::move(call_->steps.front());
  call_->steps.pop_front();
  if (auto* delta = std::get_if<model_delta>(&step)) {
    delta->attempt = attempt_;
    credit_.sent(core::waiting_bytes(*delta));
    self_->send(sink_, std::move(*delta));
  } else if (auto* time = std::get_if<milliseconds>(&step)) {
    call_->plays = true;
    call_->until = now_() + *time;
    self_->delayed_send(caf::actor_cast<alarm_client_actor>(self_), *time, alarm{});
    return;
  } else if (auto* done = std::get_if<model_done>(&step)) {
    done->attempt = attempt_;
    for (auto& call : done->tool_calls) {
      if (call.id.empty()) call.id = "call-" + std::to_string(++model_->tool_calls);
    }
    self_->send(sink_, std::move(*done));
    close(false);
    return;
  } else if (auto* failed = std::get_if<model_failed>(&step)) {
    failed->attempt = attempt_;
    self_->send(sink_, std::move(*failed));
    close(false);
    return;
  } else {
    call_->steps.clear();
    call_->hangs = true;
  }
  go_on();
}

void scripted_stream_state::close(bool stopped) {
  if (sink_) self_->send(sink_, model_closed{attempt_});
  sink_ = nullptr;
  note_closed(stopped);
  self_->quit();
}

void scripted_stream_state::note_closed(bool stopped) {
  if (!call_ || call_->closed_at) return;
  call_->closed_at = now_();
  call_->stopped = stopped;
  call_->stream = nullptr;
}

}  // namespace oncue::testkit
