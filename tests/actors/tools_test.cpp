#define CAF_SUITE actors.tools

#include <caf/test/unit_test.hpp>

#include "support/node.hpp"
#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

std::shared_ptr<const core::tool_set> some_tools() {
  std::vector<core::tool_spec> specs(3);
  specs[0].name = "work";
  specs[1].name = "ask";
  specs[1].need = tool_need::confirmation;
  specs[2].name = "kid";
  specs[2].kind = core::tool_kind::agent;
  specs[2].agent = {"kid"};
  return std::make_shared<const core::tool_set>(std::get<0>(core::tool_set::make(std::move(specs))));
}

node_options with_tools(journal_kind journal = journal_kind::memory) {
  node_options options;
  options.journal = journal;
  options.change_agent = [](core::agent_entry& entry) { entry.tools = some_tools(); };
  options.change_catalog = [](core::catalog& catalog) {
    auto kid = std::make_shared<core::agent_entry>(*catalog.find({"writer"}));
    kid->agent.id = {"kid"};
    kid->agent.name = "Kid";
    catalog.agents[kid->agent.id] = kid;
  };
  return options;
}

tool_call work(std::string id = "1") { return {std::move(id), "work", "{}"}; }
tool_call ask() { return {"1", "ask", "{}"}; }
tool_call kid(std::string id = "1") { return {std::move(id), "kid", R"({"message":"help"})"}; }

std::string text_of_ending(const recording& seen) {
  return seen.events.empty() || !ending_of(seen.events) ? "no ending" : ending_of(seen.events)->content;
}

std::string status_of_run(node& n, const std::string& id) {
  auto list = n.ask<run_list>(list_runs{100});
  n.settle();
  for (const auto& run : (*list)->runs) {
    if (run.id.value == id) return std::string{to_string(run.status)};
  }
  return "unknown";
}

std::shared_ptr<std::optional<start_reply>> decide(node& n, std::string id, bool yes) {
  continue_run word;
  word.run = {std::move(id)};
  word.by = "test";
  tool_decision one;
  one.call_id = "1";
  one.confirmed = yes;
  word.decisions = {one};
  auto reply = n.ask<start_reply>(word);
  n.settle();
  return reply;
}

/// How many actors there are when no run is: what every test must come back to.
std::size_t idle_actors(journal_kind journal) {
  node n{with_tools(journal)};
  return n.live_actors();
}

}  // namespace

CAF_TEST(a run calls its tools and its model reads what they answer) {
  node n{with_tools()};
  n.run("r");
  recording seen;
  n.record("r", seen);
  n.settle();
  n.say_calls({work("a"), work("b")});
  CAF_REQUIRE_EQUAL(n.tools().calls.size(), 2u);
  CAF_CHECK_EQUAL(n.tool(0).what.call.id, "a");
  n.answer("1", 1);
  CAF_CHECK_EQUAL(n.models().calls.size(), 1u);
  n.answer("2", 0);
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 2u);
  const auto& told = n.model(1).request.messages;
  CAF_CHECK_EQUAL(told.back().content, "1");
  CAF_CHECK_EQUAL(told[told.size() - 2].content, "2");
  CAF_CHECK_EQUAL(n.model(1).request.tools.size(), 3u);
  n.say_text("done", 1);
  n.say(model_done{0, "stop", {}, {}}, 1);
  n.say(model_closed{}, 1);
  CAF_CHECK(seen.ended);
  CAF_CHECK_EQUAL(whole_log(seen.events), "");
  CAF_CHECK_EQUAL(text_of_ending(seen), "done");
}

CAF_TEST(a cancel in a tool stops it and counts it and leaves no actor) {
  for (auto journal : {journal_kind::memory, journal_kind::sqlite}) {
    auto idle = idle_actors(journal);
    node n{with_tools(journal)};
    n.run("r");
    recording seen;
    n.record("r", seen);
    n.settle();
    n.say_calls({work("a"), work("b")});
    auto reply = n.cancel("r");
    n.settle();
    CAF_CHECK(n.tool(0).stopped && n.tool(1).stopped);
    CAF_CHECK_EQUAL(outcome(reply), "cancelled");
    CAF_CHECK_EQUAL((*reply)->tools, 2u);
    CAF_CHECK_EQUAL((*reply)->tools_stopped, 2u);
    CAF_CHECK(seen.ended);
    CAF_CHECK_EQUAL(whole_log(seen.events), "");
    CAF_CHECK_EQUAL(n.models().calls.size(), 1u);
    CAF_CHECK_EQUAL(n.live_actors(), idle);
  }
}

CAF_TEST(a tool that does not close is killed after the grace and the receipt says so) {
  auto idle = idle_actors(journal_kind::memory);
  node n{with_tools()};
  n.run("r");
  n.settle();
  n.tools().deaf = true;
  n.say_calls({work()});
  auto reply = n.cancel("r", 60'000);
  n.settle();
  CAF_CHECK(!*reply);
  n.advance(core::limits::close_grace);
  CAF_CHECK_EQUAL(outcome(reply), "cancelled");
  CAF_CHECK_EQUAL((*reply)->tools_abandoned, 1u);
  CAF_CHECK_EQUAL(n.live_actors(), idle);
}

CAF_TEST(a tool whose actor dies has failed and the run goes on) {
  node n{with_tools()};
  n.run("r");
  n.settle();
  n.say_calls({work()});
  caf::anon_send_exit(caf::actor_cast<caf::actor>(n.tool().self), caf::exit_reason::kill);
  n.settle();
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 2u);
  CAF_CHECK_EQUAL(n.model(1).request.messages.back().content, "the tool ended without an answer");
}

CAF_TEST(a paused run is nobody and comes back when a person has decided) {
  for (auto journal : {journal_kind::memory, journal_kind::sqlite}) {
    auto idle = idle_actors(journal);
    node n{with_tools(journal)};
    n.run("r");
    recording first;
    n.record("r", first);
    n.settle();
    n.say_text("Let me ask. ");
    n.say_calls({ask()});
    CAF_CHECK_EQUAL(n.live_actors(), idle);
    CAF_CHECK_EQUAL(status_of_run(n, "r"), "PAUSED");
    CAF_REQUIRE(!first.events.empty());
    CAF_CHECK(get_if<run_paused>(*first.events.back()) != nullptr);
    CAF_CHECK(!first.ended);

    auto reply = decide(n, "r", true);
    CAF_REQUIRE_EQUAL(refused(reply), "started");
    CAF_CHECK_EQUAL((*reply)->from, first.events.size());
    CAF_CHECK_EQUAL(status_of_run(n, "r"), "RUNNING");
    recording second;
    n.record("r", second);
    n.settle();
    CAF_REQUIRE_EQUAL(n.tools().calls.size(), 1u);
    n.answer("yes");
    CAF_REQUIRE_EQUAL(n.models().calls.size(), 2u);
    CAF_CHECK_EQUAL(n.model(1).request.messages[1].content, "Let me ask. ");
    n.say_text("Thanks.", 1);
    n.say(model_done{0, "stop", {}, {}}, 1);
    n.say(model_closed{}, 1);
    CAF_CHECK(second.ended);
    CAF_CHECK_EQUAL(whole_log(second.events), "");
    CAF_CHECK_EQUAL(text_of_ending(second), "Let me ask. Thanks.");
    CAF_CHECK_EQUAL(refused(decide(n, "r", true)), "not_paused");
  }
}

CAF_TEST(a continue is refused with a reason when it cannot be) {
  node n{with_tools()};
  CAF_CHECK_EQUAL(refused(decide(n, "nobody", true)), "unknown_run");
  n.run("r");
  n.settle();
  CAF_CHECK_EQUAL(refused(decide(n, "r", true)), "not_paused");
  n.say_calls({ask()});
  continue_run none;
  none.run = {"r"};
  auto undecided = n.ask<start_reply>(none);
  n.settle();
  CAF_CHECK_EQUAL(refused(undecided), "invalid_input");
  CAF_CHECK_EQUAL(status_of_run(n, "r"), "PAUSED");
  none.session = {"another"};
  auto elsewhere = n.ask<start_reply>(none);
  n.settle();
  CAF_CHECK_EQUAL(refused(elsewhere), "unknown_run");
  CAF_CHECK_EQUAL(refused(decide(n, "r", false)), "started");
}

CAF_TEST(of two who continue a run one does) {
  node n{with_tools(journal_kind::sqlite)};
  n.run("r");
  n.settle();
  n.say_calls({ask()});
  continue_run word;
  word.run = {"r"};
  tool_decision yes;
  yes.call_id = "1";
  yes.confirmed = true;
  word.decisions = {yes};
  auto one = n.ask<start_reply>(word);
  auto two = n.ask<start_reply>(word);
  n.settle();
  auto both = refused(one) + " " + refused(two);
  CAF_CHECK(both == "started not_paused" || both == "not_paused started");
  CAF_CHECK_EQUAL(n.tools().calls.size(), 1u);
}

CAF_TEST(whoever has read the pause can continue the run at once) {
  for (auto journal : {journal_kind::memory, journal_kind::sqlite}) {
    node n{with_tools(journal)};
    n.run("r");
    recording seen;
    n.record("r", seen);
    n.settle();
    caf::anon_send(n.model().sink, model_done{n.model().attempt, "tool_calls", {}, {ask()}});
    caf::anon_send(n.model().sink, model_closed{n.model().attempt});
    while (seen.events.empty() || !get_if<run_paused>(*seen.events.back())) CAF_REQUIRE(n.step());
    CAF_CHECK_EQUAL(refused(decide(n, "r", true)), "started");
  }
}

CAF_TEST(a paused run is cancelled at once and cannot be continued then) {
  for (auto journal : {journal_kind::memory, journal_kind::sqlite}) {
    node n{with_tools(journal)};
    n.run("r");
    n.settle();
    n.say_calls({ask()});
    auto reply = n.cancel("r");
    n.settle();
    CAF_CHECK_EQUAL(outcome(reply), "cancelled");
    CAF_CHECK((*reply)->durable);
    CAF_CHECK_EQUAL(status_of_run(n, "r"), "CANCELLED");
    CAF_CHECK_EQUAL(refused(decide(n, "r", true)), "not_paused");
    recording seen;
    n.record("r", seen);
    n.settle();
    CAF_CHECK(seen.ended);
    CAF_CHECK_EQUAL(whole_log(seen.events), "");
    auto again = n.cancel("r");
    n.settle();
    CAF_CHECK_EQUAL(outcome(again), "cancelled");
  }
}

CAF_TEST(a paused run that nobody decides on fails when its time is over) {
  for (auto journal : {journal_kind::memory, journal_kind::sqlite}) {
    auto options = with_tools(journal);
    options.change_agent = [](core::agent_entry& entry) {
      entry.tools = some_tools();
      entry.agent.pause_timeout = std::chrono::seconds{30};
    };
    node n{options};
    n.run("r");
    n.settle();
    n.say_calls({ask()});
    n.advance(std::chrono::seconds{29});
    CAF_CHECK_EQUAL(status_of_run(n, "r"), "PAUSED");
    n.advance(std::chrono::seconds{2});
    CAF_CHECK_EQUAL(status_of_run(n, "r"), "ERROR");
    recording seen;
    n.record("r", seen);
    n.settle();
    CAF_REQUIRE(seen.ended);
    CAF_CHECK_EQUAL(to_string(ending_of(seen.events)->how.code), "deadline_pause");
  }
}

CAF_TEST(a paused run leaves its session to others and waits for its turn when it goes on) {
  node n{with_tools()};
  n.start_in("s", "one");
  n.settle();
  n.say_calls({ask()});
  n.start_in("s", "two");
  n.settle();
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 2u);
  CAF_CHECK_EQUAL(refused(decide(n, "one", true)), "started");
  CAF_CHECK_EQUAL(n.tools().calls.size(), 0u);  // the session's other run comes first
  n.say_text("hi", 1);
  n.say(model_done{0, "stop", {}, {}}, 1);
  n.say(model_closed{}, 1);
  CAF_CHECK_EQUAL(n.tools().calls.size(), 1u);
}

CAF_TEST(an agent that is called runs in the place of its caller and session and is heard there) {
  auto options = with_tools();
  options.roster.running_max = 1;
  node n{options};
  n.start_in("s", "r");
  n.settle();
  recording seen;
  n.record("r", seen);
  n.settle();
  n.say_calls({kid()});
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 2u);  // the child calls its model at once
  CAF_CHECK_EQUAL(n.model(1).request.messages.back().content, "help");
  n.say_text("I help.", 1);
  n.say(model_done{0, "stop", {}, {}}, 1);
  n.say(model_closed{}, 1);
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 3u);
  CAF_CHECK_EQUAL(n.model(2).request.messages.back().content, "I help.");
  n.say_text("Good.", 2);
  n.say(model_done{0, "stop", {}, {}}, 2);
  n.say(model_closed{}, 2);
  CAF_CHECK(seen.ended);
  CAF_CHECK_EQUAL(text_of_ending(seen), "Good.");
  std::string heard;
  bool child_ended = false;
  for (const auto& event : seen.events) {
    const auto* child = get_if<child_event>(*event);
    if (!child) continue;
    if (const auto* said = get_if<content_delta>(*child->event)) heard += said->text;
    child_ended = child_ended || get_if<run_ended>(*child->event);
  }
  CAF_CHECK_EQUAL(heard, "I help.");
  CAF_CHECK(child_ended);
  // What comes next in the session is not told what the child said.
  n.start_in("s", "next");
  n.settle();
  for (const auto& message : n.model(3).request.messages) CAF_CHECK(message.content != "help");
}

CAF_TEST(a cancel reaches all children and is acknowledged by each) {
  auto idle = idle_actors(journal_kind::memory);
  node n{with_tools()};
  n.run("r");
  n.settle();
  n.say_calls({kid("1"), kid("2"), kid("3")});
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 4u);
  auto reply = n.cancel("r", 10'000);
  n.settle();
  CAF_CHECK_EQUAL(outcome(reply), "cancelled");
  CAF_CHECK_EQUAL((*reply)->children, 3u);
  CAF_CHECK_EQUAL((*reply)->children_stopped, 3u);
  for (std::size_t i = 1; i < 4; ++i) CAF_CHECK(n.model(i).closed);
  CAF_CHECK_EQUAL(n.live_actors(), idle);
  auto list = n.ask<run_list>(list_runs{100});
  n.settle();
  for (const auto& run : (*list)->runs) CAF_CHECK_EQUAL(to_string(run.status), "CANCELLED");
}

CAF_TEST(a cancel at any moment while a child starts stops it too) {
  for (std::size_t steps = 0; steps < 40; ++steps) {
    node n{with_tools()};
    n.run("r");
    n.settle();
    caf::anon_send(n.model().sink, model_done{n.model().attempt, "tool_calls", {}, {kid("1"), kid("2")}});
    caf::anon_send(n.model().sink, model_closed{n.model().attempt});
    for (std::size_t i = 0; i < steps && n.step(); ++i) {
    }
    auto reply = n.cancel("r", 10'000);
    n.settle();
    CAF_CHECK_EQUAL(outcome(reply), "cancelled");
    CAF_CHECK_EQUAL((*reply)->children, (*reply)->children_stopped);
    auto list = n.ask<run_list>(list_runs{100});
    n.settle();
    for (const auto& run : (*list)->runs) CAF_CHECK_EQUAL(to_string(run.status), "CANCELLED");
    for (std::size_t i = 1; i < n.models().calls.size(); ++i) CAF_CHECK(n.model(i).closed);
  }
}

CAF_TEST(a run whose actor dies takes its children along) {
  node n{with_tools()};
  auto parent = n.run("r");
  n.settle();
  n.say_calls({kid("1"), kid("2")});
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 3u);
  caf::anon_send_exit(parent, caf::exit_reason::kill);
  n.settle();
  CAF_CHECK(n.model(1).closed && n.model(2).closed);
  CAF_CHECK_EQUAL(status_of_run(n, "r"), "ERROR");
}

CAF_TEST(a graceful cancel that was granted holds although the run dies) {
  for (auto journal : {journal_kind::memory, journal_kind::sqlite}) {
    node n{with_tools(journal)};
    auto run = n.run("r");
    n.settle();
    n.say_calls({work()});
    cancel_request request{.run = {"r"}, .reason = "enough", .by = "test", .wait_ms = 0};
    request.mode = cancel_mode::after_tools;
    auto reply = n.ask<cancel_reply>(request);
    n.settle();
    n.advance(std::chrono::milliseconds{1});
    CAF_CHECK_EQUAL(outcome(reply), "accepted");
    // The journal knows it, whoever ends the run.
    auto ended = std::make_shared<std::optional<end_orphan_reply>>();
    auto asker = n.system().spawn([=, &n](caf::event_based_actor* self) {
      end_orphan what{{"r"}, {.kind = ending_kind::failed, .code = failure_code::node_lost, .message = "gone"}, 1};
      self->request(n.env().journal, caf::infinite, what)
          .then([=](end_orphan_reply& x) { *ended = std::move(x); }, [](const caf::error&) {});
    });
    n.settle();
    CAF_REQUIRE(*ended && (*ended)->ended);
    CAF_CHECK(get_if<run_ended>(**(*ended)->ended)->how.kind == ending_kind::cancelled);
  }
}

CAF_TEST(a child that is cancelled by itself is an answer to its caller) {
  node n{with_tools()};
  n.run("r");
  n.settle();
  n.say_calls({kid()});
  auto list = n.ask<run_list>(list_runs{100});
  n.settle();
  std::string child;
  for (const auto& run : (*list)->runs) {
    if (run.agent.value == "kid") child = run.id.value;
  }
  auto reply = n.cancel(child);
  n.settle();
  CAF_CHECK_EQUAL(outcome(reply), "cancelled");
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 3u);
  CAF_CHECK(n.model(2).request.messages.back().content.find("was cancelled: enough") != std::string::npos);
}

CAF_TEST(a node that drains lets its runs call agents and cancels all at the end of the grace) {
  node n{with_tools()};
  n.run("r");
  n.settle();
  auto drained = n.ask<drain_reply>(drain_node{5000, 5000});
  n.settle();
  n.say_calls({kid()});
  CAF_CHECK_EQUAL(n.models().calls.size(), 2u);
  n.advance(std::chrono::seconds{5});
  CAF_REQUIRE(*drained);
  CAF_CHECK((*drained)->left.empty());
  CAF_CHECK(n.model(1).closed);
}

CAF_TEST(a graceful cancel through the supervisor lets the tool answer) {
  node n{with_tools()};
  n.run("r");
  n.settle();
  n.say_calls({work()});
  cancel_request request{.run = {"r"}, .reason = "enough", .by = "test"};
  request.mode = cancel_mode::after_tools;
  auto reply = n.ask<cancel_reply>(request);
  n.settle();
  n.advance(std::chrono::seconds{1});
  CAF_CHECK_EQUAL(outcome(reply), "accepted");
  CAF_CHECK(!n.tool().stopped);
  n.answer("42");
  CAF_CHECK_EQUAL(status_of_run(n, "r"), "CANCELLED");
  CAF_CHECK_EQUAL(n.models().calls.size(), 1u);
}
