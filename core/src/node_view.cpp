#include "oncue/core/node_view.hpp"

#include <utility>

#include "json_keys.hpp"

namespace oncue::core {
namespace {

void add_or_null(std::string& out, std::string_view key, std::string_view text) {
  if (text.empty()) {
    add_raw(out, key, "null");
  } else {
    add(out, key, text);
  }
}

std::string link_object(const node_line& line) {
  std::string members;
  add(members, "state", to_string(line.link));
  add_or_null(members, "problem", line.link_problem);
  add(members, "round_trip_us", line.round_trip_us);
  return object_of(members);
}

std::string node_object(const node_line& line) {
  const auto& node = line.node;
  std::string members;
  add(members, "incarnation", node.incarnation);
  add(members, "name", node.name);
  add(members, "state", node_state(node));
  add(members, "url", node.url);
  add(members, "link_address", node.link_address);
  add_raw(members, "link", link_object(line));
  add(members, "version", node.version);
  add(members, "started_at", iso_time_z(node.started_at_ms));
  // A node that is alone needs no lease.
  add_raw(members, "lease_left_ms", node.incarnation == 0 ? "null" : std::to_string(node.lease_left_ms));
  std::string load;
  add(load, "queued", node.load.queued);
  add(load, "running", node.load.running);
  add(load, "room", node.load.room);
  add_raw(members, "load", object_of(load));
  add_bool(members, "draining", node.load.draining);
  return object_of(members);
}

}  // namespace

std::string_view node_state(const node_record& node) {
  if (node.dead) return "dead";
  return node.lease_left_ms < 0 ? "late" : "up";
}

node_counts count_nodes(const node_list& cluster) {
  node_counts counts;
  for (const auto& [node, link, problem, round_trip_us] : cluster.nodes) {
    ++(node.dead ? counts.dead : node.lease_left_ms < 0 ? counts.late : counts.up);
    if (node.dead) continue;
    switch (link) {
      case link_state::none: break;
      case link_state::connecting: ++counts.links_connecting; break;
      case link_state::up: ++counts.links_up; break;
      case link_state::down: ++counts.links_down; break;
      case link_state::foreign: ++counts.links_foreign; break;
    }
  }
  return counts;
}

std::int64_t own_lease_left_ms(const node_list& cluster) {
  for (const auto& line : cluster.nodes) {
    if (cluster.self != 0 && line.node.incarnation == cluster.self) return line.node.lease_left_ms;
  }
  return 0;
}

node_list alone(const node_stats& stats, const os_facts& facts, std::string name, std::string url,
                std::uint64_t running_max) {
  node_record node{.name = std::move(name), .link_address = {}, .url = std::move(url), .version = facts.version};
  node.started_at_ms = facts.started_at_ms;
  node.load.queued = stats.queued;
  node.load.running = stats.running;
  node.load.room = running_max > stats.running ? running_max - stats.running : 0;
  node.load.draining = stats.draining;
  node_list list;
  list.nodes.push_back({std::move(node), link_state::none, {}, 0});
  return list;
}

std::string nodes_document(const node_list& nodes) {
  std::string list;
  for (const auto& line : nodes.nodes) list += "," + node_object(line);
  std::string members;
  add(members, "self", nodes.self);
  add_raw(members, "nodes", list_of(list));
  add_or_null(members, "problem", nodes.problem);
  return object_of(members);
}

}  // namespace oncue::core
