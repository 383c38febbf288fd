// When which stream is due, in ticks of a millisecond: a ring of buckets that keep their memory, so that a delta costs no
// allocation and no timer. Never early; late by up to a tick.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace oncue::bench::load {

class tick_wheel {
 public:
  static constexpr std::int64_t tick_ns = 1'000'000;

  explicit tick_wheel(std::int64_t now_ns) : tick_{now_ns / tick_ns} {}

  /// `ticket` says which appointment of `who` this is: one that is out of date is the owner's to ignore.
  void add(std::int64_t due_ns, int who, std::uint64_t ticket) {
    auto tick = std::max(due_ns / tick_ns + 1, tick_ + 1);
    bucket(tick).push_back({tick, who, ticket});
    ++waiting_;
  }

  /// Calls due(who, ticket) for everything that is due.
  template <class Due>
  void advance(std::int64_t now_ns, Due&& due) {
    auto until = now_ns / tick_ns;
    for (auto steps = std::min<std::int64_t>(until - tick_, buckets); steps > 0; --steps) {
      tick_ = until - steps + 1;
      std::swap(at_work_, bucket(tick_));
      for (const auto& x : at_work_) {
        if (x.tick > until) {
          bucket(x.tick).push_back(x);
        } else {
          --waiting_;
          due(x.who, x.ticket);
        }
      }
      at_work_.clear();
    }
  }

  /// How long nothing is due, at most a second: a signal that comes just before a wait is then not missed for long.
  int wait_ms(std::int64_t now_ns) const {
    if (waiting_ == 0) return 1000;
    auto now = now_ns / tick_ns;
    for (std::int64_t tick = tick_ + 1; tick <= tick_ + buckets; ++tick) {
      if (!bucket(tick).empty()) return static_cast<int>(std::clamp<std::int64_t>(tick - now, 0, 1000));
    }
    return 1000;
  }

 private:
  struct entry {
    std::int64_t tick;
    int who;
    std::uint64_t ticket;
  };
  static constexpr std::int64_t buckets = 4096;

  std::vector<entry>& bucket(std::int64_t tick) { return ring_[static_cast<std::size_t>(tick % buckets)]; }
  const std::vector<entry>& bucket(std::int64_t tick) const { return ring_[static_cast<std::size_t>(tick % buckets)]; }

  std::array<std::vector<entry>, buckets> ring_;
  std::vector<entry> at_work_;
  std::int64_t tick_;
  std::size_t waiting_ = 0;
};

}  // namespace oncue::bench::load
