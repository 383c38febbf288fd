// A connection of another node, who is not to be believed: frames in any order, each with two bytes for its length in
// front, go the way of those that come through the door. Whatever it says, a link is up only with the right peer, no more
// is under way than the window holds, and what is said to it can be read.
#include <string>
#include <utility>

#include "fuzz.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/link_frames.hpp"
#include "oncue/core/link_peer.hpp"

using namespace oncue;

namespace {

constexpr incarnation_no self = 2, peer = 1;

void look(const core::link_orders& orders) {
  for (const auto& order : orders) {
    const auto* said = std::get_if<core::link_effect::send>(&order);
    if (!said) continue;
    fuzz::require(said->frame.size() <= core::limits::link_frame_bytes_max, "a frame is bounded");
    auto word = core::decode_link_frame(said->frame);
    fuzz::require(std::holds_alternative<core::link_word>(word), "what is said can be read");
  }
}

class stranger {
 public:
  explicit stranger(bool connects) : link_{{hello(), peer, connects, false}, 0} {
    if (connects) {
      step(core::link_event::tick{});
      step(core::link_event::connected{});
    }
  }

  /// As the neighbours take it.
  void come(std::string_view frame) {
    now_ += 1000;
    if (core::is_piece(frame)) {
      if (auto reader = core::reader_of_piece(frame)) {
        step(core::link_event::piece_came{frame.size()});
      } else {
        step(core::link_event::lost{"a broken piece"});
      }
      return;
    }
    auto decoded = core::decode_link_frame(frame);
    if (auto* word = std::get_if<core::link_word>(&decoded)) {
      if (const auto* greeting = std::get_if<core::link::hello>(word)) greeted_ |= greeting->incarnation == peer;
      step(core::link_event::said{std::move(*word)});
    } else {
      step(core::link_event::lost{std::get<std::string>(decoded)});
    }
    // Somebody there reads: the window fills, and then one batch waits.
    if (!link_.up() || link_.waiting_bytes() > 0) return;
    step(core::link_event::pieces{core::frames_of({1, 1}, event_batch{.run = {"r"}, .events = {}, .next = 7})});
    step(core::link_event::pieces{{"E" + std::string(core::limits::link_frame_bytes_max - 1, 'x')}}, false);
  }

  void pass_time() {
    now_ += std::chrono::microseconds{core::limits::link_heartbeat}.count();
    step(core::link_event::tick{});
  }

 private:
  static core::link::hello hello() { return {.incarnation = self, .name = "here", .to = peer, .cluster = "c"}; }

  void step(core::link_input input, bool readable = true) {
    auto orders = link_.step(std::move(input), now_);
    if (readable) look(orders);
    fuzz::require(!link_.up() || greeted_, "a link is up with the one that it is meant for");
    fuzz::require(link_.unconfirmed_bytes() <= core::limits::link_window_bytes_max, "no more than the window is under way");
    fuzz::require(link_.up() || link_.waiting_bytes() == 0, "nothing waits for a link that is down");
  }

  core::link_peer link_;
  core::link_peer::time_us now_ = 0;
  bool greeted_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = fuzz::text_of(data, size);
  if (bytes.empty()) return 0;
  stranger it{(bytes.front() & 1) != 0};
  bytes.remove_prefix(1);
  for (int frames = 0; bytes.size() >= 2 && frames < 32; ++frames) {
    auto length =
        static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) * 256 + static_cast<unsigned char>(bytes[1]);
    bytes.remove_prefix(2);
    auto frame = bytes.substr(0, length);
    bytes.remove_prefix(frame.size());
    if (frame.empty()) {
      it.pass_time();
    } else {
      it.come(frame);
    }
  }
  return 0;
}
