// The one clock of the load tools: CLOCK_MONOTONIC in nanoseconds, the same in every process of the machine. So a time
// that the provider wrote into a delta can be compared with the time at which a client has read it.
#pragma once

#include <time.h>

#include <cstdint>

namespace oncue::bench::load {

inline std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

inline double us(std::int64_t span_ns) { return static_cast<double>(span_ns) / 1e3; }

}  // namespace oncue::bench::load
