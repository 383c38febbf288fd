#include "oncue/actors/membership.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <type_traits>
#include <utility>

#include "oncue/actors/node_env.hpp"
#include "oncue/io/log.hpp"

namespace oncue::actors {

namespace order = core::member_order;

membership_state::membership_state(membership_actor::pointer self, membership_parts parts, std::chrono::milliseconds lease,
                                   enter_reply entered, std::int64_t asked_at_us)
    : self_{self}, parts_{std::move(parts)}, machine_{lease} {
  machine_.tick(asked_at_us);  // its question was asked already
  perform(machine_.entered(std::move(entered), asked_at_us, parts_.now_us()));
}

membership_actor::behavior_type membership_state::make_behavior() {
  tick();
  return {
      [this](work_waits) { perform(machine_.work_waits()); },
      [this](const release_runs& what) { return release(what); },
      [this](leave_cluster) {
        machine_.drain();
        auto promise = self_->make_response_promise<my_runs>();
        promise.delegate(parts_.keeper, leave_node{machine_.self()});
        return promise;
      },
  };
}

void membership_state::tick() {
  perform(machine_.tick(parts_.now_us()));
  wake_up_later();
}

void membership_state::wake_up_later() {
  auto at = machine_.wake_at();
  auto number = ++alarms_;
  if (at == std::numeric_limits<std::int64_t>::max()) return;
  auto delay = std::chrono::microseconds{std::max<std::int64_t>(at - parts_.now_us(), 0)};
  self_->run_delayed(delay, [this, number] {
    if (number == alarms_) tick();
  });
}

void membership_state::perform(const core::membership_orders& orders) {
  for (const auto& one : orders) {
    std::visit([this](const auto& x) { on(x); }, one);
  }
}

/// The keeper's answer; or, if its actor is gone, an answer that says so.
template <class Reply, class Question, class Then>
void membership_state::ask(const Question& question, Then then) {
  self_->request(parts_.keeper, local_answer, question)
      .then(
          [this, then](Reply& reply) {
            perform(then(std::move(reply)));
            wake_up_later();
          },
          [this, then](const caf::error& error) {
            Reply none;
            if constexpr (requires { none.problem; }) none.problem = "the lease keeper did not answer: " + to_string(error);
            perform(then(std::move(none)));
            wake_up_later();
          });
}

// -- what is asked of the store --------------------------------------------------------

void membership_state::on(const order::enter&) {
  auto asked_at = parts_.now_us();
  ask<enter_reply>(enter_node{}, [this, asked_at](enter_reply reply) {
    return machine_.entered(std::move(reply), asked_at, parts_.now_us());
  });
}

/// The supervisor first: what it says goes along, and is compared with what the store has.
void membership_state::on(const order::renew&) {
  auto renew = [this](const held_runs& held) {
    auto asked_at = parts_.now_us();
    ask<lease_reply>(renew_lease{machine_.self(), held.load}, [this, asked_at, held](lease_reply reply) {
      return machine_.renewed(std::move(reply), held, asked_at, parts_.now_us());
    });
  };
  self_->request(parts_.supervisor, local_answer, list_held{}).then(renew, [renew](const caf::error&) {
    renew(held_runs{});
  });
}

void membership_state::on(const order::reap&) {
  ask<reap_reply>(reap_nodes{parts_.unix_ms()},
                  [this](const reap_reply& reply) { return machine_.reaped(reply, parts_.now_us()); });
}

void membership_state::on(const order::look&) {
  ask<my_runs>(find_mine{machine_.self()}, [this](const my_runs& mine) { return machine_.looked(mine, parts_.now_us()); });
}

void membership_state::on(const order::claim& x) {
  ask<take_runs>(claim_runs{machine_.self(), x.runs_max},
                 [this](take_runs reply) { return machine_.claimed(std::move(reply), parts_.now_us()); });
}

void membership_state::on(const order::give_back& x) {
  ask<released_runs>(give_back{machine_.self(), x.runs},
                     [this, asked = x.runs](const released_runs& reply) { return machine_.given_back(asked, reply); });
}

// -- what is told to others ------------------------------------------------------------

void membership_state::on(const order::end_lost& x) {
  for (const auto& run : x.runs) {
    io::log(io::log_level::error, "run_without_actor", {{"run", run.value}});
    ending how{
        .kind = ending_kind::failed, .code = failure_code::actor_lost, .message = "no actor of this node had the run"};
    self_->request(parts_.journal, local_answer, end_orphan{run, std::move(how), parts_.unix_ms()})
        .then([](const end_orphan_reply&) {}, [](const caf::error&) {});
  }
}

void membership_state::on(const order::own& x) { self_->send<caf::message_priority::high>(parts_.journal, own_as{x.self}); }

void membership_state::on(const order::fence&) {
  self_->send<caf::message_priority::high>(parts_.supervisor, fence_runs{});
}

void membership_state::on(const order::announce&) { self_->send(parts_.neighbours, machine_.known()); }

void membership_state::on(const order::cancel& x) {
  for (const auto& request : x.requests) {
    self_->request(parts_.supervisor, local_answer, cancel_here{request})
        .then([](const cancel_reply&) {}, [](const caf::error&) {});
  }
}

void membership_state::on(const order::take& x) { self_->send(parts_.supervisor, take_runs{x.runs, {}}); }

void membership_state::on(const order::look_for_expired&) { self_->send(parts_.supervisor, alarm{}); }

void membership_state::on(const order::say& x) {
  io::log(x.is_error ? io::log_level::error : io::log_level::info, x.what, {{"details", x.details}});
}

/// Only if there is somebody who could take them: else they end here, as on a node that is alone.
caf::result<released_runs> membership_state::release(const release_runs& what) {
  auto promise = self_->make_response_promise<released_runs>();
  if (machine_.self() == 0 || what.runs.empty() || !machine_.has_room_elsewhere()) {
    promise.deliver(released_runs{});
  } else {
    promise.delegate(parts_.keeper, give_back{machine_.self(), what.runs});
  }
  return promise;
}

membership_actor spawn_membership(caf::actor_system& system, membership_parts parts, std::chrono::milliseconds lease,
                                  enter_reply entered, std::int64_t asked_at_us) {
  return system.spawn<membership_actor::stateful_impl<membership_state>>(std::move(parts), lease, std::move(entered),
                                                                         asked_at_us);
}

// -- the lease keeper ------------------------------------------------------------------

namespace {

/// What the store said, or an answer that holds its problem.
template <class Reply>
Reply reply_of(io::store_result<Reply> result) {
  if (auto* problem = std::get_if<std::string>(&result)) {
    Reply reply;
    reply.problem = std::move(*problem);
    return reply;
  }
  return std::move(std::get<Reply>(result));
}

template <class Reply, class T>
Reply list_of(io::store_result<std::vector<T>> result) {
  Reply reply;
  if (auto* problem = std::get_if<std::string>(&result)) {
    if constexpr (requires { reply.problem; }) reply.problem = std::move(*problem);
  } else {
    reply.runs = std::move(std::get<std::vector<T>>(result));
  }
  return reply;
}

struct lease_keeper_state {
  static constexpr const char* name = "lease-keeper";

  lease_keeper_state(lease_keeper_actor::pointer, std::shared_ptr<io::member_store> leases, io::node_facts what)
      : store{std::move(leases)}, facts{std::move(what)} {}

  lease_keeper_actor::behavior_type make_behavior() {
    return {
        [this](enter_node) { return reply_of(store->enter(facts)); },
        [this](const renew_lease& x) { return reply_of(store->renew(x.self, x.load)); },
        [this](reap_nodes x) { return reply_of(store->reap(x.now_ms)); },
        [this](find_mine x) { return list_of<my_runs>(store->open_runs(x.self)); },
        [this](claim_runs x) { return list_of<take_runs>(store->claim(x.self, x.runs_max)); },
        [this](const give_back& x) { return list_of<released_runs>(store->release(x.self, x.runs)); },
        [this](leave_node x) {
          my_runs reply;
          reply.problem = store->leave(x.self);
          return reply;
        },
    };
  }

  std::shared_ptr<io::member_store> store;
  io::node_facts facts;
};

}  // namespace

lease_keeper_actor spawn_lease_keeper(caf::actor_system& system, std::shared_ptr<io::member_store> store,
                                      io::node_facts facts, bool own_thread) {
  using impl = lease_keeper_actor::stateful_impl<lease_keeper_state>;
  return own_thread ? system.spawn<impl, caf::detached>(std::move(store), std::move(facts))
                    : system.spawn<impl>(std::move(store), std::move(facts));
}

}  // namespace oncue::actors
