#include "oncue/testkit/turns.hpp"

#include <algorithm>
#include <caf/actor_system_config.hpp>
#include <caf/local_actor.hpp>
#include <iterator>
#include <map>
#include <stdexcept>
#include <utility>

#include "oncue/core/retry.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::testkit {

caf::actor_system_config& configure_for_turns(caf::actor_system_config& config) {
  init_messages();
  config.set("caf.scheduler.policy", "testing");
  config.set("caf.logger.console.verbosity", "quiet");
  return config;
}

turns::turns(caf::actor_system& system, turn_taker* others, std::size_t turns_max)
    : system_{system}, others_{others}, turns_max_{turns_max}, began_{scheduler().clock().now()} {}

void turns::shuffle(std::uint64_t seed) {
  random_ = seed;
  shuffled_ = true;
}

std::uint64_t turns::roll(std::uint64_t n) { return core::next_random(random_) % std::max<std::uint64_t>(n, 1); }

std::size_t turns::step(std::size_t turns_max) {
  if (std::exchange(moves_, true)) {
    throw std::logic_error{"testkit: step(), settle() and advance() are for the test, not for what the node runs"};
  }
  struct at_end {
    bool& moves;
    ~at_end() { moves = false; }
  } guard{moves_};
  auto& jobs = scheduler().jobs;
  for (std::size_t count = 0; count < turns_max; ++count) {
    auto others = others_ ? others_->ready(scheduler().clock().now()) : 0;
    auto all = jobs.size() + others;
    if (all == 0) return count;
    auto which = shuffled_ ? static_cast<std::size_t>(roll(all)) : 0;
    if (which >= jobs.size()) {
      others_->move_on(which - jobs.size());
      continue;
    }
    auto chosen = jobs.begin() + static_cast<std::ptrdiff_t>(which);
    std::rotate(jobs.begin(), chosen, std::next(chosen));
    scheduler().run_once();
  }
  return turns_max;
}

void turns::settle() {
  if (step(turns_max_) < turns_max_) return;
  std::string problem = "testkit: settle(): " + std::to_string(turns_max_) + " turns, and no end of them";
  for (const auto& line : waiting()) problem += "\n  " + line;
  throw std::logic_error{problem};
}

void turns::advance(milliseconds by) {
  advance_until([] { return false; }, by);
}

bool turns::advance_until(const std::function<bool()>& condition, milliseconds at_most) {
  if (at_most < milliseconds{0}) throw std::invalid_argument{"testkit: time does not go back"};
  auto& clock = scheduler().clock();
  auto until = clock.now() + at_most;
  settle();
  for (auto next = due(); next && *next <= until; next = due()) {
    if (condition()) return true;
    clock.advance_time(std::max(*next - clock.now(), turn_taker::time_point::duration{0}));
    settle();
  }
  if (condition()) return true;
  clock.advance_time(until - clock.now());
  settle();
  return condition();
}

std::optional<turn_taker::time_point> turns::due() const {
  std::optional<turn_taker::time_point> first;
  for (const auto& [at, entry] : scheduler().clock().schedule) {
    if (entry.f.disposed()) continue;
    first = at;
    break;
  }
  auto other = others_ ? others_->due() : std::nullopt;
  return first && other ? std::min(first, other) : first ? first : other;
}

turns::milliseconds turns::now() const {
  return std::chrono::duration_cast<milliseconds>(scheduler().clock().now() - began_);
}

std::vector<std::string> turns::waiting() const {
  std::vector<std::string> lines;
  if (auto names = whose_turn(); !names.empty()) lines.push_back("messages wait to be handled by " + names + ": settle()");
  if (others_) {
    for (auto& line : others_->waiting(began_)) lines.push_back(std::move(line));
  }
  if (auto next = due(); !next) {
    if (scheduler().jobs.empty()) lines.emplace_back("no time-out is set: by itself nothing will happen any more");
  } else {
    auto at = std::chrono::duration_cast<milliseconds>(*next - began_);
    lines.push_back("the next time-out is at " + std::to_string(at.count()) + " ms");
  }
  return lines;
}

/// The actors that have something to do, by name.
std::string turns::whose_turn() const {
  std::map<std::string, std::size_t> found;
  for (auto* job : scheduler().jobs) {
    const auto* actor = dynamic_cast<caf::local_actor*>(job);
    ++found[actor ? actor->name() : "somebody"];
  }
  std::string names;
  for (const auto& [name, count] : found) {
    names += (names.empty() ? "'" : ", '") + name + (count > 1 ? "' (" + std::to_string(count) + " of them)" : "'");
  }
  return names;
}

caf::scheduler::test_coordinator& turns::scheduler() const {
  return static_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
}

}  // namespace oncue::testkit
