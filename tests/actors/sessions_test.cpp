// Sessions through a whole node: one run at a time, what was said before, and what becomes of the line when somebody in it
// is cancelled, interrupted, dies or cannot be told its history.
#define CAF_SUITE actors.sessions

#include <caf/test/unit_test.hpp>

#include "oncue/core/limits.hpp"
#include "support/cluster.hpp"
#include "support/journal_front.hpp"
#include "support/node.hpp"
#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

void finish(node& n, std::size_t attempt) {
  n.say(model_done{}, attempt);
  n.say(model_closed{}, attempt);
}

void answer(node& n, std::size_t attempt, std::string text) {
  n.say_text(std::move(text), attempt);
  finish(n, attempt);
}

/// The node is one of many, for as long as this is there.
class in_a_cluster {
 public:
  explicit in_a_cluster(node& n) : n_{n} {
    auto neighbours = n.system().spawn(puppet_neighbours_actor, &others, n.env().journal);
    caf::anon_send(n.supervisor(), join_cluster{neighbours, {}});
  }
  ~in_a_cluster() {
    caf::anon_send(n_.supervisor(), join_cluster{});
    n_.settle();
  }
  in_a_cluster(const in_a_cluster&) = delete;
  in_a_cluster& operator=(const in_a_cluster&) = delete;

  puppet_neighbours others;

 private:
  node& n_;
};

/// Which run each model call belongs to is told by its input, which ends what the model is told.
std::string told(node& n, std::size_t attempt) {
  std::string all;
  for (const auto& message : n.model(attempt).request.messages) {
    if (!all.empty()) all += " | ";
    all += message.content;
  }
  return all;
}

std::string ending_in_words(node& n, const std::string& id) {
  recording seen;
  auto reader = n.record(id, seen);
  n.settle();
  caf::anon_send_exit(reader, caf::exit_reason::kill);
  n.settle();
  const auto* ended = ending_of(seen.events);
  if (!ended) return "open";
  const auto& how = ended->how;
  auto text = std::string{to_string(status_of(how))};
  if (how.kind == ending_kind::failed) text += " " + std::string{to_string(how.code)};
  if (how.kind == ending_kind::cancelled) text += " by " + how.by;
  return how.message.empty() ? text : text + ": " + how.message;
}

std::string status_of_run(node& n, const std::string& id) {
  auto list = n.ask<run_list>(list_runs{100});
  n.settle();
  for (const auto& line : (*list)->runs) {
    if (line.id.value == id) return std::string{to_string(line.status)};
  }
  return "unknown";
}

node_stats stats(node& n) {
  auto reply = n.ask<node_stats>(get_stats{});
  n.settle();
  return **reply;
}

}  // namespace

CAF_TEST(what was said before goes between the system message and the new one) {
  node n{{.change_agent = [](auto& entry) {
    entry.agent.description = "You write.";
    entry.agent.instructions = "Be brief.";
  }}};
  n.start_in("s", "1", "Who was it?");
  n.settle();
  answer(n, 0, "A fox.");
  n.start_in("s", "2", "Where?");
  n.settle();
  n.say_text("In the w", 1);
  n.cancel("2");  // half a sentence: it stays out of the next one's history
  n.settle();
  n.start_in("s", "3", "And then?");
  n.start_in("t", "4", "Hello?");
  n.settle();
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 4u);
  CAF_CHECK_EQUAL(told(n, 0), "You write.\n\nBe brief. | Who was it?");
  CAF_CHECK_EQUAL(told(n, 1), "You write.\n\nBe brief. | Who was it? | A fox. | Where?");
  CAF_CHECK_EQUAL(told(n, 2), "You write.\n\nBe brief. | Who was it? | A fox. | And then?");
  CAF_CHECK_EQUAL(told(n, 3), "You write.\n\nBe brief. | Hello?");
  CAF_CHECK(n.model(1).request.messages[2].role == chat_role::assistant);
}

CAF_TEST(the agent says how much of a session its model is told) {
  node n{{.change_agent = [](auto& entry) { entry.agent.history = {.runs_max = 1, .with_stopped = true}; }}};
  n.start_in("s", "1", "one?");
  n.settle();
  answer(n, 0, "one!");
  n.start_in("s", "2", "two?");
  n.settle();
  n.say_text("tw", 1);
  n.cancel("2");
  n.settle();
  n.start_in("s", "3", "three?");
  n.settle();
  CAF_CHECK_EQUAL(told(n, 2), "two? | tw | three?");
}

CAF_TEST(only a session that somebody named costs a question and only if the agent wants its history) {
  journal_front journal;
  node n{with_front(journal)};
  auto first = n.start_in("", "1");
  n.settle();
  CAF_CHECK_EQUAL(journal.asked, 0);
  auto session = (*first)->session.value;
  n.start_in(session, "2");
  n.settle();
  CAF_CHECK_EQUAL(n.models().calls.size(), 1u);  // a made-up session has one run at a time too
  answer(n, 0, "first");
  CAF_CHECK_EQUAL(journal.asked, 1);
  CAF_CHECK_EQUAL(told(n, 1), "tell | first | tell");

  journal_front unasked;
  node without{with_front(unasked, {.change_agent = [](auto& entry) { entry.agent.history.runs_max = 0; }})};
  without.start_in("s", "1");
  without.settle();
  CAF_CHECK_EQUAL(without.models().calls.size(), 1u);
  CAF_CHECK_EQUAL(unasked.asked, 0);
}

CAF_TEST(runs of one session wait for each other and those of others do not) {
  node n;
  n.start_in("s", "1", "one?");
  n.start_in("s", "2", "two?");
  n.start_in("s", "3", "three?");
  n.start_in("t", "4", "four?");
  n.settle();
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 2u);
  CAF_CHECK_EQUAL(told(n, 1), "four?");
  CAF_CHECK_EQUAL(status_of_run(n, "1"), "RUNNING");
  CAF_CHECK_EQUAL(status_of_run(n, "2"), "PENDING");
  CAF_CHECK_EQUAL(stats(n).queued, 2u);
  auto waiting = n.cancel("2");
  n.settle();
  CAF_CHECK_EQUAL(outcome(waiting), "cancelled");
  CAF_CHECK_EQUAL(to_string(*(*waiting)->phase_at_cancel), "queued");
  CAF_CHECK_EQUAL(n.models().calls.size(), 2u);
  answer(n, 0, "one!");
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 3u);
  CAF_CHECK_EQUAL(told(n, 2), "one? | one! | three?");
}

CAF_TEST(who does not want to wait is refused before anything is made and served once the ending can be read) {
  node n;
  n.start_in("s", "1");
  n.settle();
  auto busy = n.start_in("s", "2", "tell", session_policy::reject);
  n.settle();
  CAF_CHECK_EQUAL(refused(busy), "session_busy");
  CAF_CHECK_EQUAL(status_of_run(n, "2"), "unknown");
  recording seen;
  n.record("1", seen);
  n.settle();
  // The model's socket stays open for a while after the ending: nobody has to wait for that.
  n.say_text("x");
  n.say(model_done{});
  CAF_REQUIRE(seen.ended);
  auto free = n.start_in("s", "2", "tell", session_policy::reject);
  n.settle();
  CAF_CHECK_EQUAL(refused(free), "started");
  CAF_CHECK_EQUAL(n.models().calls.size(), 2u);
}

CAF_TEST(an interrupting run ends those before it and begins after their endings) {
  node n;
  n.start_in("s", "1", "one?");
  n.start_in("s", "2", "two?");
  n.start_in("t", "other", "o?");
  n.settle();
  n.say_text("half", 0);
  n.models().deaf = true;  // it does not close: its ending is what counts
  n.start_in("s", "3", "three?", session_policy::interrupt);
  n.settle();
  CAF_CHECK_EQUAL(ending_in_words(n, "1"), "CANCELLED by interrupt: interrupted by run 3");
  CAF_CHECK_EQUAL(ending_in_words(n, "2"), "CANCELLED by interrupt: interrupted by run 3");
  CAF_CHECK_EQUAL(ending_in_words(n, "other"), "open");
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 3u);
  CAF_CHECK_EQUAL(told(n, 2), "three?");
  n.models().deaf = false;
  // Both at once: the journal has not yet made the one when the other asks to interrupt it.
  n.start_in("s", "4", "four?");
  n.start_in("s", "5", "five?", session_policy::interrupt);
  n.settle();
  CAF_CHECK_EQUAL(ending_in_words(n, "3"), "CANCELLED by interrupt: interrupted by run 5");
  CAF_CHECK_EQUAL(ending_in_words(n, "4"), "CANCELLED by interrupt: interrupted by run 5");
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 4u);
  CAF_CHECK_EQUAL(told(n, 3), "five?");
  // One that is refused interrupts nobody.
  auto used = n.start_in("s", "1", "again?", session_policy::interrupt);
  n.settle();
  CAF_CHECK_EQUAL(refused(used), "run_id_used");
  CAF_CHECK_EQUAL(ending_in_words(n, "5"), "open");
}

CAF_TEST(a cancel while the history is loaded works at once and gives the turn on) {
  journal_front journal;
  journal.hold = true;
  node n{with_front(journal)};
  n.start_in("s", "1");
  n.start_in("s", "2", "two?");
  n.settle();
  CAF_REQUIRE_EQUAL(journal.held.size(), 1u);
  auto reply = n.cancel("1");
  n.settle();
  CAF_CHECK_EQUAL(outcome(reply), "cancelled");
  CAF_CHECK_EQUAL(to_string(*(*reply)->phase_at_cancel), "queued");
  CAF_REQUIRE_EQUAL(journal.held.size(), 2u);  // the next one's
  release(n);
  CAF_CHECK(n.models().calls.empty());
  release(n);
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 1u);
  CAF_CHECK_EQUAL(told(n, 0), "two?");
  CAF_CHECK_EQUAL(ending_in_words(n, "1"), "CANCELLED by test: enough");
}

// Found by oncue_sim, seed 59609 of its first 100,000.
CAF_TEST(a run that waits for another node gives its turn to an older run that came to this one later) {
  journal_front journal;
  node n{with_front(journal)};
  in_a_cluster cluster{n};
  journal.behind["newer"] = "elsewhere";
  n.start_in("s", "newer", "newer?");
  n.settle();
  n.start_in("s", "older", "older?");
  n.settle();
  CAF_CHECK(n.models().calls.empty());
  journal.behind["newer"] = "older";
  n.advance(core::limits::session_wait);
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 1u);
  CAF_CHECK_EQUAL(told(n, 0), "older?");
  journal.behind.clear();
  finish(n, 0);
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 2u);
}

// Found by oncue_sim, seeds 112704 and 113181.
CAF_TEST(a run that waits for another node takes no place from those that could begin) {
  journal_front journal;
  node n{with_front(journal, {.roster = {.running_max = 1}})};
  in_a_cluster cluster{n};
  journal.behind["waits"] = "elsewhere";
  n.start_in("s", "waits");
  n.settle();
  CAF_CHECK_EQUAL(stats(n).queued, 1u);
  CAF_CHECK_EQUAL(stats(n).running, 0u);
  n.start_in("t", "other", "other?");
  n.settle();
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 1u);
  CAF_CHECK_EQUAL(told(n, 0), "other?");
  journal.behind.clear();
  n.advance(core::limits::session_wait);
  CAF_CHECK_EQUAL(n.models().calls.size(), 1u);
  finish(n, 0);
  CAF_CHECK_EQUAL(n.models().calls.size(), 2u);
}

CAF_TEST(an interrupting run sees to it that each run before it on other nodes ends) {
  journal_front journal;
  node n{with_front(journal)};
  in_a_cluster cluster{n};
  auto& others = cluster.others;
  others.cancel_says = {.outcome = cancel_outcome::cancelled, .durable = true};
  journal.behind["new"] = "two";
  n.start_in("s", "new", "new?", session_policy::interrupt);
  n.settle();
  n.advance(core::limits::session_wait);
  CAF_REQUIRE_EQUAL(others.cancels.size(), 1u);  // once each
  CAF_CHECK_EQUAL(others.cancels[0].run.value, "two");
  CAF_CHECK_EQUAL(others.cancels[0].reason, "interrupted by run new");
  journal.behind["new"] = "one";
  n.advance(core::limits::session_wait);
  n.advance(core::limits::session_wait);
  CAF_REQUIRE_EQUAL(others.cancels.size(), 2u);
  CAF_CHECK_EQUAL(others.cancels[1].run.value, "one");
  CAF_CHECK(n.models().calls.empty());
  journal.behind.clear();
  n.advance(core::limits::session_wait);
  CAF_CHECK_EQUAL(n.models().calls.size(), 1u);
}

CAF_TEST(a run whose history cannot be read fails and says so) {
  journal_front journal;
  journal.fail = true;
  node n{with_front(journal)};
  n.start_in("s", "1");
  n.settle();
  CAF_CHECK_EQUAL(ending_in_words(n, "1"),
                  "ERROR journal_failed: what was said in the session before could not be read: "
                  "the disk is gone");
  CAF_CHECK(n.models().calls.empty());
  journal.fail = false;
  n.start_in("s", "2");
  n.settle();
  CAF_CHECK_EQUAL(n.models().calls.size(), 1u);
}

CAF_TEST(a run that dies gives the turn on when its ending is journalled) {
  node n;
  auto first = n.start_in("s", "1");
  n.start_in("s", "2", "two?");
  n.settle();
  n.say_text("half", 0);
  caf::anon_send_exit((*first)->source, caf::exit_reason::kill);
  n.settle();
  CAF_CHECK_EQUAL(ending_in_words(n, "1").rfind("ERROR actor_lost", 0), 0u);
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 2u);
  CAF_CHECK_EQUAL(told(n, 1), "two?");
}

CAF_TEST(an idempotency key is answered with what it made and leaves no trace of the second try) {
  node n;
  auto start = [&](std::string id, std::string input, session_policy policy = session_policy::enqueue) {
    auto reply = n.ask<start_reply>(run_request{.id = {std::move(id)},
                                                .agent = {"writer"},
                                                .input = std::move(input),
                                                .session = {"s"},
                                                .on_busy_session = policy,
                                                .idempotency_key = "key"});
    n.settle();
    return reply;
  };
  auto first = start("1", "tell");
  CAF_CHECK_EQUAL(refused(first), "started");
  for (const auto& again : {start("2", "tell"), start("1", "tell"), start("2", "tell", session_policy::reject),
                            start("2", "tell", session_policy::interrupt)}) {
    CAF_CHECK_EQUAL(refused(again), "existing");
    CAF_CHECK_EQUAL((*again)->run.value, "1");
    CAF_CHECK_EQUAL((*again)->session.value, "s");
    CAF_CHECK((*again)->source == (*first)->source);
  }
  CAF_CHECK_EQUAL(refused(start("2", "something else")), "idempotency_reused");
  CAF_CHECK_EQUAL(stats(n).queued, 0u);
  CAF_CHECK_EQUAL(stats(n).running, 1u);
  CAF_CHECK_EQUAL(stats(n).started_total, 1u);
  CAF_CHECK_EQUAL(ending_in_words(n, "1"), "open");
  n.start_in("s", "3", "three?");  // the second tries stand in nobody's way
  answer(n, 0, "once");
  CAF_CHECK_EQUAL(n.models().calls.size(), 2u);
  auto late = start("2", "tell");
  CAF_CHECK_EQUAL(refused(late), "existing");
  CAF_CHECK((*late)->source == n.env().journal);
  n.ask<drain_reply>(drain_node{1000, 1000});
  n.settle();
  CAF_CHECK_EQUAL(refused(start("2", "tell")), "existing");
  auto without_key = n.start_in("s", "9");
  n.settle();
  CAF_CHECK_EQUAL(refused(without_key), "draining");
}

CAF_TEST(a drain cancels at once what has not begun and begins nothing more) {
  journal_front journal;
  node n{with_front(journal, {.roster = {.running_max = 2}})};
  n.start_in("", "runs");
  n.settle();
  journal.hold = true;
  n.start_in("s", "loads");
  n.start_in("s", "waits-turn");
  n.start_in("", "waits-place");
  n.settle();
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 1u);
  CAF_REQUIRE_EQUAL(journal.held.size(), 1u);
  n.start_in("", "is-made");
  for (int i = 0; i < 2; ++i) n.step();  // the journal has not answered yet
  auto reply = n.ask<drain_reply>(drain_node{1000, 1000});
  n.settle();
  for (auto* id : {"waits-turn", "waits-place", "is-made"}) {
    CAF_CHECK_EQUAL(ending_in_words(n, id), "CANCELLED by drain: the node is shutting down");
  }
  release(n);
  CAF_CHECK_EQUAL(ending_in_words(n, "loads"), "CANCELLED by drain: the node is shutting down");
  CAF_CHECK_EQUAL(n.models().calls.size(), 1u);
  CAF_CHECK_EQUAL(stats(n).queued, 0u);
  CAF_CHECK(stats(n).draining);
  CAF_CHECK(!*reply);
  finish(n, 0);
  CAF_REQUIRE(*reply);
  CAF_CHECK_EQUAL((*reply)->ended, 1u);
  CAF_CHECK_EQUAL((*reply)->cancelled, 4u);
  CAF_CHECK((*reply)->left.empty());
}

CAF_TEST(a node counts what it has and had) {
  node n{{.roster = {.running_max = 3, .queued_max = 1}}};
  for (auto* id : {"done", "stopped", "broken"}) n.start(id);
  n.settle();
  n.start("waits");
  n.settle();
  auto full = n.start("too many");
  n.start("more");
  n.settle();
  auto now = stats(n);
  CAF_CHECK_EQUAL(now.running, 3u);
  CAF_CHECK_EQUAL(now.queued, 1u);
  CAF_CHECK_EQUAL(now.started_total, 4u);
  CAF_CHECK_EQUAL(now.refused_total, 2u);  // one for its id
  finish(n, 0);
  n.cancel("stopped");
  n.cancel("stopped");
  n.say(model_failed{0, failure_code::provider_refused, 400, "no", false, {}}, 2);
  n.say(model_closed{}, 2);
  n.settle();
  now = stats(n);
  CAF_CHECK_EQUAL(now.running, 1u);
  CAF_CHECK_EQUAL(now.queued, 0u);
  CAF_CHECK_EQUAL(now.completed_total, 1u);
  CAF_CHECK_EQUAL(now.cancelled_total, 1u);
  CAF_CHECK_EQUAL(now.failed_total, 1u);
  CAF_CHECK_EQUAL(now.cancels_total, 2u);
  CAF_CHECK(!now.draining);
}

CAF_TEST(a trace goes with every call to the model) {
  node n;
  auto start = [&](std::string id, std::string trace) {
    n.ask<start_reply>(
        run_request{.id = {std::move(id)}, .agent = {"writer"}, .input = "tell", .traceparent = std::move(trace)});
    n.settle();
  };
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  start("1", trace);
  start("2", std::string(257, 'x'));
  n.say(model_failed{0, failure_code::provider_refused, 503, "busy", true, {}}, 0);
  n.say(model_closed{}, 0);
  n.advance(10s);
  CAF_REQUIRE_EQUAL(n.models().calls.size(), 3u);
  CAF_CHECK_EQUAL(n.model(0).request.traceparent, trace);
  CAF_CHECK_EQUAL(n.model(1).request.traceparent, "");
  CAF_CHECK_EQUAL(n.model(2).request.traceparent, trace);
}
