// The small change of header texts: ASCII case and blanks (RFC 9110, 5.6).
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace oncue::core {

/// ASCII only; other bytes stay.
inline std::string lower_case(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

/// Without spaces and tabs at both ends.
inline std::string_view trimmed_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  text.remove_suffix(text.size() - std::min(text.find_last_not_of(" \t") + 1, text.size()));
  return text;
}

}  // namespace oncue::core
