// The links of a node: publishes the one door that other nodes can reach, connects to those that the membership names, and
// carries over them what is not here: pulls of runs that another node has, cancels, and the word that runs wait. What a
// link loses the journal has: a reader is handed over to it and back, with no gap and no duplicate (I4), and a cancel that
// nobody answers in time is told so. What crosses is bytes of ours (core/link_frames.hpp), never a handle.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "oncue/actors/node_env.hpp"
#include "oncue/core/link_frames.hpp"
#include "oncue/core/settings.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

struct links_setup {
  core::cluster_settings settings;
  std::string node_name;
  std::string cluster;  ///< an id of the cluster, for the greeting; empty: it is not looked at
  core::link_versions speaks = core::link_versions_here;
};

/// Prepares a system for links, before it is made: CAF's network modules, certificates, heartbeats. What is wrong with the
/// settings or the files they name, in a sentence; empty: all is well.
std::string configure_links(caf::actor_system_config& config, const core::cluster_settings& settings);

struct node_links {
  neighbours_actor neighbours;
  std::string address;  ///< "host:port" for other nodes; empty: this node takes no links
};

/// Publishes the door and starts the neighbours. They know nobody until the membership sends its first nodes_known. `env`
/// has an archive. Or why links cannot be taken, in a sentence.
std::variant<node_links, std::string> open_links(caf::actor_system& system, std::shared_ptr<const node_env> env,
                                                 const links_setup& setup, supervisor_actor supervisor);

/// Whom to tell that runs wait somewhere.
void introduce(const neighbours_actor& neighbours, membership_actor membership);

}  // namespace oncue::actors
