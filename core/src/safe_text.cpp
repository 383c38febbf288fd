#include "oncue/core/safe_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"

namespace oncue::core {

namespace {

constexpr std::string_view redacted = "[redacted]";
constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view ellipsis = "\xE2\x80\xA6";

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Characters of keys, and of the stars and dots by which providers mask their middle.
bool is_key_character(char c) {
  return is_alphanumeric(c) || std::string_view("_-*.~+/=").find(c) != std::string_view::npos;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_case) {
  return text.size() >= lower_case.size() &&
         std::equal(lower_case.begin(), lower_case.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

/// Length of the valid UTF-8 sequence at the front of `text`, 0 if there is none.
std::size_t sequence_bytes(std::string_view text) {
  for (std::size_t length = 1; length <= std::min<std::size_t>(4, text.size()); ++length) {
    if (is_utf8(text.substr(0, length))) return length;
  }
  return 0;
}

/// Control characters (C0, DEL, C1), line and paragraph separators, and marks that turn the direction of writing: with
/// any of these a provider's text could pose as a line of ours.
bool is_control(std::string_view sequence) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7F;
  if (sequence.size() == 2) return byte(0) == 0xC2 && byte(1) < 0xA0;
  if (sequence.size() != 3 || byte(0) != 0xE2) return false;
  return (byte(1) == 0x80 && byte(2) >= 0xA8 && byte(2) <= 0xAE) || (byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9);
}

std::string one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  bool gap = false;
  while (!text.empty()) {
    auto length = sequence_bytes(text);
    auto sequence = text.substr(0, std::max<std::size_t>(length, 1));
    text.remove_prefix(sequence.size());
    if (sequence == " " || (length > 0 && is_control(sequence))) {
      gap = !line.empty();
      continue;
    }
    if (gap) line.push_back(' ');
    gap = false;
    line.append(length > 0 ? sequence : replacement);
  }
  return line;
}

void replace_all(std::string& text, std::string_view what) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + redacted.size())) {
    text.replace(at, what.size(), redacted);
  }
}

/// The characters at the front of `text` that may belong to a key, without the full stop of a sentence.
std::string_view key_word(std::string_view text) {
  auto end = std::find_if_not(text.begin(), text.end(), is_key_character);
  auto word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  while (!word.empty() && word.back() == '.') word.remove_suffix(1);
  return word;
}

/// Length of the key-like word at the front of `text`, 0 if it is an ordinary one.
std::size_t key_bytes(std::string_view text) {
  static constexpr std::array<std::string_view, 9> prefixes = {"sk-", "sk_",   "gsk_",   "xai-", "aiza",
                                                               "hf_", "pplx-", "nvapi-", "eyj"};
  for (auto prefix : prefixes) {
    if (!starts_with_ignoring_case(text, prefix)) continue;
    auto word = key_word(text);
    if (word.size() >= prefix.size() + 6) return word.size();
  }
  return 0;
}

/// Length of "Bearer <token>" at the front of `text`, 0 if it is not that. "Bearer authentication" is not.
std::size_t bearer_bytes(std::string_view text) {
  constexpr std::string_view scheme = "bearer ";
  if (!starts_with_ignoring_case(text, scheme)) return 0;
  auto token = key_word(text.substr(scheme.size()));
  auto has_digit = std::any_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; });
  return token.size() >= 20 || (has_digit && token.size() >= 8) ? scheme.size() + token.size() : 0;
}

std::string without_keys(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  bool at_word = true;
  while (!text.empty()) {
    auto length = at_word ? std::max(key_bytes(text), bearer_bytes(text)) : 0;
    if (length > 0) {
      clean.append(redacted);
      text.remove_prefix(length);
      continue;
    }
    at_word = !is_alphanumeric(text.front());
    clean.push_back(text.front());
    text.remove_prefix(1);
  }
  return clean;
}

void cut(std::string& text) {
  auto is_lead = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  std::size_t chars = 0;
  std::size_t last_kept_end = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_lead(text[i])) continue;
    if (chars + 1 == limits::error_message_chars_max) last_kept_end = i;
    if (++chars > limits::error_message_chars_max) {
      text.resize(last_kept_end);
      text.append(ellipsis);
      return;
    }
  }
}

}  // namespace

std::string safe_text(std::string_view text, std::span<const std::string> secrets) {
  auto line = one_line(text.substr(0, limits::error_body_bytes_max));
  for (const auto& secret : secrets) {
    if (secret.size() >= 4) replace_all(line, secret);
  }
  line = without_keys(line);
  cut(line);
  return line;
}

std::string utf8_repaired(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  while (!text.empty()) {
    auto length = sequence_bytes(text);
    repaired.append(length > 0 ? text.substr(0, length) : replacement);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return repaired;
}

}  // namespace oncue::core
