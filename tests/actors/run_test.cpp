#define CAF_SUITE actors.run

#include "oncue/actors/run.hpp"

#include <caf/test/unit_test.hpp>
#include <utility>

#include "oncue/core/limits.hpp"
#include "support/node.hpp"
#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

CAF_TEST(a run streams to its readers and ends once) {
  node n;
  recording early;
  recording late;
  n.run("r");
  n.record("r", early);
  n.settle();
  n.say(model_opened{});
  n.say_text("Once ");
  n.say_text("upon");
  CAF_CHECK_EQUAL(text_of(early.events), "Once upon");  // seen while it runs
  n.say(model_done{0, "stop", {3, 2, 0, 0}, {}});
  n.say(model_closed{});
  CAF_CHECK(early.ended);
  CAF_CHECK_EQUAL(whole_log(early.events), "");
  n.record("r", late);  // after the run's actor is gone
  n.settle();
  CAF_CHECK(late.ended);
  CAF_CHECK(late.events == early.events);
}

CAF_TEST(a batch that answers an older pull is not taken again) {
  node n;
  recording seen;
  n.run("r");
  auto reader = n.record("r", seen);
  n.settle();
  n.say_text("Once ");
  CAF_REQUIRE(!seen.events.empty());
  auto already = seen.events;
  caf::anon_send(reader, event_batch{.run = {"r"}, .events = already, .next = already.back()->index + 1});
  n.settle();
  CAF_CHECK(seen.events == already);
  n.say_text("upon");
  n.say(model_done{0, "stop", {3, 2, 0, 0}, {}});
  n.say(model_closed{});
  CAF_CHECK(seen.ended);
  CAF_CHECK_EQUAL(whole_log(seen.events), "");
}

// Found by oncue_sim, seeds 81534 and 88734 of its first 100,000: index 1 came twice.
CAF_TEST(a late word that there was nothing more does not take a reader back) {
  node n;
  recording seen;
  n.run("r");
  auto reader = n.record("r", seen);
  n.settle();
  n.say_text("Once ");
  CAF_REQUIRE(seen.events.size() > 1);
  for (auto end : {batch_end::more, batch_end::paused, batch_end::unknown}) {
    caf::anon_send(reader, event_batch{.run = {"r"}, .events = {}, .next = 1, .end = end});
    n.settle();
  }
  n.say_text("upon");
  n.say(model_done{0, "stop", {3, 2, 0, 0}, {}});
  n.say(model_closed{});
  CAF_CHECK(seen.ended);
  CAF_CHECK_EQUAL(whole_log(seen.events), "");
}

CAF_TEST(the journal has an event before any reader has it) {
  node n;
  recording seen;
  n.run("r");
  n.record("r", seen);
  n.settle();
  caf::anon_send(n.model().sink, model_delta{1, delta_kind::text, "word"});
  // Step by step: whenever the reader has grown, the journal must be able to give the same events.
  std::size_t before = seen.events.size();
  while (n.step()) {
    if (seen.events.size() == before) continue;
    before = seen.events.size();
    recording journalled;
    auto reader = n.system().spawn([&](caf::event_based_actor*) -> caf::behavior {
      return {[&](event_batch& batch) { journalled.events = batch.events; }};
    });
    caf::anon_send(n.env().journal, pull_limits{{"r"}, 0, 100, 1u << 20}, caf::actor_cast<subscriber_actor>(reader));
    n.settle();
    CAF_CHECK(journalled.events.size() >= before);
    caf::anon_send_exit(reader, caf::exit_reason::kill);
  }
  CAF_CHECK_EQUAL(text_of(seen.events), "word");
}

CAF_TEST(a cancel overtakes everything that waits in the mailbox) {
  node n;
  recording seen;
  auto run = n.run("r");
  n.record("r", seen);
  n.settle();
  for (int i = 0; i < 1000; ++i) caf::anon_send(n.model().sink, model_delta{1, delta_kind::text, "w "});
  caf::anon_send<caf::message_priority::high>(run, cancel_request{.run = {"r"}});
  n.settle();
  CAF_CHECK(n.model().closed);
  CAF_CHECK(seen.ended);
  CAF_CHECK_EQUAL(whole_log(seen.events), "");
  CAF_CHECK_EQUAL(text_of(seen.events), "");
}

CAF_TEST(a cancelled run keeps its partial text and says who stopped it) {
  node n;
  recording seen;
  n.run("r");
  n.record("r", seen);
  n.settle();
  n.say(model_opened{});
  n.say_text("half ");
  n.say_text("a story");
  auto reply = n.cancel("r");
  n.settle();
  CAF_REQUIRE(seen.ended);
  const auto* ended = ending_of(seen.events);
  CAF_CHECK_EQUAL(ended->content, "half a story");
  CAF_CHECK_EQUAL(ended->how.message, "enough");
  CAF_CHECK_EQUAL(ended->how.by, "test");
  CAF_CHECK_EQUAL(to_string(*(*reply)->phase_at_cancel), "streaming");
  CAF_CHECK((*reply)->upstream_closed);
  CAF_CHECK((*reply)->durable);
  n.say_text(" and more");  // late
  CAF_CHECK_EQUAL(outcome(n.cancel("r")), "no answer");
  auto again = n.cancel("r");
  n.settle();
  CAF_CHECK_EQUAL(outcome(again), "cancelled");
  CAF_CHECK_EQUAL(*(*again)->index, seen.events.back()->index);
}

CAF_TEST(a retry opens a new stream and late words of the old one change nothing) {
  node n{{.retry = {.attempts_max = 2, .base = 100ms}}};
  recording seen;
  n.run("r");
  n.record("r", seen);
  n.settle();
  n.say(model_failed{0, failure_code::provider_refused, 503, "busy", true, {}});
  n.say(model_closed{});
  CAF_CHECK_EQUAL(n.models().calls.size(), 1u);
  n.advance(100ms);
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 2u);
  n.say_text("late");  // attempt 1
  n.say_text("good", 1);
  n.say(model_done{}, 1);
  n.say(model_closed{}, 1);
  CAF_CHECK_EQUAL(text_of(seen.events), "good");
  CAF_CHECK_EQUAL(whole_log(seen.events), "");
  CAF_CHECK(ending_of(seen.events)->how.kind == ending_kind::completed);
}

CAF_TEST(deadlines pass in virtual time and are named) {
  struct row {
    core::deadlines limits;
    bool first_token;
    const char* code;
  };
  for (auto& [limits, first_token, code] :
       {row{{.first_token = 2s}, false, "deadline_first_token"}, row{{.idle = 2s}, true, "deadline_idle"},
        row{{.total = 2s}, true, "deadline_total"}}) {
    node n{{.limits = limits}};
    recording seen;
    n.run("r");
    n.record("r", seen);
    n.settle();
    if (first_token) n.say_text("x");
    n.advance(1999ms);
    CAF_CHECK(!seen.ended);
    n.advance(1ms);
    CAF_REQUIRE(seen.ended);
    CAF_CHECK_EQUAL(to_string(ending_of(seen.events)->how.code), code);
    CAF_CHECK(n.model().closed);
  }
}

CAF_TEST(a stream that dies is an event for its run) {
  node n;
  recording seen;
  n.run("r");
  n.record("r", seen);
  n.settle();
  n.say_text("x");
  caf::anon_send_exit(caf::actor_cast<caf::actor>(n.model().self), caf::exit_reason::kill);
  n.settle();
  CAF_REQUIRE(seen.ended);
  CAF_CHECK_EQUAL(to_string(ending_of(seen.events)->how.code), "provider_protocol");
  CAF_CHECK_EQUAL(ending_of(seen.events)->content, "x");
}

CAF_TEST(the word to close overtakes whatever waits for the stream) {
  node n;
  n.run("r");
  auto stream = caf::actor_cast<caf::actor>(n.model().self);
  for (std::uint64_t sum : {1, 2, 3}) caf::anon_send(stream, deltas_taken{sum});
  auto only_the_stream = std::exchange(n.scheduler().jobs, {});
  n.cancel("r");
  n.settle();
  CAF_CHECK(!n.model().closed);
  n.scheduler().jobs = std::move(only_the_stream);
  n.settle();
  CAF_CHECK(n.model().closed);
  CAF_CHECK_EQUAL(n.model().taken, 0u);
}

CAF_TEST(a stream that does not close is killed after the grace period and the run is gone) {
  node n;
  auto before = n.live_actors();
  n.run("r");
  n.models().deaf = true;
  n.cancel("r");
  n.settle();
  CAF_CHECK(n.live_actors() > before);
  n.advance(core::limits::close_grace);
  CAF_CHECK_EQUAL(n.live_actors(), before);
}

CAF_TEST(nothing of a run is alive after its ending) {
  node n;
  auto before = n.live_actors();
  for (int i = 0; i < 10; ++i) n.run("r" + std::to_string(i));
  CAF_CHECK_EQUAL(n.live_actors(), before + 20);
  for (int i = 0; i < 10; ++i) n.cancel("r" + std::to_string(i));
  n.settle();
  CAF_CHECK_EQUAL(n.live_actors(), before);
  n.advance(10s);
  CAF_CHECK(!n.scheduler().has_pending_timeout());
}

CAF_TEST(a reader that stops reading holds nothing and disturbs nobody) {
  node n;
  recording fast;
  n.run("r");
  // It pulls once and never again.
  int batches = 0;
  auto lazy =
      n.system().spawn([&](caf::event_based_actor*) -> caf::behavior { return {[&](const event_batch&) { ++batches; }}; });
  subscriber_actor lazy_handle = caf::actor_cast<subscriber_actor>(lazy);
  auto source = n.ask<subscribe_reply>(subscribe_run{{"r"}});
  n.settle();
  caf::anon_send((*source)->source, pull_limits{{"r"}, 0, 10, 1000}, lazy_handle);
  n.record("r", fast);
  n.settle();
  for (int i = 0; i < 500; ++i) n.say_text("word ");
  n.say(model_done{});
  n.say(model_closed{});
  CAF_CHECK_EQUAL(batches, 1);
  CAF_CHECK(fast.ended);
  CAF_CHECK_EQUAL(text_of(fast.events).size(), 2500u);
  // It comes back later and finds everything.
  recording back;
  n.record("r", back, 2);
  n.settle();
  CAF_CHECK_EQUAL(gapless(back.events, 2), "");
  CAF_CHECK(back.ended);
  caf::anon_send_exit(lazy, caf::exit_reason::kill);
  n.settle();
}

CAF_TEST(a reader that is done leaves nothing with the journal that it has read) {
  node n;
  n.run("r");
  n.say_text("word");
  n.say(model_done{});
  n.say(model_closed{});
  recording seen;
  auto reader =
      n.system().spawn<subscriber_actor::stateful_impl<recorder_state>>(n.supervisor(), run_id{"r"}, &seen, event_index{0});
  auto address = reader.address();
  reader = nullptr;
  n.settle();
  CAF_CHECK(seen.ended);
  // A monitor that stays holds the memory of whoever has set it.
  CAF_CHECK_EQUAL(address.get()->weak_refs.load(), 1u);
}

CAF_TEST(a subscriber that nobody holds still sees the end) {
  // In every order of messages: also when the run has ended before the pull arrives.
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    node n{{.model = model_kind::scripted, .scripted = {.first_token_delay = 0ms, .token_delay = 0ms, .tokens = 1}}};
    recording seen;
    auto random = seed;
    n.start("r");
    n.shuffle(random, core::next_random(random) % 30);
    n.system().spawn<subscriber_actor::stateful_impl<recorder_state>>(n.supervisor(), run_id{"r"}, &seen, 0);
    n.shuffle(random, 10'000);
    if (!seen.ended) {  // it may have asked before there was a run; then it was told so
      CAF_CHECK_EQUAL(seen.lost, "there is no run 'r'");
    } else {
      CAF_CHECK_EQUAL(whole_log(seen.events), "");
    }
  }
}

CAF_TEST(a model that asks for a tool nobody has is told so and can go on) {
  node n;
  recording seen;
  n.run("r");
  n.record("r", seen);
  n.settle();
  n.say(model_done{0, "tool_calls", {}, {{"c1", "rm", "{}"}}});
  n.say(model_closed{});
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 2u);
  CAF_CHECK_EQUAL(n.model(1).request.messages.back().content, "this agent has no tool named 'rm'; it has no tools");
  n.say(model_done{}, 1);
  n.say(model_closed{}, 1);
  CAF_CHECK_EQUAL(whole_log(seen.events), "");
}
