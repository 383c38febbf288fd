// Events in frames: the binary half of link_frames.hpp.
#include <algorithm>
#include <utility>

#include "link_batches.hpp"

#include "link_bytes.hpp"
#include "oncue/core/event_record.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/link_frames.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::core {

namespace {

// What an event costs at least: index, time, kind and length.
constexpr std::size_t event_bytes_least = 4;

std::string head_of_piece(const link_reader& reader, bool last) {
  std::string head = "E";
  append_varint(head, reader.run);
  append_varint(head, reader.number);
  head += last ? '\1' : '\0';
  return head;
}

}  // namespace

std::optional<link_reader> reader_of_piece(std::string_view frame) {
  if (!is_piece(frame)) return {};
  byte_reader in{frame.substr(1)};
  link_reader reader;
  reader.run = in.varint();
  reader.number = in.varint();
  if (!in.ok()) return {};
  return reader;
}

std::variant<link_word, std::string> decode_piece(std::string_view frame) {
  byte_reader in{frame.substr(1)};
  link::piece piece;
  piece.reader.run = in.varint();
  piece.reader.number = in.varint();
  auto last = in.byte();
  if (!in.ok() || last > 1) return "a piece of events without its head";
  piece.last = last == 1;
  piece.bytes = in.rest();
  return link_word{std::move(piece)};
}

std::string encode_piece(const link::piece& piece) { return head_of_piece(piece.reader, piece.last) + piece.bytes; }

std::string encode_batch(const event_batch& batch) {
  std::string out;
  out += static_cast<char>(batch.end);
  out += static_cast<char>(batch.note);
  append_varint(out, batch.next);
  append_varint(out, batch.events.size());
  std::string scratch;
  for (const auto& event : batch.events) {
    auto record = encode(event->body, scratch);
    append_varint(out, event->index);
    append_varint(out, zigzag(event->at_ms));
    append_varint(out, static_cast<std::uint64_t>(record.kind));
    append_varint(out, record.data.size());
    out += record.data;
  }
  return out;
}

std::variant<event_batch, std::string> decode_batch(const run_id& run, std::string_view bytes) {
  byte_reader in{bytes};
  event_batch batch{.run = run, .events = {}};
  auto end = in.byte();
  auto note = in.byte();
  batch.next = in.varint();
  auto count = in.varint();
  if (!in.ok() || end > static_cast<std::uint8_t>(enum_max(batch_end{})) ||
      note > static_cast<std::uint8_t>(enum_max(batch_note{}))) {
    return "a batch of events without its head";
  }
  batch.end = static_cast<batch_end>(end);
  batch.note = static_cast<batch_note>(note);
  if (count > in.rest().size() / event_bytes_least) return "a batch that is shorter than its events";
  batch.events.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    run_event event;
    event.index = in.varint();
    event.at_ms = unzigzag(in.varint());
    auto kind = in.varint();
    auto data = in.take(in.varint());
    if (!in.ok()) return "a batch that ends within an event";
    auto follows = batch.events.empty() || event.index == batch.events.back()->index + 1;
    if (!follows && !planted(mutant::frame_gap_accepted)) return "events with a gap between them";
    auto body = kind > 0xff ? std::variant<event_body, std::string>{"of an unknown kind"}
                            : decode(static_cast<std::int64_t>(kind), std::string{data});
    if (const auto* wrong = std::get_if<std::string>(&body)) return "an event that cannot be read: " + *wrong;
    event.body = std::move(std::get<event_body>(body));
    batch.events.emplace_back(std::move(event));
  }
  if (!in.rest().empty()) return "a batch with something behind its events";
  if (!batch.events.empty() && batch.next != batch.events.back()->index + 1) return "a batch that goes on elsewhere";
  return batch;
}

std::vector<std::string> frames_of(const link_reader& reader, const event_batch& batch) {
  std::vector<std::string> frames;
  auto bytes = encode_batch(batch);
  auto room = limits::link_frame_bytes_max - head_of_piece(reader, true).size();
  std::size_t from = 0;
  do {
    auto size = std::min(room, bytes.size() - from);
    auto frame = head_of_piece(reader, from + size == bytes.size());
    frame.append(bytes, from, size);
    frames.push_back(std::move(frame));
    from += size;
  } while (from < bytes.size());
  return frames;
}

}  // namespace oncue::core
