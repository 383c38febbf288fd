// What every part of a simulated world shares: the one source of chance, the virtual clock, the hash of all that happened,
// and the story of it for people. Never reads a real clock; keeps nothing that depends on an address.
#pragma once

#include <caf/detail/test_actor_clock.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oncue/core/retry.hpp"
#include "oncue/messages/ids.hpp"

namespace oncue::sim {

using std::chrono::milliseconds;

/// Something that happened, for the story. `run` is empty when it is about a node or the world.
struct told {
  std::int64_t at_ms = 0;
  std::string run;
  std::string text;
};

class chance {
 public:
  explicit chance(std::uint64_t seed) : state_{seed * 0x9E3779B97F4A7C15ull + 1} {}

  std::uint64_t draw() { return core::next_random(state_); }
  /// One of 0 … n-1.
  std::uint64_t roll(std::uint64_t n) { return n == 0 ? 0 : draw() % n; }
  bool hits(std::uint64_t permille) { return permille > 0 && roll(1000) < permille; }
  milliseconds span(std::uint64_t from_ms, std::uint64_t to_ms) {
    return milliseconds{static_cast<std::int64_t>(from_ms + roll(to_ms - from_ms + 1))};
  }

  void use(caf::detail::test_actor_clock& clock) { clock_ = &clock; }
  std::int64_t now_us() const {
    if (!clock_) return 0;
    return std::chrono::duration_cast<std::chrono::microseconds>(clock_->current_time.time_since_epoch()).count();
  }
  std::int64_t now_ms() const { return now_us() / 1000; }

  void note(std::uint64_t x) { hash_ = (hash_ ^ x) * 1099511628211ull; }
  void note(std::string_view text) {
    for (unsigned char c : text) note(std::uint64_t{c});
  }
  std::uint64_t hash() const { return hash_; }

  void tell(const std::string& run, std::string text) {
    note(text);
    story_.push_back({now_ms(), run, std::move(text)});
  }
  const std::vector<told>& story() const { return story_; }

  /// The first promise that was broken, and whose run it is.
  void broken(const std::string& run, const std::string& promise) {
    if (promise.empty() || !broken_.empty()) return;
    broken_ = (run.empty() ? "" : run + ": ") + promise;
    broken_run_ = run;
    tell(run, "!! " + promise);
  }
  const std::string& broken() const { return broken_; }
  const std::string& broken_run() const { return broken_run_; }

 private:
  std::uint64_t state_;
  std::uint64_t hash_ = 1469598103934665603ull;
  caf::detail::test_actor_clock* clock_ = nullptr;
  std::vector<told> story_;
  std::string broken_;
  std::string broken_run_;
};

}  // namespace oncue::sim
