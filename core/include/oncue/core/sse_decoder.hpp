// Server-Sent Events out of bytes as they come from a socket, cut anywhere: WHATWG HTML, section 9.2. Promises the same
// events for every way of cutting, never to hold more than one line and one event, and no allocation per event once its
// buffers have grown. Knows nothing of what the events say, and never reconnects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "oncue/core/limits.hpp"

namespace oncue::core {

/// One event. The views are good until the decoder, or the bytes that were given to it, change.
struct sse_event {
  std::string_view type;  ///< "message" where the stream names none
  std::string_view data;  ///< the data lines, joined by "\n"
};

class sse_decoder {
 public:
  /// `bytes_max`: of one line, and of one event's data.
  explicit sse_decoder(std::size_t bytes_max = limits::sse_line_bytes_max) : bytes_max_(bytes_max) {}

  /// Takes bytes from the front of `bytes` up to the end of the next event, and returns it; or takes them all, and returns
  /// nothing. An event is over with its blank line: what is left when the stream ends is discarded (section 9.2.6), so
  /// there is nothing to call at the end. After an overflow it takes all and returns nothing.
  std::optional<sse_event> next(std::string_view& bytes);

  /// The comments that have come since this was asked, each with a line feed behind it and without its ":" and one space;
  /// what does not fit into limits::sse_kept_bytes_max is passed over.
  std::string take_comments() { return std::exchange(comments_, {}); }

  /// True once a line, or the data of one event, was longer than `bytes_max`.
  bool overflowed() const { return overflowed_; }

  /// The last `id` field before the last event that `next` returned; empty if none.
  const std::string& last_event_id() const { return last_event_id_; }

  /// The last `retry` field, in milliseconds: how long the server wants a client to wait before it reconnects.
  std::optional<std::uint64_t> retry_ms() const { return retry_ms_; }

 private:
  bool take_line(std::string_view line, bool stable);
  void take_field(std::string_view name, std::string_view value, bool stable);
  void add_data(std::string_view value, bool stable);
  void own_data();
  void begin_event();
  void overflow();

  std::size_t bytes_max_;
  std::string line_;       ///< the start of a line whose end has not come
  std::string data_;       ///< data lines that had to be kept
  std::string_view view_;  ///< instead of data_: the one data line, still in the caller's bytes
  std::string type_;
  std::string id_;  ///< becomes last_event_id_ at the next blank line
  std::string last_event_id_;
  std::string comments_;
  std::optional<std::uint64_t> retry_ms_;
  bool has_data_ = false;
  bool viewed_ = false;
  bool event_given_ = false;
  bool at_start_ = true;   ///< no line yet: a byte order mark may come
  bool after_cr_ = false;  ///< a line feed now belongs to the line before
  bool overflowed_ = false;
};

}  // namespace oncue::core
