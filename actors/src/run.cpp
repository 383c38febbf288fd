#include "oncue/actors/run.hpp"

#include <algorithm>
#include <variant>

#include "oncue/io/log.hpp"

namespace oncue::actors {

namespace fx = core::effect;

namespace {

// Scratch lists, one a thread and not one a run: an idle run keeps no room for what it will do. Empty between messages.
thread_local core::run_effects effects;
thread_local std::vector<core::run_signal> next_signals;  // what an effect answered at once

}  // namespace

run_state::run_state(run_actor::pointer self, std::shared_ptr<const node_env> env, core::run_setup setup,
                     std::vector<event_ptr> logged, supervisor_actor supervisor)
    : self_{self}, env_{std::move(env)}, supervisor_{std::move(supervisor)}, machine_{std::move(setup)}, tail_{0} {
  tail_.publish(logged, [](const subscriber_actor&, const event_batch&) {});
}

run_actor::behavior_type run_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& down) {
    if (stream_ && down.source == stream_.address()) tell(core::signal::stream_lost{stream_attempt_});
  });
  return {
      [this](const pull_limits& limits, const subscriber_actor& reader) { pull(limits, reader); },
      [this](model_opened x) { tell(x); },
      [this](model_delta& x) {
        confirm(x);
        tell(std::move(x));
      },
      [this](model_done& x) { tell(std::move(x)); },
      [this](model_failed& x) { tell(std::move(x)); },
      [this](model_closed x) { tell(x); },
      [this](appended& x) { tell(std::move(x)); },
      [this](finished& x) { tell(std::move(x)); },
      [this](journal_refused& x) { tell(std::move(x)); },
      [this](alarm) { tell(core::signal::timer{}); },
      [this](begin_run& x) {
        tell(core::signal::begin{std::move(x.history), std::move(x.problem)});
      },
      [this](cancel_request& request) { return cancel(request); },
  };
}

caf::result<cancel_reply> run_state::cancel(cancel_request& request) {
  auto promise = self_->make_response_promise<cancel_reply>();
  cancels_.emplace_back(++tickets_, promise);
  tell(core::signal::cancel{std::move(request), tickets_});
  return promise;
}

void run_state::pull(const pull_limits& limits, const subscriber_actor& reader) {
  using verdict = core::event_tail<subscriber_actor>::verdict;
  auto result = tail_.pull(reader.id(), reader, limits);
  if (result.what == verdict::serve) {
    self_->send(reader, std::move(result.batch));
  } else if (result.what == verdict::from_journal) {
    self_->send(env_->journal, limits, reader);
  }
}

void run_state::tell(core::run_signal what) {
  next_signals.clear();  // of one that ended in an exception
  next_signals.push_back(std::move(what));
  for (std::size_t i = 0; i < next_signals.size(); ++i) {
    effects.clear();
    machine_.step(std::move(next_signals[i]), to_steady_us(self_->clock().now()), effects);
    for (auto& effect : effects) perform(effect);
  }
  effects.clear();
  next_signals.clear();
}

void run_state::perform(core::run_effect& effect) {
  std::visit([this](auto& x) { on(x); }, effect);
}

// -- the model stream ----------------------------------------------------------------

void run_state::on(fx::open_stream& x) {
  stream_ = env_->open_model(machine_.entry());
  stream_attempt_ = x.attempt;
  taken_ = {};
  self_->monitor(stream_);
  self_->send(stream_, std::move(x.request), x.attempt, caf::actor_cast<delta_sink_actor>(self_));
}

void run_state::confirm(const model_delta& delta) {
  if (delta.attempt != stream_attempt_) return;
  if (auto sum = taken_.take(core::waiting_bytes(delta))) self_->send(stream_, deltas_taken{*sum});
}

void run_state::on(fx::close_stream&) { self_->send<caf::message_priority::high>(stream_, close_stream{}); }
void run_state::on(fx::kill_stream&) { self_->send_exit(stream_, caf::exit_reason::kill); }
void run_state::on(fx::pause_stream&) { self_->send<caf::message_priority::high>(stream_, pause_stream{}); }
void run_state::on(fx::resume_stream&) { self_->send<caf::message_priority::high>(stream_, resume_stream{}); }

// -- tools: no actor serves them yet ----------------------------------------------------

void run_state::on(fx::start_tools& x) {
  for (auto& call : x.calls) {
    next_signals.emplace_back(
        core::signal::tool_ended{std::move(call.id), true, "this agent has no tool named '" + call.name + "'"});
  }
}

void run_state::on(fx::continue_tools&) {}
void run_state::on(fx::stop_tools&) { next_signals.emplace_back(core::signal::tools_stopped{}); }
void run_state::on(fx::cancel_child&) {}

// -- the log -----------------------------------------------------------------------------

void run_state::on(fx::append& x) {
  self_->send(env_->journal, append_events{machine_.id(), x.from, std::move(x.events), machine_.epoch()},
              caf::actor_cast<journal_client_actor>(self_));
}

void run_state::on(fx::finish& x) {
  self_->send<caf::message_priority::high>(env_->journal,
                                           finish_run{machine_.id(), x.from, std::move(x.events), machine_.epoch()},
                                           caf::actor_cast<journal_client_actor>(self_));
}

void run_state::on(fx::publish& x) {
  tail_.publish(x.events,
                [this](const subscriber_actor& reader, event_batch batch) { self_->send(reader, std::move(batch)); });
}

void run_state::on(fx::defer_to_journal&) {
  tail_.defer(
      [this](const subscriber_actor& reader, const pull_limits& limits) { self_->send(env_->journal, limits, reader); });
}

// -- time, answers, the end ----------------------------------------------------------------

void run_state::on(fx::arm_timer& x) {
  self_->send(env_->alarms, set_alarm{x.at_us}, caf::actor_cast<alarm_client_actor>(self_));
}

void run_state::on(fx::answer_cancel& x) {
  auto found = std::find_if(cancels_.begin(), cancels_.end(), [&](const auto& entry) { return entry.first == x.ticket; });
  if (found == cancels_.end()) return;
  found->second.deliver(std::move(x.reply));
  cancels_.erase(found);
}

void run_state::on(fx::change_status& x) { self_->send(supervisor_, run_changed{machine_.id(), x.status}); }

/// What happened, for whoever watches the node: never what was said.
void run_state::log_ending(run_status status) const {
  const auto& how = *machine_.decided();
  auto failed = how.kind == ending_kind::failed;
  auto level = failed ? io::log_level::warning : io::log_level::info;
  if (!io::log_enabled(level)) return;
  io::log(level, "run_ended",
          {{"run", machine_.id().value},
           {"status", to_string(status)},
           {"code", failed ? to_string(how.code) : ""},
           {"provider_status", how.provider_status != 0 ? std::to_string(how.provider_status) : ""},
           {"by", how.by},
           {"events", std::to_string(machine_.next_index())}});
}

void run_state::on(fx::close& x) {
  log_ending(x.status);
  self_->send(supervisor_, run_closed{machine_.id(), x.status});
  self_->send(env_->alarms, clear_alarm{}, caf::actor_cast<alarm_client_actor>(self_));
  self_->quit();
}

run_actor spawn_run(caf::actor_system& system, std::shared_ptr<const node_env> env, core::run_setup setup,
                    std::vector<event_ptr> logged, supervisor_actor supervisor) {
  return system.spawn<run_actor::stateful_impl<run_state>>(std::move(env), std::move(setup), std::move(logged),
                                                           std::move(supervisor));
}

}  // namespace oncue::actors
