// What another node says. Whatever it is, it is read as a word or refused; and a word that was read is said and read again
// as the same.
#include "fuzz.hpp"
#include "oncue/core/link_frames.hpp"

using namespace oncue;

namespace {

bool same_batch(const event_batch& a, const event_batch& b) {
  return a.events == b.events && a.next == b.next && a.end == b.end && a.note == b.note;
}

void read_batch(std::string_view bytes) {
  auto decoded = core::decode_batch({"r"}, bytes);
  const auto* batch = std::get_if<event_batch>(&decoded);
  if (!batch) return;
  auto again = core::decode_batch({"r"}, core::encode_batch(*batch));
  fuzz::require(std::holds_alternative<event_batch>(again), "a batch that was read can be read again");
  fuzz::require(same_batch(*batch, std::get<event_batch>(again)), "a batch is read as it was");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  read_batch(text);
  auto decoded = core::decode_link_frame(text);
  const auto* word = std::get_if<core::link_word>(&decoded);
  if (!word) {
    fuzz::require(!std::get<std::string>(decoded).empty(), "what is refused is told why");
    return 0;
  }
  if (const auto* piece = std::get_if<core::link::piece>(word)) {
    fuzz::require(core::is_piece(text) && core::reader_of_piece(text) == piece->reader, "a piece's reader is on its head");
    read_batch(piece->bytes);
  }
  auto bytes = core::encode(*word);
  auto again = core::decode_link_frame(bytes);
  fuzz::require(std::holds_alternative<core::link_word>(again), "a word that was read can be read again");
  fuzz::require(core::encode(std::get<core::link_word>(again)) == bytes, "a word is read as it was");
  return 0;
}
