// The actors behind a node's links, for each other.
#pragma once

#include <caf/actor_system.hpp>
#include <memory>
#include <string>

#include "oncue/actors/node_env.hpp"
#include "oncue/core/link_frames.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

/// neighbours.cpp. What others can reach is the door alone: whatever comes through it is delegated to here.
using links_actor =
    neighbours_actor::extend<caf::result<void>(link_frame),    // from the door; the sender is the other node's door
                             caf::result<void>(frames_out),    // from readers and stand-ins: pieces, and their words
                             caf::result<void>(link_dialled),  // from a dialler
                             caf::result<void>(link_broken),   // from whoever could not read a piece
                             caf::result<void>(link_tick), caf::result<void>(join_cluster)>;

/// remote_run.cpp: stands in for a run that another node has.
using remote_run_actor = event_source_actor::extend<caf::result<void>(event_batch),  // from the journal
                                                    caf::result<void>(link_frame),   // from the links: a piece, or not_here
                                                    caf::result<void>(link_changed)>;  // from the links: of any node

/// remote_reader.cpp: reads a run here for a reader on another node.
using remote_reader_actor = subscriber_actor::extend<caf::result<void>(pull_limits)>;

/// dialler.cpp: may block, and so has a thread of its own; one a try.
using dialler_actor = caf::typed_actor<caf::result<void>(dial_link)>;

/// door.cpp
door_actor spawn_door(caf::actor_system& system, const links_actor& links);
/// `number` is the run's in link_reader; `links` the state of every link there is.
remote_run_actor spawn_remote_run(caf::actor_system& system, std::shared_ptr<const node_env> env, links_actor links,
                                  std::uint64_t number, run_id run, incarnation_no self, incarnation_no owner);
remote_reader_actor spawn_remote_reader(caf::actor_system& system, links_actor links, supervisor_actor supervisor,
                                        incarnation_no node, core::link_reader reader);
void dial(caf::actor_system& system, links_actor links, dial_link where, bool with_certificates);

}  // namespace oncue::actors
