#include "oncue/core/link_peer.hpp"

#include <algorithm>
#include <utility>

#include "oncue/messages/mutants.hpp"

namespace oncue::core {

namespace {

constexpr std::int64_t us(limits::milliseconds time) { return std::chrono::microseconds{time}.count(); }

// How much may come before it is confirmed. Far below what may be under way, or both sides would wait for each other.
constexpr std::uint64_t confirmed_step_bytes = limits::link_window_bytes_max / 8;
static_assert(confirmed_step_bytes + limits::link_frame_bytes_max < limits::link_window_bytes_max);

}  // namespace

bool connects(const node_record& self, const node_record& peer) {
  if (peer.link_address.empty()) return false;
  return self.link_address.empty() || self.incarnation > peer.incarnation;
}

link_peer::link_peer(link_plan plan, time_us now)
    : plan_{std::move(plan)}, since_{now}, retry_at_{now}, pause_us_{us(limits::link_retry_min)} {
  if (plan_.takes_no_links) state_ = link_state::none;
}

link_orders link_peer::step(link_input input, time_us now) {
  link_orders out;
  if (phase_ != phase::foreign && !plan_.takes_no_links) std::visit([&](auto& x) { on(x, now, out); }, input);
  return out;
}

void link_peer::on(link_event::tick&, time_us now, link_orders& out) {
  switch (phase_) {
    case phase::resting:
      if (!plan_.connects || now < retry_at_) return;
      phase_ = phase::connecting;
      out.emplace_back(link_effect::connect{});
      return;
    case phase::greeting:
      if (now - since_ >= us(limits::link_connect_max)) fail("it took the connection and did not greet", now, out);
      return;
    case phase::up:
      if (now - heard_at_ >= us(limits::link_silence_max) && !planted(mutant::silent_link_stays_up)) {
        fail("nothing was heard of it for " + std::to_string(limits::link_silence_max.count()) + " ms", now, out);
      } else if (now - pinged_at_ >= us(limits::link_heartbeat)) {
        pinged_at_ = now;
        out.emplace_back(link_effect::send{encode(link::ping{++pings_})});
      }
      return;
    default: return;
  }
}

void link_peer::on(link_event::connected& x, time_us now, link_orders& out) {
  if (phase_ != phase::connecting) return;
  if (!x.problem.empty()) {
    fail(std::move(x.problem), now, out);
    return;
  }
  phase_ = phase::greeting;
  since_ = now;
  out.emplace_back(link_effect::send{encode(plan_.hello)});
}

void link_peer::on(link_event::lost& x, time_us now, link_orders& out) {
  if (phase_ == phase::up || phase_ == phase::greeting) fail(std::move(x.problem), now, out);
}

void link_peer::on(link_event::said& x, time_us now, link_orders& out) {
  if (const auto* hello = std::get_if<link::hello>(&x.word)) {
    greeted(*hello, now, out);
    return;
  }
  if (phase_ != phase::up) return;
  heard_at_ = now;
  if (const auto* ping = std::get_if<link::ping>(&x.word)) {
    out.emplace_back(link_effect::send{encode(link::pong{ping->number})});
  } else if (const auto* pong = std::get_if<link::pong>(&x.word)) {
    if (pong->number == pings_) round_trip_us_ = static_cast<std::uint64_t>(now - pinged_at_);
  } else if (const auto* ack = std::get_if<link::ack>(&x.word)) {
    if (ack->bytes < confirmed_ || ack->bytes > sent_) {
      fail("it confirmed what was never sent", now, out);
      return;
    }
    confirmed_ = ack->bytes;
    pump(out);
  }
}

void link_peer::on(link_event::piece_came& x, time_us now, link_orders& out) {
  if (phase_ != phase::up) return;
  heard_at_ = now;
  received_ += x.bytes;
  if (received_ - told_ < confirmed_step_bytes) return;
  if (planted(mutant::link_never_confirms)) return;
  told_ = received_;
  out.emplace_back(link_effect::send{encode(link::ack{received_})});
}

void link_peer::on(link_event::pieces& x, time_us, link_orders& out) {
  if (phase_ != phase::up) return;
  for (auto& frame : x.frames) {
    waiting_bytes_ += frame.size();
    waiting_.push_back(std::move(frame));
  }
  pump(out);
}

void link_peer::pump(link_orders& out) {
  auto has_room = [this] { return unconfirmed_bytes() + waiting_.front().size() <= limits::link_window_bytes_max; };
  while (!waiting_.empty() && (has_room() || planted(mutant::link_unbounded))) {
    sent_ += waiting_.front().size();
    waiting_bytes_ -= waiting_.front().size();
    out.emplace_back(link_effect::send{std::move(waiting_.front())});
    waiting_.pop_front();
  }
}

void link_peer::greeted(const link::hello& x, time_us now, link_orders& out) {
  // Whoever connects has greeted first: this is the answer, or comes late.
  if (plan_.connects && phase_ != phase::greeting) return;
  auto other_cluster = !x.cluster.empty() && !plan_.hello.cluster.empty() && x.cluster != plan_.hello.cluster;
  auto version = common_version(x.speaks, plan_.hello.speaks);
  if (!plan_.connects) out.emplace_back(link_effect::send{encode(plan_.hello)});
  // Lost without our having noticed: it greets again.
  if (phase_ == phase::up) fail("it connected anew", now, out);
  if (x.incarnation != plan_.peer) {
    fail("another node answered at its address", now, out);
    return;
  }
  if (other_cluster || !version) {
    problem_ = other_cluster ? "it belongs to another cluster"
                             : "it speaks versions " + std::to_string(x.speaks.min) + " to " +
                                   std::to_string(x.speaks.max) + " of the links' language, this node " +
                                   std::to_string(plan_.hello.speaks.min) + " to " + std::to_string(plan_.hello.speaks.max);
    phase_ = phase::foreign;
    become(link_state::foreign, out);
    return;
  }
  phase_ = phase::up;
  since_ = heard_at_ = pinged_at_ = now;
  pinged_at_ -= us(limits::link_heartbeat);  // the first ping goes soon
  pause_us_ = us(limits::link_retry_min);
  sent_ = confirmed_ = received_ = told_ = 0;
  problem_.clear();
  become(link_state::up, out);
}

void link_peer::fail(std::string problem, time_us now, link_orders& out) {
  phase_ = phase::resting;
  since_ = now;
  retry_at_ = now + pause_us_;
  pause_us_ = std::min(2 * pause_us_, us(limits::link_retry_max));
  problem_ = std::move(problem);
  waiting_.clear();
  waiting_bytes_ = 0;
  become(link_state::down, out);
}

void link_peer::become(link_state to, link_orders& out) {
  if (state_ == to) return;
  out.emplace_back(link_effect::changed{std::exchange(state_, to), to});
}

}  // namespace oncue::core
