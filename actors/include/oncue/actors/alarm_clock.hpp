// Wakes its clients at the times they asked for. Owns all waiting times of a node and keeps one timer for the earliest:
// CAF's own clock sorts all of its entries whenever one is added, so ten thousand runs with deadlines would cost it
// milliseconds each. Promises never to wake early; a client that is gone is not woken and costs nothing after its time.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <unordered_map>

#include "oncue/core/run_machine.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

class alarm_clock_state {
 public:
  static constexpr const char* name = "alarm-clock";

  explicit alarm_clock_state(alarm_clock_actor::pointer self) : self_{self} {}
  alarm_clock_actor::behavior_type make_behavior();

 private:
  using queue = std::multimap<core::steady_us, alarm_client_actor>;

  void set(core::steady_us at_us, const alarm_client_actor& client);
  void clear(caf::actor_id client);
  void ring();
  void arm();

  alarm_clock_actor::pointer self_;
  queue waiting_;
  std::unordered_map<caf::actor_id, queue::iterator> by_client_;
  core::steady_us armed_us_ = 0;  // when the timer comes; 0: none is running
};

alarm_clock_actor spawn_alarm_clock(caf::actor_system& system);

}  // namespace oncue::actors
