// What a node tells about itself to a monitoring system: named samples with their meaning, made from its counters. Names
// and units are as Prometheus recommends them (https://prometheus.io/docs/practices/naming/); the text is written
// elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "oncue/core/agentos_documents.hpp"
#include "oncue/messages/cluster.hpp"
#include "oncue/messages/stats.hpp"

namespace oncue::core {

struct metric_sample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

/// Samples of one name.
struct metric_family {
  enum class kind : std::uint8_t { counter, gauge };

  std::string name;
  std::string help;  ///< one line without a backslash
  kind type = kind::gauge;
  std::vector<metric_sample> samples;
};

/// What the HTTP server counts, and the process around it.
struct server_numbers {
  std::uint64_t connections = 0;  ///< open now
  std::uint64_t streams = 0;      ///< of them, streaming
  std::uint64_t requests_total = 0;
  std::uint64_t rejected_total = 0;  ///< bad, too large or too slow requests, and connections above the limit
  std::uint64_t bytes_sent_total = 0;
  std::uint64_t actors = 0;  ///< alive in this process: a node at rest always has the same number
};

/// `cluster`: what the node knows of the others; null on a node that is alone, which says nothing about them.
std::vector<metric_family> node_samples(const node_stats& node, const server_numbers& server, const os_facts& facts,
                                        const node_list* cluster = nullptr);

}  // namespace oncue::core
