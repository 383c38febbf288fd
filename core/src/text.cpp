#include "oncue/core/text.hpp"

#include <algorithm>

#include "oncue/core/limits.hpp"

namespace oncue::core {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::size_t utf8_prefix(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text.size();
  std::size_t length = bytes_max;
  while (length > 0 && is_continuation(text[length])) --length;
  return length;
}

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if (!is_continuation(text[i + k])) return false;
    }
    auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (lead == 0xE0 && second < 0xA0) return false;  // overlong
    if (lead == 0xED && second > 0x9F) return false;  // surrogate
    if (lead == 0xF0 && second < 0x90) return false;  // overlong
    if (lead == 0xF4 && second > 0x8F) return false;  // above U+10FFFF
    i += length;
  }
  return true;
}

bool is_valid_run_id(std::string_view id) {
  auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' ||
           c == '-';
  };
  return !id.empty() && id.size() <= limits::run_id_chars_max && std::all_of(id.begin(), id.end(), allowed);
}

std::string make_uuid_v7(std::int64_t unix_ms, std::uint64_t random_a, std::uint64_t random_b) {
  constexpr char digits[] = "0123456789abcdef";
  auto high = (static_cast<std::uint64_t>(unix_ms) << 16) | 0x7000 | (random_a & 0x0FFF);
  auto low = (random_b & 0x3FFF'FFFF'FFFF'FFFF) | 0x8000'0000'0000'0000;
  std::string text;
  text.reserve(36);
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) text.push_back('-');
    auto half = nibble < 16 ? high : low;
    text.push_back(digits[(half >> (60 - 4 * (nibble % 16))) & 0xF]);
  }
  return text;
}

}  // namespace oncue::core
