// One link to one other node: who connects, how they greet, whether it lives, how much may be under way on it, and when a
// lost one is tried again. Pure: takes what happened and the time, says what is to be done. Promises that there is one link
// a pair of nodes, because only one side connects; that a node that says nothing is down after limits::link_silence_max;
// that frames leave in their order, at most limits::link_window_bytes_max of them unconfirmed; and that what waited when
// the link went down is forgotten. Whoever needed it asks elsewhere.
//
//   connecting ── connected ──▶ greeting ── its greeting came ──▶ up          (this side connects)
//   waiting ── its greeting came ──────────────────────────────▶ up          (the other side does)
//   up ── silence, lost, nonsense ──▶ down ── a pause, or its greeting ──▶ …
//   any ── no version in common ──▶ foreign, for good
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/core/link_frames.hpp"
#include "oncue/messages/cluster.hpp"

namespace oncue::core {

/// True if `self` is the side that connects: the one that entered last, unless only the other one can.
bool connects(const node_record& self, const node_record& peer);

namespace link_event {
struct tick {};
/// What came of a `connect`.
struct connected {
  std::string problem;  ///< not empty: it failed
};
/// The connection is gone, or what came over it makes no sense.
struct lost {
  std::string problem;
};
/// A frame came, and this is what it says. Of the words only the link's own matter here.
struct said {
  link_word word;
};
/// A piece of a batch came, so long.
struct piece_came {
  std::size_t bytes = 0;
};
/// Pieces of batches are to go.
struct pieces {
  std::vector<std::string> frames;
};
}  // namespace link_event

using link_input = std::variant<link_event::tick, link_event::connected, link_event::lost, link_event::said,
                                link_event::piece_came, link_event::pieces>;

namespace link_effect {
/// Connect; a `connected` answers.
struct connect {};
struct send {
  std::string frame;
};
/// state() is another one now. Down after up: whatever was under way is lost.
struct changed {
  link_state from = link_state::none;
  link_state to = link_state::none;
};
}  // namespace link_effect

using link_order = std::variant<link_effect::connect, link_effect::send, link_effect::changed>;
using link_orders = std::vector<link_order>;

struct link_plan {
  link::hello hello;            ///< of this node
  incarnation_no peer = 0;      ///< who is to be at the other end
  bool connects = false;        ///< this side connects
  bool takes_no_links = false;  ///< neither can: there is no link, ever
};

class link_peer {
 public:
  /// Times are steady, in microseconds.
  using time_us = std::int64_t;

  link_peer(link_plan plan, time_us now);

  link_orders step(link_input input, time_us now);

  link_state state() const { return state_; }
  bool up() const { return state_ == link_state::up; }
  /// Why it is not up, in a sentence; empty: it is, or nothing is known yet.
  const std::string& problem() const { return problem_; }
  std::uint64_t round_trip_us() const { return round_trip_us_; }
  /// Bytes of frames that wait for room in the window.
  std::size_t waiting_bytes() const { return waiting_bytes_; }
  std::size_t unconfirmed_bytes() const { return static_cast<std::size_t>(sent_ - confirmed_); }

 private:
  enum class phase : std::uint8_t { resting, connecting, greeting, up, foreign };

  void on(link_event::tick&, time_us now, link_orders& out);
  void on(link_event::connected& x, time_us now, link_orders& out);
  void on(link_event::lost& x, time_us now, link_orders& out);
  void on(link_event::said& x, time_us now, link_orders& out);
  void on(link_event::piece_came& x, time_us now, link_orders& out);
  void on(link_event::pieces& x, time_us now, link_orders& out);
  void greeted(const link::hello& x, time_us now, link_orders& out);
  void fail(std::string problem, time_us now, link_orders& out);
  void become(link_state to, link_orders& out);
  void pump(link_orders& out);

  link_plan plan_;
  phase phase_ = phase::resting;
  link_state state_ = link_state::connecting;
  std::string problem_;
  time_us since_ = 0;     ///< of the phase
  time_us retry_at_ = 0;  ///< resting
  std::int64_t pause_us_ = 0;
  time_us heard_at_ = 0;
  time_us pinged_at_ = 0;
  std::uint64_t pings_ = 0;
  std::uint64_t round_trip_us_ = 0;
  std::deque<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t sent_ = 0;       ///< bytes of pieces since the greeting
  std::uint64_t confirmed_ = 0;  ///< of these, taken by the other side
  std::uint64_t received_ = 0;   ///< bytes of pieces since the greeting
  std::uint64_t told_ = 0;       ///< of these, confirmed by us
};

}  // namespace oncue::core
