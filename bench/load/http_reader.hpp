// Reads one HTTP/1.1 message after the other from a connection's bytes, however they are cut: the head is kept, the body is
// handed on in pieces that point into the caller's bytes. Copies nothing of a body and allocates nothing for one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace oncue::bench::load {

class http_reader {
 public:
  enum class kind : std::uint8_t { request, response };
  explicit http_reader(kind what) : kind_{what} {}

  /// Takes from the front of `bytes` and gives the next piece of the body; an empty one if there is none in what it took.
  /// Call it until `bytes` is empty or the message is complete(). What follows a complete message stays in `bytes`.
  std::string_view next(std::string_view& bytes);

  bool has_head() const { return state_ > state::head; }
  bool complete() const { return state_ == state::complete; }
  bool bad() const { return state_ == state::bad; }
  /// The body ends with the connection.
  bool until_close() const { return state_ == state::until_close; }
  /// Nothing of a message has been read yet.
  bool fresh() const { return state_ == state::head && head_.empty(); }

  const std::string& head() const { return head_; }
  /// Of a response.
  int status() const;
  /// A header's value, of the head; empty if there is none. `name` in lower case.
  std::string_view header(std::string_view name) const;
  bool wants_close() const;

  /// For the next message.
  void reset();

 private:
  enum class state : std::uint8_t { head, length, chunk_size, chunk_data, chunk_end, trailer, until_close, complete, bad };

  void take_head(std::string_view& bytes);
  void read_framing();
  bool take_line(std::string_view& bytes);
  void take_chunk_size(std::string_view& bytes);
  std::string_view take_data(std::string_view& bytes, state then);

  kind kind_;
  state state_ = state::head;
  std::string head_;
  std::string line_;        // a line that came in pieces
  std::uint64_t left_ = 0;  // of the body or of its chunk
};

}  // namespace oncue::bench::load
