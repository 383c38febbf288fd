// One node of many, with the rest of the cluster in the test's hand.
#define CAF_SUITE actors.cluster

#include <caf/test/unit_test.hpp>

#include "support/cluster.hpp"
#include "support/promises.hpp"
#include "support/store_front.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

std::string status_in_store(node& n, const std::string& id) {
  auto found = n.store()->reads().find(find_run{{id}, false});
  auto& run = std::get<run_found>(found).run;
  return run ? std::string{to_string(run->summary.status)} : "unknown";
}

std::string text_in_store(node& n, const std::string& id) {
  auto found = n.store()->reads().find(find_run{{id}, false});
  return std::get<run_found>(found).run->content;
}

claimed_run claimed(const std::string& id, std::vector<event_ptr> events) {
  claimed_run run;
  run.request = {.id = {id}, .agent = {"writer"}, .input = "tell", .session = {"s-" + id}};
  run.created_at_ms = 1'700'000'000'000;
  run.events = std::move(events);
  return run;
}

/// The writer may call a tool that a person has to allow, within 30 s.
node_options that_asks() {
  node_options options;
  options.change_agent = [](core::agent_entry& entry) {
    std::vector<core::tool_spec> specs(1);
    specs[0].name = "ask";
    specs[0].need = tool_need::confirmation;
    entry.tools = std::make_shared<const core::tool_set>(std::get<0>(core::tool_set::make(std::move(specs))));
    entry.agent.pause_timeout = 30s;
  };
  return options;
}

/// "first" has the node's only place, "second" waits for it, and another node has room.
void run_and_queue(cluster_node& n) {
  n.real.run("first");
  n.real.start("second");
  n.other_has_room(3);
  n.real.advance(1s);
}

}  // namespace

CAF_TEST(a cancel for a run of another node is asked for there and noted in the journal at the same time) {
  cluster_node n;
  n.neighbours.cancel_says = {.outcome = cancel_outcome::cancelled, .run = {"far"}, .durable = true};
  auto reply = n.real.cancel("far");
  n.real.settle();
  CAF_CHECK_EQUAL(outcome(reply), "cancelled");
  CAF_REQUIRE_EQUAL(n.neighbours.cancels.size(), 1u);
  CAF_CHECK_EQUAL(n.neighbours.cancels[0].run.value, "far");
}

CAF_TEST(nobody has the run: what the journal says is the answer and the neighbours are not waited for) {
  cluster_node n;
  n.neighbours.hold_cancels = true;
  auto reply = n.real.cancel("nobody");
  n.real.settle();
  CAF_CHECK_EQUAL(outcome(reply), "intent_stored");
  n.neighbours.held.clear();
  n.real.settle();
}

// Found by oncue_sim, seeds 114 and 390 of its first version.
CAF_TEST(a run that has decided and not logged its ending is only said to be over by the journal) {
  cluster_node n;
  create_run what{{.id = {"far"}, .agent = {"writer"}, .input = "tell", .session = {"s"}}, 5, {}};
  what.events.emplace_back(run_event{0, 5, boxed<run_started>{{"Writer", "m", "scripted"}}});
  append_events begun{{"far"}, 1, {event_ptr{run_event{1, 6, model_request_started{1}}}}, 1};
  std::vector<io::store_write> group{what, begun};
  n.real.store()->commit(group);
  n.neighbours.cancel_says = {
      .outcome = cancel_outcome::already_ended, .run = {"far"}, .status = run_status::completed, .durable = false};
  // The journal has the cancel, and not the ending: it will end as cancelled, whatever its node has decided.
  auto reply = n.real.cancel("far");
  n.real.settle();
  CAF_CHECK_EQUAL(outcome(reply), "accepted");
}

CAF_TEST(a cancel that crossed over is only for runs that are here) {
  cluster_node n;
  n.real.run("here");
  auto far = n.real.ask<cancel_reply>(cancel_here{{.run = {"far"}}});
  auto here = n.real.ask<cancel_reply>(cancel_here{{.run = {"here"}}});
  n.real.settle();
  CAF_CHECK_EQUAL(outcome(far), "unknown");
  CAF_CHECK_EQUAL(outcome(here), "cancelled");
  CAF_CHECK(n.neighbours.cancels.empty());
}

CAF_TEST(a reader of a run that is not here is sent to the neighbours) {
  cluster_node n;
  recording seen;
  n.real.record("far", seen);
  n.real.settle();
  CAF_CHECK(!n.neighbours.subscriptions.empty());
  auto source = n.real.ask<subscribe_reply>(subscribe_here{{"far"}});
  n.real.run("here");
  auto here = n.real.ask<subscribe_reply>(subscribe_here{{"here"}});
  n.real.settle();
  CAF_CHECK(!(*source)->known);
  CAF_CHECK((*here)->known);
}

CAF_TEST(a lease that cannot be renewed stops every run in time and writes no ending) {
  cluster_node n;
  n.real.run("r");
  n.real.say_text("hello");
  n.keeper.renew_at_once = false;
  n.real.advance(1s);
  CAF_REQUIRE_EQUAL(n.keeper.renewals.size(), 1u);
  n.real.advance(7s);
  CAF_CHECK(!n.real.model().closed);
  n.real.advance(1100ms);
  CAF_CHECK(n.real.model().closed);
  CAF_CHECK_EQUAL(status_in_store(n.real, "r"), "RUNNING");
  CAF_CHECK_EQUAL(text_in_store(n.real, "r"), "hello");
  CAF_CHECK_EQUAL(n.neighbours.known.back().self, 0u);
  // The lost renewal's answer opens nothing again; then the node enters anew and takes runs.
  n.answer_all();
  n.real.advance(1s);
  CAF_REQUIRE_EQUAL(n.keeper.enters.size(), 1u);
  n.keeper.entered.self = 9;
  n.keeper.renew_at_once = true;
  n.answer_all();
  CAF_CHECK_EQUAL(n.neighbours.known.back().self, 9u);
  n.real.start("again");
  n.real.settle();
  CAF_CHECK_EQUAL(status_in_store(n.real, "again"), "RUNNING");
}

// Found by oncue_sim, seeds 1295 and 1343 of its first version.
CAF_TEST(a paused run expires also if its node lost the lease before the run had closed) {
  cluster_node n{that_asks(), 1000ms};
  n.real.run("r");
  n.keeper.renew_at_once = false;
  n.real.advance(600ms);
  // The model has asked, and does not close its stream.
  n.real.say(model_done{0, "tool_calls", {}, {{"1", "ask", "{}"}}});
  CAF_CHECK_EQUAL(status_in_store(n.real, "r"), "PAUSED");
  n.real.advance(1s);
  CAF_CHECK_EQUAL(n.neighbours.known.back().self, 0u);
  n.keeper.entered.self = 9;
  n.keeper.renew_at_once = true;
  n.answer_all();
  n.real.advance(1s);
  n.answer_all();
  CAF_CHECK_EQUAL(n.neighbours.known.back().self, 9u);
  for (int i = 0; i < 40; ++i) n.real.advance(1s);
  CAF_CHECK_EQUAL(status_in_store(n.real, "r"), "ERROR");
}

// Found by oncue_sim, seed 607 of its second version.
CAF_TEST(a paused run that another node has ended is not cancelled by what is left of it here) {
  cluster_node n{that_asks()};
  n.real.run("r");
  n.real.say(model_done{0, "tool_calls", {}, {{"1", "ask", "{}"}}});
  CAF_CHECK_EQUAL(status_in_store(n.real, "r"), "PAUSED");
  io::store_write ends = end_expired{1'700'000'000'000 + 60'000, 10};
  n.real.store()->commit({&ends, 1});
  auto reply = n.real.cancel("r", 0);
  n.real.settle();
  CAF_CHECK_EQUAL(outcome(reply), "already_ended");
}

CAF_TEST(a run that another node has taken stops and its ending is left to that node) {
  cluster_node n;
  auto run = n.real.run("r");
  caf::anon_send(run, journal_refused{{"r"}, "the run has another owner now", true});
  n.real.settle();
  CAF_CHECK(n.real.model().closed);
  CAF_CHECK_EQUAL(status_in_store(n.real, "r"), "RUNNING");
  auto list = n.real.ask<held_runs>(list_held{});
  n.real.settle();
  CAF_CHECK((*list)->runs.empty());
}

CAF_TEST(a cancel that was accepted elsewhere comes with the renewal) {
  cluster_node n;
  n.real.run("r");
  n.keeper.grant.cancels = {{.run = {"r"}, .reason = "enough", .by = "ann"}};
  n.real.advance(1s);
  CAF_CHECK(n.real.model().closed);
  CAF_CHECK_EQUAL(status_in_store(n.real, "r"), "CANCELLED");
}

CAF_TEST(a claimed run goes on where its log ends) {
  cluster_node n;
  n.keeper.grant.work_waits = true;
  n.real.advance(1s);
  CAF_REQUIRE_EQUAL(n.keeper.claims.size(), 1u);
  std::vector<event_ptr> log;
  log.emplace_back(run_event{0, 1, boxed<run_started>{}});
  log.emplace_back(run_event{1, 1, model_request_started{1}});
  // The row is another process's: enough to see that it begins, and from where.
  n.keeper.claimed.runs.push_back(claimed("c", log));
  n.answer_all();
  CAF_REQUIRE_EQUAL(n.real.models().calls.size(), 1u);
  CAF_CHECK_EQUAL(n.real.model().attempt, 2u);
}

CAF_TEST(a full node places a run where there is room and says so to the others) {
  cluster_node n{{.roster = {.live_max = 1}}};
  n.real.run("first");
  auto second = n.real.start("second");
  n.real.settle();
  CAF_CHECK_EQUAL(refused(second), "too_many_runs");
  n.other_has_room(3);
  auto third = n.real.start("third");
  n.real.settle();
  CAF_CHECK_EQUAL(refused(third), "started");
  CAF_CHECK_EQUAL(n.neighbours.work, 1);
  CAF_CHECK_EQUAL(status_in_store(n.real, "third"), "PENDING");
}

CAF_TEST(a draining node hands over what has not begun) {
  store_front store;
  cluster_node n{with_store(store, {.roster = {.running_max = 1}})};
  run_and_queue(n);
  auto drained = n.real.ask<drain_reply>(drain_node{60'000, 1000});
  n.real.settle();
  CAF_REQUIRE_EQUAL(n.keeper.given_back.size(), 1u);
  CAF_CHECK_EQUAL(n.keeper.given_back[0].value, "second");
  CAF_CHECK_EQUAL(n.neighbours.work, 1);
  CAF_CHECK_EQUAL(status_in_store(n.real, "second"), "PENDING");
  CAF_CHECK(!n.real.model().closed);
  for (int i = 0; i < 61; ++i) n.real.advance(1s);
  CAF_CHECK_EQUAL((*drained)->cancelled, 1u);
  CAF_CHECK(store.cancels.empty());  // the drain is nothing to whoever has it now
}

CAF_TEST(a cancel that was granted while its run was handed over is written down for whoever has it then) {
  store_front store;
  cluster_node n{with_store(store, {.roster = {.running_max = 1}})};
  run_and_queue(n);
  n.keeper.hold_released = true;
  n.real.ask<drain_reply>(drain_node{10'000, 1000});
  n.real.settle();
  store.away = true;
  auto reply = n.real.cancel("second", 0);
  n.real.settle();
  CAF_CHECK_EQUAL(outcome(reply), "accepted");
  n.answer_all();
  store.away = false;
  for (int i = 0; i < 12; ++i) n.real.advance(1s);
  CAF_CHECK(store.cancels == std::vector<std::string>{"second"});
}

CAF_TEST(a row without an actor is given back and if it has begun it is ended as lost) {
  cluster_node n;
  n.real.run("r");
  n.keeper.takes_back = false;
  n.keeper.mine.runs = {{"r"}, {"ghost"}};
  n.real.advance(1s);
  CAF_CHECK(n.keeper.given_back.empty());
  n.real.advance(1s);
  CAF_REQUIRE_EQUAL(n.keeper.given_back.size(), 1u);
  CAF_CHECK_EQUAL(n.keeper.given_back[0].value, "ghost");
  CAF_CHECK_EQUAL(status_in_store(n.real, "r"), "RUNNING");
}
