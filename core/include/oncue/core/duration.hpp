// Durations as people write and read them. Reading is strict, and every refusal is a sentence that says what to write
// instead; writing is exact for settings and rounded for measurements. Knows no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "oncue/core/limits.hpp"

namespace oncue::core {

/// Reads "8s", "500ms", "1.5s", "2m", "1h", "1m30s", "30d": numbers with units, units from large to small, each once, no
/// spaces. A fraction must come out at whole milliseconds. 0 needs a unit too ("0s"), and whether it makes sense is the
/// caller's decision. Error: one sentence without a full stop; above `max` and without a unit are errors as well.
std::variant<std::chrono::milliseconds, std::string> parse_duration(std::string_view text,
                                                                    std::chrono::milliseconds max = limits::deadline_max);

/// Exact: "8 s", "500 ms", "1.5 s", "1 min 30 s", "24 h", "2 d", "0 s".
std::string format_duration(std::chrono::milliseconds duration);

/// Rounded to what one wants to know of a measurement: "430 µs", "1.2 ms", "123 ms", "3.4 s", "1 min 30 s".
std::string format_microseconds(std::uint64_t duration_us);

}  // namespace oncue::core
