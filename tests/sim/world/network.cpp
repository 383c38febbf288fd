#include "network.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace oncue::sim {

namespace {

network* current = nullptr;

std::pair<int, int> both(int a, int b) { return {std::min(a, b), std::max(a, b)}; }

}  // namespace

/// One end of a connection: takes what is sent to the other side.
class wire_end {
 public:
  static constexpr const char* name = "wire";

  wire_end(door_actor::pointer self, network* net, int number, bool forth)
      : self_{self}, net_{net}, number_{number}, forth_{forth} {}

  door_actor::behavior_type make_behavior() {
    return {[this](link_frame& frame) {
      auto found = net_->wires_.find(number_);
      if (found == net_->wires_.end()) return;
      auto& line = found->second;
      if (!line.is_broken && net_->luck_.hits(net_->lost)) {
        line.is_broken = true;
        self_->run_delayed(net_->luck_.span(0, 3000), [this] {
          if (net_->wires_.contains(number_)) net_->close(number_);
        });
      }
      if (line.is_broken) return;
      auto times = net_->luck_.hits(net_->repeated) ? 2 : 1;
      for (int i = 0; i < times; ++i) {
        auto wait = net_->arrival(line, forth_) - net_->luck_.now_us();
        self_->run_delayed(std::chrono::microseconds{wait},
                           [this, bytes = frame.bytes] { net_->deliver(number_, forth_, bytes); });
      }
    }};
  }

 private:
  door_actor::pointer self_;
  network* net_;
  int number_;
  bool forth_;
};

network::network(chance& luck, engine& all) : luck_{luck}, all_{all} { current = this; }
network::~network() { current = nullptr; }

void network::forget_all() {
  places_.clear();
  wires_.clear();
}

void network::attach(int node, int life, door_actor door) {
  std::vector<int> old;
  for (auto& [number, line] : wires_) {
    if (line.from == node || line.to == node) old.push_back(number);
  }
  for (auto number : old) close(number);
  std::erase_if(held_, [node](const auto& entry) { return entry.first.first == node; });
  places_[node] = {life, std::move(door)};
}

void network::detach(int node, bool silently) {
  places_.erase(node);
  std::vector<int> gone;
  for (auto& [number, line] : wires_) {
    if (line.from != node && line.to != node) continue;
    if (silently) {
      held_[{node, line.from == node ? line.to : line.from}] = luck_.now_us() + 3'600'000'000;
    } else {
      gone.push_back(number);
    }
  }
  for (auto number : gone) close(number);
}

void network::close(int number) {
  auto line = std::move(wires_.at(number));
  wires_.erase(number);
  caf::anon_send_exit(line.at_from, caf::exit_reason::remote_link_unreachable);
  caf::anon_send_exit(line.at_to, caf::exit_reason::remote_link_unreachable);
}

void network::cut(int a, int b, std::int64_t until_us) {
  auto& until = cut_until_[both(a, b)];
  until = std::max(until, until_us);
  std::vector<int> gone;
  for (auto& [number, line] : wires_) {
    if (both(line.from, line.to) == both(a, b)) gone.push_back(number);
  }
  for (auto number : gone) close(number);
}

void network::heal() {
  cut_until_.clear();
  // What waited this long is not waited for any more: such a connection begins anew.
  std::vector<int> gone;
  for (auto& [number, line] : wires_) {
    if (held_.contains({line.from, line.to}) || held_.contains({line.to, line.from})) gone.push_back(number);
  }
  for (auto number : gone) close(number);
  held_.clear();
  lost = repeated = 0;
}

void network::dial(const actors::links_actor& links, const dial_link& where) {
  int from = -1;
  for (const auto& [node, at] : places_) {
    if (at.life == all_.here()) from = node;
  }
  auto to = std::find_if(places_.begin(), places_.end(),
                         [&](const auto& entry) { return address_of(entry.first) == where.address; });
  auto wait = luck_.span(0, delay_ms + 1);
  if (from < 0 || to == places_.end() || cut_until_[both(from, to->first)] > luck_.now_us()) {
    caf::delayed_anon_send(links, wait, link_dialled{where.node, {}, "nobody answers at " + where.address});
    return;
  }
  auto number = ++last_wire_;
  auto& line = wires_[number];
  line.from = from;
  line.to = to->first;
  line.from_door = places_[from].door;
  line.to_door = to->second.door;
  all_.inside(outside, [&] {
    line.at_from = all_.system().spawn<door_actor::stateful_impl<wire_end>>(this, number, true);
    line.at_to = all_.system().spawn<door_actor::stateful_impl<wire_end>>(this, number, false);
  });
  caf::delayed_anon_send(links, wait, link_dialled{where.node, line.at_from, {}});
}

/// When a frame that leaves now arrives: not before the one that left before it.
std::int64_t network::arrival(wire& line, bool forth) {
  auto way = forth ? std::pair{line.from, line.to} : std::pair{line.to, line.from};
  auto at = luck_.now_us() + std::chrono::microseconds{luck_.span(0, delay_ms)}.count();
  if (auto held = held_.find(way); held != held_.end()) at = std::max(at, held->second);
  auto& last = line.last_us[forth ? 0 : 1];
  last = std::max(last, at);
  return last;
}

void network::deliver(int number, bool forth, std::string bytes) {
  auto found = wires_.find(number);
  if (found == wires_.end()) return;
  auto& line = found->second;
  caf::send_as(forth ? line.at_to : line.at_from, forth ? line.to_door : line.from_door, link_frame{std::move(bytes)});
}

}  // namespace oncue::sim

namespace oncue::actors {

/// In the dialler's place: this program is linked without it.
void dial(caf::actor_system&, links_actor links, dial_link where, bool) {
  if (sim::current) sim::current->dial(links, where);
}

}  // namespace oncue::actors
