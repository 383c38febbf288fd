// How long to wait before a model call is tried again. Pure: chance comes in as a number.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "oncue/core/catalog.hpp"

namespace oncue::core {

/// One step of SplitMix64: the next of a sequence that is the same on every machine. `state` is advanced.
std::uint64_t next_random(std::uint64_t& state);

/// Delay before attempt number `attempts_made + 1` of a call: what the provider asked for if it did, else the policy's base
/// doubled for every attempt after the first, capped, and jittered between half and the whole of it by `random`.
milliseconds retry_delay(const retry_policy& policy, std::uint32_t attempts_made,
                         std::optional<std::uint64_t> retry_after_ms, std::uint64_t random);

}  // namespace oncue::core
