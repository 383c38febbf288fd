// Who is there, and how the link to each is. What crosses them is in neighbours_frames.cpp.
#include "neighbours.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "oncue/core/limits.hpp"
#include "oncue/io/log.hpp"

namespace oncue::actors {

neighbours_state::neighbours_state(links_actor::pointer self, std::shared_ptr<const node_env> env, links_setup setup,
                                   supervisor_actor supervisor)
    : self_{self}, env_{std::move(env)}, setup_{std::move(setup)}, supervisor_{std::move(supervisor)} {}

/// Stand-ins are linked to this actor and go with it; the others are told.
neighbours_state::~neighbours_state() {
  for (auto& [node, who] : peers_) end_readers(who);
  if (door_) caf::anon_send_exit(door_, caf::exit_reason::user_shutdown);
}

links_actor::behavior_type neighbours_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  tick();
  return {
      [this](cancel_request& request) { return cancel(request); },
      [this](subscribe_run& what) { return subscribe(what); },
      [this](nodes_known& told) { know(told); },
      [this](work_waits) {
        for (const auto& [node, who] : peers_) {
          if (who.link.up()) send(who, core::encode(core::link::work_waits{}));
        }
      },
      [this](list_nodes) { return list(); },
      [this](link_frame& frame) { take(frame); },
      [this](frames_out& what) { send_out(what); },
      [this](link_dialled& what) { connected(what); },
      [this](link_broken& what) { step(what.node, core::link_event::lost{std::move(what.problem)}); },
      [this](link_tick) { tick(); },
      [this](join_cluster& others) { membership_ = std::move(others.membership); },
  };
}

// -- who is there --------------------------------------------------------------------

void neighbours_state::know(nodes_known& told) {
  auto old_self = std::exchange(known_, std::move(told)).self;
  std::vector<incarnation_no> gone;
  const node_record* self = nullptr;
  for (const auto& node : known_.nodes) {
    if (node.incarnation == known_.self) self = &node;
  }
  for (const auto& [node, who] : peers_) {
    auto is_there = std::any_of(known_.nodes.begin(), known_.nodes.end(),
                                [no = node](const auto& x) { return x.incarnation == no && !x.dead; });
    if (!is_there || !self || known_.self != old_self) gone.push_back(node);
  }
  for (auto node : gone) forget(node);
  if (known_.self != old_self) {
    // They know this node by what it was: their readers ask anew.
    for (const auto& [run, remote] : remote_runs_) self_->send_exit(remote.actor, caf::exit_reason::user_shutdown);
  }
  if (!self || known_.self == 0) return;
  for (const auto& node : known_.nodes) {
    if (node.dead || node.incarnation == known_.self) continue;
    if (auto found = peers_.find(node.incarnation); found != peers_.end()) {
      found->second.node = node;
      continue;
    }
    core::link_plan plan;
    plan.hello = {setup_.speaks, known_.self, setup_.node_name, node.incarnation, setup_.cluster};
    plan.peer = node.incarnation;
    plan.connects = core::connects(*self, node);
    plan.takes_no_links = !plan.connects && self->link_address.empty();
    auto connects = plan.connects;
    peers_.emplace(node.incarnation, peer{node, core::link_peer{std::move(plan), now()}, connects, {}, {}});
    step(node.incarnation, core::link_event::tick{});
  }
  // Some greet before the membership has told of them.
  for (auto& [node, early] : std::exchange(early_, {})) {
    if (peers_.contains(node)) greeted(early.hello, early.from);
  }
}

/// It is dead, or this node is nobody any more.
void neighbours_state::forget(incarnation_no node) {
  step(node, core::link_event::lost{"the node has left"});
  auto found = peers_.find(node);
  if (found->second.door) self_->demonitor(found->second.door);
  peers_.erase(found);
}

void neighbours_state::tick() {
  std::vector<incarnation_no> all;
  for (const auto& [node, who] : peers_) all.push_back(node);
  for (auto node : all) step(node, core::link_event::tick{});
  for (auto& late : cancels_.late(now())) late.promise.deliver(cancel_reply{.run = std::move(late.run)});
  self_->delayed_send(self_, core::limits::link_retry_min, link_tick{});
}

void neighbours_state::step(incarnation_no node, core::link_input input) {
  auto found = peers_.find(node);
  if (found == peers_.end()) return;
  auto& who = found->second;
  for (auto& order : who.link.step(std::move(input), now())) {
    if (auto* out = std::get_if<core::link_effect::send>(&order)) send(who, std::move(out->frame));
    if (auto* how = std::get_if<core::link_effect::changed>(&order)) changed(node, who, *how);
    if (std::holds_alternative<core::link_effect::connect>(order)) {
      dial(self_->system(), caf::actor_cast<links_actor>(self_), {node, who.node.link_address}, with_certificates());
    }
  }
}

void neighbours_state::changed(incarnation_no node, peer& who, core::link_effect::changed how) {
  auto level = how.to == link_state::up ? io::log_level::info : io::log_level::warning;
  io::log(level, "link",
          {{"node", who.node.name},
           {"incarnation", std::to_string(node)},
           {"state", std::string{to_string(how.to)}},
           {"problem", who.link.problem()}});
  if (how.to == link_state::up) by_door_[who.door.address()] = node;
  if (how.from == link_state::up) {
    auto found = by_door_.find(who.door.address());
    if (found != by_door_.end() && found->second == node) by_door_.erase(found);
    end_readers(who);
    for (auto& asker : cancels_.lost(node)) asker.promise.deliver(cancel_reply{.run = std::move(asker.run)});
  }
  for (const auto& [run, remote] : remote_runs_) self_->send(remote.actor, link_changed{node, how.to});
}

void neighbours_state::end_readers(peer& who) {
  for (auto& [key, reader] : who.readers) caf::anon_send_exit(reader, caf::exit_reason::user_shutdown);
  readers_ -= who.readers.size();
  who.readers.clear();
}

void neighbours_state::connected(link_dialled& what) {
  if (what.node == 0) {
    door_ = std::move(what.door);
    return;
  }
  auto found = peers_.find(what.node);
  if (found == peers_.end()) return;
  if (what.door) use_door(found->second, std::move(what.door));
  step(what.node, core::link_event::connected{std::move(what.problem)});
}

void neighbours_state::use_door(peer& who, door_actor door) {
  // A handle to what was connected before equals the new one, and is dead: it is replaced in any case.
  if (who.door) self_->demonitor(who.door);
  who.door = std::move(door);
  self_->monitor(who.door);
}

void neighbours_state::on_down(const caf::down_msg& down) {
  if (auto found = by_stand_in_.find(down.source.id()); found != by_stand_in_.end()) {
    auto remote = remote_runs_.find(found->second);
    by_number_.erase(remote->second.number);
    remote_runs_.erase(remote);
    by_stand_in_.erase(found);
    return;
  }
  std::vector<incarnation_no> lost;
  for (const auto& [node, who] : peers_) {
    if (who.door && who.door.address() == down.source) lost.push_back(node);
  }
  for (auto node : lost) step(node, core::link_event::lost{"the connection was lost"});
}

node_list neighbours_state::list() const {
  node_list result{known_.self, {}, known_.problem};
  for (const auto& node : known_.nodes) {
    auto& line = result.nodes.emplace_back(node_line{node, link_state::none, {}, 0});
    auto found = peers_.find(node.incarnation);
    if (found == peers_.end()) continue;
    line.link = found->second.link.state();
    line.link_problem = found->second.link.problem();
    line.round_trip_us = found->second.link.round_trip_us();
  }
  return result;
}

}  // namespace oncue::actors
