// Small facts about text: where UTF-8 may be cut, whether a string is UTF-8, whether an id is well formed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace oncue::core {

/// Length of the longest prefix of `text` that has at most `bytes_max` bytes and does not end inside a character.
/// `text` is valid UTF-8.
std::size_t utf8_prefix(std::string_view text, std::size_t bytes_max);

/// True if `text` is valid UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
bool is_utf8(std::string_view text);

/// True for 1–128 characters of A-Za-z0-9._:- (limits::run_id_chars_max).
bool is_valid_run_id(std::string_view id);

/// A UUIDv7 (RFC 9562, section 5.7) in its usual form, from unix milliseconds and 74 random bits.
std::string make_uuid_v7(std::int64_t unix_ms, std::uint64_t random_a, std::uint64_t random_b);

}  // namespace oncue::core
