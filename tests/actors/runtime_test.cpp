// The facade as its users meet it: real threads, real time, the demo model. Waits are for events, never for time.
#define CAF_SUITE actors.runtime

#include "oncue/runtime.hpp"

#include <caf/test/unit_test.hpp>
#include <thread>
#include <vector>

#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

runtime_options with_model(core::scripted_spec scripted) {
  auto entry = std::make_shared<core::agent_entry>();
  entry->agent.id = {"writer"};
  entry->agent.name = "Writer";
  entry->model.name = "demo";
  entry->model.scripted = scripted;
  runtime_options options;
  options.catalog.agents[entry->agent.id] = entry;
  options.worker_threads = 2;
  return options;
}

const core::scripted_spec endless{.first_token_delay = 0ms, .token_delay = 1ms, .tokens = 10'000'000};
const core::scripted_spec short_story{.first_token_delay = 0ms, .token_delay = 0ms, .tokens = 50};

std::vector<event_ptr> read_all(run_events& events) {
  std::vector<event_ptr> all;
  while (auto event = events.next()) all.push_back(event);
  return all;
}

}  // namespace

CAF_TEST(a run can be iterated from start to end and read again later) {
  runtime node{with_model(short_story)};
  auto run = node.start({.agent = {"writer"}, .input = "tell"});
  CAF_REQUIRE(!run.refused);
  std::vector<event_ptr> first;
  for (const auto& event : run.events) first.emplace_back(event);
  CAF_CHECK_EQUAL(whole_log(first), "");
  CAF_CHECK(run.events.ended());
  auto again = node.read(run.id);
  CAF_CHECK(read_all(again) == first);
  auto tail = node.read(run.id, first.size() - 1);
  CAF_CHECK_EQUAL(read_all(tail).size(), 1u);
  auto list = node.runs();
  CAF_REQUIRE_EQUAL(list.size(), 1u);
  CAF_CHECK_EQUAL(to_string(list[0].status), "COMPLETED");
}

CAF_TEST(a run is cancelled from another thread at its first word) {
  runtime node{with_model(endless)};
  auto run = node.start({.agent = {"writer"}, .input = "tell"});
  std::vector<event_ptr> log;
  std::thread canceller;
  cancel_reply reply;
  while (auto event = run.events.next()) {
    log.push_back(event);
    if (!canceller.joinable() && get_if<content_delta>(*event)) {
      canceller = std::thread{[&] { reply = node.cancel(run.id); }};
    }
  }
  canceller.join();
  CAF_CHECK_EQUAL(whole_log(log), "");
  CAF_CHECK(ending_of(log)->how.kind == ending_kind::cancelled);
  CAF_CHECK_EQUAL(to_string(reply.outcome), "cancelled");
  CAF_CHECK(reply.upstream_closed);
  CAF_CHECK_EQUAL(to_string(node.cancel(run.id).outcome), "cancelled");
  CAF_CHECK_EQUAL(to_string(node.cancel(run_id{"never-seen"}).outcome), "intent_stored");
}

CAF_TEST(many threads start read and cancel at once) {
  runtime node{with_model(endless)};
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        auto run = node.start({.id = {std::to_string(t) + "-" + std::to_string(i)}, .agent = {"writer"}, .input = "x"});
        auto first = run.events.next();
        auto reply = node.cancel(run.id);
        std::vector<event_ptr> log{first};
        for (auto& event : read_all(run.events)) log.push_back(event);
        if (whole_log(log).empty() && reply.outcome == cancel_outcome::cancelled && reply.upstream_closed) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CAF_CHECK_EQUAL(good.load(), 200);
}

CAF_TEST(bad input is refused in a sentence and an unknown run is an error) {
  runtime node{with_model(short_story)};
  auto refused = node.start({.agent = {"nobody"}, .input = "x"});
  CAF_REQUIRE(refused.refused.has_value());
  CAF_CHECK_EQUAL(refused.refused->message, "agent: there is no agent 'nobody'");
  CAF_CHECK(!refused.events.next());
  auto unknown = node.read(run_id{"nope"});
  CAF_CHECK(!unknown.next());
  CAF_CHECK_EQUAL(unknown.error(), "there is no run 'nope'");
}

CAF_TEST(a wait for the next event can be bounded) {
  runtime node{with_model({.silent = true})};
  auto run = node.start({.agent = {"writer"}, .input = "x"});
  while (run.events.next(20ms)) {
  }
  CAF_CHECK(!run.events.ended());
  node.cancel(run.id);
  CAF_CHECK_EQUAL(read_all(run.events).size(), 1u);
  CAF_CHECK(run.events.ended());
}

CAF_TEST(draining and leaving end what is live) {
  run_events left;
  {
    runtime node{with_model({.silent = true})};
    auto first = node.start({.agent = {"writer"}, .input = "x"});
    auto reply = node.drain(1ms);
    CAF_CHECK_EQUAL(reply.cancelled, 1u);
    CAF_CHECK(reply.left.empty());
    CAF_CHECK(read_all(first.events).size() >= 2);
    CAF_CHECK_EQUAL(to_string(node.start({.agent = {"writer"}, .input = "x"}).refused->code), "draining");
  }
  {
    runtime node{with_model(endless)};
    left = node.start({.agent = {"writer"}, .input = "x"}).events;
  }
  auto rest = read_all(left);  // does not hang after the runtime has gone
  CAF_CHECK(!rest.empty() || !left.error().empty());
}
