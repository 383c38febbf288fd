#include "oncue/actors/supervisor.hpp"

#include <algorithm>
#include <chrono>

#include "error_words.hpp"
#include "oncue/actors/run.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::actors {

supervisor_state::supervisor_state(supervisor_actor::pointer self, std::shared_ptr<const node_env> env)
    : self_{self}, env_{std::move(env)}, roster_{env_->limits} {}

supervisor_actor::behavior_type supervisor_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  end_expired_runs();
  return {
      [this](run_request& request) { return start(request); },
      [this](cancel_request& request) { return cancel(request); },
      [this](subscribe_run& request) { return subscribe(request); },
      [this](list_runs request) { return list(request); },
      [this](drain_node request) { return drain(request); },
      [this](get_stats) { return stats(); },
      [this](continue_run& request) { return resume(request); },
      [this](const run_changed& x) {
        roster_.changed(x.run, x.status);
        begin_next();
      },
      [this](const run_closed& x) { on_closed(x); },
      [this](const run_left& x) { left(x.run); },
      [this](alarm) { end_expired_runs(); },
      [this](cancel_here& x) { return cancel_if_here(x.request); },
      [this](const subscribe_here& x) { return source_here(x.run); },
      [this](take_runs& x) { take(x); },
      [this](list_held) { return held(); },
      [this](fence_runs) { fence(); },
      [this](join_cluster& x) {
        neighbours_ = std::move(x.neighbours);
        membership_ = std::move(x.membership);
      },
  };
}

// -- start ---------------------------------------------------------------------------

caf::result<start_reply> supervisor_state::start(run_request& request) {
  auto promise = self_->make_response_promise<start_reply>();
  auto entry = env_->catalog->find(request.agent);
  if (auto wrong = core::check_request(request)) {
    refuse(std::move(*wrong), request, promise);
    return promise;
  }
  if (!entry) {
    refuse({refusal_code::unknown_agent, "agent: there is no agent '" + request.agent.value + "'"}, request, promise);
    return promise;
  }
  if (request.traceparent.size() > core::limits::traceparent_bytes_max) request.traceparent.clear();

  auto now_ms = env_->unix_ms();
  auto new_session = request.session.empty();
  if (request.id.empty()) request.id.value = core::make_uuid_v7(now_ms, env_->random(), env_->random());
  if (new_session) request.session.value = core::make_uuid_v7(now_ms, env_->random(), env_->random());
  auto refused = roster_.admit(request, now_ms, new_session);
  auto what = std::make_shared<create_run>(create_run{std::move(request), now_ms, {}, new_session});
  if (refused && !(neighbours_ && could_be_elsewhere(*refused))) {
    ask_what_the_key_made(*what, std::move(*refused), promise);
    return promise;
  }
  what->events.emplace_back(run_event{
      0, now_ms,
      boxed<run_started>{{entry->agent.name, entry->model.name, std::string{core::to_string(entry->model.provider)}}}});
  if (refused) {
    place_elsewhere(*what, std::move(*refused), promise);
    return promise;
  }
  self_->request(env_->journal, local_answer, *what)
      .then([this, what, entry, promise](create_reply& reply) { created(*what, entry, reply, promise); },
            [this, what, promise](const caf::error& error) {
              create_reply none;
              none.refused = {refusal_code::journal_unavailable, "the journal did not answer: " + words_of(error)};
              created(*what, nullptr, none, promise);
            });
  return promise;
}

void supervisor_state::refuse(refusal why, const run_request& request, start_promise& promise) {
  ++totals_.refused_total;
  promise.deliver(start_reply{std::move(why), request.id, request.session, {}});
}

/// A caller that was refused may be asking again for what it has already: its key says so, if it gave one.
void supervisor_state::ask_what_the_key_made(create_run what, refusal otherwise, start_promise promise) {
  if (what.request.idempotency_key.empty()) {
    refuse(std::move(otherwise), what.request, promise);
    return;
  }
  what.only_existing = true;
  self_->request(env_->journal, local_answer, what)
      .then(
          [this, what, otherwise, promise](create_reply& reply) mutable {
            if (reply.existing) {
              answer_existing(*reply.existing, std::move(promise));
            } else {
              refuse(reply.refused ? std::move(*reply.refused) : std::move(otherwise), what.request, promise);
            }
          },
          [this, what, otherwise, promise](const caf::error&) mutable {
            refuse(std::move(otherwise), what.request, promise);
          });
}

void supervisor_state::answer_existing(const run_summary& run, start_promise promise) {
  find_source(run.id, [run, promise](event_source_actor source) mutable {
    promise.deliver(start_reply{{}, run.id, run.session, std::move(source), true});
  });
}

void supervisor_state::created(create_run& what, std::shared_ptr<const core::agent_entry> entry, create_reply& reply,
                               start_promise promise) {
  const auto& request = what.request;
  if (reply.refused || reply.existing) {
    wake(roster_.not_created(request.id));
    if (reply.existing) {
      answer_existing(*reply.existing, std::move(promise));
    } else {
      refuse(std::move(*reply.refused), request, promise);
    }
    after_a_run_left();
    return;
  }
  ++totals_.started_total;
  auto id = request.id;
  start_reply answer{{}, id, request.session, {}};
  auto on_busy = request.on_busy_session;
  auto setup = setup_of(what.request, std::move(entry), reply.epoch);
  setup.next_index = what.events.size();
  auto& row = roster_.created(id, spawn(std::move(setup), nullptr, std::move(what.events)));
  answer.source = row.handle.actor;
  // Whoever cancelled this id before it was there comes first: then it never begins.
  if (reply.intent && !planted(mutant::intent_not_obeyed)) stop(row, std::move(*reply.intent));
  if (on_busy == session_policy::interrupt) {
    row.handle.interrupts = true;
    interrupt_those_before(row);
  }
  begin_created(row);
  promise.deliver(std::move(answer));
}

/// The run has its actor: whoever waited for that comes first, then it begins when it may.
void supervisor_state::begin_created(node_roster::row& row) {
  by_actor_[row.handle.actor.id()] = row.id;
  wake(std::exchange(row.waiters, {}));
  if (roster_.draining() && !row.is_child) stop_for_drain(row);
  if (roster_.begin_child(row)) begin(row);
  begin_next();
}

core::run_setup supervisor_state::setup_of(run_request& request, std::shared_ptr<const core::agent_entry> entry,
                                           run_epoch epoch) {
  core::run_setup setup;
  setup.id = request.id;
  setup.input = std::move(request.input);
  setup.entry = std::move(entry);
  setup.traceparent = std::move(request.traceparent);
  setup.created_us = to_steady_us(self_->clock().now());
  setup.unix_offset_ms = env_->unix_ms() - setup.created_us / 1000;
  setup.seed = env_->random();
  setup.epoch = epoch;
  setup.session = std::move(request.session);
  setup.user = std::move(request.user);
  setup.root = request.root.empty() ? request.id : std::move(request.root);
  setup.depth = request.depth;
  return setup;
}

supervisor_state::live_run supervisor_state::spawn(core::run_setup setup, const core::run_memory* memory,
                                                   std::vector<event_ptr> logged) {
  auto entry = setup.entry;
  auto machine = memory ? core::run_machine{std::move(setup), *memory} : core::run_machine{std::move(setup)};
  auto actor =
      spawn_run(self_->system(), env_, std::move(machine), std::move(logged), caf::actor_cast<supervisor_actor>(self_));
  self_->monitor(actor);
  return {std::move(actor), std::move(entry)};
}

// -- cancel --------------------------------------------------------------------------

caf::result<cancel_reply> supervisor_state::cancel(cancel_request& request) {
  ++totals_.cancels_total;
  auto promise = self_->make_response_promise<cancel_reply>();
  for (auto* text : {&request.reason, &request.by}) text->resize(core::utf8_prefix(*text, core::limits::reason_bytes_max));
  route(std::move(request), promise);
  return promise;
}

void supervisor_state::route(cancel_request request, caf::typed_response_promise<cancel_reply> promise) {
  using enum node_roster::row_state;
  auto* row = roster_.find(request.run);
  if (!row || row->state == closed) {
    if (neighbours_) {
      ask_around(std::move(request), promise);
    } else {
      ask_journal(std::move(request), promise);
    }
    return;
  }
  if (row->state == lost && row->handle.is_owed) return ask_journal(std::move(request), promise);
  if (row->state == creating || row->state == lost) {
    row->waiters.emplace_back([this, request, promise] { route(request, promise); });
    return;
  }
  if (neighbours_ && row->state == running && row->status == run_status::paused) {
    // It has not closed yet, but may be paused in the log: then another node may have ended it, or gone on with it, by now.
    ask_journal(std::move(request), promise);
    return;
  }
  roster_.cancel_passed_on(*row, request);
  if (request.mode != cancel_mode::immediate) {
    // It is granted before it is done: the journal knows of it, should this process not live to see it.
    self_->request(env_->journal, local_answer, record_cancel{request, env_->unix_ms()})
        .then([](const record_cancel_reply&) {}, [](const caf::error&) {});
  }
  self_->request<caf::message_priority::high>(row->handle.actor, local_answer, request)
      .then(
          [this, request, promise](cancel_reply& reply) mutable {
            auto may_be_recorded = neighbours_ || request.mode != cancel_mode::immediate;
            if (may_be_recorded && is_undecided(reply)) return ask_journal(std::move(request), promise);
            promise.deliver(std::move(reply));
          },
          [this, request, promise](const caf::error&) {
            // The run's actor went away before it could answer: whoever knows better now is asked.
            route(request, promise);
          });
}

void supervisor_state::ask_journal(cancel_request request, caf::typed_response_promise<cancel_reply> promise) {
  auto run = request.run;
  self_->request(env_->journal, local_answer, record_cancel{std::move(request), env_->unix_ms()})
      .then([run,
             promise](const record_cancel_reply& reply) mutable { promise.deliver(core::reply_from_journal(run, reply)); },
            [promise](const caf::error& error) mutable { promise.deliver(error); });
}

/// A cancel of the supervisor's own: nobody waits for its answer.
void supervisor_state::stop(node_roster::row& row, cancel_request request) {
  roster_.cancel_passed_on(row, request);
  self_->request<caf::message_priority::high>(row.handle.actor, local_answer, std::move(request))
      .then([](const cancel_reply&) {}, [](const caf::error&) {});
}

// -- read ----------------------------------------------------------------------------

caf::result<subscribe_reply> supervisor_state::subscribe(subscribe_run& request) {
  auto promise = self_->make_response_promise<subscribe_reply>();
  find_source(std::move(request.run), [promise](event_source_actor source) mutable {
    promise.deliver(subscribe_reply{true, std::move(source)});
  });
  return promise;
}

/// The live run; or the journal, which says `unknown` if there never was such a run.
void supervisor_state::find_source(run_id run, std::function<void(event_source_actor)> found) {
  using enum node_roster::row_state;
  auto* row = roster_.find(run);
  if (!row || row->state == closed) {
    if (neighbours_) {
      find_elsewhere(std::move(run), std::move(found));
    } else {
      found(env_->journal);
    }
  } else if (row->state == creating || row->state == lost) {
    row->waiters.emplace_back([this, run, found = std::move(found)] { find_source(run, found); });
  } else {
    found(row->handle.actor);
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

node_stats supervisor_state::stats() const {
  auto now = totals_;
  now.queued = roster_.queued();
  now.running = roster_.running();
  now.draining = roster_.draining();
  return now;
}

// -- a run left ----------------------------------------------------------------------

void supervisor_state::count(run_status status) {
  using enum run_status;
  if (status == paused) return;
  ++(status == completed ? totals_.completed_total : status == failed ? totals_.failed_total : totals_.cancelled_total);
  if (drain_) ++(status == cancelled ? drain_->reply.cancelled : drain_->reply.ended);
}

void supervisor_state::on_closed(const run_closed& x) {
  if (roster_.closed(x.run, x.status)) count(x.status);
  if (x.status == run_status::paused) expires_at(x.expires_at_ms);
  begin_next();
}

void supervisor_state::after_a_run_left() {
  begin_next();
  if (drain_ && roster_.size() == 0) finish_drain();
}

void supervisor_state::wake(std::vector<waiter> waiters) {
  for (auto& ask_again : waiters) ask_again();
}

supervisor_actor spawn_supervisor(caf::actor_system& system, std::shared_ptr<const node_env> env) {
  return system.spawn<supervisor_actor::stateful_impl<supervisor_state>>(std::move(env));
}

}  // namespace oncue::actors
