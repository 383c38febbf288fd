// The kit's node: what a test of an agent can rely on.
#define CAF_SUITE testkit.node

#include "oncue/testkit/node.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/test/unit_test.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <nlohmann/json.hpp>

#include "oncue/actors/subscription.hpp"
#include "oncue/core/config.hpp"
#include "oncue/testkit/seeds.hpp"

using namespace oncue;
using namespace oncue::testkit;
using namespace std::chrono_literals;

namespace {

/// An agent with these limits, and no tools.
core::catalog one_agent(core::deadlines limits, core::retry_policy retry = {}) {
  auto config = std::get<core::config>(core::default_config({}));
  config.agents.front().limits = limits;
  config.agents.front().retry = retry;
  return core::make_catalog(config);
}

/// A subscriber of somebody's own.
struct counter_state {
  static constexpr const char* name = "counter";
  counter_state(subscriber_actor::pointer me, supervisor_actor supervisor, run_id run, int* to)
      : self{me}, events{me, std::move(supervisor), std::move(run)}, count{to} {}

  subscriber_actor::behavior_type make_behavior() {
    self->set_down_handler([this](const caf::down_msg& down) { events.on_down(down); });
    events.open();
    return {[this](event_batch& batch) {
      for (const auto& event : events.take(batch)) *count += get_if<content_delta>(*event) ? 1 : 0;
      if (events.state() == actors::subscription_state::reading) {
        events.pull();
      } else {
        self->quit();
      }
    }};
  }

  subscriber_actor::pointer self;
  actors::subscription<subscriber_actor::base> events;
  int* count;
};

}  // namespace

CAF_TEST(a run says what its model was scripted to say and at what time) {
  scripted_model model;
  model.answers(answer{}.wait(300ms).say("Once").wait(60ms).say(" upon"));
  node n{{.model = model}};
  auto run = n.start("write a story");
  n.settle();
  CAF_CHECK_EQUAL(run.events.text(), "");
  CAF_CHECK(n.status(run.id) == run_status::running);
  n.advance(300ms);
  CAF_CHECK_EQUAL(run.events.text(), "Once");
  CAF_CHECK(!run.events.ended());
  n.advance(60ms);
  CAF_CHECK_EQUAL(run.events.text(), "Once upon");
  CAF_CHECK(run.events.status() == run_status::completed);
  CAF_CHECK_EQUAL(run.events.whole(), "");
  CAF_CHECK_EQUAL(model.call().prompt(), "write a story");
  CAF_CHECK(model.call().opened_at() == 0ms);
  CAF_CHECK(model.call().closed_at() == 360ms);
  CAF_CHECK(!model.call().stopped());
}

CAF_TEST(one advance goes through all that is due in between) {
  scripted_model model;
  answer story;
  for (int i = 0; i < 100; ++i) story.wait(10ms).say("x");
  model.answers(story);
  node n{{.model = model}};
  auto run = n.start("go");
  n.advance(1s);
  CAF_CHECK_EQUAL(run.events.text(), std::string(100, 'x'));
  CAF_CHECK(run.events.ended());
  CAF_CHECK(n.now() == 1s);
}

CAF_TEST(a cancel in the middle of a stream keeps the text so far and closes the model) {
  scripted_model model;
  node n{{.model = model}};
  auto run = n.start("go");
  n.settle();
  model.call().say("Once");
  n.settle();
  n.advance(20ms);
  auto receipt = n.cancel(run.id);
  CAF_CHECK(!receipt.came());
  n.settle();
  CAF_CHECK(receipt->outcome == cancel_outcome::cancelled);
  CAF_CHECK(receipt->phase_at_cancel == run_phase::streaming);
  CAF_CHECK(model.call().stopped());
  CAF_CHECK(model.call().closed_at() == 20ms);
  model.call().say(" upon").finish();  // nobody listens any more
  n.settle();
  CAF_CHECK_EQUAL(run.events.text(), "Once");
  CAF_CHECK_EQUAL(run.events.whole(), "");
  CAF_CHECK(run.events.ending()->how.by == "test");
}

CAF_TEST(the deadline of the first token passes without anybody waiting for it) {
  scripted_model model;
  model.answers(answer{}.hang());
  node n{{.runtime = {.catalog = one_agent({.first_token = 3600s}, {.attempts_max = 1})}, .model = model}};
  auto run = n.start("go");
  n.advance(3599s);
  CAF_CHECK(!run.events.ended());
  n.advance(1s);
  CAF_REQUIRE(run.events.ending());
  CAF_CHECK(run.events.ending()->how.code == failure_code::deadline_first_token);
  CAF_CHECK(model.call().stopped());
}

CAF_TEST(a model that refuses is asked again after the time that it has named) {
  scripted_model model;
  model.answers(answer{}.fail(429, "slow down", 2s));
  model.answers(answer{}.drop());
  model.answers(answer{}.say("at last"));
  node n{{.runtime = {.catalog = one_agent({}, {.attempts_max = 3, .base = 100ms})}, .model = model}};
  auto run = n.start("go");
  n.advance(1999ms);
  CAF_CHECK_EQUAL(model.calls(), 1u);
  n.advance(1ms);
  CAF_CHECK_EQUAL(model.calls(), 2u);
  n.advance(1s);
  CAF_CHECK_EQUAL(run.events.text(), "at last");
  CAF_CHECK_EQUAL(run.events.count<model_request_retrying>(), 2u);
  CAF_CHECK_EQUAL(run.events.whole(), "");
}

CAF_TEST(a stream that is dropped after its first token fails the run and keeps its text) {
  scripted_model model;
  model.answers(answer{}.say("half").drop());
  node n{{.model = model}};
  auto run = n.start("go");
  n.settle();
  CAF_REQUIRE(run.events.ending());
  CAF_CHECK(run.events.ending()->how.code == failure_code::provider_protocol);
  CAF_CHECK_EQUAL(run.events.text(), "half");
}

CAF_TEST(a deaf model holds up the receipt only and no actor is left of it) {
  scripted_model model;
  model.deaf();
  node n{{.model = model}};
  auto idle = n.live_actors();
  auto run = n.start("go");
  n.settle();
  auto receipt = n.cancel(cancel_request{.run = run.id, .wait_ms = 100});
  n.settle();
  CAF_CHECK(run.events.status() == run_status::cancelled);
  n.advance(100ms);
  CAF_CHECK(!receipt->upstream_closed);
  n.advance(5s);
  CAF_CHECK(model.call().closed());
  CAF_CHECK_EQUAL(n.live_actors(), idle);
}

CAF_TEST(the journal of a server serves as well as the one in memory) {
  scripted_model model;
  model.always(answer{}.say("yes"));
  node n{{.model = model, .journal = journal_kind::sqlite}};
  auto run = n.start({.input = "go", .session = {"s"}});
  n.settle();
  auto again = n.start({.input = "and now?", .session = {"s"}});
  n.settle();
  CAF_CHECK_EQUAL(again.events.whole(), "");
  CAF_REQUIRE_EQUAL(model.last().request().messages.size(), 4u);  // the system's, what was said before, and the question
  CAF_CHECK_EQUAL(model.last().request().messages[2].content, "yes");
  CAF_CHECK_EQUAL(n.runs().size(), 2u);
  CAF_CHECK_EQUAL(n.record(run.id).lost(), "");
}

CAF_TEST(a refusal and an unknown run are said in words) {
  node n;
  auto nobody = n.start({.agent = {"nobody"}, .input = "go"});
  auto stranger = n.record({"no-such-run"});
  n.settle();
  CAF_CHECK_EQUAL(nobody.refused(), "unknown_agent");
  CAF_CHECK(nobody.events.whole().find("nobody") != std::string::npos);
  CAF_CHECK_EQUAL(stranger.whole(), "there is no run 'no-such-run'");
  CAF_CHECK(!n.status({"no-such-run"}));
}

CAF_TEST(an actor of the test reads a run as in a program) {
  scripted_model model;
  model.answers(answer{}.say("one").wait(10ms).say("two"));
  int count = 0;
  node n{{.model = model}};
  auto run = n.start("go");
  n.settle();
  n.own(n.system().spawn<subscriber_actor::stateful_impl<counter_state>>(n.supervisor(), run.id, &count));
  n.advance(10ms);
  CAF_CHECK_EQUAL(count, 2);
}

CAF_TEST(a node goes in the middle of everything) {
  int count = 0;
  pending<cancel_reply> never;
  test_run kept;
  {
    scripted_model model;
    node n{{.model = model}};
    kept = n.start("go");
    n.start("more");
    n.step(7);
    n.own(n.system().spawn<subscriber_actor::stateful_impl<counter_state>>(n.supervisor(), kept.id, &count));
    n.step(9);
    never = n.cancel(kept.id);
  }
  CAF_CHECK_EQUAL(kept.refused(), "");
}

CAF_TEST(a run whose actor dies has an ending all the same) {
  scripted_model model;
  node n{{.model = model}};
  auto run = n.start("go");
  n.settle();
  model.call().say("some");
  n.settle();
  n.kill(run);
  n.settle();
  CAF_REQUIRE(run.events.ending());
  CAF_CHECK(run.events.ending()->how.code == failure_code::actor_lost);
  CAF_CHECK_EQUAL(run.events.whole(), "");
}

CAF_TEST(a tool that is a program is played by a function of its name) {
  auto config = std::get<core::config>(core::default_config({}));
  core::tool_spec program;
  program.name = "count_words";
  program.description = "Counts the words of a text";
  program.kind = core::tool_kind::process;
  program.command.argv = {"/nowhere/count-words"};
  config.tools = {program};
  config.agents.front().tools = {"count_words"};
  scripted_model model;
  model.always(answer{}.say("I see"));
  model.answers(answer{}.call("count_words"));
  function_tool stand_in;
  stand_in.spec.name = "count_words";
  stand_in.run = [](const nlohmann::json&, const tool_context&) { return tool_answer{"3"}; };
  node n{{.runtime = {.catalog = core::make_catalog(config), .tools = {stand_in}}, .model = model}};
  auto run = n.start("go");
  n.settle();
  CAF_CHECK_EQUAL(model.call(0).request().tools.at(0).description, "Counts the words of a text");
  CAF_CHECK_EQUAL(model.call(1).prompt(), "3");
  model.answers(answer{}.call("count_words"));
  node none{{.runtime = {.catalog = core::make_catalog(config)}, .model = model}};
  auto other = none.start("go");
  none.settle();
  CAF_CHECK_EQUAL(other.events.find<tool_call_ended>()->result, "nobody here can run the tool 'count_words'");
}

CAF_TEST(a run without an ending says what everybody waits for) {
  scripted_model model;
  model.answers(answer{}.say("Once").hang());
  node n{{.model = model}};
  auto run = n.start("go");
  n.start("and now?");
  CAF_CHECK_EQUAL(run.events.whole(),
                  "no ending\nat 0 ms:\n  run-1 was not answered\n  run-2 was not answered\n"
                  "  messages wait to be handled by 'question' (2 of them): settle()");
  n.advance(5s);
  CAF_CHECK_EQUAL(run.events.whole(),
                  "no ending\n  0 started StoryWriterAgent\n  1 model asked, 1\n  2 text Once\n"
                  "at 5000 ms:\n  run-1 has not ended\n  run-2 has not ended\n"
                  "  the model, call 0 (\"go\") hangs, as it was told to\n"
                  "  the model, call 1 (\"and now?\") was not planned: "
                  "use answers() before it, or say what it does with call(1)\n"
                  "  the next time-out is at 60000 ms");
  n.cancel(run.id);
  n.settle();
  CAF_CHECK_EQUAL(run.events.whole(), "");
}

CAF_TEST(an advance stops when what it waits for has come and says what it waits for when it does not) {
  scripted_model model;
  model.answers(answer{}.wait(300ms).say("Once").wait(300ms).say(" upon"));
  node n{{.model = model}};
  auto run = n.start("go");
  n.advance_until([&] { return run.events.text() == "Once"; }, 1h);
  CAF_CHECK(n.now() == 300ms);
  n.advance_until([&] { return run.events.ended(); }, 1h);
  CAF_CHECK(n.now() == 600ms);
  auto other = n.start("more");
  try {
    n.advance_until([&] { return other.events.ended(); }, 2s);
    CAF_ERROR("it never ended");
  } catch (const std::logic_error& error) {
    std::string what = error.what();
    CAF_CHECK_EQUAL(what.rfind("testkit: it has not come within 2000 ms\nat 2600 ms:\n  run-2 has not ended\n", 0), 0u);
    CAF_CHECK(what.find("call 1 (\"more\") was not planned") != std::string::npos);
  }
}

CAF_TEST(actors that feed each other for ever are named) {
  auto ping = [](caf::event_based_actor* self) -> caf::behavior {
    self->send(self, close_stream{});
    return {[self](close_stream) { self->send(self, close_stream{}); }};
  };
  node n{{.turns_max = 10'000}};
  auto feeder = n.own(n.system().spawn(ping));
  try {
    n.settle();
    CAF_ERROR("it came to an end");
  } catch (const std::logic_error& error) {
    CAF_CHECK_EQUAL(std::string{error.what()}.rfind("testkit: settle(): 10000 turns, and no end of them\n"
                                                    "  messages wait to be handled by 'user.scheduled-actor': settle()",
                                                    0),
                    0u);
  }
}

CAF_TEST(a script for an agent that does not exist is refused) {
  try {
    node n{{.models = {{"critc", scripted_model{}}}}};
    CAF_ERROR("it was not refused");
  } catch (const std::invalid_argument& error) {
    CAF_CHECK_EQUAL(std::string{error.what()}, "testkit: models: there is no agent 'critc'");
  }
}

CAF_TEST(an answer that has not come is an error and not a crash) {
  node n;
  auto run = n.start("go");
  CAF_CHECK_THROWS_AS(run.reply.get(), std::logic_error);
  CAF_CHECK_THROWS_AS(n.kill(run), std::logic_error);
  CAF_CHECK_THROWS_AS(n.advance(-1ms), std::invalid_argument);
  CAF_CHECK_THROWS_AS(scripted_model{}.call(), std::out_of_range);
  CAF_CHECK_THROWS_AS(scripted_model{}.last(), std::out_of_range);
  CAF_CHECK_THROWS_AS(answer{}.drop().finish(), std::logic_error);
}
