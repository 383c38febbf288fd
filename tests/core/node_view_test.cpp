// The nodes of a cluster as /nodes, /info and /prometheus tell them.
#define CAF_SUITE core.node_view

#include "oncue/core/node_view.hpp"

#include <caf/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "oncue/core/agentos_documents.hpp"
#include "oncue/core/node_samples.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

node_line line_of(incarnation_no incarnation, std::int64_t lease_left_ms, bool dead, link_state link) {
  node_line line;
  line.node.incarnation = incarnation;
  line.node.name = "n" + std::to_string(incarnation);
  line.node.lease_left_ms = lease_left_ms;
  line.node.dead = dead;
  line.link = link;
  return line;
}

/// Node 3 asks: it is up itself, 4 is up and linked, 5 is late and its link is lost, 6 is of another version, 1 is dead.
node_list some_nodes() {
  node_list cluster{.self = 3, .nodes = {}, .problem = {}};
  cluster.nodes = {line_of(3, 9500, false, link_state::none), line_of(4, 8000, false, link_state::up),
                   line_of(5, -1, false, link_state::down), line_of(6, 0, false, link_state::foreign),
                   line_of(1, -60'000, true, link_state::down)};
  return cluster;
}

std::vector<double> values_of(const std::vector<metric_family>& all, const std::string& name) {
  std::vector<double> values;
  for (const auto& family : all) {
    if (family.name != name) continue;
    for (const auto& sample : family.samples) values.push_back(sample.value);
  }
  return values;
}

}  // namespace

CAF_TEST(the document of nodes has each with its lease its load and its link) {
  auto line = line_of(4, 8000, false, link_state::up);
  line.node.url = "http://n4:7777";
  line.node.link_address = "n4:7800";
  line.node.version = "0.1.0";
  line.node.started_at_ms = 1795330922'000;
  line.node.load = {.queued = 1, .running = 2, .room = 3, .draining = true};
  line.round_trip_us = 250;
  CAF_CHECK_EQUAL(
      nodes_document({.self = 3, .nodes = {line}, .problem = {}}),
      R"({"self":3,"nodes":[{"incarnation":4,"name":"n4","state":"up","url":"http://n4:7777","link_address":"n4:7800",)"
      R"("link":{"state":"up","problem":null,"round_trip_us":250},"version":"0.1.0","started_at":"2026-11-22T07:02:02Z",)"
      R"("lease_left_ms":8000,"load":{"queued":1,"running":2,"room":3},"draining":true}],"problem":null})");
  CAF_CHECK_EQUAL(nodes_document({}), R"({"self":0,"nodes":[],"problem":null})");

  auto cluster = some_nodes();
  cluster.problem = "the database says \"no\"";
  cluster.nodes[2].link_problem = "it was not heard for 3.5 s";
  const auto document = nlohmann::json::parse(nodes_document(cluster));
  std::string states;
  for (const auto& node : document["nodes"]) {
    states += node["name"].get<std::string>() + " " + node["state"].get<std::string>() + " " +
              node["link"]["state"].get<std::string>() + ", ";
  }
  CAF_CHECK_EQUAL(states, "n3 up none, n4 up up, n5 late down, n6 up foreign, n1 dead down, ");
  CAF_CHECK(document["nodes"][2]["lease_left_ms"] == -1);
  CAF_CHECK_EQUAL(document["nodes"][2]["link"]["problem"], "it was not heard for 3.5 s");
  CAF_CHECK_EQUAL(document["problem"], "the database says \"no\"");
}

CAF_TEST(a node that is alone is a list of one without a lease) {
  const node_stats stats{.queued = 5, .running = 7};
  const os_facts facts{.version = "0.1.0", .started_at_ms = 1795330922'000};
  const auto document = nlohmann::json::parse(nodes_document(alone(stats, facts, "box", "http://127.0.0.1:7777", 10)));
  CAF_CHECK(document["self"] == 0);
  CAF_REQUIRE_EQUAL(document["nodes"].size(), 1u);
  const auto& node = document["nodes"][0];
  CAF_CHECK(node["incarnation"] == 0);
  CAF_CHECK_EQUAL(node["name"], "box");
  CAF_CHECK_EQUAL(node["state"], "up");
  CAF_CHECK_EQUAL(node["url"], "http://127.0.0.1:7777");
  CAF_CHECK_EQUAL(node["version"], "0.1.0");
  CAF_CHECK(node["lease_left_ms"].is_null());
  CAF_CHECK_EQUAL(node["link"]["state"], "none");
  CAF_CHECK_EQUAL(node["load"].dump(), R"({"queued":5,"room":3,"running":7})");
  CAF_CHECK(node["draining"] == false);
  CAF_CHECK_EQUAL(alone(stats, facts, "", "", 6).nodes[0].node.load.room, 0u);
}

CAF_TEST(the info of a node among many counts them and keeps the databases words to itself) {
  auto cluster = some_nodes();
  const auto info = [&] { return nlohmann::json::parse(info_document({}, {}, &cluster)); };
  CAF_CHECK_EQUAL(info()["cluster"].dump(), R"({"links_up":1,"nodes_up":3,"problem":null,"self":3})");
  cluster.problem = "cannot connect to db.internal";
  CAF_CHECK_EQUAL(info()["cluster"]["problem"], "the shared store cannot be asked: see /nodes");
  CAF_CHECK(info().dump().find("internal") == std::string::npos);
  CAF_CHECK(!nlohmann::json::parse(info_document({}, {})).contains("cluster"));
}

CAF_TEST(nodes and links are counted by state and the lease in seconds) {
  const auto cluster = some_nodes();
  auto all = node_samples({}, {}, {}, &cluster);
  CAF_CHECK((values_of(all, "oncue_cluster_nodes") == std::vector<double>{3, 1, 1}));
  CAF_CHECK((values_of(all, "oncue_cluster_links") == std::vector<double>{0, 1, 1, 1}));
  CAF_CHECK((values_of(all, "oncue_node_lease_left_seconds") == std::vector<double>{9.5}));
  auto late = cluster;
  late.nodes[0].node.lease_left_ms = -200;
  CAF_CHECK((values_of(node_samples({}, {}, {}, &late), "oncue_node_lease_left_seconds") == std::vector<double>{0}));
  late.self = 0;
  CAF_CHECK_EQUAL(own_lease_left_ms(late), 0);
  CAF_CHECK(values_of(node_samples({}, {}, {}), "oncue_cluster_nodes").empty());
}
