#include "oncue/core/json_text.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "oncue/core/limits.hpp"
#include "oncue/core/safe_text.hpp"
#include "oncue/core/text.hpp"

namespace oncue::core {
namespace {

constexpr bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

/// True if all eight bytes are plain. It may say no to a few that are: a borrow can reach the byte above an escape.
bool all_plain(std::uint64_t bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t tops = 0x8080808080808080;
  auto has_zero = [](std::uint64_t x) { return (x - ones) & ~x & tops; };
  auto below_space = (bytes - ones * 0x20) & ~bytes & tops;
  return ((bytes & tops) | below_space | has_zero(bytes ^ ones * '"') | has_zero(bytes ^ ones * '\\')) == 0;
}

const char* skip_plain(const char* p, const char* end) {
  while (end - p >= 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, p, 8);
    if (!all_plain(bytes)) break;
    p += 8;
  }
  while (p != end && is_plain(static_cast<unsigned char>(*p))) ++p;
  return p;
}

struct utf8_piece {
  std::size_t bytes = 1;
  bool valid = false;
};

/// The character at `p`, or the longest start of one that is there (Unicode 15, table 3-7).
utf8_piece next_character(const char* p, const char* end) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(p[i]); };
  const unsigned char lead = byte(0);
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  const auto available = static_cast<std::size_t>(end - p);
  for (std::size_t i = 1; i < length; ++i) {
    if (i == available || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

void append_escape(std::string& out, unsigned char c) {
  constexpr char hex[] = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 15];
  }
}

}  // namespace

void append_json_escaped(std::string& out, std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  const char* copied = p;  // all before this is in `out`
  for (;;) {
    p = skip_plain(p, end);
    if (p == end) break;
    const auto c = static_cast<unsigned char>(*p);
    if (c >= 0x80) {
      const auto piece = next_character(p, end);
      if (!piece.valid) {
        out.append(copied, p);
        out += "\xEF\xBF\xBD";
        copied = p + piece.bytes;
      }
      p += piece.bytes;
    } else {
      out.append(copied, p);
      append_escape(out, c);
      copied = ++p;
    }
  }
  out.append(copied, end);
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(out, text);
  out += '"';
}

std::string in_quotes(std::string_view text) {
  if (safe_text(text, {}).find("[redacted]") != std::string::npos) return "\"[redacted]\"";
  const auto shown = utf8_prefix(text, limits::quoted_bytes_max);
  std::string result = "\"";
  append_json_escaped(result, text.substr(0, shown));
  if (shown < text.size()) result += "…";
  return result + '"';
}

}  // namespace oncue::core
