#include "oncue/actors/run.hpp"

#include <algorithm>
#include <iterator>
#include <variant>

#include "loop_unit.hpp"
#include "oncue/core/mcp_tools.hpp"
#include "oncue/io/log.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::actors {

namespace fx = core::effect;

namespace {

// Scratch lists, one a thread and not one a run: an idle run keeps no room for what it will do. Empty between messages.
thread_local core::run_effects effects;
thread_local std::vector<core::run_signal> next_signals;  // what an effect answered at once

}  // namespace

run_state::run_state(run_actor::pointer self, std::shared_ptr<const node_env> env, core::run_machine machine,
                     std::vector<event_ptr> logged, supervisor_actor supervisor)
    : self_{self},
      env_{std::move(env)},
      supervisor_{std::move(supervisor)},
      machine_{std::move(machine)},
      tail_{logged.empty() ? 0 : logged.front()->index} {
  tail_.publish(logged, [](const subscriber_actor&, const event_batch&) {});
}

run_actor::behavior_type run_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& down) { on_down(down); });
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
      [this](tool_result& x) { tell(std::move(x)); },
      [this](tool_closed x) {
        if (tools_) std::erase_if(tools_->calls, [&](const auto& call) { return call.first == x.number; });
        tell(x);
      },
      [this](event_batch& batch) { on_child_batch(batch); },
      [this](appended& x) { tell(std::move(x)); },
      [this](finished& x) { tell(std::move(x)); },
      [this](journal_refused& x) {
        if (x.fenced && !planted(mutant::fenced_run_stays)) {
          leave();
        } else {
          tell(std::move(x));
        }
      },
      [this](alarm) { tell(core::signal::timer{}); },
      [this](begin_run& x) { begin(x); },
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
  if (!planted(mutant::stream_unwatched)) self_->monitor(stream_);
  self_->send(stream_, std::move(x.request), x.attempt, caf::actor_cast<delta_sink_actor>(self_));
}

void run_state::confirm(const model_delta& delta) {
  if (delta.attempt != stream_attempt_) return;
  auto sum = taken_.take(core::waiting_bytes(delta));
  if (sum && !planted(mutant::model_credit_lost)) self_->send(stream_, deltas_taken{*sum});
}

void run_state::on(fx::close_stream&) {
  if (planted(mutant::close_waits_in_line)) return self_->send(stream_, close_stream{});
  self_->send<caf::message_priority::high>(stream_, close_stream{});
}
void run_state::on(fx::kill_stream&) { self_->send_exit(stream_, caf::exit_reason::kill); }
void run_state::on(fx::pause_stream&) { self_->send<caf::message_priority::high>(stream_, pause_stream{}); }
void run_state::on(fx::resume_stream&) { self_->send<caf::message_priority::high>(stream_, resume_stream{}); }

// -- tools ---------------------------------------------------------------------------------

run_state::tool_side& run_state::tools() {
  if (!tools_) tools_ = std::make_unique<tool_side>();
  return *tools_;
}

/// The tools of servers are asked for when the run begins, one server after the other; a cancel finds it not yet begun.
void run_state::begin(begin_run& what) {
  core::signal::begin signal{std::move(what.history), std::move(what.problem), {}, {}};
  if (machine_.entry()->agent.mcp_servers.empty()) {
    tell(std::move(signal));
    return;
  }
  tools().begin = std::make_unique<core::signal::begin>(std::move(signal));
  ask_next_server();
}

void run_state::ask_next_server() {
  const auto& wanted = machine_.entry()->agent.mcp_servers;
  auto& side = *tools_;
  if (side.servers_asked == wanted.size() || machine_.phase() == run_phase::ended) {
    auto signal = std::move(side.begin);
    tell(std::move(*signal));
    return;
  }
  const auto& id = wanted[side.servers_asked++];
  auto found = env_->tool_servers.find(id);
  auto answered = [this, id](const core::mcp_spec& spec, const tools_listed& listed) {
    if (!listed.problem.empty() && spec.required) {
      tools_->begin->no_tools = "the tools of '" + id + "' are not there: " + listed.problem;
    }
    auto tools = core::mcp_tools(spec, listed.tools);
    std::move(tools.begin(), tools.end(), std::back_inserter(tools_->begin->listed));
    ask_next_server();
  };
  if (found == env_->tool_servers.end()) {
    answered({}, {"no server has this id", {}});
    return;
  }
  const auto& server = found->second;
  self_->request(server.actor, local_answer, list_tools{})
      .then([answered, &server](const tools_listed& listed) { answered(server.spec, listed); },
            [answered, &server](const caf::error& error) {
              answered(server.spec, {"its actor is gone (" + to_string(error) + ")", {}});
            });
}

void run_state::on(fx::open_tool& x) {
  auto call = env_->open_tool ? env_->open_tool(x.tool) : tool_call_actor{};
  if (!call) {
    next_signals.emplace_back(tool_result{x.what.number, true, "nobody here can run the tool '" + x.tool->name + "'"});
    next_signals.emplace_back(tool_closed{x.what.number});
    return;
  }
  self_->monitor(call);
  tools().calls.emplace_back(x.what.number, call);
  self_->send(call, std::move(x.what), caf::actor_cast<tool_sink_actor>(self_));
}

void run_state::on(fx::stop_tool& x) {
  for (const auto& [number, call] : tools().calls) {
    if (number == x.number) self_->send<caf::message_priority::high>(call, stop_tool{});
  }
}

void run_state::on(fx::kill_tool& x) {
  for (const auto& [number, call] : tools().calls) {
    if (number == x.number) self_->send_exit(call, caf::exit_reason::kill);
  }
}

// -- children ------------------------------------------------------------------------------

void run_state::on(fx::start_child& x) {
  auto id = x.request.id;
  tools().children.push_back({id, std::make_unique<subscription<run_actor::base>>(self_, supervisor_, id)});
  auto lose = [this, id](std::string why) { tell(core::signal::child_lost{id, std::move(why)}); };
  self_->request(supervisor_, local_answer, std::move(x.request))
      .then(
          [this, id, lose](start_reply& reply) {
            if (reply.refused) return lose(reply.refused->message);
            for (auto& child : tools_->children) {
              if (child.id == id) child.events->open(std::move(reply.source));
            }
          },
          [lose](const caf::error& error) { lose("the supervisor did not answer: " + to_string(error)); });
}

void run_state::on_child_batch(event_batch& batch) {
  if (!tools_) return;
  for (auto& child : tools_->children) {
    if (child.id != batch.run) continue;
    auto events = child.events->take(batch);
    auto lost = child.events->state() == subscription_state::lost;
    auto why = lost ? child.events->why() : std::string{};
    if (!events.empty()) tell(core::signal::child_said{batch.run, std::move(events)});
    if (lost) tell(core::signal::child_lost{batch.run, std::move(why)});
    return;
  }
}

void run_state::on(fx::pull_child& x) {
  for (auto& child : tools().children) {
    if (child.id == x.child) child.events->pull();
  }
}

/// Not at high priority: it must not overtake the child's start.
void run_state::on(fx::cancel_child& x) {
  auto id = x.request.run;
  auto stopped = [this, id](bool has_ended) { tell(core::signal::child_stopped{id, has_ended}); };
  auto is_over = [](const cancel_reply& reply) {
    return reply.outcome == cancel_outcome::cancelled || reply.outcome == cancel_outcome::already_ended;
  };
  self_->request(supervisor_, local_answer, std::move(x.request))
      .then([=](const cancel_reply& reply) { stopped(is_over(reply)); }, [=](const caf::error&) { stopped(false); });
}

void run_state::on_down(const caf::down_msg& down) {
  if (stream_ && down.source == stream_.address()) {
    tell(core::signal::stream_lost{stream_attempt_});
    return;
  }
  if (!tools_) return;
  for (auto& child : tools_->children) child.events->on_down(down);
  auto is_it = [&](const auto& call) { return call.second.address() == down.source; };
  auto found = std::find_if(tools_->calls.begin(), tools_->calls.end(), is_it);
  if (found == tools_->calls.end()) return;
  auto number = found->first;
  tools_->calls.erase(found);
  tell(core::signal::tool_lost{number});
}

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
  if (x.status == run_status::paused) {
    io::log(io::log_level::info, "run_paused",
            {{"run", machine_.id().value}, {"events", std::to_string(machine_.next_index())}});
  } else {
    log_ending(x.status);
  }
  self_->send(supervisor_, run_closed{machine_.id(), x.status, x.expires_at_ms});
  self_->send(env_->alarms, clear_alarm{}, caf::actor_cast<alarm_client_actor>(self_));
  self_->quit();
}

/// Another node has the run, or has ended it: what is open here loses its sink and closes, readers ask where to read on.
void run_state::leave() {
  io::log(io::log_level::warning, "run_fenced", {{"run", machine_.id().value}});
  self_->send<caf::message_priority::high>(supervisor_, run_left{machine_.id()});
  self_->send(env_->alarms, clear_alarm{}, caf::actor_cast<alarm_client_actor>(self_));
  self_->quit(caf::exit_reason::kill);
}

run_actor spawn_run(caf::actor_system& system, std::shared_ptr<const node_env> env, core::run_machine machine,
                    std::vector<event_ptr> logged, supervisor_actor supervisor) {
  return system.spawn<on_loops<run_actor::stateful_impl<run_state>>>(std::move(env), std::move(machine), std::move(logged),
                                                                     std::move(supervisor));
}

}  // namespace oncue::actors
