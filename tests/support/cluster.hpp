// The rest of a cluster for one node under test: neighbours that say what the test says, and a keeper of leases whose
// answers the test gives.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "oncue/actors/membership.hpp"
#include "support/node.hpp"

namespace oncue::test {

/// What the neighbours were told, and what they say.
struct puppet_neighbours {
  std::vector<cancel_request> cancels;
  std::vector<run_id> subscriptions;
  std::vector<nodes_known> known;
  int work = 0;
  node_list list;
  cancel_reply cancel_says;  ///< outcome unknown unless the test says more
  bool hold_cancels = false;
  std::vector<caf::typed_response_promise<cancel_reply>> held;
};

inline neighbours_actor::behavior_type puppet_neighbours_actor(neighbours_actor::pointer self, puppet_neighbours* what,
                                                               const journal_actor& journal) {
  return {
      [=](cancel_request& request) -> caf::result<cancel_reply> {
        what->cancels.push_back(request);
        auto promise = self->make_response_promise<cancel_reply>();
        if (what->hold_cancels) {
          what->held.push_back(promise);
        } else {
          promise.deliver(what->cancel_says);
        }
        return promise;
      },
      [=](subscribe_run& x) {
        what->subscriptions.push_back(x.run);
        return subscribe_reply{true, journal};
      },
      [=](nodes_known& x) { what->known.push_back(std::move(x)); },
      [=](work_waits) { ++what->work; },
      [=](list_nodes) { return what->list; },
  };
}

/// A question that waits for the test's answer, by its name.
struct puppet_keeper {
  std::vector<std::string> asked;
  std::deque<caf::typed_response_promise<enter_reply>> enters;
  std::deque<caf::typed_response_promise<lease_reply>> renewals;
  std::deque<caf::typed_response_promise<take_runs>> claims;
  bool renew_at_once = true;  ///< renewals are granted without the test
  lease_reply grant = [] {
    lease_reply reply;
    reply.alive = true;
    return reply;
  }();
  enter_reply entered;
  take_runs claimed;
  my_runs mine;
  reap_reply reaped;
  std::vector<run_id> given_back;
  bool takes_back = true;
  bool hold_released = false;  ///< what was given back is confirmed when the test says so
  std::deque<std::pair<caf::typed_response_promise<released_runs>, released_runs>> releases;
};

inline lease_keeper_actor::behavior_type puppet_keeper_actor(lease_keeper_actor::pointer self, puppet_keeper* what) {
  return {
      [=](enter_node) -> caf::result<enter_reply> {
        what->asked.emplace_back("enter");
        auto promise = self->make_response_promise<enter_reply>();
        what->enters.push_back(promise);
        return promise;
      },
      [=](const renew_lease&) -> caf::result<lease_reply> {
        what->asked.emplace_back("renew");
        auto promise = self->make_response_promise<lease_reply>();
        if (what->renew_at_once) {
          promise.deliver(what->grant);
        } else {
          what->renewals.push_back(promise);
        }
        return promise;
      },
      [=](reap_nodes) { return std::exchange(what->reaped, {}); },
      [=](find_mine x) {
        // No node is called that: it is answer_all()'s word.
        if (x.self == 0) {
          for (auto& promise : std::exchange(what->enters, {})) promise.deliver(what->entered);
          for (auto& promise : std::exchange(what->renewals, {})) promise.deliver(what->grant);
          for (auto& promise : std::exchange(what->claims, {})) promise.deliver(what->claimed);
          for (auto& [promise, reply] : std::exchange(what->releases, {})) promise.deliver(std::move(reply));
        }
        return what->mine;
      },
      [=](claim_runs) -> caf::result<take_runs> {
        what->asked.emplace_back("claim");
        auto promise = self->make_response_promise<take_runs>();
        what->claims.push_back(promise);
        return promise;
      },
      [=](const give_back& x) -> caf::result<released_runs> {
        released_runs reply;
        what->given_back.insert(what->given_back.end(), x.runs.begin(), x.runs.end());
        if (what->takes_back) reply.runs = x.runs;
        if (!what->hold_released) return reply;
        auto promise = self->make_response_promise<released_runs>();
        what->releases.emplace_back(promise, std::move(reply));
        return promise;
      },
      [=](leave_node) {
        what->asked.emplace_back("leave");
        return my_runs{};
      },
  };
}

/// A node that has joined a cluster as incarnation 7, with a lease of ten seconds unless the test says otherwise.
class cluster_node {
 public:
  explicit cluster_node(node_options options = {}, std::chrono::milliseconds lease = std::chrono::milliseconds{10'000})
      : real{on_disk(std::move(options))} {
    neighbours_ = real.system().spawn(puppet_neighbours_actor, &neighbours, real.env().journal);
    keeper_ = real.system().spawn(puppet_keeper_actor, &keeper);
    actors::membership_parts parts;
    parts.keeper = keeper_;
    parts.supervisor = real.supervisor();
    parts.journal = caf::actor_cast<actors::store_journal_actor>(real.env().journal);
    parts.neighbours = neighbours_;
    parts.now_us = [this] { return actors::to_steady_us(real.scheduler().clock().now()); };
    parts.unix_ms = real.env().unix_ms;
    enter_reply entered;
    entered.self = 7;
    auto now = parts.now_us();
    membership_ = actors::spawn_membership(real.system(), std::move(parts), lease, entered, now);
    caf::anon_send(real.supervisor(), join_cluster{neighbours_, membership_});
    real.settle();
  }

  ~cluster_node() {
    caf::anon_send(real.supervisor(), join_cluster{});
    keeper.renewals.clear();
    keeper.enters.clear();
    keeper.claims.clear();
    keeper.releases.clear();
    neighbours.held.clear();
    caf::anon_send_exit(membership_, caf::exit_reason::kill);
    caf::anon_send_exit(keeper_, caf::exit_reason::kill);
    caf::anon_send_exit(neighbours_, caf::exit_reason::kill);
    membership_ = nullptr;
    keeper_ = nullptr;
    neighbours_ = nullptr;
    real.settle();
  }

  cluster_node(const cluster_node&) = delete;
  cluster_node& operator=(const cluster_node&) = delete;

  /// The others: one node more, with so much room.
  void other_has_room(std::uint64_t room) {
    node_record self{.incarnation = 7, .name = "a", .lease_left_ms = 9000};
    node_record other{.incarnation = 8, .name = "b", .lease_left_ms = 9000, .load = {.room = room}};
    keeper.grant.nodes = {self, other};
    neighbours.list.self = 7;
    neighbours.list.nodes = {{.node = self}, {.node = other}};
  }

  puppet_neighbours neighbours;
  puppet_keeper keeper;
  node real;

  /// Every question to the keeper that waits is answered.
  void answer_all() {
    caf::anon_send(keeper_, find_mine{});
    real.settle();
  }

  const membership_actor& membership() const { return membership_; }

 private:
  static node_options on_disk(node_options options) {
    options.journal = journal_kind::sqlite;
    return options;
  }

  neighbours_actor neighbours_;
  lease_keeper_actor keeper_;
  membership_actor membership_;
};

}  // namespace oncue::test
