#include "machine.hpp"

#include <caf/send.hpp>
#include <utility>

#include "neighbours.hpp"
#include "oncue/actors/alarm_clock.hpp"
#include "oncue/actors/membership.hpp"
#include "oncue/actors/store_journal.hpp"
#include "oncue/actors/supervisor.hpp"

namespace oncue::sim {

machine::machine(int index, chance& luck, engine& all, database& db, network& net, provider& models,
                 const machine_plan& plan)
    : index_{index},
      luck_{luck},
      all_{all},
      db_{db},
      net_{net},
      models_{models},
      plan_{plan},
      skew_ms_{static_cast<std::int64_t>(luck.roll(200)) - 100} {}

bool machine::start() {
  line_ = std::make_shared<database_line>();
  line_->node = index_;
  auto members = db_.members_for(line_);
  io::node_facts facts;
  facts.name = network::address_of(index_);
  facts.link_address = facts.name;
  facts.lease_ms = plan_.lease.count();
  auto asked_at = luck_.now_us();
  auto reply = members->enter(facts);
  auto* entered = std::get_if<enter_reply>(&reply);
  if (!entered || entered->self == 0) return false;
  entered_ = *entered;
  life_ = all_.new_life(facts.name + "." + std::to_string(++lives_));
  line_->life = life_;
  models_.books.entered(entered_.self, life_);
  luck_.tell("", facts.name + " starts as incarnation " + std::to_string(entered_.self));
  all_.inside(life_, [&] { spawn_all(asked_at); });
  return true;
}

void machine::spawn_all(std::int64_t asked_at_us) {
  auto& system = all_.system();
  auto members = db_.members_for(line_);
  auto env = std::make_shared<actors::node_env>();
  env->catalog = plan_.catalog;
  env->limits = plan_.limits;
  env->unix_ms = [this] { return unix_ms(); };
  env->random = [this] { return luck_.draw(); };
  env->archive = actors::spawn_store_archive(system, db_.archive_for(line_), false);
  env->journal = actors::spawn_store_journal(system, db_.store_for(line_), env->archive, env->unix_ms, false);
  env->alarms = actors::spawn_alarm_clock(system);
  env->open_model = [this, life = life_](const std::shared_ptr<const core::agent_entry>& agent) {
    return models_.open_model(all_.system(), life, *agent);
  };
  env->open_tool = [this, life = life_](const core::tool_ptr& tool) {
    return models_.open_tool(all_.system(), life, tool->name);
  };
  supervisor_ = actors::spawn_supervisor(system, env);

  actors::links_setup setup;
  setup.node_name = network::address_of(index_);
  auto links = system.spawn<actors::links_actor::stateful_impl<actors::neighbours_state>>(env, setup, supervisor_);
  auto door = actors::spawn_door(system, links);
  caf::anon_send(links, link_dialled{0, door, {}});
  net_.attach(index_, life_, door);
  auto neighbours = caf::actor_cast<neighbours_actor>(links);

  auto journal = caf::actor_cast<actors::store_journal_actor>(env->journal);
  caf::anon_send(journal, own_as{entered_.self});
  io::node_facts facts;
  facts.name = facts.link_address = network::address_of(index_);
  facts.lease_ms = plan_.lease.count();
  auto keeper = actors::spawn_lease_keeper(system, std::move(members), std::move(facts), false);
  actors::membership_parts parts{keeper, supervisor_, journal, neighbours, [this] { return luck_.now_us(); }, env->unix_ms};
  membership_ = actors::spawn_membership(system, std::move(parts), plan_.lease, entered_, asked_at_us);
  actors::introduce(neighbours, membership_);
  caf::anon_send(supervisor_, join_cluster{neighbours, membership_});
}

void machine::crash(bool silently) {
  if (!is_up()) return;
  luck_.tell("", network::address_of(index_) + (silently ? " and its machine are gone" : " is gone"));
  line_->dead = true;
  net_.detach(index_, silently);
  all_.kill(life_);
  life_ = 0;
  supervisor_ = nullptr;
  membership_ = nullptr;
}

}  // namespace oncue::sim
