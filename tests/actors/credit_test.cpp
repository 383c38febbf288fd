// What waits in a run's mailbox is bounded although the mailbox is not: a model that is faster than its run waits for it.
#define CAF_SUITE actors.credit

#include <caf/test/unit_test.hpp>

#include "oncue/core/stream_credit.hpp"
#include "support/node.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

CAF_TEST(a run tells its stream what it has taken attempt by attempt) {
  node n;
  n.run("r");
  const std::string text(1000, 'x');
  const auto each = core::waiting_bytes({1, delta_kind::text, text});
  for (int i = 0; i < 100; ++i) n.say_text(text);
  auto told = n.model().taken;
  CAF_CHECK(told <= 100 * each);
  CAF_CHECK(told + core::limits::taken_step_bytes > 100 * each);
  node again;
  again.run("r");
  again.say(model_failed{0, failure_code::provider_refused, 503, "busy", true, {}}, 0);
  again.say(model_closed{}, 0);
  again.advance(10s);
  for (int i = 0; i < 40; ++i) again.say_text(text, 1);
  CAF_CHECK(again.model(1).taken > 0);
  CAF_CHECK(again.model(1).taken <= 40 * each);
  CAF_CHECK_EQUAL(again.model(0).taken, 0u);
}

CAF_TEST(a scripted model waits for a run that takes nothing and goes on when it does) {
  node n;
  core::agent_entry entry;
  entry.model.scripted = {.first_token_delay = 0ms, .token_delay = 0ms, .tokens = 20'000};
  auto stream = actors::spawn_scripted_model_stream(n.system(), std::make_shared<core::agent_entry>(entry), n.env().alarms);
  caf::scoped_actor run{n.system()};
  run->send(stream, model_request{}, attempt_no{1}, caf::actor_cast<delta_sink_actor>(run));
  n.settle();
  std::uint64_t waiting = 0, most = 0, taken = 0;
  std::size_t words = 0;
  core::taken_meter meter;
  bool done = false;
  for (int round = 0; round < 10'000 && !done; ++round) {
    bool more = true;
    waiting = 0;
    while (more) {
      run->receive([&](const model_opened&) {},
                   [&](const model_delta& delta) {
                     waiting += core::waiting_bytes(delta);
                     ++words;
                     if (auto sum = meter.take(core::waiting_bytes(delta))) taken = *sum;
                   },
                   [&](const model_done&) { done = true; }, [&](const model_closed&) {},
                   caf::after(0ms) >> [&] { more = false; });
    }
    most = std::max(most, waiting);
    run->send(stream, deltas_taken{taken});
    n.settle();
  }
  CAF_CHECK(done);
  CAF_CHECK_EQUAL(words, 20'000u);
  CAF_CHECK(most > core::limits::untaken_bytes_max);
  CAF_CHECK(most <= core::limits::untaken_bytes_max + core::limits::taken_step_bytes + 16 * 300);
}
