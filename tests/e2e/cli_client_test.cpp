// The program as a client of a server that says what a test wrote down for it: it runs, follows and cancels there as it
// does here, also when the connection breaks or the person leaves.
#define CAF_SUITE e2e.cli_client

#include <caf/test/unit_test.hpp>
#include <csignal>

#include "oncue/core/agentos_answers.hpp"
#include "support/canned_run.hpp"
#include "support/canned_server.hpp"
#include "support/client_program.hpp"

using namespace oncue;
using namespace oncue::test;
using end = canned_answer::end;

namespace {

const cancel_reply receipt{.outcome = cancel_outcome::cancelled,
                           .run = {"r1"},
                           .status = run_status::cancelled,
                           .phase_at_cancel = run_phase::streaming,
                           .index = 5,
                           .upstream_closed = true,
                           .durable = true,
                           .latency_us = 189};

struct fixture : client_program {
  fixture() { url = server.url(); }

  arguments run(arguments more = {}) const {
    arguments words{"run", "--url", server.url(), "--run-id", "r1", "--agent", "teller"};
    words.insert(words.end(), more.begin(), more.end());
    words.push_back("tell me & more");
    return words;
  }

  void on_cancel(const cancel_reply& reply) {
    const auto answer = core::cancel_answer(reply, true);
    for (const auto* path : {"POST /runs/r1/cancel", "POST /agents/teller/runs/r1/cancel"}) {
      server.on(path, answer.status, answer.body);
    }
  }

  canned_server server;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(cli_client_tests, fixture)

CAF_TEST(a word about the node that has the run is shown as it comes and costs no event) {
  const canned_run whole{3, ending_kind::completed};
  const auto suspected = "the node that runs this cannot be heard; reading from the journal\n";
  server.stream("POST /agents/teller/runs",
                {{whole.frames(0, 3, false) + ": owner_suspected\n\n: heartbeat\n\n: whatever\n\n"},
                 {": owner_back\n\n" + whole.frames(3, 6, false), "GET /runs?"}});
  child_process child{command(run())};
  CAF_REQUIRE(child.wait_for_err(suspected));
  CAF_CHECK(!contains(child.err(), "heard again"));
  oncue({"ps"});
  auto result = finish(child);
  CAF_CHECK_EQUAL(result.code, 0);
  CAF_CHECK_EQUAL(result.out, "w0 w1 w2 ");
  CAF_CHECK(contains(result.err, "the node that runs this is heard again\n"));
}

CAF_TEST(a run on a server looks like one of this process) {
  const canned_run whole{3, ending_kind::completed};
  server.on("GET /agents", 200, R"([{"id":"teller"},{"id":"other"}])");
  server.stream("POST /agents/teller/runs", {{whole.all(false)}});
  auto result = oncue({"run", "--url", server.url(), "--run-id", "r1", "--session", "s 1", "tell me & more"});
  CAF_CHECK_EQUAL(result.code, 0);
  CAF_CHECK_EQUAL(result.out, "w0 w1 w2 ");
  CAF_CHECK_EQUAL(result.err,
                  "run r1 · teller · model-1\ncompleted in 8 s · 9 characters · 4 tokens\nrun r1 · status COMPLETED\n");
  CAF_CHECK_EQUAL(server.requests().back().body, "message=tell%20me%20%26%20more&run_id=r1&session_id=s%201&stream=true");
  CAF_CHECK(contains(server.requests().back().head, "Content-Type: application/x-www-form-urlencoded\r\n"));

  oncue(run({"--on-node-loss", "restart"}));
  CAF_CHECK(contains(server.requests().back().body, "&on_node_loss=restart&"));
  CAF_CHECK_EQUAL(oncue(run({"--on-node-loss", "retry"})).code, 2);

  auto json = json_lines(oncue(run({"--json"})).out);
  CAF_REQUIRE_EQUAL(json.size(), whole.log.size());
  for (std::size_t i = 0; i < json.size(); ++i) CAF_CHECK(json[i]["event_index"] == i);
  CAF_CHECK_EQUAL(json.back()["event"], "RunCompleted");

  server.stream("POST /agents/teller/runs", {{canned_run{2, ending_kind::failed}.all(false)}});
  auto failed = oncue(run());
  CAF_CHECK_EQUAL(failed.code, 124);
  CAF_CHECK(contains(failed.err, ": no token for 60 s · 6 characters kept"));
  CAF_CHECK(contains(failed.err, "\nrun r1 · status ERROR · deadline_idle\n"));
}

CAF_TEST(a cancel of a run on a server has its receipt) {
  const canned_run cancelled{3, ending_kind::cancelled};
  const auto cancel = "POST /agents/teller/runs/r1/cancel?receipt=true&reason=";
  on_cancel(receipt);
  server.stream("POST /agents/teller/runs", {{cancelled.frames(0, 5, false)}, {cancelled.frames(5, 6, false), cancel}});
  for (int number : {SIGINT, SIGTERM}) {
    child_process child{command(run())};
    CAF_REQUIRE(child.wait_for_out("w2 "));
    child.send(number);
    auto result = finish(child);
    auto name = std::string{number == SIGINT ? "Ctrl-C" : "SIGTERM"};
    CAF_CHECK_EQUAL(result.code, 130);
    CAF_CHECK_EQUAL(result.out, "w0 w1 w2 ");
    CAF_CHECK(contains(result.err,
                       "\ncancelled after 8 s (Ctrl-C) · 9 characters kept · 4 tokens\n"
                       "run r1 · status CANCELLED · the cancel took 189 µs, the provider's connection is closed "
                       "(it was streaming)\n"));
    CAF_CHECK_EQUAL(server.requests().back().target, "/agents/teller/runs/r1/cancel?receipt=true&reason=" + name);
  }
  auto timed = oncue(run({"--cancel-after", "50ms", "--json"}));
  CAF_CHECK_EQUAL(timed.code, 130);
  CAF_CHECK(contains(server.requests().back().target, "reason=--cancel-after%2050%20ms"));
  CAF_CHECK_EQUAL(json_lines(timed.out).back()["event"], "RunCancelled");  // not the RunCompleted behind it

  // A reader that has seen enough cancels as well, and a second signal waits for nobody.
  const auto asked = server.count(cancel);
  child_process closed{command(run())};
  CAF_REQUIRE(closed.wait_for_out("w2 "));
  closed.close_out();  // nothing is left to be written: who waits for a write to fail waits for ever
  server.stream("POST /agents/teller/runs", {{cancelled.frames(0, 3, false)}}, end::hold);
  CAF_CHECK(finish(closed).code != 0);
  CAF_CHECK_EQUAL(server.count(cancel), asked + 1);
  child_process impatient{command(run())};
  CAF_REQUIRE(impatient.wait_for_out("w0 "));
  impatient.send(SIGINT);
  CAF_REQUIRE(server.wait_until(
      [&](const auto& all) { return all.back().method == "POST" && contains(all.back().target, "reason=Ctrl"); }));
  impatient.send(SIGINT);
  CAF_CHECK_EQUAL(finish(impatient).code, 130);
}

CAF_TEST(a run in the background leaves its id and nobody waits) {
  server.on("POST /agents/teller/runs", 202, R"({"run_id":"r1","session_id":"s1","status":"PENDING"})");
  auto result = oncue(run({"--background"}));
  CAF_CHECK_EQUAL(result.code, 0);
  CAF_CHECK_EQUAL(result.out, "r1\n");
  CAF_CHECK(contains(server.requests().back().body, "&stream=false&background=true"));
  CAF_CHECK(contains(oncue(run({"--background", "--json"})).out, R"("status":"PENDING"})"));
}

CAF_TEST(attach replays and goes on and mends a broken connection without gap or duplicate) {
  const canned_run whole{6, ending_kind::completed};
  const auto events = std::string{"GET /runs/r1/events"};
  const auto stream = [&](std::string bytes, end then) {
    return canned_answer{200, "text/event-stream", {{std::move(bytes)}}, then};
  };
  // Cut, then refused for a moment, then some of what is there already, cut again, then the rest.
  server.on(events, {stream(whole.frames(0, 4), end::cut),
                     {503, "application/json", {{R"({"detail":"draining"})"}}},
                     stream(whole.frames(3, 6), end::cut),
                     stream(whole.frames(6, 99), end::whole)});
  auto result = oncue({"attach", "r1"});
  CAF_CHECK_EQUAL(result.code, 0);
  CAF_CHECK_EQUAL(result.out, "w0 w1 w2 w3 w4 w5 ");
  CAF_CHECK(result.err.starts_with("run r1 · teller · model-1\nconnection lost: 127.0.0.1:"));
  CAF_CHECK(contains(result.err, "; trying again for 30 s\nconnected again\n"));
  CAF_CHECK(contains(result.err, "completed in 8 s · 18 characters · 4 tokens\nrun r1 · status COMPLETED\n"));
  auto asked = server.requests();
  CAF_REQUIRE_EQUAL(asked.size(), 4u);
  CAF_CHECK_EQUAL(asked[0].target, "/runs/r1/events");
  CAF_CHECK(!contains(asked[0].head, "Last-Event-ID"));
  CAF_CHECK(contains(asked[1].head, "\r\nLast-Event-ID: 3\r\n"));
  CAF_CHECK(contains(asked[2].head, "\r\nLast-Event-ID: 3\r\n"));
  CAF_CHECK(contains(asked[3].head, "\r\nLast-Event-ID: 5\r\n"));

  server.on(events, {stream(whole.frames(4, 99), end::whole)});
  auto some = oncue({"attach", "r1", "--from", "4", "--json"});
  CAF_CHECK_EQUAL(server.requests().back().target, "/runs/r1/events?from=4");
  CAF_CHECK(json_lines(some.out).front()["event_index"] == 4);
  CAF_CHECK_EQUAL(some.err, "");

  // A cancelled run's stream may break before its last frame: nothing is missing.
  const canned_run cancelled{1, ending_kind::cancelled};
  const auto frames = cancelled.all();
  server.on(events, {stream(frames.substr(0, frames.find("id: 4")), end::cut)});
  auto cut = oncue({"attach", "r1"});
  CAF_CHECK_EQUAL(cut.code, 130);
  CAF_CHECK(contains(cut.err, "cancelled after 3 s (Ctrl-C) · 3 characters kept\nrun r1 · status CANCELLED\n"));
}

CAF_TEST(attach leaves the run alone unless it is told otherwise) {
  const canned_run cancelled{3, ending_kind::cancelled};
  const auto cancel = "POST /runs/r1/cancel";
  on_cancel(receipt);
  server.stream("GET /runs/r1/events", {{cancelled.frames(0, 4)}}, end::hold);
  child_process leaving{command({"attach", "r1"})};
  CAF_REQUIRE(leaving.wait_for_out("w1 "));
  leaving.send(SIGINT);
  auto left = finish(leaving);
  CAF_CHECK_EQUAL(left.code, 3);
  CAF_CHECK(
      contains(left.err, "detached: the run goes on. 'oncue cancel r1' stops it, 'oncue attach r1' follows it again.\n"));
  CAF_CHECK(server.wait_until([](const auto& all) { return all.back().client_closed; }));
  child_process closed{command({"attach", "r1"})};
  closed.close_out();
  CAF_CHECK_EQUAL(finish(closed).code, 3);
  CAF_CHECK_EQUAL(server.count(cancel), 0u);

  server.stream("GET /runs/r1/events", {{cancelled.frames(0, 4)}, {cancelled.frames(4, 99), cancel}});
  child_process stopping{command({"attach", "r1", "--cancel-on-interrupt"})};
  CAF_REQUIRE(stopping.wait_for_out("w1 "));
  stopping.send(SIGINT);
  auto stopped = finish(stopping);
  CAF_CHECK_EQUAL(stopped.code, 130);
  CAF_CHECK(contains(stopped.err, "the cancel took 189 µs"));
  CAF_CHECK_EQUAL(server.count(cancel), 1u);
}

CAF_TEST(cancel says what became of each run) {
  struct {
    cancel_reply reply;
    int code;
    std::string line;
  } cases[] = {
      {receipt, 0, "cancelled · the cancel took 189 µs, the provider's connection is closed (it was streaming)\n"},
      {{cancel_outcome::cancelled, {"r1"}, run_status::cancelled, run_phase::waiting, 3, false, false, 5000},
       0,
       "cancelled · the cancel took 5 ms (it was waiting) · the provider's connection is not closed yet · not in the "
       "journal yet\n"},
      {{cancel_outcome::cancelled, {"r1"}, run_status::cancelled, {}, 3, true, true, 0},
       0,
       "cancelled · it had been cancelled before\n"},
      {{cancel_outcome::accepted, {"r1"}, run_status::running, run_phase::streaming, {}, true, false, 5000},
       0,
       "accepted · the run is being stopped, the provider's connection is closed (it was streaming)\n"},
      {{cancel_outcome::already_ended, {"r1"}, run_status::completed, {}, 3, true, true, 0},
       1,
       "already ended · status COMPLETED\n"},
      {{cancel_outcome::intent_stored, {"r1"}, {}, {}, {}, false, false, 0},
       0,
       "not started yet · a run that is started with this id within 24 h is cancelled at once\n"},
      {{cancel_outcome::unknown, {"r1"}, {}, {}, {}, false, false, 0},
       1,
       "unknown · there is no such run, and no room to remember the cancel\n"},
  };
  for (const auto& [reply, code, line] : cases) {
    on_cancel(reply);
    auto result = oncue({"cancel", "r1"});
    CAF_CHECK_EQUAL(result.code, code);
    CAF_CHECK_EQUAL(result.out, "run r1 · " + line);
    CAF_CHECK_EQUAL(result.err, "");
    CAF_CHECK_EQUAL(server.requests().back().target, "/runs/r1/cancel?receipt=true&wait_ms=5000");
    auto json = oncue({"cancel", "--json", "--wait", "250ms", "--reason", "too long & dull", "r1"});
    CAF_CHECK_EQUAL(json.code, code);
    CAF_CHECK_EQUAL(json.out, core::cancel_answer(reply, true).body + "\n");
    CAF_CHECK(server.requests().back().target.ends_with("&wait_ms=250&reason=too%20long%20%26%20dull"));
  }
  on_cancel(receipt);
  auto several = oncue({"cancel", "r1", "r2", "r1"});  // r2 is not in the server's book: 404
  CAF_CHECK_EQUAL(several.code, 1);
  CAF_CHECK_EQUAL(json_lines(several.out).size(), 2u);
  CAF_CHECK_EQUAL(several.err, "error: run r2: Not Found\n");
  server.on("POST /runs/r1/cancel", 200, "{}");  // as agno answers
  CAF_CHECK_EQUAL(oncue({"cancel", "r1"}).out, "run r1 · accepted · the run is being stopped\n");
}

CAF_TEST_FIXTURE_SCOPE_END()
