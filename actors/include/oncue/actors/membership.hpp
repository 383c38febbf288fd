// Keeps this node's lease in the shared store and does what leases are for: tells the journal whom it writes as, stops the
// runs in time when the lease cannot be renewed, passes on cancels that were accepted elsewhere, ends what dead nodes left,
// takes runs that wait for a node. core::membership decides. It never waits for the store itself: the lease keeper does, an
// actor with a thread of its own, so that the moment to stop is not missed.
#pragma once

#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "oncue/actors/store_journal.hpp"
#include "oncue/core/membership.hpp"
#include "oncue/io/member_store.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

struct membership_parts {
  lease_keeper_actor keeper;
  supervisor_actor supervisor;
  store_journal_actor journal;
  neighbours_actor neighbours;
  std::function<std::int64_t()> now_us;   ///< microseconds that also count while the machine sleeps
  std::function<std::int64_t()> unix_ms;  ///< wall clock
};

class membership_state {
 public:
  static constexpr const char* name = "membership";

  /// `entered`: the answer with which this node has entered already, `asked_at_us` from before it was asked for.
  membership_state(membership_actor::pointer self, membership_parts parts, std::chrono::milliseconds lease,
                   enter_reply entered, std::int64_t asked_at_us);
  membership_actor::behavior_type make_behavior();

 private:
  void tick();
  void perform(const core::membership_orders& orders);
  void on(const core::member_order::enter&);
  void on(const core::member_order::renew&);
  void on(const core::member_order::reap&);
  void on(const core::member_order::look&);
  void on(const core::member_order::claim& x);
  void on(const core::member_order::give_back& x);
  void on(const core::member_order::end_lost& x);
  void on(const core::member_order::own& x);
  void on(const core::member_order::fence&);
  void on(const core::member_order::announce&);
  void on(const core::member_order::cancel& x);
  void on(const core::member_order::take& x);
  void on(const core::member_order::look_for_expired&);
  void on(const core::member_order::say& x);
  void wake_up_later();
  caf::result<released_runs> release(const release_runs& what);

  template <class Reply, class Question, class Then>
  void ask(const Question& question, Then then);

  membership_actor::pointer self_;
  membership_parts parts_;
  core::membership machine_;
  std::uint64_t alarms_ = 0;  // the last one that was set counts
};

membership_actor spawn_membership(caf::actor_system& system, membership_parts parts, std::chrono::milliseconds lease,
                                  enter_reply entered, std::int64_t asked_at_us);

/// Answers for the store, on a thread of its own: each answer may take as long as the store's own limits allow.
lease_keeper_actor spawn_lease_keeper(caf::actor_system& system, std::shared_ptr<io::member_store> store,
                                      io::node_facts facts, bool own_thread = true);

}  // namespace oncue::actors
