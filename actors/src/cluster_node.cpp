#include "cluster_node.hpp"

#include <caf/scoped_actor.hpp>
#include <stdexcept>
#include <utility>

#include "oncue/actors/membership.hpp"
#include "oncue/actors/neighbours.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/io/log.hpp"
#include "oncue/io/postgres_members.hpp"
#include "oncue/io/postgres_store.hpp"
#include "oncue/io/world.hpp"

namespace oncue::actors {

namespace {

/// What was opened; a problem is thrown as it is.
template <class T>
T must(io::store_result<T> result) {
  if (auto* problem = std::get_if<std::string>(&result)) throw std::runtime_error{std::move(*problem)};
  return std::move(std::get<T>(result));
}

}  // namespace

shared_store open_shared_store(const core::store_settings& settings, const core::cluster_settings& cluster) {
  shared_store result;
  result.store = must(io::postgres_store::open({.settings = settings}));
  result.archive = must(io::postgres_archive::open(settings.url));
  result.members = must(io::postgres_members::open({.url = settings.url, .restarts_max = cluster.restarts_max}));
  return result;
}

cluster_node::cluster_node(caf::actor_system& system, std::shared_ptr<const node_env> env, supervisor_actor supervisor,
                           std::shared_ptr<io::member_store> members, const core::cluster_settings& settings,
                           std::string version)
    : system_{system} {
  io::node_facts facts;
  facts.name = settings.node_name.empty() ? io::host_name() : settings.node_name;
  auto opened = open_links(system, env, {.settings = settings, .node_name = facts.name, .cluster = {}}, supervisor);
  if (auto* problem = std::get_if<std::string>(&opened)) throw std::runtime_error{std::move(*problem)};
  neighbours_ = std::get<node_links>(opened).neighbours;
  facts.link_address = std::get<node_links>(opened).address;
  facts.url = settings.advertised_url;
  facts.version = std::move(version);
  facts.process = io::process_identity();
  facts.lease_ms = settings.lease.count();
  std::int64_t asked_at_us = 0;
  enter_reply entered;
  try {
    entered = enter(*members, facts, asked_at_us);
  } catch (...) {
    caf::anon_send_exit(neighbours_, caf::exit_reason::user_shutdown);
    throw;
  }
  auto journal = caf::actor_cast<store_journal_actor>(env->journal);
  caf::anon_send(journal, own_as{entered.self});
  keeper_ = spawn_lease_keeper(system, std::move(members), std::move(facts));
  membership_parts parts{keeper_, supervisor, std::move(journal), neighbours_, io::boot_us, env->unix_ms};
  membership_ = spawn_membership(system, std::move(parts), settings.lease, std::move(entered), asked_at_us);
  introduce(neighbours_, membership_);
  caf::anon_send(supervisor, join_cluster{neighbours_, membership_});
}

/// A node that died a moment ago may still have a lease; one that renews it is alive, and there can be only one of a name.
enter_reply cluster_node::enter(io::member_store& members, const io::node_facts& facts, std::int64_t& asked_at_us) {
  caf::scoped_actor self{system_, true};
  std::optional<node_record> before;
  for (;;) {
    asked_at_us = io::boot_us();
    auto reply = must(members.enter(facts));
    if (reply.self != 0) return reply;
    if (!reply.taken_by) throw std::runtime_error{"the shared store did not let this node enter"};
    const auto& other = *reply.taken_by;
    auto number = std::to_string(other.incarnation);
    if (before && before->incarnation == other.incarnation && before->lease_left_ms < other.lease_left_ms) {
      throw std::runtime_error{"another node is called '" + facts.name + "' (incarnation " + number +
                               ") and is alive: each node needs a name of its own (--node-name, or cluster.name)"};
    }
    if (!before) {
      io::log(io::log_level::warning, "waiting_for_lease",
              {{"name", facts.name}, {"incarnation", number}, {"lease_left_ms", std::to_string(other.lease_left_ms)}});
    }
    before = other;
    self->receive(caf::after(core::limits::claim_retry) >> [] {});
  }
}

void cluster_node::leave() {
  {
    caf::scoped_actor self{system_, true};
    self->request(membership_, core::limits::database_wait_max, leave_cluster{})
        .receive([](const my_runs&) {}, [](const caf::error&) {});
    for (const auto& actor : {caf::actor_cast<caf::actor>(membership_), caf::actor_cast<caf::actor>(keeper_),
                              caf::actor_cast<caf::actor>(neighbours_)}) {
      self->send_exit(actor, caf::exit_reason::user_shutdown);
    }
  }
  neighbours_ = nullptr;
  membership_ = nullptr;
  keeper_ = nullptr;
}

}  // namespace oncue::actors
