// The tables of the configuration file that concern the node as a whole: [server], [store],
// [cluster] and [limits].
#pragma once

#include "config_section.hpp"

namespace oncue::core {

/// Each gives the defaults for what its table leaves out. Rejects what is wrong by throwing.
server_settings decode_server(const section& source);
store_settings decode_store(const section& source);
cluster_settings decode_cluster(const section& source);
roster_limits decode_node_limits(const section& source);

}  // namespace oncue::core
