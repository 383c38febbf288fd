#include "oncue/actors/supervisor.hpp"

#include <algorithm>
#include <chrono>

#include "oncue/actors/run.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"

namespace oncue::actors {

supervisor_state::supervisor_state(supervisor_actor::pointer self, std::shared_ptr<const node_env> env)
    : self_{self}, env_{std::move(env)}, roster_{env_->limits} {}

supervisor_actor::behavior_type supervisor_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  return {
      [this](run_request& request) { return start(request); },
      [this](cancel_request& request) { return cancel(request); },
      [this](subscribe_run& request) { return subscribe(request); },
      [this](list_runs request) { return list(request); },
      [this](drain_node request) { return drain(request); },
      [](get_stats) { return node_stats{}; },
      [this](const run_changed& x) { roster_.changed(x.run, x.status); },
      [this](const run_closed& x) {
        roster_.closed(x.run, x.status);
        if (drain_) ++(x.status == run_status::cancelled ? drain_->reply.cancelled : drain_->reply.ended);
      },
  };
}

// -- start ---------------------------------------------------------------------------

caf::result<start_reply> supervisor_state::start(run_request& request) {
  auto now_ms = env_->unix_ms();
  auto refuse = [&](refusal why) { return start_reply{std::move(why), request.id, request.session, {}}; };
  if (auto wrong = core::check_request(request)) return refuse(std::move(*wrong));
  auto entry = env_->catalog->find(request.agent);
  if (!entry) return refuse({refusal_code::unknown_agent, "agent: there is no agent '" + request.agent.value + "'"});

  if (request.id.empty()) request.id.value = core::make_uuid_v7(now_ms, env_->random(), env_->random());
  if (request.session.empty()) request.session.value = core::make_uuid_v7(now_ms, env_->random(), env_->random());
  if (auto refused = roster_.admit(request, now_ms)) return refuse(std::move(*refused));

  std::vector<event_ptr> first{event_ptr{run_event{
      0, now_ms,
      boxed<run_started>{{entry->agent.name, entry->model.name, std::string{core::to_string(entry->model.provider)}}}}}};
  auto promise = self_->make_response_promise<start_reply>();
  self_->request(env_->journal, local_answer, create_run{request, now_ms, first})
      .then([this, request, first, entry, promise](
                create_reply& reply) mutable { created(request, std::move(first), std::move(entry), reply, promise); },
            [this, request, promise](const caf::error& error) mutable {
              wake(roster_.not_created(request.id));
              refusal why{refusal_code::journal_unavailable, "the journal did not answer: " + to_string(error)};
              promise.deliver(start_reply{std::move(why), request.id, request.session, {}});
            });
  return promise;
}

void supervisor_state::created(run_request& request, std::vector<event_ptr> logged,
                               std::shared_ptr<const core::agent_entry> entry, create_reply& reply,
                               caf::typed_response_promise<start_reply> promise) {
  if (reply.refused) {
    wake(roster_.not_created(request.id));
    promise.deliver(start_reply{std::move(reply.refused), request.id, request.session, {}});
    return;
  }
  auto now_us = to_steady_us(self_->clock().now());
  core::run_setup setup{.id = request.id,
                        .input = std::move(request.input),
                        .entry = std::move(entry),
                        .next_index = logged.size(),
                        .created_us = now_us,
                        .unix_offset_ms = logged.front()->at_ms - now_us / 1000,
                        .seed = env_->random(),
                        .epoch = reply.epoch};
  auto handle =
      spawn_run(self_->system(), env_, std::move(setup), std::move(logged), caf::actor_cast<supervisor_actor>(self_));
  self_->monitor(handle);
  by_actor_[handle.id()] = roster_.key(request.id);
  auto may_begin = roster_.created(request.id, handle);
  if (reply.intent) {
    // Somebody cancelled this id before it was there: it never begins.
    stop(*roster_.find(request.id), std::move(*reply.intent));
  } else if (may_begin) {
    self_->send(handle, begin_run{});
  }
  if (auto* row = roster_.find(request.id)) wake(std::exchange(row->waiters, {}));
  promise.deliver(start_reply{{}, request.id, request.session, handle});
}

// -- cancel --------------------------------------------------------------------------

caf::result<cancel_reply> supervisor_state::cancel(cancel_request& request) {
  auto promise = self_->make_response_promise<cancel_reply>();
  for (auto* text : {&request.reason, &request.by}) text->resize(core::utf8_prefix(*text, core::limits::reason_bytes_max));
  route(std::move(request), promise);
  return promise;
}

void supervisor_state::route(cancel_request request, caf::typed_response_promise<cancel_reply> promise) {
  using enum node_roster::row_state;
  auto* row = roster_.find(request.run);
  if (!row || row->state == closed) {
    ask_journal(std::move(request), promise);
    return;
  }
  if (row->state == creating || row->state == lost) {
    row->waiters.emplace_back([this, request, promise] { route(request, promise); });
    return;
  }
  roster_.cancel_passed_on(*row, request);
  self_->request<caf::message_priority::high>(row->handle, local_answer, request)
      .then([promise](cancel_reply& reply) mutable { promise.deliver(std::move(reply)); },
            [this, request, promise](const caf::error&) {
              // The run's actor went away before it could answer: whoever knows better now is asked.
              route(request, promise);
            });
}

void supervisor_state::ask_journal(cancel_request request, caf::typed_response_promise<cancel_reply> promise) {
  auto run = request.run;
  self_->request(env_->journal, local_answer, record_cancel{std::move(request), env_->unix_ms()})
      .then(
          [run, promise](const record_cancel_reply& reply) mutable {
            promise.deliver(core::reply_from_journal(run, reply.ended, reply.intent_stored));
          },
          [run, promise](const caf::error&) mutable { promise.deliver(core::reply_from_journal(run, {}, false)); });
}

// -- read ----------------------------------------------------------------------------

caf::result<subscribe_reply> supervisor_state::subscribe(subscribe_run& request) {
  auto promise = self_->make_response_promise<subscribe_reply>();
  find_source(std::move(request.run), promise);
  return promise;
}

void supervisor_state::find_source(run_id run, caf::typed_response_promise<subscribe_reply> promise) {
  using enum node_roster::row_state;
  auto* row = roster_.find(run);
  if (!row || row->state == closed) {
    promise.deliver(subscribe_reply{true, env_->journal});  // the journal says `unknown` if it is
  } else if (row->state == creating || row->state == lost) {
    row->waiters.emplace_back([this, run, promise] { find_source(run, promise); });
  } else {
    promise.deliver(subscribe_reply{true, row->handle});
  }
}

caf::result<run_list> supervisor_state::list(list_runs request) {
  auto runs_max = std::min<std::uint32_t>(request.runs_max, core::limits::runs_listed_max);
  auto promise = self_->make_response_promise<run_list>();
  self_->request(env_->journal, local_answer, list_runs{runs_max})
      .then(
          [this, promise](run_list& list) mutable {
            // The journal knows which runs there are; what a live one is doing now, the roster knows.
            for (auto& summary : list.runs) {
              if (summary.ended) continue;
              if (auto* row = roster_.find(summary.id)) summary.status = row->status;
            }
            promise.deliver(std::move(list));
          },
          [promise](const caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

// -- a run left ----------------------------------------------------------------------

void supervisor_state::on_down(const caf::down_msg& down) {
  auto found = by_actor_.find(down.source.id());
  if (found == by_actor_.end()) return;
  auto run = *found->second;
  by_actor_.erase(found);
  auto result = roster_.down(run, to_string(down.reason));
  if (!result.lost) {
    after_a_run_left();
    return;
  }
  auto was_cancelled = result.how.kind == ending_kind::cancelled;
  auto forget = [this, run, was_cancelled] {
    wake(roster_.forget(run));
    if (drain_) ++(was_cancelled ? drain_->reply.cancelled : drain_->reply.ended);
    after_a_run_left();
  };
  self_->request(env_->journal, local_answer, end_orphan{run, std::move(result.how), env_->unix_ms()})
      .then([forget](const end_orphan_reply&) { forget(); }, [forget](const caf::error&) { forget(); });
}

void supervisor_state::after_a_run_left() {
  while (auto next = roster_.next_to_begin()) self_->send(*next, begin_run{});
  if (drain_ && roster_.size() == 0) finish_drain();
}

void supervisor_state::wake(std::vector<waiter> waiters) {
  for (auto& ask_again : waiters) ask_again();
}

// -- drain ---------------------------------------------------------------------------

caf::result<drain_reply> supervisor_state::drain(drain_node request) {
  auto promise = self_->make_response_promise<drain_reply>();
  roster_.drain();
  if (!drain_) {
    drain_.emplace();
    self_->run_delayed(std::chrono::milliseconds{request.grace_ms}, [this, request] {
      if (!drain_) return;
      cancel_all();
      self_->run_delayed(std::chrono::milliseconds{request.cancel_grace_ms}, [this] {
        if (drain_) finish_drain();
      });
    });
  }
  drain_->promises.push_back(promise);
  if (roster_.size() == 0) finish_drain();
  return promise;
}

void supervisor_state::cancel_all() {
  using enum node_roster::row_state;
  for (const auto& [run, row] : roster_.rows()) {
    if (row.state != queued && row.state != running) continue;
    cancel_request request{.run = run, .reason = "the node is shutting down", .by = "drain"};
    stop(*roster_.find(run), std::move(request));
  }
}

/// A cancel of the supervisor's own: nobody waits for its answer.
void supervisor_state::stop(node_roster::row& row, cancel_request request) {
  roster_.cancel_passed_on(row, request);
  self_->request<caf::message_priority::high>(row.handle, local_answer, std::move(request))
      .then([](const cancel_reply&) {}, [](const caf::error&) {});
}

void supervisor_state::finish_drain() {
  for (const auto& [run, row] : roster_.rows()) drain_->reply.left.push_back(run);
  for (auto& promise : drain_->promises) promise.deliver(drain_->reply);
  drain_.reset();
}

supervisor_actor spawn_supervisor(caf::actor_system& system, std::shared_ptr<const node_env> env) {
  return system.spawn<supervisor_actor::stateful_impl<supervisor_state>>(std::move(env));
}

}  // namespace oncue::actors
