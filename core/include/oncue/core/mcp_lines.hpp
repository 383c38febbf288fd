// Lines out of bytes as they come from a pipe, cut anywhere: how messages of the Model Context Protocol come from a
// program. Promises the same lines for every way of cutting, and never to hold more than one line; a longer one is left
// out, and the next is found again. Knows nothing of what the lines say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "oncue/core/limits.hpp"

namespace oncue::core {

class mcp_line_decoder {
 public:
  /// `bytes_max`: of one line.
  explicit mcp_line_decoder(std::size_t bytes_max = limits::mcp_message_bytes_max) : bytes_max_(bytes_max) {}

  /// Takes bytes from the front of `bytes` up to the end of the next line that looks like a message, and returns it without
  /// its end, "\n" or "\r\n"; or takes them all, and returns nothing. Blank lines, and lines that do not begin as a JSON
  /// object or array, are what programs say by mistake: they are left out. The line is good until the next call, or until
  /// `bytes` changes. What has no end when the pipe is closed is no line.
  std::optional<std::string_view> next(std::string_view& bytes);

  /// Lines that were left out because they were too long, or were no message.
  std::uint64_t left_out() const { return left_out_; }

 private:
  bool is_message(std::string_view line);

  std::size_t bytes_max_;
  std::string line_;  ///< the start of a line whose end has not come
  std::uint64_t left_out_ = 0;
  bool given_ = false;     ///< line_ was returned, and is forgotten now
  bool skipping_ = false;  ///< until the end of a line that is too long
};

}  // namespace oncue::core
