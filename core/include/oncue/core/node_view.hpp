// The nodes of a cluster as people and monitoring systems see them: one word for each, and how many there are of what.
// Judges by what one node knows at one moment, and asks nobody.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oncue/core/agentos_documents.hpp"
#include "oncue/messages/cluster.hpp"
#include "oncue/messages/stats.hpp"

namespace oncue::core {

/// "up"; "late": its lease has run out and nobody has said that it is dead; "dead".
std::string_view node_state(const node_record& node);

struct node_counts {
  std::uint64_t up = 0;
  std::uint64_t late = 0;
  std::uint64_t dead = 0;
  /// Of the nodes that are not dead.
  std::uint64_t links_connecting = 0;
  std::uint64_t links_up = 0;
  std::uint64_t links_down = 0;
  std::uint64_t links_foreign = 0;
};
node_counts count_nodes(const node_list& cluster);

/// Of the node that was asked, in milliseconds; 0: it has none.
std::int64_t own_lease_left_ms(const node_list& cluster);

/// A node that is alone, in the same words: incarnation 0, no lease, no link.
node_list alone(const node_stats& stats, const os_facts& facts, std::string name, std::string url,
                std::uint64_t running_max);

}  // namespace oncue::core
