#include "engine.hpp"

#include <algorithm>
#include <caf/scheduled_actor.hpp>
#include <caf/send.hpp>
#include <limits>
#include <utility>

namespace oncue::sim {

namespace {

bool is_over(const caf::strong_actor_ptr& actor) {
  return caf::actor_cast<caf::abstract_actor*>(actor)->getf(caf::abstract_actor::is_terminated_flag);
}

bool is_called(const caf::strong_actor_ptr& actor, const std::string& name) {
  auto* local = dynamic_cast<caf::local_actor*>(caf::actor_cast<caf::abstract_actor*>(actor));
  return local && name == local->name();
}

/// Ahead of whatever waits in its mailbox: a process that dies does nothing more.
void kill_now(const caf::strong_actor_ptr& actor) {
  caf::anon_send<caf::message_priority::high>(caf::actor_cast<caf::actor>(actor),
                                              caf::exit_msg{caf::actor_addr{}, caf::exit_reason::kill});
}

}  // namespace

caf::actor_system_config& engine::configure(caf::actor_system_config& config) {
  config.set("caf.scheduler.policy", "testing");
  config.set("caf.logger.console.verbosity", "quiet");
  return config;
}

engine::engine(chance& luck) : luck_{luck}, system_{configure(config_)} {
  luck_.use(jobs().clock());
  first_ = system_.latest_actor_id() + 1;
  lives_.push_back({"outside"});
}

void engine::stop() {
  for (int i = 0; i < 50 && system_.registry().running() > 0; ++i) {
    for (auto& one : members_) {
      if (auto actor = one.actor.lock()) caf::anon_send_exit(caf::actor_cast<caf::actor>(actor), caf::exit_reason::kill);
    }
    while (jobs().has_job()) {
      jobs().run_once();
      meet_new();
    }
    jobs().trigger_timeouts();
  }
  while (jobs().has_job()) jobs().run_once();
  jobs().trigger_timeouts();
  while (jobs().has_job()) jobs().run_once();
}

int engine::new_life(std::string name) {
  lives_.push_back({std::move(name)});
  return static_cast<int>(lives_.size()) - 1;
}

void engine::wake_all() {
  for (auto& one : lives_) one.paused_until_us = 0;
  for (auto& one : members_) one.paused_until_us = 0;
}

void engine::pause_actors(int life, const std::string& name, std::int64_t until_us) {
  lives_[life].was_paused = true;
  for (auto& one : members_) {
    if (one.life != life) continue;
    if (auto actor = one.actor.lock(); actor && is_called(actor, name)) one.paused_until_us = until_us;
  }
}

std::size_t engine::number_of(caf::resumable* job) const {
  auto* actor = dynamic_cast<caf::scheduled_actor*>(job);
  return actor ? actor->id() - first_ : std::numeric_limits<std::size_t>::max();
}

/// Every actor is a job when it is spawned: there it is met.
void engine::meet_new() {
  auto last = system_.latest_actor_id();
  if (first_ + members_.size() > last) return;
  auto from = members_.size();
  members_.resize(last - first_ + 1);
  for (auto i = from; i < members_.size(); ++i) members_[i].life = here_;
  for (auto* job : jobs().jobs) {
    auto* actor = dynamic_cast<caf::scheduled_actor*>(job);
    if (!actor || actor->id() < first_ + from) continue;
    members_[actor->id() - first_].actor = caf::weak_actor_ptr{actor->ctrl()};
    if (lives_[here_].dead) caf::anon_send_exit(actor->address(), caf::exit_reason::kill);
  }
}

void engine::kill(int life) {
  lives_[life].dead = true;
  lives_[life].paused_until_us = 0;
  for (auto& one : members_) {
    if (one.life != life) continue;
    one.paused_until_us = 0;
    if (auto actor = one.actor.lock(); actor && !is_over(actor)) kill_now(actor);
  }
}

bool engine::kill_one(const caf::strong_actor_ptr& actor, const std::string& name) {
  if (!actor || is_over(actor) || !is_called(actor, name)) return false;
  kill_now(actor);
  return true;
}

bool engine::may_run(caf::resumable* job) const {
  auto number = number_of(job);
  if (number >= members_.size()) return true;
  const auto& one = members_[number];
  return one.paused_until_us <= luck_.now_us() && !is_paused(one.life);
}

bool engine::has_turn() {
  auto& all = jobs().jobs;
  return std::any_of(all.begin(), all.end(), [this](auto* job) { return may_run(job); });
}

bool engine::step() {
  auto& all = jobs().jobs;
  std::size_t ready = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!may_run(all[i])) continue;
    std::swap(all[ready], all[i]);
    ++ready;
  }
  if (ready == 0) return false;
  auto k = static_cast<std::ptrdiff_t>(luck_.roll(ready));
  std::swap(all[0], all[static_cast<std::size_t>(k)]);
  auto number = number_of(all.front());
  luck_.note(number);
  ++steps_;
  here_ = number < members_.size() ? members_[number].life : outside;
  jobs().run_once();
  meet_new();
  here_ = outside;
  return true;
}

void engine::advance(std::int64_t by_us) { jobs().advance_time(std::chrono::microseconds{by_us}); }

void engine::sleep(std::int64_t at_most_us) {
  auto& clock = jobs().clock();
  auto now = luck_.now_us();
  auto until = at_most_us;
  for (const auto& [at, entry] : clock.schedule) {
    if (entry.f.disposed()) continue;
    // Upwards: a time-out is not due before it is.
    auto due = std::chrono::ceil<std::chrono::microseconds>(at.time_since_epoch()).count();
    until = std::min(until, due);
    break;
  }
  for (const auto& one : lives_) {
    if (one.paused_until_us > now) until = std::min(until, one.paused_until_us);
  }
  for (const auto& one : members_) {
    if (one.paused_until_us > now) until = std::min(until, one.paused_until_us);
  }
  advance(std::max<std::int64_t>(until - now, 1));
}

std::size_t engine::living(const std::string& name) {
  std::size_t count = 0;
  for (auto& one : members_) {
    if (lives_[one.life].dead) continue;
    auto actor = one.actor.lock();
    if (!actor || is_over(actor)) continue;
    if (is_called(actor, name)) ++count;
  }
  return count;
}

}  // namespace oncue::sim
