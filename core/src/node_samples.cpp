#include "oncue/core/node_samples.hpp"

#include <algorithm>

#include "oncue/core/node_view.hpp"

namespace oncue::core {
namespace {

using kind = metric_family::kind;

metric_family one(std::string name, kind type, std::string help, std::uint64_t value) {
  return {std::move(name), std::move(help), type, {{{}, static_cast<double>(value)}}};
}

metric_sample ended(run_status status, std::uint64_t value) {
  return {{{"status", std::string{to_string(status)}}}, static_cast<double>(value)};
}

metric_sample in_state(std::string_view state, std::uint64_t value) {
  return {{{"state", std::string{state}}}, static_cast<double>(value)};
}

void add_cluster(std::vector<metric_family>& all, const node_list& cluster) {
  const auto counts = count_nodes(cluster);
  all.push_back({"oncue_cluster_nodes",
                 "Nodes that share the store, by what is known of them; dead ones for a while only",
                 kind::gauge,
                 {in_state("up", counts.up), in_state("late", counts.late), in_state("dead", counts.dead)}});
  all.push_back({"oncue_cluster_links",
                 "Links of this node to others, by their state",
                 kind::gauge,
                 {in_state("connecting", counts.links_connecting), in_state("up", counts.links_up),
                  in_state("down", counts.links_down), in_state("foreign", counts.links_foreign)}});
  all.push_back({"oncue_node_lease_left_seconds",
                 "How long this node's lease holds if it is not renewed; 0: it has none",
                 kind::gauge,
                 {{{}, static_cast<double>(std::max<std::int64_t>(own_lease_left_ms(cluster), 0)) / 1000}}});
}

}  // namespace

std::vector<metric_family> node_samples(const node_stats& node, const server_numbers& server, const os_facts& facts,
                                        const node_list* cluster) {
  std::vector<metric_family> all{
      {"oncue_build_info", "Always 1; the version is in the label", kind::gauge, {{{{"version", facts.version}}, 1}}},
      {"oncue_start_time_seconds",
       "When the server started, in unix time",
       kind::gauge,
       {{{}, static_cast<double>(facts.started_at_ms) / 1000}}},
      one("oncue_draining", kind::gauge, "1 while the node shuts down and takes no new run", node.draining),
      one("oncue_runs_running", kind::gauge, "Runs that talk to a model", node.running),
      one("oncue_runs_queued", kind::gauge, "Runs that wait for a place or for their session", node.queued),
      one("oncue_runs_started_total", kind::counter, "Runs that were taken", node.started_total),
      one("oncue_runs_refused_total", kind::counter, "Starts that were refused", node.refused_total),
      {"oncue_runs_ended_total",
       "Runs that have ended, by how they ended",
       kind::counter,
       {ended(run_status::completed, node.completed_total), ended(run_status::failed, node.failed_total),
        ended(run_status::cancelled, node.cancelled_total)}},
      one("oncue_cancels_total", kind::counter, "Requests to cancel, whatever came of them", node.cancels_total),
      one("oncue_http_connections", kind::gauge, "Open connections", server.connections),
      one("oncue_http_streams", kind::gauge, "Open event streams", server.streams),
      one("oncue_http_requests_total", kind::counter, "Requests that were read whole", server.requests_total),
      one("oncue_http_rejected_total", kind::counter,
          "Bad, too large or too slow requests, and connections above the limit", server.rejected_total),
      one("oncue_http_sent_bytes_total", kind::counter, "Bytes that were sent", server.bytes_sent_total),
      one("oncue_actors", kind::gauge, "Actors that are alive in this process", server.actors),
  };
  if (cluster) add_cluster(all, *cluster);
  return all;
}

}  // namespace oncue::core
