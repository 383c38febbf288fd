// Cancel over real sockets, in every phase: the receipt is right, the provider sees its connection closed, the text so far
// is kept, and nothing comes afterwards.
#define CAF_SUITE e2e.cancel

#include <caf/test/unit_test.hpp>
#include <future>
#include <thread>

#include "oncue/core/retry.hpp"
#include "support/live_node.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

/// A whole run beside the others: what happened on the sockets before has been seen by the node when it is over.
const std::string barrier = "words;n=200";

bool has_text(const event_log& log, std::string_view part) { return contains(text_of(log), part); }

cancel_request enough(const run_id& run) { return {.run = run, .reason = "enough", .by = "test", .wait_ms = 20'000}; }

struct phase_case {
  std::string scenario;
  run_phase phase;
  std::string text;          ///< at the cancel: all of it
  bool more_text = false;    ///< there may be more than that
  bool keeps_alive = false;  ///< the provider has answered: the connection is free for other calls
};

/// Brings the run to the phase; false if it does not get there.
bool reach(const phase_case& goal, const provider& server, live_node& node, started_run& run, event_log& log) {
  auto requested = [](const auto& all) { return !all.empty() && all.back().requests == 1; };
  switch (goal.phase) {
    case run_phase::connecting: return server.wait_until(requested);
    case run_phase::waiting: return server.wait_until(requested) && ending_of(node.run(barrier));
    case run_phase::streaming:
      return live_node::read_until(run.events, log, [&](const auto& l) { return has_text(l, goal.text); });
    case run_phase::backing_off:
      return live_node::read_until(run.events, log,
                                   [](const auto& l) { return get_if<model_request_retrying>(*l.back()); });
    default: return false;
  }
}

}  // namespace

CAF_TEST(a cancel in any phase closes the socket and keeps the text) {
  using enum run_phase;
  const phase_case cases[] = {
      {"slow_accept", connecting, ""},
      {"slow_headers", connecting, ""},
      {"silence", waiting, ""},
      {"slow_first_token", waiting, ""},
      {"silence_after;k=3", streaming, "w0 w1 w2 "},
      {"endless;gap_ms=1", streaming, "w0 w1 w2 w3 ", true},
      {"endless;gap_ms=0", streaming, "w0 w1 w2 w3 ", true},
      {"rate_limit_then_ok;k=9;after_s=60", backing_off, "", false, true},
      {"error_then_ok;k=9", backing_off, "", false, true},
  };
  for (const auto& goal : cases) {
    CAF_MESSAGE(goal.scenario);
    provider server;
    live_node node{server, {goal.scenario, barrier}, [](auto& entry) {
                     entry.agent.retry = {9, 600ms, 600ms};
                     entry.agent.run_text_bytes_max = 64u << 20;
                   }};
    auto run = node.start(goal.scenario);
    CAF_REQUIRE(!run.refused);
    event_log log;
    CAF_REQUIRE(get_if<run_started>(*log.emplace_back(run.events.next(patience))));
    CAF_REQUIRE(reach(goal, server, node, run, log));

    auto asked_at = std::chrono::steady_clock::now();
    auto receipt = node.node->cancel(enough(run.id));
    auto requests = count_requests(server.records());
    CAF_CHECK_EQUAL(to_string(receipt.outcome), "cancelled");
    CAF_CHECK_EQUAL(receipt.phase_at_cancel ? to_string(*receipt.phase_at_cancel) : "none", to_string(goal.phase));
    CAF_CHECK_EQUAL(receipt.status ? to_string(*receipt.status) : "none", "CANCELLED");
    CAF_CHECK(receipt.upstream_closed);
    CAF_CHECK(receipt.durable);
    if (!goal.keeps_alive) {
      CAF_CHECK(server.wait_until([](const auto& all) { return all.front().client_closed; }));
      auto closed_at = server.records().front().closed_at;
      CAF_CHECK(closed_at && *closed_at - asked_at < 2s);
    }
    CAF_CHECK(server.wait_until(at_rest));

    CAF_REQUIRE(live_node::read_to_end(run.events, log));
    CAF_CHECK_EQUAL(node.broken(run.id, log), "");
    const auto& ended = *ending_of(log);
    CAF_CHECK_EQUAL(to_string(status_of(ended.how)), "CANCELLED");
    CAF_CHECK_EQUAL(ended.how.message, "enough");
    CAF_CHECK_EQUAL(ended.how.by, "test");
    CAF_CHECK_EQUAL(receipt.index.value_or(0), log.back()->index);
    CAF_CHECK(goal.more_text ? ended.content.starts_with(goal.text) : ended.content == goal.text);
    if (goal.more_text) CAF_CHECK(expected_text("words;n=100000").starts_with(ended.content));

    auto again = node.node->cancel(enough(run.id));
    CAF_CHECK_EQUAL(to_string(again.outcome), "cancelled");
    CAF_CHECK_EQUAL(again.index.value_or(0), log.back()->index);
    // The barrier is the only request that comes after the cancel.
    CAF_CHECK(ending_of(node.run(barrier)));
    CAF_CHECK_EQUAL(count_requests(server.records()), requests + 1);
  }
}

CAF_TEST(a cancel while TLS is being set up closes the socket) {
  provider mute{provider_options{.mute = true}};
  live_node node{{agent_for("tls", "https://127.0.0.1:" + std::to_string(mute.port()) + "/v1")}};
  auto run = node.start("tls");
  CAF_REQUIRE(mute.wait_until([](const auto& all) { return all.size() == 1; }));
  auto receipt = node.node->cancel(enough(run.id));
  CAF_CHECK_EQUAL(to_string(receipt.outcome), "cancelled");
  CAF_CHECK(receipt.phase_at_cancel == run_phase::connecting);
  CAF_CHECK(receipt.upstream_closed);
  CAF_CHECK(mute.wait_until([](const auto& all) { return all.front().client_closed; }));
  event_log log;
  CAF_CHECK(live_node::read_to_end(run.events, log));
  CAF_CHECK_EQUAL(node.broken(run.id, log), "");
}

CAF_TEST(a cancel while backing off prevents the next attempt) {
  provider server;
  const std::string longer = "slow_headers;ms=700;n=1";
  live_node node{server, {"rate_limit_then_ok;k=9;after_s=9;after_ms=200", longer}};
  auto run = node.start("rate_limit_then_ok;k=9;after_s=9;after_ms=200");
  event_log log;
  CAF_REQUIRE(live_node::read_until(run.events, log,
                                    [](const auto& l) { return !l.empty() && get_if<model_request_retrying>(*l.back()); }));
  CAF_CHECK_EQUAL(to_string(node.node->cancel(enough(run.id)).outcome), "cancelled");
  CAF_CHECK(ending_of(node.run(longer)));  // the time of the next attempt passes
  CAF_CHECK_EQUAL(count_requests(server.records()), 2u);
  CAF_CHECK(live_node::read_to_end(run.events, log));
  CAF_CHECK_EQUAL(node.broken(run.id, log), "");
}

CAF_TEST(a cancel at the very end gives one ending and a receipt that agrees with it) {
  provider server;
  live_node node{server, {"words;n=3", "done_but_open;n=3"}};
  int completed = 0;
  int cancelled = 0;
  for (int i = 0; i < 100; ++i) {
    auto run = node.start(i % 2 == 0 ? "words;n=3" : "done_but_open;n=3");
    event_log log;
    CAF_REQUIRE(
        live_node::read_until(run.events, log, [&](const auto& l) { return has_text(l, i % 3 == 0 ? "w2" : "w1"); }));
    auto receipt = node.node->cancel(enough(run.id));
    CAF_REQUIRE(live_node::read_to_end(run.events, log));
    CAF_REQUIRE_EQUAL(node.broken(run.id, log), "");
    auto status = status_of(ending_of(log)->how);
    CAF_CHECK(receipt.status == status);
    CAF_CHECK_EQUAL(to_string(receipt.outcome), status == run_status::cancelled ? "cancelled" : "already_ended");
    CAF_CHECK_EQUAL(receipt.index.value_or(0), log.back()->index);
    ++(status == run_status::cancelled ? cancelled : completed);
  }
  CAF_MESSAGE(completed << " completed, " << cancelled << " cancelled");
  CAF_CHECK_EQUAL(completed + cancelled, 100);
  CAF_CHECK(server.wait_until(at_rest));
}

CAF_TEST(a run that has not begun is cancelled without a connection) {
  provider server;
  live_node node{server, {"endless;gap_ms=1"}, {}, {.running_max = 1}};
  auto first = node.start("endless;gap_ms=1");
  auto second = node.start("endless;gap_ms=1");
  CAF_REQUIRE(server.wait_until([](const auto& all) { return all.size() == 1 && all.front().deltas_sent > 5; }));
  auto receipt = node.node->cancel(enough(second.id));
  CAF_CHECK_EQUAL(to_string(receipt.outcome), "cancelled");
  CAF_CHECK(receipt.phase_at_cancel == run_phase::queued);
  CAF_CHECK(receipt.upstream_closed);
  CAF_CHECK_EQUAL(to_string(node.node->cancel(enough({"later"})).outcome), "intent_stored");
  auto third = node.start("endless;gap_ms=1", "later");
  CAF_CHECK_EQUAL(to_string(node.node->cancel(enough(first.id)).outcome), "cancelled");
  for (auto* run : {&first, &second, &third}) {
    event_log log;
    CAF_REQUIRE(live_node::read_to_end(run->events, log));
    CAF_CHECK_EQUAL(node.broken(run->id, log), "");
    CAF_CHECK_EQUAL(to_string(status_of(ending_of(log)->how)), "CANCELLED");
  }
  CAF_CHECK(server.wait_until([](const auto& all) { return all.front().client_closed; }));
  CAF_CHECK_EQUAL(server.records().size(), 1u);
}

CAF_TEST(two hundred runs cancelled anywhere by other threads all close and end once) {
  constexpr std::uint64_t seed = 20'240'229;
  CAF_MESSAGE("seed " << seed);
  auto random = seed;
  provider server;
  live_node node{server, {"endless;gap_ms=1"}};
  std::size_t with_text = 0;
  for (int wave = 0; wave < 10; ++wave) {
    struct live_run {
      started_run run;
      event_log log;
      bool ended = false;
      cancel_reply receipts[2];
    };
    std::vector<live_run> runs(20);
    std::vector<std::future<void>> threads;
    for (auto& live : runs) {
      live.run = node.start("endless;gap_ms=1");
      CAF_REQUIRE(!live.run.refused);
      threads.push_back(
          std::async(std::launch::async, [&live] { live.ended = live_node::read_to_end(live.run.events, live.log); }));
      // Each of the two looks on from outside until it has seen so many events, then cancels.
      for (auto& receipt : live.receipts) {
        auto events = core::next_random(random) % 40;
        threads.push_back(std::async(std::launch::async, [&node, &live, &receipt, events] {
          auto reader = node.node->read(live.run.id);
          event_log seen;
          live_node::read_until(reader, seen, [events](const auto& l) { return l.size() >= events; });
          receipt = node.node->cancel(enough(live.run.id));
        }));
      }
    }
    for (auto& thread : threads) thread.get();
    for (auto& live : runs) {
      CAF_REQUIRE(live.ended);
      CAF_CHECK_EQUAL(node.broken(live.run.id, live.log), "");
      CAF_CHECK_EQUAL(to_string(status_of(ending_of(live.log)->how)), "CANCELLED");
      CAF_CHECK(expected_text("words;n=10000").starts_with(text_of(live.log)));
      with_text += !text_of(live.log).empty();
      for (const auto& receipt : live.receipts) {
        CAF_CHECK_EQUAL(to_string(receipt.outcome), "cancelled");
        CAF_CHECK(receipt.upstream_closed);
        CAF_CHECK_EQUAL(receipt.index.value_or(0), live.log.back()->index);
      }
    }
    if (auto open = closes_all(server); !open.empty()) CAF_FAIL("left open: " << open);
  }
  CAF_CHECK_LESS_OR_EQUAL(server.records().size(), 200u);
  CAF_CHECK_GREATER(with_text, 50u);
  CAF_CHECK_LESS(with_text, 200u);
}

CAF_TEST(a node that goes away closes what it has opened) {
  provider server;
  auto node = std::make_unique<live_node>(server, std::vector<std::string>{"endless;gap_ms=1", "silence", "slow_headers"});
  for (int i = 0; i < 5; ++i) {
    for (std::string scenario : {"endless;gap_ms=1", "silence", "slow_headers"})
      CAF_REQUIRE(!node->start(scenario).refused);
  }
  CAF_REQUIRE(server.wait_until([](const auto& all) { return count_requests(all) == 15; }));
  node.reset();
  CAF_CHECK_EQUAL(closes_all(server), "");
}
