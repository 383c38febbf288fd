// The network between the doors of the nodes: in place of CAF's, and of the dialler that connects with it. A connection is
// two actors, each of which stands for the other side's door, as CAF's proxies do. Delays frames, keeps their order,
// repeats them if the seed says so, is cut (both sides hear of it) or held (nobody hears anything). A frame that is lost
// takes the rest of its connection along, as with TCP: nothing more passes, and some time later both sides hear of it.
#pragma once

#include <caf/actor_system.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "chance.hpp"
#include "engine.hpp"
#include "link_actors.hpp"

namespace oncue::sim {

class network {
 public:
  network(chance& luck, engine& all);
  ~network();
  network(const network&) = delete;
  network& operator=(const network&) = delete;

  /// A life of a node can be reached at this address from now on.
  void attach(int node, int life, door_actor door);
  /// Its process is gone: the others hear of it, or not if the machine is gone with it.
  void detach(int node, bool silently);

  void dial(const actors::links_actor& links, const dial_link& where);

  /// Between two nodes, until then.
  void cut(int a, int b, std::int64_t until_us);
  void hold(int from, int to, std::int64_t until_us) { held_[{from, to}] = until_us; }
  void heal();
  /// No handle is held any more: before the actors go.
  void forget_all();
  std::size_t open_wires() const { return wires_.size(); }

  static std::string address_of(int node) { return "node-" + std::to_string(node); }

  std::uint64_t lost = 0;      ///< of a thousand frames
  std::uint64_t repeated = 0;  ///< of a thousand frames
  std::uint64_t delay_ms = 2;  ///< at most

 private:
  friend class wire_end;
  struct wire {
    int from = 0;  // node
    int to = 0;
    door_actor from_door;  // the nodes' own
    door_actor to_door;
    door_actor at_from;  // what stands for the other side
    door_actor at_to;
    std::int64_t last_us[2] = {0, 0};
    bool is_broken = false;
  };
  struct place {
    int life = 0;
    door_actor door;
  };

  std::int64_t arrival(wire& line, bool forth);
  void deliver(int number, bool forth, std::string bytes);
  void close(int number);

  chance& luck_;
  engine& all_;
  std::map<int, place> places_;
  std::map<int, wire> wires_;
  std::map<std::pair<int, int>, std::int64_t> cut_until_;
  std::map<std::pair<int, int>, std::int64_t> held_;
  int last_wire_ = 0;
};

}  // namespace oncue::sim
