#include "oncue/testkit/turns.hpp"

#include <algorithm>
#include <caf/actor_system_config.hpp>
#include <iterator>
#include <stdexcept>

#include "oncue/core/retry.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::testkit {

namespace {

// At rest is what a node is after thousands of turns: so many are two actors that feed each other.
constexpr std::size_t settle_turns_max = 20'000'000;

}  // namespace

caf::actor_system_config& configure_for_turns(caf::actor_system_config& config) {
  init_messages();
  config.set("caf.scheduler.policy", "testing");
  config.set("caf.logger.console.verbosity", "quiet");
  return config;
}

turns::turns(caf::actor_system& system, turn_taker* others)
    : system_{system}, others_{others}, began_{scheduler().clock().now()} {}

void turns::shuffle(std::uint64_t seed) {
  random_ = seed;
  shuffled_ = true;
}

std::uint64_t turns::roll(std::uint64_t n) { return core::next_random(random_) % std::max<std::uint64_t>(n, 1); }

std::size_t turns::step(std::size_t turns_max) {
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
  if (step(settle_turns_max) == settle_turns_max) {
    throw std::logic_error{"settle(): " + std::to_string(settle_turns_max) + " turns, and no end of them"};
  }
}

void turns::advance(milliseconds by) {
  auto& clock = scheduler().clock();
  auto until = clock.now() + by;
  settle();
  for (auto next = due(); next && *next <= until; next = due()) {
    clock.advance_time(std::max(*next - clock.now(), turn_taker::time_point::duration{0}));
    settle();
  }
  clock.advance_time(until - clock.now());
  settle();
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

caf::scheduler::test_coordinator& turns::scheduler() const {
  return static_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
}

}  // namespace oncue::testkit
