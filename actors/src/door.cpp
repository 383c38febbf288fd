// What other nodes can reach of this one: takes frames and nothing else. It knows nobody and answers nothing: the links
// behind it do, in its name, so that no other actor's handle ever leaves the process.
#include <caf/typed_event_based_actor.hpp>

#include "link_actors.hpp"

namespace oncue::actors {

namespace {

door_actor::behavior_type door(door_actor::pointer self, const links_actor& links) {
  self->set_default_handler(caf::drop);
  return {[self, links](link_frame& frame) { return self->delegate(links, std::move(frame)); }};
}

}  // namespace

door_actor spawn_door(caf::actor_system& system, const links_actor& links) { return system.spawn(door, links); }

}  // namespace oncue::actors
