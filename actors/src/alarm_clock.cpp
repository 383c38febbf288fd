#include "oncue/actors/alarm_clock.hpp"

#include "oncue/actors/node_env.hpp"

namespace oncue::actors {

alarm_clock_actor::behavior_type alarm_clock_state::make_behavior() {
  return {
      [this](set_alarm x, const alarm_client_actor& client) { set(x.at_us, client); },
      [this](clear_alarm, const alarm_client_actor& client) { clear(client.id()); },
  };
}

void alarm_clock_state::set(core::steady_us at_us, const alarm_client_actor& client) {
  clear(client.id());
  by_client_[client.id()] = waiting_.emplace(at_us, client);
  arm();
}

void alarm_clock_state::clear(caf::actor_id client) {
  auto found = by_client_.find(client);
  if (found == by_client_.end()) return;
  waiting_.erase(found->second);
  by_client_.erase(found);
}

void alarm_clock_state::ring() {
  auto now_us = to_steady_us(self_->clock().now());
  if (armed_us_ <= now_us) armed_us_ = 0;
  while (!waiting_.empty() && waiting_.begin()->first <= now_us) {
    auto client = waiting_.begin()->second;
    clear(client.id());
    self_->send(client, alarm{});
  }
  arm();
}

void alarm_clock_state::arm() {
  if (waiting_.empty()) return;
  auto earliest_us = waiting_.begin()->first;
  if (armed_us_ != 0 && armed_us_ <= earliest_us) return;
  armed_us_ = earliest_us;
  auto delay = std::chrono::microseconds{earliest_us - to_steady_us(self_->clock().now())};
  // An earlier timer than the running one is rare, so the running one is left alone: it comes and finds nothing to do.
  self_->run_delayed(std::max(delay, std::chrono::microseconds{0}), [this] { ring(); });
}

alarm_clock_actor spawn_alarm_clock(caf::actor_system& system) {
  return system.spawn<alarm_clock_actor::stateful_impl<alarm_clock_state>>();
}

}  // namespace oncue::actors
