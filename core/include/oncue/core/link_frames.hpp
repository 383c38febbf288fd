// What two nodes say to each other, as bytes: one frame is one word, at most limits::link_frame_bytes_max. The greeting is
// JSON and means the same in all versions for ever; behind it both sides speak the highest version that both know. Words of
// control are compact JSON whose unknown keys are passed over; events are binary, and come in as many frames as they need.
// The decoder believes no length and no number, and says in a sentence what is wrong. Knows no socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oncue/messages/cancel.hpp"
#include "oncue/messages/events.hpp"

namespace oncue::core {

/// From the lowest to the highest version of words that a node understands.
struct link_versions {
  std::uint32_t min = 1;
  std::uint32_t max = 1;

  friend bool operator==(const link_versions&, const link_versions&) = default;
};

/// The versions of this program.
inline constexpr link_versions link_versions_here{1, 1};

/// The highest version that both understand, if there is one.
std::optional<std::uint32_t> common_version(link_versions a, link_versions b);

/// Who reads, as the node that asks counts: one of the runs that it reads from elsewhere, and a number for one reader's
/// questions there. The answering node only repeats it.
struct link_reader {
  std::uint64_t run = 0;
  std::uint64_t number = 0;

  friend auto operator<=>(const link_reader&, const link_reader&) = default;
};

namespace link {

/// The first word of each side.
struct hello {
  link_versions speaks = link_versions_here;
  incarnation_no incarnation = 0;
  std::string name;
  incarnation_no to = 0;  ///< whom it wants to greet; 0: whoever is there
  std::string cluster;    ///< which cluster it belongs to; empty: it does not say
  friend bool operator==(const hello&, const hello&) = default;
};

struct ping {
  std::uint64_t number = 0;
  friend bool operator==(const ping&, const ping&) = default;
};

/// Answers the ping of that number.
struct pong {
  std::uint64_t number = 0;
  friend bool operator==(const pong&, const pong&) = default;
};

/// So many bytes of frames with events have come since the greeting.
struct ack {
  std::uint64_t bytes = 0;
  friend bool operator==(const ack&, const ack&) = default;
};

/// Answered by one `cancelled` of the same number.
struct cancel {
  std::uint64_t question = 0;
  cancel_request request;
};

/// Outcome unknown: the run is not live there.
struct cancelled {
  std::uint64_t question = 0;
  cancel_reply reply;
};

/// A reader's credit, as pull_limits has it. Answered by one batch, in one or more pieces, or by `not_here`.
struct pull {
  link_reader reader;
  pull_limits limits;
};

/// Nothing more is read under this number.
struct leave {
  link_reader reader;
  friend bool operator==(const leave&, const leave&) = default;
};

/// The run is not live there, or not any more: nothing comes for that pull.
struct not_here {
  link_reader reader;
  friend bool operator==(const not_here&, const not_here&) = default;
};

/// Runs wait that no node has.
struct work_waits {
  friend bool operator==(const work_waits&, const work_waits&) = default;
};

/// A part of a batch; together they are what encode_batch() made.
struct piece {
  link_reader reader;
  bool last = true;
  std::string bytes;
  friend bool operator==(const piece&, const piece&) = default;
};

}  // namespace link

using link_word = std::variant<link::hello, link::ping, link::pong, link::ack, link::cancel, link::cancelled, link::pull,
                               link::leave, link::not_here, link::work_waits, link::piece>;

/// One frame. Texts that are not UTF-8 come out with U+FFFD, but for a piece's bytes.
std::string encode(const link_word& word);

/// The word, or what is wrong with the frame in a few words.
std::variant<link_word, std::string> decode_link_frame(std::string_view frame);

/// True if this frame is a piece of a batch: these count against the window, and are not decoded on the way.
inline bool is_piece(std::string_view frame) { return !frame.empty() && frame.front() == 'E'; }

/// Whose piece it is, without looking at the rest. Absent: the frame is no piece, or broken.
std::optional<link_reader> reader_of_piece(std::string_view frame);

/// A batch's bytes, without its run: whoever asked knows it.
std::string encode_batch(const event_batch& batch);

/// The batch, or what is wrong with it in a few words. Its events have consecutive indices, up to `next`.
std::variant<event_batch, std::string> decode_batch(const run_id& run, std::string_view bytes);

/// The batch in frames, each of which is a piece.
std::vector<std::string> frames_of(const link_reader& reader, const event_batch& batch);

}  // namespace oncue::core
