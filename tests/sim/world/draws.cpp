// What a seed draws: the nodes, the runs and what people do with them, the faults.
#include <algorithm>
#include <array>
#include <caf/send.hpp>
#include <utility>

#include "world.hpp"

namespace oncue::sim {

void world::draw_catalog() {
  auto entry = std::make_shared<core::agent_entry>();
  entry->agent.id = {"writer"};
  entry->agent.name = "Writer";
  entry->agent.limits = {
      .first_token = luck_.span(300, 1500), .idle = luck_.span(200, 1200), .total = luck_.span(2000, 8000)};
  entry->agent.retry = {.attempts_max = static_cast<std::uint32_t>(1 + luck_.roll(4)), .base = luck_.span(20, 400)};
  entry->agent.pause_timeout = luck_.span(500, 4000);
  entry->model.name = "model";
  auto with_tools = std::make_shared<core::agent_entry>(*entry);
  with_tools->agent.id = {"worker"};
  with_tools->tools = world_tools(luck_.span(200, 900));
  auto kid = std::make_shared<core::agent_entry>(luck_.roll(2) == 0 ? *entry : *with_tools);
  kid->agent.id = {"kid"};
  auto catalog = std::make_shared<core::catalog>();
  for (const auto& agent : {entry, with_tools, kid}) catalog->agents[agent->agent.id] = agent;
  plan_.catalog = catalog;
  plan_.limits.running_max = 1 + luck_.roll(4);
  plan_.limits.live_max = 2 + luck_.roll(8);
  plan_.lease = luck_.span(1000, 3000);

  auto& mood = models_.mood;
  mood.weights[0] = 6;
  for (std::size_t i = 1; i < manners; ++i) mood.weights[i] = luck_.roll(2) == 0 ? luck_.roll(4) : 0;
  if (luck_.roll(8) != 0) mood.weights[static_cast<std::size_t>(manner::floods)] = 0;  // dear
  mood.deaf = luck_.roll(2) == 0 ? 300 : 0;
  mood.calls_tools = luck_.roll(3) * 400;
  mood.bad_tools = luck_.roll(2) * 400;
  mood.pace_ms = std::array<std::uint64_t, 4>{1, 20, 100, 300}[luck_.roll(4)];
  net_.delay_ms = std::array<std::uint64_t, 3>{1, 5, 60}[luck_.roll(3)];
  lag_ = std::array<std::uint64_t, 3>{0, 100, 20}[luck_.roll(3)];
  db_.knows_gone = luck_.roll(2) == 0;
}

void world::draw_nodes() {
  auto count = std::array<int, 6>{1, 2, 2, 3, 3, 3}[luck_.roll(6)];
  for (int i = 0; i < count; ++i) {
    nodes_.push_back(std::make_unique<machine>(i, luck_, all_, db_, net_, models_, plan_));
    at(static_cast<std::int64_t>(luck_.roll(2) * luck_.roll(300)), [this, i] { boot(i); });
  }
}

void world::draw_runs() {
  auto count = 3 + luck_.roll(4);
  auto span = 1500 + luck_.roll(3000);
  faults_end_ms_ = static_cast<std::int64_t>(span + 1500);
  for (std::uint64_t i = 0; i < count; ++i) {
    run_request request;
    request.id = {"r" + std::to_string(i)};
    request.input = "say " + request.id.value;
    request.agent = {luck_.roll(2) == 0 ? "writer" : "worker"};
    if (luck_.roll(2) == 0) request.session = {"s" + std::to_string(luck_.roll(2))};
    request.on_busy_session = static_cast<session_policy>(luck_.roll(3));
    if (luck_.roll(3) == 0) request.on_node_loss = loss_policy::restart;
    if (luck_.roll(3) == 0) request.idempotency_key = "key-" + request.id.value;
    const auto& run = runs_.emplace_back(request.id.value);
    auto start = [this, request] {
      if (auto* node = any_node()) clients_.start(*node, request);
    };
    auto when = static_cast<std::int64_t>(300 + luck_.roll(span));
    at(when, start);
    auto again = !request.idempotency_key.empty() || luck_.roll(6) == 0;
    if (again) at(when + static_cast<std::int64_t>(luck_.roll(1500)), start);
    for (auto cancels = luck_.roll(2) * luck_.roll(4); cancels > 0; --cancels) {
      at(std::max<std::int64_t>(when - 100 + static_cast<std::int64_t>(luck_.roll(1800)), 0), [this, run] { cancel(run); });
    }
    for (auto readers = luck_.roll(3); readers > 0; --readers) {
      at(when + static_cast<std::int64_t>(luck_.roll(900)), [this, run] {
        auto* node = any_node();
        if (!node) return;
        auto& who = clients_.read(*node, run, luck_.roll(3) == 0 ? 1 + luck_.roll(300) : 0);
        after(50, 200, [this, &who] { keep_reading(who); });
        if (luck_.roll(6) == 0) after(0, 1500, [this, &who] { clients_.vanish(who); });
      });
    }
  }
}

void world::draw_faults() {
  static constexpr std::array kinds{"actor lost", "node pause",  "node crash", "machine lost",  "lost reply",
                                    "store away", "store full",  "store cut",  "link cut",      "link hold",
                                    "link loss",  "link repeat", "drain",      "journal pause", "keeper pause"};
  if (luck_.roll(6) == 0) return;
  for (const auto* kind : kinds) {
    if (luck_.roll(4) != 0) continue;
    for (auto times = 1 + luck_.roll(3); times > 0; --times) {
      auto when = static_cast<std::int64_t>(300 + luck_.roll(static_cast<std::uint64_t>(faults_end_ms_) - 400));
      at(when, [this, kind = std::string{kind}] { strike(kind); });
    }
  }
}

void world::strike(const std::string& kind) {
  if (kind == "actor lost") return lose_actor(any_run());
  if (kind == "lost reply" || kind == "store away" || kind == "store full" || kind == "link loss" ||
      kind == "link repeat") {
    return strike_all(kind);
  }
  if (auto* node = any_node()) strike_one(*node, kind);
}

void world::lose_actor(const std::string& run) {
  for (auto& what : clients_.history()) {
    if (what.run != run || !what.started || !what.started->source || what.lost) continue;
    auto actor = caf::actor_cast<caf::strong_actor_ptr>(what.started->source);
    if (!all_.kill_one(actor, "run")) continue;
    luck_.tell(run, "its actor is killed");
    books_.strikes("actor lost", {run});
    books_.in_force("actor lost", luck_.now_ms() + 500);
  }
}

/// What goes wrong for all nodes at once.
void world::strike_all(const std::string& kind) {
  auto ms = luck_.span(50, kind == "store away" ? 4000 : 1500).count();
  luck_.tell("", kind + " for " + std::to_string(ms) + " ms");
  for (auto& node : nodes_) {
    if (node->is_up()) books_.strikes_node(kind, node->incarnation());
  }
  books_.in_force(kind, luck_.now_ms() + ms);
  auto then = [&](std::function<void()> what) { at(luck_.now_ms() + ms, std::move(what)); };
  if (kind == "lost reply") {
    db_.lost_replies = 50 + luck_.roll(400);
    then([this] { db_.lost_replies = 0; });
  } else if (kind == "store away") {
    db_.set_away(true);
    then([this] { db_.set_away(false); });
  } else if (kind == "store full") {
    db_.full = true;
    then([this] { db_.full = false; });
  } else if (kind == "link loss") {
    net_.lost = 20 + luck_.roll(300);
    then([this] { net_.lost = 0; });
  } else {
    net_.repeated = 20 + luck_.roll(300);
    then([this] { net_.repeated = 0; });
  }
}

void world::strike_one(machine& node, const std::string& kind) {
  if (kind == "node crash" || kind == "machine lost") return crash(node, kind == "machine lost");
  auto span = kind == "journal pause" || kind == "keeper pause" ? luck_.span(20, 3000) : luck_.span(50, 5000);
  auto until_ms = luck_.now_ms() + span.count();
  auto until_us = until_ms * 1000;
  luck_.tell("", kind + " at node-" + std::to_string(node.index()) + " for " + std::to_string(span.count()) + " ms");
  books_.strikes_node(kind, node.incarnation());
  books_.in_force(kind, until_ms);
  if (kind == "node pause") {
    all_.pause(node.life(), until_us);
  } else if (kind == "journal pause" || kind == "keeper pause") {
    all_.pause_actors(node.life(), kind == "journal pause" ? "store-journal" : "lease-keeper", until_us);
  } else if (kind == "store cut") {
    node.line().cut = true;
    at(until_ms, [this, index = node.index()] {
      auto& again = *nodes_[static_cast<std::size_t>(index)];
      if (again.is_up()) again.line().cut = false;
    });
  } else if (kind == "link cut" || kind == "link hold") {
    auto other = static_cast<int>(luck_.roll(nodes_.size()));
    if (other == node.index()) return;
    if (kind == "link cut") return net_.cut(node.index(), other, until_us);
    net_.hold(node.index(), other, until_us);
    if (luck_.roll(2) == 0) net_.hold(other, node.index(), until_us);
  } else if (kind == "drain") {
    drain(node);
  }
}

/// As a service is stopped in order: it is drained, gives its lease up, and is started again later.
void world::drain(machine& node) {
  auto life = node.life();
  auto& what = clients_.drain(node, {luck_.roll(1500), 1000});
  what.on_answer = [this, &what, life, incarnation = node.incarnation(), index = node.index()] {
    // What it left may have been on its way into the database.
    if (what.drained->left.empty()) books_.drained(incarnation);
    after(0, 500, [this, index, life] {
      auto& same = *nodes_[static_cast<std::size_t>(index)];
      if (same.life() != life || !same.is_up()) return;
      caf::anon_send(same.membership(), leave_cluster{});
      after(10, 300, [this, index, life] {
        auto& gone = *nodes_[static_cast<std::size_t>(index)];
        if (gone.life() == life) crash(gone, false);
      });
    });
  };
}

}  // namespace oncue::sim
