// Whose turn it is, in an actor system on CAF's test coordinator: one thread, virtual time, and the order of messages in
// the test's hand. settle() lets every waiting message be handled while time stands still; advance() moves time. In the
// order in which they came, or, once shuffle() was called, in an order that a seed chooses: the same seed, the same order,
// on every machine. CAF's own run() is not used: it fires time-outs that are not due.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace caf {
class actor_system_config;
}

namespace oncue::testkit {

/// Prepares `config` for a system whose turns these are, and makes the message types known.
caf::actor_system_config& configure_for_turns(caf::actor_system_config& config);

/// What takes turns besides the actors.
class turn_taker {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// How many could move on now.
  virtual std::size_t ready(time_point now) = 0;
  /// Lets one of them, `which` below ready(), move on until it waits or has ended.
  virtual void move_on(std::size_t which) = 0;
  /// When the next of those that wait for a time is due.
  virtual std::optional<time_point> due() const = 0;
  /// What each of them waits for, in a sentence; times count from `zero`.
  virtual std::vector<std::string> waiting(time_point zero) const = 0;

 protected:
  ~turn_taker() = default;
};

class turns {
 public:
  using milliseconds = std::chrono::milliseconds;

  /// `system` was made with configure_for_turns(). `others`, if there are any, come behind the actors. A settle() that
  /// takes more than `turns_max` does not come to an end: a test takes thousands.
  explicit turns(caf::actor_system& system, turn_taker* others = nullptr, std::size_t turns_max = 5'000'000);

  /// From now on in the order that this seed chooses.
  void shuffle(std::uint64_t seed);
  /// A number below `n` of the same sequence; `n` is at least 1. Without shuffle() the seed is 0.
  std::uint64_t roll(std::uint64_t n);

  // Of these three nothing that has its turn may call any: that throws std::logic_error.

  /// Lets at most `turns_max` have their turn; time stands still. How many there were.
  std::size_t step(std::size_t turns_max = 1);
  /// Until nobody has anything to do. Throws std::logic_error when that does not come to an end.
  void settle();
  /// Moves time from one time-out to the next, and settles at each.
  void advance(milliseconds by);
  /// The same until `condition` holds, but not for longer than `at_most`. Whether it holds.
  bool advance_until(const std::function<bool()>& condition, milliseconds at_most);

  /// Virtual time since this was made.
  milliseconds now() const;
  /// Who has something to do, who waits for what, and the next time-out: a sentence each.
  std::vector<std::string> waiting() const;
  caf::scheduler::test_coordinator& scheduler() const;

 private:
  std::optional<turn_taker::time_point> due() const;
  std::string whose_turn() const;

  caf::actor_system& system_;
  turn_taker* others_;
  std::size_t turns_max_;
  std::uint64_t random_ = 0;
  bool shuffled_ = false;
  bool moves_ = false;  // somebody has a turn
  turn_taker::time_point began_;
};

}  // namespace oncue::testkit
