#define CAF_SUITE actors.supervisor

#include "oncue/actors/supervisor.hpp"

#include <caf/test/unit_test.hpp>

#include "support/node.hpp"
#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

void finish(node& n, std::size_t attempt = 0) {
  n.say(model_done{}, attempt);
  n.say(model_closed{}, attempt);
}

}  // namespace

CAF_TEST(a start is refused by name and leaves nothing behind) {
  node n;
  auto before = n.live_actors();
  auto bad_id = n.start("no spaces");
  auto empty = n.start("r", " ");
  auto stranger = n.ask<start_reply>(run_request{.agent = {"nobody"}, .input = "x"});
  n.settle();
  CAF_CHECK_EQUAL(refused(bad_id), "invalid_run_id");
  CAF_CHECK_EQUAL(refused(empty), "invalid_input");
  CAF_CHECK_EQUAL(refused(stranger), "unknown_agent");
  CAF_CHECK_EQUAL((*stranger)->refused->message, "agent: there is no agent 'nobody'");
  CAF_CHECK_EQUAL(n.live_actors(), before);
}

CAF_TEST(ids are made when none is given and a used one is refused also after the run) {
  node n;
  auto anonymous = n.ask<start_reply>(run_request{.agent = {"writer"}, .input = "x"});
  auto first = n.start("mine");
  auto at_once = n.start("mine");
  n.settle();
  CAF_CHECK_EQUAL((*anonymous)->run.value.size(), 36u);
  CAF_CHECK_EQUAL((*anonymous)->run.value[14], '7');
  CAF_CHECK(!(*anonymous)->session.empty());
  CAF_CHECK_EQUAL(refused(first), "started");
  CAF_CHECK_EQUAL(refused(at_once), "run_id_used");
  n.cancel("mine");
  n.settle();
  auto later = n.start("mine");
  n.settle();
  CAF_CHECK_EQUAL(refused(later), "run_id_used");
}

CAF_TEST(each answer of the one vocabulary is given where it belongs) {
  node n;
  n.run("live");
  auto live = n.cancel("live");
  n.settle();
  CAF_CHECK_EQUAL(outcome(live), "cancelled");
  auto repeat = n.cancel("live");
  n.settle();
  CAF_CHECK_EQUAL(outcome(repeat), "cancelled");
  n.run("done");
  finish(n, 1);
  auto late = n.cancel("done");
  n.settle();
  CAF_CHECK_EQUAL(outcome(late), "already_ended");
  CAF_CHECK_EQUAL(to_string(*(*late)->status), "COMPLETED");
  auto unseen = n.cancel("future");
  n.settle();
  CAF_CHECK_EQUAL(outcome(unseen), "intent_stored");
  node full{{.book = {.intents_max = 0}}};
  auto unknown = full.cancel("future");
  full.settle();
  CAF_CHECK_EQUAL(outcome(unknown), "unknown");
}

CAF_TEST(a cancel before the start stops the run before it calls the model) {
  node n;
  n.cancel("r");
  n.settle();
  recording seen;
  auto reply = n.start("r");
  n.settle();
  CAF_CHECK_EQUAL(refused(reply), "started");
  n.record("r", seen);
  n.settle();
  CAF_REQUIRE(seen.ended);
  CAF_CHECK(ending_of(seen.events)->how.kind == ending_kind::cancelled);
  CAF_CHECK(n.models().calls.empty());
  CAF_CHECK_EQUAL(seen.events.size(), 2u);
}

CAF_TEST(a cancel at every message boundary of a normal run gives one ending) {
  // Every run does the same; the cancel is sent after k handled messages, for every k, in every order of arrival.
  std::size_t boundaries = 0;
  for (std::size_t k = 0;; ++k) {
    node n{{.model = model_kind::scripted, .scripted = {.first_token_delay = 0ms, .token_delay = 0ms, .tokens = 3}}};
    recording seen;
    n.start("r");
    n.record("r", seen);
    std::size_t done = 0;
    while (done < k && n.step()) ++done;
    auto was_over = done < k;
    auto reply = n.cancel("r");
    n.settle();
    n.advance(10s);
    CAF_REQUIRE(*reply);
    auto answer = outcome(reply);
    if (answer == "intent_stored") {  // the cancel was there before the run was
      recording again;
      n.record("r", again);
      n.settle();
      seen = again;
    } else if (!seen.ended) {  // the reader asked before there was a run
      seen = {};
      n.record("r", seen);
      n.settle();
    }
    CAF_REQUIRE(seen.ended);
    CAF_CHECK_EQUAL(whole_log(seen.events), "");
    auto cancelled = ending_of(seen.events)->how.kind == ending_kind::cancelled;
    CAF_CHECK_EQUAL(cancelled, answer == "cancelled" || answer == "intent_stored");
    CAF_CHECK_EQUAL(!cancelled, answer == "already_ended");
    if (was_over) {
      CAF_CHECK_EQUAL(answer, "already_ended");
      boundaries = k;
      break;
    }
  }
  CAF_MESSAGE("boundaries: " << boundaries);
  CAF_CHECK(boundaries > 20);
}

CAF_TEST(a run actor that dies is ended in its place) {
  node n;
  auto before = n.live_actors();
  recording seen;
  auto run = n.run("r");
  n.record("r", seen);
  n.settle();
  n.say_text("half");
  caf::anon_send_exit(run, caf::exit_reason::kill);
  n.settle();
  CAF_REQUIRE(seen.ended);
  CAF_CHECK_EQUAL(to_string(ending_of(seen.events)->how.code), "actor_lost");
  CAF_CHECK_EQUAL(whole_log(seen.events), "");
  CAF_CHECK_EQUAL(n.live_actors(), before);  // its stream went with it
}

CAF_TEST(a run actor that dies after a cancel counts as cancelled and the canceller is told) {
  node n;
  recording seen;
  auto run = n.run("r");
  n.record("r", seen);
  n.settle();
  n.models().deaf = true;
  // The kill waits in the mailbox; the cancel, of high priority, is taken first, its answer never comes.
  auto reply = n.cancel("r");
  while (!*reply && n.step()) {
    if (n.scheduler().has_job()) continue;
  }
  caf::anon_send_exit(run, caf::exit_reason::kill);
  n.settle();
  n.advance(10s);
  CAF_REQUIRE(seen.ended);
  CAF_CHECK(ending_of(seen.events)->how.kind == ending_kind::cancelled);
  CAF_CHECK_EQUAL(outcome(reply), "cancelled");
}

CAF_TEST(runs beyond the places wait their turn and can be cancelled while they wait) {
  node n{{.roster = {.live_max = 3, .running_max = 1}}};
  n.run("a");
  n.run("b");
  n.run("c");
  auto fourth = n.start("d");
  n.settle();
  CAF_CHECK_EQUAL(refused(fourth), "too_many_runs");
  CAF_CHECK_EQUAL(n.models().calls.size(), 1u);
  auto reply = n.cancel("b");
  n.settle();
  CAF_CHECK_EQUAL(outcome(reply), "cancelled");
  CAF_CHECK_EQUAL(to_string(*(*reply)->phase_at_cancel), "queued");
  finish(n);
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 2u);  // c begins
  auto list = n.ask<run_list>(list_runs{10});
  n.settle();
  CAF_REQUIRE_EQUAL((*list)->runs.size(), 3u);
  CAF_CHECK_EQUAL(to_string((*list)->runs[0].status), "RUNNING");
  CAF_CHECK_EQUAL(to_string((*list)->runs[1].status), "CANCELLED");
  CAF_CHECK_EQUAL(to_string((*list)->runs[2].status), "COMPLETED");
}

CAF_TEST(a draining node takes no run gives grace then cancels and says what it left) {
  node n;
  n.run("quick");
  n.run("slow");
  n.run("deaf");
  auto reply = n.ask<drain_reply>(drain_node{1000, 2000});
  n.settle();
  auto refused_now = n.start("new");
  n.settle();
  CAF_CHECK_EQUAL(refused(refused_now), "draining");
  finish(n, 0);
  CAF_CHECK(!*reply);
  n.models().deaf = true;
  n.advance(1000ms);
  n.say(model_closed{}, 1);
  CAF_CHECK(!*reply);  // the deaf one is still there
  n.advance(2000ms);
  CAF_REQUIRE(*reply);
  CAF_CHECK_EQUAL((*reply)->ended, 1u);
  CAF_CHECK_EQUAL((*reply)->cancelled, 1u);
  CAF_REQUIRE_EQUAL((*reply)->left.size(), 1u);
  CAF_CHECK_EQUAL((*reply)->left[0].value, "deaf");
  node empty;
  auto at_once = empty.ask<drain_reply>(drain_node{60'000, 2000});
  empty.settle();
  CAF_CHECK(*at_once);
}

CAF_TEST(a full memory journal refuses new runs and ends the one that fills it) {
  node n{{.book = {.bytes_max = 20'000}}};
  recording seen;
  n.run("r");
  n.record("r", seen);
  n.settle();
  for (int i = 0; i < 30; ++i) n.say_text(std::string(1000, 'x'));
  CAF_REQUIRE(seen.ended);
  CAF_CHECK_EQUAL(to_string(ending_of(seen.events)->how.code), "journal_failed");
  CAF_CHECK_EQUAL(whole_log(seen.events), "");
  CAF_CHECK(n.model().closed);
}
