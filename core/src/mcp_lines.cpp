#include "oncue/core/mcp_lines.hpp"

namespace oncue::core {

std::optional<std::string_view> mcp_line_decoder::next(std::string_view& bytes) {
  if (given_) {
    // A large message's buffer is not kept for the small ones that follow.
    if (line_.capacity() > limits::sse_kept_bytes_max) std::string{}.swap(line_);
    line_.clear();
    given_ = false;
  }
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto part = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (!skipping_ && line_.size() + part.size() > bytes_max_) {
      skipping_ = true;
      ++left_out_;
      std::string{}.swap(line_);
    }
    if (end == std::string_view::npos) {
      if (!skipping_) line_ += part;
      return std::nullopt;
    }
    if (skipping_) {
      skipping_ = false;
      continue;
    }
    auto line = part;
    if (!line_.empty()) {
      line_ += part;
      line = line_;
    }
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (is_message(line)) {
      given_ = true;
      return line;
    }
    line_.clear();
  }
  return std::nullopt;
}

bool mcp_line_decoder::is_message(std::string_view line) {
  const auto first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return false;
  if (line[first] == '{' || line[first] == '[') return true;
  ++left_out_;
  return false;
}

}  // namespace oncue::core
