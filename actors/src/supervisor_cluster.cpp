// A node that is one of many: cancels and readers that want a run of another node, runs that change hands, and the end of
// everything when the lease is lost.
#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "oncue/actors/supervisor.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/run_replay.hpp"
#include "oncue/io/log.hpp"

namespace oncue::actors {

// -- placement -------------------------------------------------------------------------

/// Another node may have what this one lacks.
bool supervisor_state::could_be_elsewhere(const refusal& why) {
  return why.code == refusal_code::too_many_runs || why.code == refusal_code::draining;
}

/// The run is made, for whichever node has room; if there is none, it is refused as if this node were alone.
void supervisor_state::place_elsewhere(create_run what, refusal otherwise, start_promise promise) {
  auto ask_key = [this, what, otherwise, promise] { ask_what_the_key_made(what, otherwise, promise); };
  auto is_child = what.request.depth > 0;
  if (is_child) return ask_key();
  self_->request(neighbours_, local_answer, list_nodes{})
      .then(
          [this, what, otherwise, promise, ask_key](const node_list& list) mutable {
            auto has_room = [&list](const node_line& line) {
              const auto& node = line.node;
              return node.incarnation != list.self && !node.dead && node.lease_left_ms > 0 && !node.load.draining &&
                     node.load.room > 0;
            };
            if (list.self == 0 || std::none_of(list.nodes.begin(), list.nodes.end(), has_room)) return ask_key();
            what.unowned = true;
            self_->request(env_->journal, local_answer, what)
                .then([this, what, otherwise,
                       promise](create_reply& reply) { created_elsewhere(what, reply, otherwise, promise); },
                      [ask_key](const caf::error&) { ask_key(); });
          },
          [ask_key](const caf::error&) { ask_key(); });
}

void supervisor_state::created_elsewhere(const create_run& what, create_reply& reply, refusal otherwise,
                                         start_promise promise) {
  const auto& request = what.request;
  if (reply.existing) return answer_existing(*reply.existing, std::move(promise));
  if (reply.refused) return refuse(std::move(*reply.refused), request, promise);
  io::log(io::log_level::info, "run_placed_elsewhere", {{"run", request.id.value}, {"because", to_string(otherwise.code)}});
  if (reply.intent) {
    // Whoever cancelled this id before it was there comes first.
    self_->request(env_->journal, local_answer, record_cancel{*reply.intent, env_->unix_ms()})
        .then([](const record_cancel_reply&) {}, [](const caf::error&) {});
  } else {
    self_->send(neighbours_, work_waits{});
  }
  find_elsewhere(request.id, [run = request.id, session = request.session, promise](event_source_actor source) mutable {
    promise.deliver(start_reply{{}, run, session, std::move(source)});
  });
}

/// A run of its session comes first: one behind it here gets its turn; for one on another node it waits. If it interrupts,
/// it sees to it that each of them ends.
void supervisor_state::wait_behind(node_roster::row& row, const run_id& other) {
  auto& mine = row.handle;
  if (mine.interrupts && mine.interrupted != other) {
    mine.interrupted = other;
    cancel_request request{.run = other, .reason = "interrupted by run " + row.id->value, .by = "interrupt"};
    route(std::move(request), self_->make_response_promise<cancel_reply>());
  }
  if (auto* here = roster_.find(other); here && roster_.let_pass(row, *here)) return begin_next();
  roster_.wait_elsewhere(row);
  self_->run_delayed(core::limits::session_wait, [this, id = *row.id, actor = row.handle.actor] {
    auto* found = roster_.find(id);
    if (!found || found->handle.actor != actor) return;
    roster_.ask_again(*found);
    begin_next();
  });
  begin_next();
}

// -- what is not here ------------------------------------------------------------------

/// Its run has decided how it ends, but a cancel that the journal has taken before the ending turns it round.
bool supervisor_state::is_undecided(const cancel_reply& reply) {
  return reply.outcome == cancel_outcome::already_ended && !reply.durable;
}

/// The neighbours and the journal at the same time: a run on another node stops without waiting for the store, and its
/// cancel is kept even if no link is up. The first word that settles it is the answer.
void supervisor_state::ask_around(cancel_request request, caf::typed_response_promise<cancel_reply> promise) {
  struct answers {
    caf::typed_response_promise<cancel_reply> promise;
    bool delivered = false;
    bool neighbours_said = false;                // and it was nothing
    std::optional<record_cancel_reply> journal;  // accepted: nothing is settled before the neighbours have answered
    caf::error problem;                          // the journal's
  };
  auto all = std::make_shared<answers>();
  all->promise = promise;
  auto run = request.run;
  auto settle = [all, run] {
    if (all->delivered || !all->neighbours_said) return;
    if (all->journal) {
      all->promise.deliver(core::reply_from_journal(run, *all->journal));
    } else if (all->problem) {
      all->promise.deliver(all->problem);
    } else {
      return;
    }
    all->delivered = true;
  };
  self_->request(neighbours_, local_answer, request)
      .then(
          [all, settle](cancel_reply& reply) {
            all->neighbours_said = true;
            // One that has decided, and not logged it yet, ends as the journal says: it may have this cancel first.
            auto settles = reply.outcome != cancel_outcome::unknown && !is_undecided(reply);
            if (!settles || all->delivered) return settle();
            all->delivered = true;
            all->promise.deliver(std::move(reply));
          },
          [all, settle](const caf::error&) {
            all->neighbours_said = true;
            settle();
          });
  self_->request(env_->journal, local_answer, record_cancel{std::move(request), env_->unix_ms()})
      .then(
          [all, settle](const record_cancel_reply& reply) {
            all->journal = reply;
            // Over, or not there yet: no node has it.
            if (!reply.accepted) all->neighbours_said = true;
            settle();
          },
          [all, settle](const caf::error& error) {
            all->problem = error;
            settle();
          });
}

void supervisor_state::find_elsewhere(run_id run, std::function<void(event_source_actor)> found) {
  self_->request(neighbours_, local_answer, subscribe_run{std::move(run)})
      .then([found](subscribe_reply& reply) { found(std::move(reply.source)); },
            [found, journal = env_->journal](const caf::error&) { found(journal); });
}

caf::result<cancel_reply> supervisor_state::cancel_if_here(cancel_request& request) {
  using enum node_roster::row_state;
  auto* row = roster_.find(request.run);
  if (!row || row->state == closed || row->state == lost || fenced_.contains(request.run)) {
    return cancel_reply{.run = request.run};
  }
  auto promise = self_->make_response_promise<cancel_reply>();
  route(std::move(request), promise);
  return promise;
}

subscribe_reply supervisor_state::source_here(const run_id& run) {
  using enum node_roster::row_state;
  auto* row = roster_.find(run);
  if (!row || (row->state != queued && row->state != running)) return {};
  return {true, row->handle.actor};
}

// -- runs that change hands ------------------------------------------------------------

void supervisor_state::take(take_runs& what) {
  for (auto& run : what.runs) take(run);
  begin_next();
}

void supervisor_state::take(claimed_run& what) {
  auto& request = what.request;
  auto id = request.id;
  auto entry = env_->catalog->find(request.agent);
  if (!entry) {
    ending how{.kind = ending_kind::failed,
               .code = failure_code::actor_lost,
               .message = "the node that took the run has no agent '" + request.agent.value + "'"};
    self_->request(env_->journal, local_answer, end_orphan{id, std::move(how), env_->unix_ms()})
        .then([](const end_orphan_reply&) {}, [](const caf::error&) {});
    return;
  }
  request.on_busy_session = session_policy::enqueue;
  auto now_ms = env_->unix_ms();
  if (roster_.admit(request, now_ms, false, true)) {
    // No room after all: it waits for whoever has some.
    self_->request(membership_, local_answer, release_runs{{id}})
        .then([](const released_runs&) {}, [](const caf::error&) {});
    return;
  }
  io::log(io::log_level::info, "run_claimed", {{"run", id.value}, {"epoch", std::to_string(what.epoch)}});
  ++totals_.started_total;
  auto setup = setup_of(request, std::move(entry), what.epoch);
  setup.next_index = what.events.size();
  // It has waited on its way: its time is already running, as far as the nodes' clocks agree.
  setup.created_us -=
      std::clamp<std::int64_t>(now_ms - what.created_at_ms, 0, core::limits::pause_timeout_max.count()) * 1000;
  core::run_memory memory;
  memory.attempt = core::replay(what.events).attempt;
  begin_created(roster_.created(id, spawn(std::move(setup), &memory, std::move(what.events))));
}

held_runs supervisor_state::held() const {
  held_runs all;
  all.runs.reserve(roster_.size());
  for (const auto& [run, row] : roster_.rows()) {
    if (row.state != node_roster::row_state::closed) all.runs.push_back(run);
  }
  all.load = {roster_.queued(), roster_.running(), roster_.room(), roster_.draining()};
  return all;
}

/// The journal has told the run's actor that it is another node's: this one only forgets it.
void supervisor_state::left(const run_id& run) {
  if (roster_.find(run)) fenced_.insert(run);
  stop_children_of(run);
}

/// Ahead of whatever waits in its mailbox; its stream and tools end with it.
void supervisor_state::let_go(const run_id& run, const run_actor& actor) {
  fenced_.insert(run);
  caf::anon_send<caf::message_priority::high>(caf::actor_cast<caf::actor>(actor),
                                              caf::exit_msg{self_->address(), caf::exit_reason::kill});
}

void supervisor_state::fence() {
  using enum node_roster::row_state;
  if (roster_.size() > 0) {
    io::log(io::log_level::error, "runs_fenced", {{"runs", std::to_string(roster_.size())}});
  }
  for (const auto& [run, row] : roster_.rows()) {
    if (row.state == queued || row.state == running) let_go(run, row.handle.actor);
    if (row.state == lost) fenced_.insert(run);
    // Made for a lease that is over: it does not begin.
    if (row.state == creating) roster_.find(run)->waiters.emplace_back([this, id = run] { let_go_if_live(id); });
  }
}

void supervisor_state::let_go_if_live(const run_id& run) {
  using enum node_roster::row_state;
  auto* row = roster_.find(run);
  if (row && (row->state == queued || row->state == running)) let_go(run, row->handle.actor);
}

/// Before a drain stops what has not begun: another node may take it.
void supervisor_state::hand_over(std::function<void()> then) {
  if (!membership_) return then();
  release_runs what;
  for (const auto& [run, row] : roster_.rows()) {
    if (row.state == node_roster::row_state::queued && !row.cancel_wanted && !row.is_child) what.runs.push_back(run);
  }
  self_->request(membership_, local_answer, std::move(what))
      .then(
          [this, then](const released_runs& given) {
            for (const auto& run : given.runs) {
              auto* row = roster_.find(run);
              if (!row || row->state != node_roster::row_state::queued) continue;
              io::log(io::log_level::info, "run_handed_over", {{"run", run.value}});
              let_go(run, row->handle.actor);
            }
            if (!given.runs.empty()) self_->send(neighbours_, work_waits{});
            then();
          },
          [then](const caf::error&) { then(); });
}

}  // namespace oncue::actors
