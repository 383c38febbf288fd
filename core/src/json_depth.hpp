// What is asked of a JSON text before anybody goes through it: whether it is one, and how deep it is nested.
#pragma once

#include <cstddef>
#include <string_view>

namespace oncue::core {

/// True if no bracket outside of a string is nested deeper than `depth_max`. The text need not be valid.
inline bool nested_at_most(std::string_view json, std::size_t depth_max) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > depth_max) return false;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return true;
}

/// True if the text can be JSON at all: nlohmann's parser takes a NUL for the end of the text, and what stands behind it
/// for nothing, so whoever goes through the same bytes by himself would run on.
inline bool has_no_nul(std::string_view text) { return text.find('\0') == text.npos; }

/// True if all of the text is one JSON value. Needs no stack for nested ones.
bool is_json(std::string_view text);

}  // namespace oncue::core
