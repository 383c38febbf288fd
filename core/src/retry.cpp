#include "oncue/core/retry.hpp"

#include <algorithm>

namespace oncue::core {

std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9E37'79B9'7F4A'7C15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
  z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
  return z ^ (z >> 31);
}

milliseconds retry_delay(const retry_policy& policy, std::uint32_t attempts_made,
                         std::optional<std::uint64_t> retry_after_ms, std::uint64_t random) {
  if (retry_after_ms) return milliseconds{static_cast<milliseconds::rep>(*retry_after_ms)};
  auto doublings = std::min<std::uint32_t>(attempts_made > 0 ? attempts_made - 1 : 0, 20);
  auto whole_ms = std::min<milliseconds::rep>(policy.base.count() << doublings, policy.delay_max.count());
  auto half_ms = whole_ms / 2;
  return milliseconds{whole_ms - half_ms +
                      static_cast<milliseconds::rep>(random % static_cast<std::uint64_t>(half_ms + 1))};
}

}  // namespace oncue::core
