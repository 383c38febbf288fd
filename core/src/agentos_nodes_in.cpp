// The list of nodes as a client reads it.
#include <nlohmann/json.hpp>

#include "json_depth.hpp"
#include "oncue/core/agentos_client.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::core {
namespace {

using nlohmann::ordered_json;

/// The member if it is there and an object, else one without members.
ordered_json object_in(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : ordered_json::object();
}

std::string text_in(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::uint64_t count_in(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

listed_node node_in(const ordered_json& object) {
  const auto link = object_in(object, "link");
  const auto load = object_in(object, "load");
  listed_node node;
  node.incarnation = count_in(object, "incarnation");
  node.name = text_in(object, "name");
  node.state = text_in(object, "state");
  node.url = text_in(object, "url");
  node.version = text_in(object, "version");
  node.link = text_in(link, "state");
  node.link_problem = text_in(link, "problem");
  node.round_trip_us = count_in(link, "round_trip_us");
  if (const auto lease = object.find("lease_left_ms"); lease != object.end() && lease->is_number_integer())
    node.lease_left_ms = lease->get<std::int64_t>();
  node.running = count_in(load, "running");
  node.queued = count_in(load, "queued");
  node.room = count_in(load, "room");
  const auto draining = object.find("draining");
  node.draining = draining != object.end() && *draining == true;
  return node;
}

}  // namespace

std::variant<listed_nodes, std::string> read_nodes(std::string_view text) {
  constexpr auto not_understood = "the server's answer is not understood: expected a list of nodes, each a JSON object";
  if (!nested_at_most(text, limits::client_event_depth_max)) return not_understood;
  const auto json = ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return not_understood;
  const auto nodes = json.find("nodes");
  if (nodes == json.end() || !nodes->is_array()) return not_understood;
  listed_nodes result;
  for (const auto& node : *nodes) {
    if (!node.is_object()) return not_understood;
    result.nodes.push_back(node_in(node));
  }
  result.self = count_in(json, "self");
  result.problem = text_in(json, "problem");
  result.json = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return result;
}

}  // namespace oncue::core
