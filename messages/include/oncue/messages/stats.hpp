// What a node counts about its runs. Numbers only; nobody decides anything by them.
#pragma once

#include <cstdint>

#include "oncue/messages/inspection.hpp"

namespace oncue {

/// How many runs this node has and had. Totals count from the node's start.
struct get_stats {};

struct node_stats {
  std::uint64_t queued = 0;   ///< admitted, waiting for a place or for their session
  std::uint64_t running = 0;  ///< of them, `paused` ones too
  std::uint64_t started_total = 0;
  std::uint64_t refused_total = 0;
  std::uint64_t completed_total = 0;
  std::uint64_t failed_total = 0;
  std::uint64_t cancelled_total = 0;
  std::uint64_t cancels_total = 0;  ///< requests to cancel, whatever came of them
  bool draining = false;
};

template <class Inspector>
bool inspect(Inspector& f, get_stats& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, node_stats& x) {
  return f.object(x).fields(f.field("queued", x.queued), f.field("running", x.running),
                            f.field("started_total", x.started_total), f.field("refused_total", x.refused_total),
                            f.field("completed_total", x.completed_total), f.field("failed_total", x.failed_total),
                            f.field("cancelled_total", x.cancelled_total), f.field("cancels_total", x.cancels_total),
                            f.field("draining", x.draining));
}

}  // namespace oncue
