// When a provider asks to be left alone for a while: what its headers say, as milliseconds from now.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace oncue::core {

/// Milliseconds to wait, or nothing if neither header says something that can be understood.
/// `retry_after`: value of `Retry-After` (RFC 9110, section 10.2.3): seconds, also with a fraction as some providers send
/// them, or an HTTP-date in any of its three forms (section 5.6.7); a date that has passed is 0.
/// `retry_after_ms`: value of `retry-after-ms`, milliseconds, which OpenAI and Azure send beside it; it goes first.
/// `now_unix_s`: the time now, for dates. An empty text is an absent header. Not capped: limits::retry_after_max is the
/// caller's to apply.
std::optional<std::uint64_t> parse_retry_after(std::string_view retry_after, std::string_view retry_after_ms,
                                               std::int64_t now_unix_s);

}  // namespace oncue::core
