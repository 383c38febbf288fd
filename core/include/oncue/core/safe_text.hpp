// Makes text that came from outside fit to be shown: in an error, in a log, in a terminal. Promises valid UTF-8 on one
// line, bounded, without control characters and without anything that looks like an API key. Cannot know every form of a
// secret: the caller names those that it used.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace oncue::core {

/// `text` on one line: control characters become spaces and spaces are merged, what is not UTF-8 becomes U+FFFD,
/// `secrets` and key-like words ("sk-…", "Bearer …") become "[redacted]", and what is longer than
/// limits::error_message_chars_max characters is cut and ends in "…". Of a very long text only the first
/// limits::error_body_bytes_max bytes are looked at. Secrets of less than 4 characters are taken for words and stay.
std::string safe_text(std::string_view text, std::span<const std::string> secrets);

/// `text` with every byte that belongs to no UTF-8 sequence replaced by U+FFFD, as a decoder of streams has to
/// (WHATWG Encoding, section 4.1).
std::string utf8_repaired(std::string_view text);

}  // namespace oncue::core
