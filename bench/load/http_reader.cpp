#include "http_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace oncue::bench::load {

namespace {

constexpr std::size_t head_bytes_max = 64 << 10;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same(std::string_view a, std::string_view lower_case) {
  return std::equal(a.begin(), a.end(), lower_case.begin(), lower_case.end(), [](char x, char y) { return lower(x) == y; });
}

}  // namespace

std::string_view http_reader::next(std::string_view& bytes) {
  switch (state_) {
    case state::head: take_head(bytes); return {};
    case state::length: return take_data(bytes, state::complete);
    case state::chunk_size: take_chunk_size(bytes); return {};
    case state::chunk_data: return take_data(bytes, state::chunk_end);
    case state::chunk_end:
      if (take_line(bytes)) state_ = line_.empty() ? state::chunk_size : state::bad;
      if (state_ == state::chunk_size) line_.clear();
      return {};
    case state::trailer:
      if (take_line(bytes)) {
        if (line_.empty()) state_ = state::complete;
        line_.clear();
      }
      return {};
    case state::until_close: {
      auto piece = bytes;
      bytes = {};
      return piece;
    }
    case state::complete: return {};
    case state::bad: bytes = {}; return {};
  }
  return {};
}

void http_reader::take_head(std::string_view& bytes) {
  auto from = head_.size() < 3 ? 0 : head_.size() - 3;
  auto before = head_.size();
  head_ += bytes;
  auto end = head_.find("\r\n\r\n", from);
  if (end == std::string::npos) {
    bytes = {};
    if (head_.size() > head_bytes_max) state_ = state::bad;
    return;
  }
  head_.resize(end + 4);
  bytes.remove_prefix(head_.size() - before);
  read_framing();
}

void http_reader::read_framing() {
  if (kind_ == kind::response && status() / 100 == 1) {
    head_.clear();  // "100 Continue" and the like: the answer is still to come
    return;
  }
  auto length = header("content-length");
  if (same(header("transfer-encoding"), "chunked")) {
    state_ = state::chunk_size;
  } else if (!length.empty()) {
    auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), left_);
    state_ = error != std::errc{} ? state::bad : left_ == 0 ? state::complete : state::length;
  } else if (kind_ == kind::request || status() == 204 || status() == 304) {
    state_ = state::complete;
  } else {
    state_ = state::until_close;
  }
}

/// Appends to line_ up to the line's end; true when it is there, without it.
bool http_reader::take_line(std::string_view& bytes) {
  auto end = bytes.find('\n');
  line_ += bytes.substr(0, end);
  if (line_.size() > head_bytes_max) state_ = state::bad;
  if (end == std::string_view::npos) {
    bytes = {};
    return false;
  }
  bytes.remove_prefix(end + 1);
  if (line_.ends_with('\r')) line_.pop_back();
  return true;
}

void http_reader::take_chunk_size(std::string_view& bytes) {
  if (!take_line(bytes)) return;
  auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), left_, 16);
  state_ = error != std::errc{} ? state::bad : left_ == 0 ? state::trailer : state::chunk_data;
  line_.clear();
}

std::string_view http_reader::take_data(std::string_view& bytes, state then) {
  auto piece = bytes.substr(0, left_);
  bytes.remove_prefix(piece.size());
  left_ -= piece.size();
  if (left_ == 0) state_ = then;
  return piece;
}

int http_reader::status() const {
  auto space = head_.find(' ');
  return space == std::string::npos ? 0 : std::atoi(head_.c_str() + space + 1);
}

std::string_view http_reader::header(std::string_view name) const {
  std::string_view rest = head_;
  for (auto end = rest.find("\r\n"); end != std::string_view::npos && end != 0; end = rest.find("\r\n")) {
    auto line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    auto colon = line.find(':');
    if (colon == std::string_view::npos || !same(line.substr(0, colon), name)) continue;
    auto value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    return value;
  }
  return {};
}

bool http_reader::wants_close() const { return same(header("connection"), "close"); }

void http_reader::reset() {
  state_ = state::head;
  head_.clear();
  line_.clear();
  left_ = 0;
}

}  // namespace oncue::bench::load
