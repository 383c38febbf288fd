#include "world.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <utility>

namespace oncue::sim {

namespace {

constexpr std::uint64_t steps_max = 400'000;
constexpr std::int64_t rest_max_ms = 90'000;

}  // namespace

world::world(std::uint64_t seed, coverage& seen)
    : luck_{seed},
      seen_{seen},
      books_{luck_, seen},
      db_{luck_, books_},
      all_{luck_},
      models_{luck_, books_},
      net_{luck_, all_},
      clients_{luck_, all_, books_} {
  books_.on_pause = [this](const run_id& run, const run_paused& pause) { someone_decides(run, pause); };
  books_.on_phase = [this](const std::string& run, run_phase phase) { aim(run, phase); };
  aimed_ = cell_of(seed);
}

world::~world() {
  books_.on_pause = nullptr;
  books_.on_phase = nullptr;
  due_.clear();
  for (auto& node : nodes_) node->forget_all();
  clients_.forget_all();
  net_.forget_all();
  all_.stop();
}

verdict world::play() {
  draw_catalog();
  draw_nodes();
  draw_runs();
  draw_faults();
  draw_aim();
  run_until(faults_end_ms_);
  heal();
  auto rest_from = luck_.now_ms();
  auto next_look = rest_from;
  while (luck_.broken().empty()) {
    next_look += 250;
    run_until(next_look);
    look_now();
    if (is_at_rest()) break;
    if (luck_.now_ms() - rest_from > rest_max_ms) luck_.broken("", "does not come to rest: " + why_not_at_rest());
  }
  read_all_again();
  if (luck_.broken().empty()) look_back();
  return {luck_.broken(), luck_.hash(),      all_.steps(), static_cast<double>(luck_.now_ms()) / 1000,
          luck_.story(),  luck_.broken_run()};
}

/// Whoever comes when all is over sees all of it, at any node.
void world::read_all_again() {
  for (const auto& [id, run] : books_.runs()) {
    if (auto* node = any_node()) keep_reading(clients_.read(*node, id, 0));
  }
  // A node that was told to leave may leave only now, and come back in four seconds.
  auto until = luck_.now_ms() + 10'000;
  auto is_done = [this](const reading& who) { return who.is_over() || !books_.find({who.run}); };
  const auto& all = clients_.readers();
  while (luck_.broken().empty() && !std::all_of(all.begin(), all.end(), is_done)) {
    if (luck_.now_ms() >= until) {
      luck_.broken("", "I4: a reader that comes when all is over does not see the end");
      return;
    }
    turn(until);
  }
}

// -- time ----------------------------------------------------------------------------

void world::at(std::int64_t ms, std::function<void()> what) { due_.emplace(ms, std::move(what)); }

void world::after(std::uint64_t from_ms, std::uint64_t to_ms, std::function<void()> what) {
  at(luck_.now_ms() + luck_.span(from_ms, to_ms).count(), std::move(what));
}

/// One message is handled, or one thing happens that was due, or time goes on.
void world::turn(std::int64_t until_ms) {
  auto is_due = !due_.empty() && due_.begin()->first <= luck_.now_ms();
  if (is_due && (luck_.roll(3) == 0 || !all_.has_turn())) {
    auto what = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    what();
    return;
  }
  if (lag_ > 0 && luck_.roll(lag_) == 0) {
    all_.advance(1 + static_cast<std::int64_t>(luck_.roll(2000)));
    return;
  }
  if (all_.step()) {
    if (all_.steps() > steps_max) luck_.broken("", "does not come to rest: it takes too many steps");
    return;
  }
  if (is_due) return;
  auto next = due_.empty() ? until_ms : std::min(until_ms, due_.begin()->first);
  all_.sleep(std::max(next * 1000, luck_.now_us() + 1));
}

void world::run_until(std::int64_t ms) {
  while (luck_.broken().empty() && luck_.now_ms() < ms) turn(ms);
}

// -- what happens ----------------------------------------------------------------------

machine* world::any_node() {
  std::vector<machine*> up;
  for (auto& node : nodes_) {
    if (node->is_up()) up.push_back(node.get());
  }
  return up.empty() ? nullptr : up[luck_.roll(up.size())];
}

std::string world::any_run() { return runs_[luck_.roll(runs_.size())]; }

void world::boot(int node) {
  auto& which = *nodes_[static_cast<std::size_t>(node)];
  if (which.is_up() || which.start()) return;
  after(100, 300, [this, node] { boot(node); });
}

void world::crash(machine& node, bool silently) {
  if (!node.is_up()) return;
  const auto* kind = silently ? "machine lost" : "node crash";
  books_.strikes_node(kind, node.incarnation());
  books_.in_force(kind, luck_.now_ms() + 1000);
  clients_.lost(node.life());
  node.crash(silently);
  after(50, 4000, [this, index = node.index()] { boot(index); });
}

/// Until it has the end: whoever loses a reader's node sends it to another one.
void world::keep_reading(reading& who) {
  if (who.is_over()) return;
  if (who.life < 0) {
    if (auto* node = any_node()) clients_.connect(who, *node);
  }
  after(100, 400, [this, &who] { keep_reading(who); });
}

void world::cancel(const std::string& run) {
  if (auto* node = any_node()) cancel_at(*node, run, luck_.roll(4) == 0);
}

void world::cancel_at(machine& node, const std::string& run, bool gracefully) {
  cancel_request request{.run = {run}, .reason = "enough", .by = "somebody"};
  request.wait_ms = static_cast<std::uint32_t>(luck_.roll(1500));
  if (gracefully) request.mode = static_cast<cancel_mode>(1 + luck_.roll(2));
  request.grace_ms = 1 + luck_.roll(800);
  clients_.cancel(node, std::move(request));
}

void world::someone_decides(const run_id& run, const run_paused& pause) {
  if (luck_.roll(4) == 0) return;  // nobody does
  continue_run word;
  word.run = run;
  word.by = "somebody";
  for (const auto& waits : pause.waiting_for) {
    tool_decision one;
    one.call_id = waits.call.id;
    one.confirmed = luck_.roll(3) > 0;
    word.decisions.push_back(std::move(one));
  }
  for (std::uint64_t times = 1 + luck_.roll(2); times > 0; --times) {
    after(0, 1200, [this, word] {
      if (auto* node = any_node()) clients_.go_on(*node, word);
    });
  }
}

// -- the end ---------------------------------------------------------------------------

void world::heal() {
  luck_.tell("", "everything is healed");
  healed_ = true;
  models_.heals = true;
  db_.set_away(false);
  db_.full = false;
  db_.lost_replies = 0;
  net_.heal();
  all_.wake_all();
  for (auto& node : nodes_) {
    if (node->is_up()) node->line().cut = false;
  }
}

bool world::is_at_rest() {
  auto readers = std::any_of(clients_.readers().begin(), clients_.readers().end(),
                             [this](const reading& who) { return !who.is_over() && books_.find({who.run}); });
  auto all_up = std::all_of(nodes_.begin(), nodes_.end(),
                            [this](const auto& node) { return node->is_up() && books_.is_in_cluster(node->life()); });
  return all_up && !readers && db_.open_runs(true).empty() && clients_.waiting() == 0 && models_.open_calls() == 0 &&
         all_.living("run") == 0;
}

std::string world::why_not_at_rest() {
  for (const auto& run : db_.open_runs(true)) {
    return "run " + run.value + " is still " + std::string{to_string(db_.summary(run)->status)};
  }
  for (const auto& what : clients_.history()) {
    if (!what.lost && !what.answered()) return "nobody has answered: " + what.what + " " + what.run;
  }
  for (const auto& who : clients_.readers()) {
    if (!who.is_over() && books_.find({who.run})) {
      return "reader " + std::to_string(who.number) + " of " + who.run + " does not see its end";
    }
  }
  for (const auto& call : models_.calls) {
    if (call->open)
      return "I9: " + std::string{call->is_tool ? "a tool" : "a model stream"} + " of " + call->run + " is open";
  }
  if (all_.living("run") > 0) return "I9: actors of runs are left";
  return "a node does not come back, or does not know that it has no lease";
}

}  // namespace oncue::sim
