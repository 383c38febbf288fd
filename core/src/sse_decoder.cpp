#include "oncue/core/sse_decoder.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace oncue::core {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// Position of the first CR or LF. Two `memchr`, the second only over the line that the first found: on long lines many
/// times faster than looking for either at every byte.
std::size_t find_line_end(std::string_view bytes) {
  auto find = [](std::string_view in, char c) {
    auto* hit = static_cast<const char*>(std::memchr(in.data(), c, in.size()));
    return hit ? static_cast<std::size_t>(hit - in.data()) : std::string_view::npos;
  };
  auto line_feed = find(bytes, '\n');
  auto carriage_return = find(bytes.substr(0, line_feed), '\r');
  return std::min(line_feed, carriage_return);
}

/// A buffer that one large event has blown up is given back; smaller ones stay, so that events cost no allocation.
void reuse(std::string& buffer) {
  if (buffer.capacity() > limits::sse_kept_bytes_max) {
    std::string().swap(buffer);
  } else {
    buffer.clear();
  }
}

}  // namespace

std::optional<sse_event> sse_decoder::next(std::string_view& bytes) {
  if (event_given_) begin_event();
  while (!bytes.empty() && !overflowed_) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    auto end = find_line_end(bytes);
    auto piece = bytes.substr(0, end);
    if (piece.size() > bytes_max_ - line_.size()) {
      overflow();
      break;
    }
    if (end == std::string_view::npos) {
      line_.append(piece);
      break;
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    bool event_complete = false;
    if (line_.empty()) {
      event_complete = take_line(piece, true);
    } else {
      line_.append(piece);
      event_complete = take_line(line_, false);
      reuse(line_);
    }
    if (event_complete) {
      event_given_ = true;
      return sse_event{type_.empty() ? std::string_view("message") : std::string_view(type_), viewed_ ? view_ : data_};
    }
  }
  bytes = {};
  own_data();
  return std::nullopt;
}

/// `stable`: the line is in the caller's bytes, not in our buffer. True if the line ended an event that is to be given.
bool sse_decoder::take_line(std::string_view line, bool stable) {
  if (at_start_) {
    at_start_ = false;
    if (line.substr(0, byte_order_mark.size()) == byte_order_mark) line.remove_prefix(byte_order_mark.size());
  }
  if (line.empty()) {
    last_event_id_ = id_;
    if (!has_data_) type_.clear();
    return has_data_;
  }
  auto colon = line.find(':');
  auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (colon == 0) {
    if (comments_.size() + value.size() < limits::sse_kept_bytes_max) comments_.append(value).push_back('\n');
    return false;
  }
  take_field(line.substr(0, colon), value, stable);
  return false;
}

void sse_decoder::take_field(std::string_view name, std::string_view value, bool stable) {
  if (name == "data") {
    add_data(value, stable);
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  } else if (name == "retry") {
    auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit)) return;
    constexpr auto max = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t number = 0;
    for (char c : value) number = number > (max - 9) / 10 ? max : number * 10 + static_cast<std::uint64_t>(c - '0');
    retry_ms_ = number;
  }
}

void sse_decoder::add_data(std::string_view value, bool stable) {
  if (!has_data_) {
    has_data_ = true;
    if (stable) {
      view_ = value;
      viewed_ = true;
    } else {
      data_.assign(value);
    }
    return;
  }
  own_data();
  if (value.size() >= bytes_max_ - data_.size()) {
    overflow();
    return;
  }
  data_.push_back('\n');
  data_.append(value);
}

void sse_decoder::own_data() {
  if (!viewed_) return;
  data_.assign(view_);
  viewed_ = false;
}

void sse_decoder::begin_event() {
  event_given_ = false;
  has_data_ = false;
  viewed_ = false;
  type_.clear();
  reuse(data_);
}

void sse_decoder::overflow() {
  overflowed_ = true;
  viewed_ = false;
  for (auto* buffer : {&line_, &data_, &type_, &id_, &comments_}) std::string().swap(*buffer);
}

}  // namespace oncue::core
