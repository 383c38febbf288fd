// A provider's event stream. The events are the same for every way of cutting the bytes.
#include <vector>

#include "fuzz.hpp"
#include "oncue/core/sse_decoder.hpp"

using namespace oncue;

namespace {

struct decoded {
  std::vector<std::string> events;
  std::string last_id;
  bool overflowed = false;

  friend bool operator==(const decoded&, const decoded&) = default;
};

void feed(core::sse_decoder& decoder, std::string_view bytes, decoded& out) {
  while (auto event = decoder.next(bytes)) {
    out.events.push_back(std::string(event->type) + "\n" + std::string(event->data) + "\n" + decoder.last_event_id());
  }
  fuzz::require(bytes.empty(), "all bytes are taken");
  out.last_id = decoder.last_event_id();
  out.overflowed = decoder.overflowed();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = fuzz::text_of(data, size);
  auto seed = fuzz::seed_of(bytes);
  for (std::size_t bytes_max : {std::size_t{1} << 20, std::size_t{24}}) {
    core::sse_decoder whole(bytes_max), pieces(bytes_max);
    decoded at_once, cut;
    feed(whole, bytes, at_once);
    for (auto rest = bytes; !rest.empty();) feed(pieces, fuzz::take_piece(rest, seed), cut);
    fuzz::require(at_once == cut, "the events do not depend on the cuts");
  }
  return 0;
}
