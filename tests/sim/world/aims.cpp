// Chance alone seldom meets a run in a short phase while something rare goes wrong. So each seed aims at one cell of the
// table, the next seed at the next: when a run comes into that phase, the fault strikes and the event happens.
#include <algorithm>
#include <utility>

#include "world.hpp"

namespace oncue::sim {

void world::draw_aim() {
  aims_ = 3;
  using enum run_phase;
  auto& mood = models_.mood;
  auto phase = aimed_.phase;
  if (phase == backing_off) mood.weights[static_cast<std::size_t>(manner::refuses_for_now)] = 12;
  if (phase == tools || phase == paused) mood.calls_tools = 900;
  if (aimed_.fault == "tool fails") {
    mood.calls_tools = 900;
    mood.bad_tools = 800;
  }
  if (aimed_.fault != "model fails") return;
  if (phase == tools || phase == paused) mood.deaf = 800;
  if (phase == connecting) mood.weights[static_cast<std::size_t>(manner::silent)] = 12;
  if (phase == waiting) mood.weights[static_cast<std::size_t>(manner::opens_and_is_silent)] = 12;
  if (phase == streaming) mood.weights[static_cast<std::size_t>(manner::breaks_off)] = 12;
  if (phase == ended) mood.weights[static_cast<std::size_t>(manner::dies)] = 12;
}

/// At once, but not in the middle of the message that has brought the run here.
void world::aim(const std::string& run, run_phase phase) {
  if (phase != aimed_.phase || aims_ == 0 || healed_) return;
  const auto* known = books_.find({run});
  if (known && !known->request.parent.empty()) return;
  --aims_;
  at(luck_.now_ms(), [this, run] {
    auto strikes_later = luck_.roll(3) == 0;
    if (!strikes_later) strike_aimed(run);
    if (aimed_.event != "strikes") happen(aimed_.event, run);
    if (strikes_later) after(0, 3, [this, run] { strike_aimed(run); });
  });
}

void world::strike_aimed(const std::string& run) {
  const auto& kind = aimed_.fault;
  if (kind == "none" || kind == "lease over" || kind == "model fails" || kind == "tool fails") return;
  if (kind == "actor lost") return lose_actor(run);
  if (kind == "slow reader") {
    auto* node = any_node();
    if (!node) return;
    auto& who = clients_.read(*node, run, 1 + luck_.roll(300));
    after(50, 200, [this, &who] { keep_reading(who); });
  } else if (kind == "lost reply" || kind == "store away" || kind == "store full" || kind == "link loss" ||
             kind == "link repeat") {
    strike_all(kind);
  } else if (auto* node = node_of(run, luck_.roll(2) == 0)) {
    strike_one(*node, kind);
  }
}

/// The one that has the run, or another one; any, if there is no such.
machine* world::node_of(const std::string& run, bool itself) {
  const auto* known = books_.find({run});
  auto life = known ? books_.life_of_owner(*known) : -1;
  std::vector<machine*> fit;
  for (auto& node : nodes_) {
    if (node->is_up() && (node->life() == life) == itself) fit.push_back(node.get());
  }
  return fit.empty() ? any_node() : fit[luck_.roll(fit.size())];
}

void world::happen(const std::string& event, const std::string& run) {
  auto* node = node_of(run, event != "cancel elsewhere" && event != "reader elsewhere");
  if (!node) return;
  if (event == "cancel" || event == "cancel elsewhere" || event == "graceful cancel") {
    cancel_at(*node, run, event == "graceful cancel");
  } else if (event == "continue") {
    continue_run word;
    word.run = {run};
    word.by = "somebody";
    word.decisions = {{.call_id = "c0", .confirmed = true}, {.call_id = "c1", .confirmed = true}};
    clients_.go_on(*node, std::move(word));
  } else if (event == "start again") {
    const auto& all = clients_.history();
    auto first = std::find_if(all.begin(), all.end(), [&](const auto& x) { return x.what == "start" && x.run == run; });
    if (first != all.end()) clients_.start(*node, run_request{first->request});
  } else {
    auto& who = clients_.read(*node, run, 0);
    if (event == "reader vanishes") return clients_.vanish(who);
    after(50, 200, [this, &who] { keep_reading(who); });
  }
}

}  // namespace oncue::sim
