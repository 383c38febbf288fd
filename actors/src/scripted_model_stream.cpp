#include "oncue/actors/scripted_model_stream.hpp"

#include <string>

#include "oncue/actors/node_env.hpp"

namespace oncue::actors {

namespace {

// Without a pace, so many words are said before the mailbox is looked at again: a pause or a close waits for no more.
constexpr int words_at_once = 16;

}  // namespace

scripted_model_stream_state::scripted_model_stream_state(scripted_model_stream_actor::pointer self,
                                                         std::shared_ptr<const core::agent_entry> entry,
                                                         alarm_clock_actor alarms)
    : self_{self}, entry_{std::move(entry)}, alarms_{std::move(alarms)}, story_{entry_->model.scripted} {}

scripted_model_stream_actor::behavior_type scripted_model_stream_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg&) { close(); });
  return {
      [this](const model_request& request, attempt_no attempt, const delta_sink_actor& sink) {
        // What its tools have answered is the last thing said: then it talks.
        auto is_answered = !request.messages.empty() && request.messages.back().role == chat_role::tool;
        if (!is_answered) calls_ = spec().calls;
        open(attempt, sink);
      },
      [this](deltas_taken x) {
        credit_.taken(x.bytes);
        say_what_is_due();
      },
      [this](close_stream) { close(); },
      [this](pause_stream) { paused_ = true; },
      [this](resume_stream) {
        paused_ = false;
        say_what_is_due();
      },
      [this](alarm) { say(); },
  };
}

void scripted_model_stream_state::open(attempt_no attempt, const delta_sink_actor& sink) {
  if (sink_) return;
  attempt_ = attempt;
  sink_ = sink;
  self_->monitor(sink_);
  self_->send(sink_, model_opened{attempt_});
  if (!spec().silent) wait(spec().first_token_delay);
}

void scripted_model_stream_state::say() {
  if (!sink_) return;
  if (paused_ || credit_.is_full()) {
    due_ = true;
    return;
  }
  if (!calls_.empty()) {
    self_->send(sink_, model_done{attempt_, "tool_calls", {}, std::move(calls_)});
    close();
    return;
  }
  auto paced = spec().token_delay.count() > 0;
  for (int i = 0; i < (paced ? 1 : words_at_once); ++i) {
    auto word = story_.next();
    if (word.empty()) {
      self_->send(sink_, model_done{attempt_, "stop", {.output_tokens = story_.told()}, {}});
      close();
      return;
    }
    model_delta delta{attempt_, delta_kind::text, std::string{word}};
    credit_.sent(core::waiting_bytes(delta));
    self_->send(sink_, std::move(delta));
  }
  wait(spec().token_delay);
}

void scripted_model_stream_state::say_what_is_due() {
  if (!paused_ && !credit_.is_full() && std::exchange(due_, false)) say();
}

void scripted_model_stream_state::wait(core::milliseconds delay) {
  auto me = caf::actor_cast<alarm_client_actor>(self_);
  if (delay.count() > 0) {
    alarm_set_ = true;
    self_->send(alarms_, set_alarm{to_steady_us(self_->clock().now() + delay)}, me);
  } else {
    self_->send(me, alarm{});
  }
}

void scripted_model_stream_state::close() {
  if (sink_) {
    self_->send(sink_, model_closed{attempt_});
    if (alarm_set_) self_->send(alarms_, clear_alarm{}, caf::actor_cast<alarm_client_actor>(self_));
  }
  sink_ = nullptr;
  self_->quit();
}

model_stream_actor spawn_scripted_model_stream(caf::actor_system& system, std::shared_ptr<const core::agent_entry> entry,
                                               alarm_clock_actor alarms) {
  return caf::actor_cast<model_stream_actor>(
      system.spawn<scripted_model_stream_actor::stateful_impl<scripted_model_stream_state>>(std::move(entry),
                                                                                            std::move(alarms)));
}

}  // namespace oncue::actors
