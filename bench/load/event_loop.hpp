// The client's one thread: waits for sockets and tells whoever they belong to. What is due by the clock, a command looks
// for itself between two turns.
#pragma once

#include <array>
#include <cstdint>

#include "clock.hpp"
#include "sockets.hpp"

namespace oncue::bench::load {

class event_handler {
 public:
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~event_handler() = default;
};

class event_loop {
 public:
  /// Tells the handlers of what has happened; waits for that at most so long. A handler must live until the turn is over.
  void turn(int wait_ms) {
    for (const auto& event : sockets.wait(wait_ms)) static_cast<event_handler*>(event.data.ptr)->on_ready(event.events);
  }

  /// Turns until something holds; false if it does not hold in time.
  template <class Predicate>
  bool turn_until(std::int64_t until_ns, Predicate&& holds) {
    while (!holds()) {
      if (now_ns() > until_ns) return false;
      turn(1);
    }
    return true;
  }

  void turn_for(std::int64_t span_ns) {
    turn_until(now_ns() + span_ns, [] { return false; });
  }

  poller sockets;
  std::array<char, 64 << 10> buffer;  ///< for whoever reads just now
};

}  // namespace oncue::bench::load
