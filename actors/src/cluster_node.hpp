// A node's place among many: opens the shared store, enters, and starts what keeps it there. Owns those actors; the
// runtime owns the rest.
#pragma once

#include <caf/actor_system.hpp>
#include <functional>
#include <memory>
#include <string>

#include "oncue/actors/node_env.hpp"
#include "oncue/actors/store_journal.hpp"
#include "oncue/core/settings.hpp"
#include "oncue/io/member_store.hpp"

namespace oncue::actors {

/// The shared store, open: its journal writes nothing before the node has entered.
struct shared_store {
  std::shared_ptr<io::run_store> store;
  std::shared_ptr<io::run_archive> archive;
  std::shared_ptr<io::member_store> members;
};

/// `settings.url` names the database. Throws std::runtime_error with one sentence.
shared_store open_shared_store(const core::store_settings& settings, const core::cluster_settings& cluster);

class cluster_node {
 public:
  /// Takes links, enters the cluster, and joins the supervisor to it. Waits as long as a former node of this name may have
  /// its lease. Throws std::runtime_error with one sentence.
  cluster_node(caf::actor_system& system, std::shared_ptr<const node_env> env, supervisor_actor supervisor,
               std::shared_ptr<io::member_store> members, const core::cluster_settings& settings, std::string version);

  /// Gives the lease up and ends the actors. Before the supervisor and the journal go.
  void leave();

  const neighbours_actor& neighbours() const { return neighbours_; }
  const membership_actor& membership() const { return membership_; }
  const lease_keeper_actor& keeper() const { return keeper_; }

 private:
  enter_reply enter(io::member_store& members, const io::node_facts& facts, std::int64_t& asked_at_us);

  caf::actor_system& system_;
  neighbours_actor neighbours_;
  membership_actor membership_;
  lease_keeper_actor keeper_;
};

}  // namespace oncue::actors
