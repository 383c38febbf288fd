// A provider that floods a run which is not scheduled: what waits in the run's mailbox stays bounded, the rest stays with
// the provider, and nothing of it is lost.
#define CAF_SUITE e2e.credit

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/test/unit_test.hpp>

#include "oncue/actors/http_model_stream.hpp"
#include "oncue/core/stream_credit.hpp"
#include "support/live_node.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

/// The run: takes messages only when the test says so.
struct idle_run {
  caf::scoped_actor self;
  std::string text;
  std::uint64_t waited = 0;  ///< as the stream counts it
  bool done = false;
  bool failed = false;

  explicit idle_run(caf::actor_system& system) : self{system} {}

  /// One message. False if none comes in time.
  bool take(std::chrono::milliseconds at_most) {
    bool came = true;
    self->receive([](const model_opened&) {},
                  [&](const model_delta& delta) {
                    text += delta.text;
                    waited += core::waiting_bytes(delta);
                  },
                  [&](const model_done&) { done = true; }, [&](const model_failed&) { failed = true; },
                  [](const model_closed&) {}, caf::after(at_most) >> [&] { came = false; });
    return came;
  }
};

}  // namespace

CAF_TEST(a flood waits at the provider and not in the runs mailbox) {
  const std::string scenario = "words;n=40000;burst=1";
  provider server;
  io::event_loops loops;
  caf::actor_system_config config;
  caf::actor_system system{config};
  auto access = std::make_shared<actors::provider_access>();
  access->client = std::make_shared<io::http_client>(loops);
  access->read_secret = [](const std::string&) { return std::string{"key"}; };
  access->unix_ms = [] { return std::int64_t{0}; };
  auto entry = std::make_shared<core::agent_entry>(agent_for("writer", server.base_url(scenario)));
  {
    idle_run run{system};
    auto stream = actors::spawn_http_model_stream(system, entry, access);
    run.self->send(stream, model_request{{{chat_role::user, "tell me", {}, {}}}, {}}, attempt_no{1},
                   caf::actor_cast<delta_sink_actor>(run.self));
    while (run.waited <= core::limits::untaken_bytes_max) CAF_REQUIRE(run.take(patience));
    while (run.take(500ms)) {
    }
    CAF_MESSAGE("waiting: " << run.waited);
    // What came in one piece of the body is still handed over.
    CAF_CHECK(run.waited <= core::limits::untaken_bytes_max + (256u << 10));
    CAF_CHECK_EQUAL(server.records().front().answers, 0u);
    CAF_CHECK(!run.done);

    core::taken_meter meter;
    run.self->send(stream, deltas_taken{*meter.take(run.waited)});
    while (!run.done) {
      auto before = run.waited;
      CAF_REQUIRE(run.take(patience));
      if (auto sum = meter.take(run.waited - before)) run.self->send(stream, deltas_taken{*sum});
    }
    CAF_CHECK(!run.failed);
    CAF_CHECK(run.text == expected_text(scenario));
  }
  access->client.reset();
}

CAF_TEST(a pause of the runs own and a full mailbox do not undo each other) {
  const std::string scenario = "words;n=20000;burst=1";
  provider server;
  io::event_loops loops;
  caf::actor_system_config config;
  caf::actor_system system{config};
  auto access = std::make_shared<actors::provider_access>();
  access->client = std::make_shared<io::http_client>(loops);
  access->read_secret = [](const std::string&) { return std::string{"key"}; };
  access->unix_ms = [] { return std::int64_t{0}; };
  auto entry = std::make_shared<core::agent_entry>(agent_for("writer", server.base_url(scenario)));
  {
    idle_run run{system};
    auto stream = actors::spawn_http_model_stream(system, entry, access);
    run.self->send(stream, model_request{{{chat_role::user, "tell me", {}, {}}}, {}}, attempt_no{1},
                   caf::actor_cast<delta_sink_actor>(run.self));
    while (run.waited <= core::limits::untaken_bytes_max) CAF_REQUIRE(run.take(patience));
    while (run.take(300ms)) {
    }
    run.self->send(stream, resume_stream{});  // nobody had paused it: it is still full
    CAF_CHECK(!run.take(300ms));
    run.self->send(stream, pause_stream{});
    run.self->send(stream, deltas_taken{run.waited});
    CAF_CHECK(!run.take(300ms));  // there is room, but the run does not want more
    run.self->send(stream, resume_stream{});
    CAF_CHECK(run.take(patience));
    run.self->send(stream, close_stream{});
    while (run.take(300ms)) {
    }
  }
  access->client.reset();
}
