// What a node's HTTP server says of the other nodes: over a socket, with a supervisor and neighbours that say what the test
// has written down for them.
#define CAF_SUITE actors.http_nodes

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/test/unit_test.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "oncue/actors/gateway.hpp"
#include "oncue/io/http_server.hpp"
#include "oncue/messages/type_ids.hpp"
#include "oncue/runtime.hpp"
#include "support/raw_client.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

event_batch batch_of(event_index from, std::vector<event_body> bodies, batch_end end = batch_end::more) {
  event_batch batch{.run = {"r1"}, .events = {}, .next = from, .end = end};
  for (auto& body : bodies) {
    batch.events.push_back(event_ptr{run_event{.index = batch.next++, .body = std::move(body)}});
  }
  return batch;
}

event_batch note_of(batch_note note) { return {.run = {"r1"}, .events = {}, .note = note}; }

/// A run on another node: two events, words about that node while the next pull waits, and then the ending.
event_source_actor::behavior_type remote_run() {
  return {[](const pull_limits& pull, const subscriber_actor& reader) {
    if (pull.from == 0) {
      caf::anon_send(reader, batch_of(0, {run_started{"Storyteller", "m", "p"}, content_delta{"hello"}}));
      return;
    }
    for (auto note : {batch_note::owner_suspected, batch_note::owner_suspected, batch_note::owner_back}) {
      caf::anon_send(reader, note_of(note));
    }
    run_ended ended;
    ended.content = "hello";
    caf::anon_send(reader, batch_of(pull.from, {ended}, batch_end::ended));
  }};
}

/// Knows where r1 is, and how many runs there are.
supervisor_actor::behavior_type supervisor_of(const event_source_actor& source) {
  return {[](run_request&) { return start_reply{}; },
          [](cancel_request&) { return cancel_reply{}; },
          [source](const subscribe_run&) {
            return subscribe_reply{true, source};
          },
          [](const list_runs&) { return run_list{}; },
          [](const drain_node&) { return drain_reply{}; },
          [](get_stats) { return node_stats{.queued = 1, .running = 2}; },
          [](continue_run&) { return start_reply{}; },
          [](const run_changed&) {},
          [](const run_closed&) {},
          [](const run_left&) {},
          [](oncue::alarm) {},
          [](cancel_here&) { return cancel_reply{}; },
          [](const subscribe_here&) { return subscribe_reply{}; },
          [](take_runs&) {},
          [](list_held) { return held_runs{}; },
          [](fence_runs) {},
          [](join_cluster&) {}};
}

archive_actor::behavior_type archive() {
  return {[](const pull_limits&, const subscriber_actor&) {},
          [](const find_run& what) {
            run_record record;
            record.summary.id = what.run;
            record.summary.status = run_status::running;
            return run_found{record};
          },
          [](const find_runs&) { return runs_found{}; },
          [](const find_session&) { return session_reply{}; },
          [](const find_sessions&) { return sessions_found{}; },
          [](const find_owner&) { return run_owner{}; }};
}

neighbours_actor::behavior_type two_nodes() {
  return {[](cancel_request&) { return cancel_reply{}; }, [](const subscribe_run&) { return subscribe_reply{}; },
          [](nodes_known&) {}, [](work_waits) {},
          [](list_nodes) {
            node_list list{.self = 7, .nodes = {}, .problem = {}};
            for (incarnation_no number : {7, 8}) {
              node_line line;
              line.node.incarnation = number;
              line.node.lease_left_ms = 4000;
              line.link = number == 7 ? link_state::none : link_state::up;
              list.nodes.push_back(line);
            }
            return list;
          }};
}

struct fixture {
  runtime node;
  io::http_server server{node.loops(), {.port = 0}, actors::make_gateway(node.system(), env(true))};
  io::http_server lonely{node.loops(), {.port = 0}, actors::make_gateway(node.system(), env(false))};

  std::shared_ptr<const actors::gateway_env> env(bool with_neighbours) {
    auto& system = node.system();
    auto made = std::make_shared<actors::gateway_env>();
    auto source = system.spawn([] { return remote_run(); });
    made->supervisor = system.spawn([source] { return supervisor_of(source); });
    made->journal = node.journal();
    made->archive = system.spawn([] { return archive(); });
    if (with_neighbours) made->neighbours = system.spawn([] { return two_nodes(); });
    made->catalog = node.catalog();
    made->node_name = "box";
    made->running_max = 5;
    made->unix_ms = [] { return std::int64_t{0}; };
    made->random = [] { return std::uint64_t{0}; };
    return made;
  }

  static std::string get(const io::http_server& where, const std::string& path) {
    auto client = raw_client::to(where.port());
    client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    auto answer = client.read_answer();
    CAF_CHECK_EQUAL(answer.status, 200);
    return answer.body;
  }
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t sum = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++sum;
  return sum;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http_nodes_tests, fixture)

CAF_TEST(a word about the node that has the run is a comment of the stream and costs no event) {
  const auto stream = get(server, "/runs/r1/events");
  const auto content = stream.find("hello");
  const auto suspected = stream.find("\n\n: owner_suspected\n\n");
  const auto back = stream.find("\n\n: owner_back\n\n");
  const auto ending = stream.find("RunCompleted");
  CAF_CHECK(content < suspected && suspected < back && back < ending && ending != stream.npos);
  CAF_CHECK_EQUAL(count(stream, "owner_suspected"), 1u);
  CAF_CHECK_EQUAL(count(stream, "id: "), 3u);
}

CAF_TEST(nodes and info and samples tell what the neighbours know) {
  const auto nodes = nlohmann::json::parse(get(server, "/nodes"));
  CAF_CHECK(nodes["self"] == 7);
  CAF_CHECK_EQUAL(nodes["nodes"].size(), 2u);
  CAF_CHECK(nlohmann::json::parse(get(server, "/info"))["cluster"]["links_up"] == 1);
  const auto samples = get(server, "/prometheus");
  CAF_CHECK(samples.find("\noncue_cluster_nodes{state=\"up\"} 2\n") != samples.npos);
  CAF_CHECK(samples.find("\noncue_node_lease_left_seconds 4\n") != samples.npos);
}

CAF_TEST(a node that is alone tells of itself) {
  const auto nodes = nlohmann::json::parse(get(lonely, "/nodes"));
  CAF_CHECK(nodes["self"] == 0);
  CAF_REQUIRE_EQUAL(nodes["nodes"].size(), 1u);
  CAF_CHECK(nodes["nodes"][0]["name"] == "box");
  CAF_CHECK(nodes["nodes"][0]["load"]["room"] == 3);
  CAF_CHECK(!nlohmann::json::parse(get(lonely, "/info")).contains("cluster"));
  CAF_CHECK_EQUAL(get(lonely, "/prometheus").find("oncue_cluster"), std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
