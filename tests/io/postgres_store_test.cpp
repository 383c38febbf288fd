// What is PostgreSQL's own: many nodes write the same tables. What it shares with the other stores is in
// store_conformance_test.cpp.
#define CAF_SUITE io.postgres_store

#include <caf/test/unit_test.hpp>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "support/postgres.hpp"
#include "support/promises.hpp"
#include "support/store.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

/// Two nodes and one set of tables.
struct fixture {
  postgres_schema schema;
  std::unique_ptr<io::run_store> one = open_postgres(schema.url(), 1);
  std::unique_ptr<io::run_store> two = open_postgres(schema.url(), 2);
  postgres_client sql = schema.client();
};

append_events append(const std::string& id, event_index from, std::vector<event_ptr> events, run_epoch epoch = 1) {
  return {{id}, from, std::move(events), epoch};
}

/// Deltas at `from` and on.
append_events deltas(const std::string& id, event_index from, std::size_t count = 1, run_epoch epoch = 1) {
  append_events what{{id}, from, {}, epoch};
  for (auto i = from; i < from + count; ++i) what.events.push_back(delta(i, "d" + std::to_string(i)));
  return what;
}

finish_run finish(const std::string& id, event_index at, std::string content = "", ending how = {}, run_epoch epoch = 1) {
  return {{id}, at, {ended(at, std::move(content), std::move(how), 9)}, epoch};
}

const journal_refused& refused(const io::store_answer& answer) {
  const auto* found = std::get_if<journal_refused>(&answer);
  if (!found) CAF_FAIL("expected a refusal, not an answer of sort " << answer.index());
  return *found;
}

const run_ended& ending_of(const io::store_answer& answer) {
  const auto* found = std::get_if<finished>(&answer);
  if (!found) CAF_FAIL("expected an ending: " << refusal_of(answer));
  return *get_if<run_ended>(*found->ended);
}

/// Both at the same time, again and again.
void race(int times, const std::function<void(int)>& first, const std::function<void(int)>& second) {
  for (int i = 0; i < times; ++i) {
    std::promise<void> start;
    auto started = start.get_future().share();
    auto other = std::async(std::launch::async, [&] {
      started.wait();
      second(i);
    });
    start.set_value();
    first(i);
    other.get();
  }
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(postgres_store, fixture)

CAF_TEST(before it has an incarnation a node writes nothing) {
  one->own_as(0);
  auto created = put<create_reply>(*one, creation("r"));
  CAF_REQUIRE(created.refused);
  CAF_CHECK(created.refused->code == refusal_code::journal_unavailable);
  CAF_CHECK_EQUAL(created.refused->message, "this node has no lease now");
  CAF_CHECK(refused(put(*one, deltas("r", 1))).fenced);
  CAF_CHECK(refused(put(*one, finish("r", 1))).fenced);
  CAF_CHECK_EQUAL(refusal_of(put(*one, record_cancel{{.run = {"r"}}, 5})), "this node has no lease now");
  CAF_CHECK_EQUAL(sql("SELECT count(*) FROM runs"), "0");
}

CAF_TEST(a run is written to by its owner only) {
  put<create_reply>(*one, creation("r"));
  put<appended>(*one, deltas("r", 1));
  CAF_CHECK(refused(put(*two, deltas("r", 2))).fenced);
  CAF_CHECK(refused(put(*two, finish("r", 2))).fenced);
  CAF_CHECK(refused(put(*one, deltas("r", 2, 1, 7))).fenced);
  auto gap = refused(put(*one, deltas("r", 5)));
  CAF_CHECK(!gap.fenced);
  CAF_CHECK_EQUAL(gap.message, "index 5 leaves a gap after 2");
  CAF_CHECK_EQUAL(must(one->reads().find(find_owner{{"r"}})).owner, 1u);
  CAF_CHECK_EQUAL(ending_of(put(*one, finish("r", 2, "d1"))).content, "d1");
}

CAF_TEST(a run that was taken away is noticed by the next append of many) {
  std::vector<io::store_write> group;
  for (auto id : {"a", "b", "c"}) {
    put<create_reply>(*one, creation(id));
    put<appended>(*one, deltas(id, 1));
    group.push_back(deltas(id, 2, 3));
  }
  sql("UPDATE runs SET owner=2, epoch=2 WHERE run_id='b'");
  auto answers = one->commit(group);
  CAF_REQUIRE_EQUAL(answers.size(), 3u);
  CAF_CHECK_EQUAL(std::get<appended>(answers[0]).next, 5u);
  CAF_CHECK(refused(answers[1]).fenced);
  CAF_CHECK_EQUAL(refused(answers[1]).message, "the run has another owner now (epoch 2, not 1)");
  CAF_CHECK_EQUAL(std::get<appended>(answers[2]).next, 5u);
  CAF_CHECK_EQUAL(read_all(two->reads(), "b").size(), 2u);
  CAF_CHECK_EQUAL(read_all(two->reads(), "c").size(), 5u);
  // Also if it went away and came back.
  sql("UPDATE runs SET epoch=3 WHERE run_id='c'");
  CAF_CHECK(refused(put(*one, deltas("c", 5))).fenced);
  CAF_CHECK_EQUAL(std::get<appended>(put(*one, deltas("c", 5, 1, 3))).next, 6u);
}

CAF_TEST(appends of one group stay in their order beside what else is asked of their runs) {
  put<create_reply>(*one, creation("r"));
  put<create_reply>(*one, creation("q"));
  put<appended>(*one, deltas("r", 1));
  put<appended>(*one, deltas("q", 1));
  std::vector<io::store_write> group{deltas("r", 2),    deltas("q", 2),
                                     deltas("r", 3, 2), record_cancel{{.run = {"q"}}, 5},
                                     deltas("q", 3),    finish("r", 5, "d1d2d3d4"),
                                     deltas("r", 6)};
  auto answers = one->commit(group);
  CAF_REQUIRE_EQUAL(answers.size(), group.size());
  CAF_CHECK_EQUAL(std::get<appended>(answers[2]).next, 5u);
  CAF_CHECK(std::get<record_cancel_reply>(answers[3]).accepted);
  CAF_CHECK_EQUAL(std::get<appended>(answers[4]).next, 4u);
  CAF_CHECK_EQUAL(ending_of(answers[5]).content, "d1d2d3d4");
  CAF_CHECK_EQUAL(std::get<appended>(answers[6]).next, 6u);
  CAF_CHECK_EQUAL(read_all(one->reads(), "r").size(), 6u);
}

CAF_TEST(a cancel that another node accepted is how the run ends) {
  put<create_reply>(*one, creation("r"));
  put<appended>(*one, deltas("r", 1));
  cancel_request request{.run = {"r"}, .reason = "enough", .by = "ann", .mode = cancel_mode::after_turn, .grace_ms = 70};
  CAF_CHECK(put<record_cancel_reply>(*two, record_cancel{request, 5}).accepted);
  CAF_CHECK_EQUAL(sql("SELECT cancel_mode || ',' || cancel_grace_ms FROM runs"), "2,70");
  // Whoever is in more of a hurry is heard; the reason is the first one's.
  request = {.run = {"r"}, .reason = "now", .by = "bob"};
  put<record_cancel_reply>(*two, record_cancel{request, 6});
  CAF_CHECK_EQUAL(sql("SELECT cancel_mode || ',' || cancel_grace_ms FROM runs"), "0,0");
  put<appended>(*one, deltas("r", 2));
  auto body = ending_of(put(*one, finish("r", 3, "d1d2")));
  CAF_CHECK(body.how.kind == ending_kind::cancelled);
  CAF_CHECK_EQUAL(body.how.message, "enough");
  CAF_CHECK_EQUAL(body.how.by, "ann");
}

CAF_TEST(a finish and a cancel of two nodes never both win) {
  int cancelled = 0;
  std::string late;
  bool accepted = false;
  std::string how;
  race(
      60,
      [&](int i) {
        auto id = "r" + std::to_string(i);
        put<create_reply>(*one, creation(id));
        auto body = ending_of(put(*one, finish(id, 1)));
        how = body.how.kind == ending_kind::cancelled ? "cancelled" : "completed";
      },
      [&](int i) {
        auto reply = put<record_cancel_reply>(*two, record_cancel{{.run = {"r" + std::to_string(i)}}, 5});
        accepted = reply.accepted || reply.intent_stored;
      });
  // What the last one said of itself is what stands.
  CAF_CHECK_EQUAL(accepted, how == "cancelled");
  for (int i = 0; i < 60; ++i) {
    auto id = "r" + std::to_string(i);
    auto is_flagged = sql("SELECT cancel_requested FROM runs WHERE run_id='" + id + "'") == "t";
    auto is_cancelled = sql("SELECT state FROM runs WHERE run_id='" + id + "'") == "cancelled";
    if (is_flagged != is_cancelled) CAF_ERROR(id << " was accepted as cancelled, and ended otherwise");
    cancelled += is_cancelled;
  }
  CAF_MESSAGE(cancelled << " of 60 were cancelled");
  CAF_CHECK_EQUAL(sql("SELECT count(*) FROM events WHERE kind=12"), "60");
}

CAF_TEST(of two that end a run at the same time one does) {
  race(
      40,
      [&](int i) {
        auto id = "r" + std::to_string(i);
        put<create_reply>(*one, creation(id));
        put(*one, append(id, 1, {event_at(1, boxed<run_paused>{{{}, 10}})}));
        put<record_cancel_reply>(*one, record_cancel{{.run = {id}}, 20});
      },
      [&](int) {
        put<expired_runs>(*two, end_expired{20, 10});
      });
  CAF_CHECK_EQUAL(sql("SELECT count(*) FROM events WHERE kind=12"), "40");
  CAF_CHECK_EQUAL(sql("SELECT count(*) FROM runs WHERE stage=1 AND ending IS NOT NULL"), "40");
}

CAF_TEST(a start and a cancel of one id do not miss each other) {
  int met[3] = {};
  create_reply made;
  record_cancel_reply cancel;
  for (int i = 0; i < 60; ++i) {
    auto id = "r" + std::to_string(i);
    race(
        1, [&](int) { made = put<create_reply>(*one, creation(id)); },
        [&](int) {
          cancel = put<record_cancel_reply>(*two, record_cancel{{.run = {id}, .reason = "no"}, 5});
        });
    CAF_CHECK(!made.refused);
    if (cancel.intent_stored != made.intent.has_value()) CAF_ERROR(id << ": an intent was left, and not found");
    if (!cancel.intent_stored && !cancel.accepted) CAF_ERROR(id << ": the cancel found neither a run nor room");
    ++met[cancel.intent_stored ? 0 : 1];
    CAF_CHECK(ending_of(put(*one, finish(id, 1))).how.kind == ending_kind::cancelled);
  }
  CAF_MESSAGE("intents " << met[0] << ", flags " << met[1]);
  CAF_CHECK_EQUAL(sql("SELECT count(*) FROM cancel_intents"), "0");
}

CAF_TEST(an idempotency key makes one run on all nodes) {
  auto keyed = [](const std::string& id) {
    auto what = creation(id);
    what.request.idempotency_key = "k-" + id.substr(1);
    return what;
  };
  create_reply replies[2];
  race(
      40, [&](int i) { replies[0] = put<create_reply>(*one, keyed("a" + std::to_string(i))); },
      [&](int i) { replies[1] = put<create_reply>(*two, keyed("b" + std::to_string(i))); });
  CAF_CHECK(!replies[0].refused && !replies[1].refused);
  CAF_CHECK(replies[0].existing.has_value() != replies[1].existing.has_value());
  CAF_CHECK_EQUAL(sql("SELECT count(*) FROM runs"), "40");
  CAF_CHECK_EQUAL(sql("SELECT count(DISTINCT idempotency_key) FROM runs"), "40");
}

CAF_TEST(one id makes one run on all nodes) {
  create_reply replies[2];
  for (int i = 0; i < 20; ++i) {
    auto what = creation("r" + std::to_string(i));
    auto later = what;
    later.created_at_ms += 1;
    race(
        1, [&](int) { replies[0] = put<create_reply>(*one, what); },
        [&](int) { replies[1] = put<create_reply>(*two, later); });
    CAF_CHECK(replies[0].refused.has_value() != replies[1].refused.has_value());
  }
  CAF_CHECK_EQUAL(sql("SELECT count(*) FROM runs"), "20");
}

CAF_TEST(what is written again after a lost answer is answered as before) {
  auto what = creation("r");
  what.request.idempotency_key = "k";
  put<record_cancel_reply>(*two, record_cancel{{.run = {"c"}, .reason = "never"}, 5});
  for (int i = 0; i < 2; ++i) {
    auto made = put<create_reply>(*one, what);
    CAF_CHECK(!made.refused && !made.existing);
    CAF_CHECK_EQUAL(made.epoch, 1u);
    // The cancel that came before is told both times.
    auto cancelled = put<create_reply>(*one, creation("c"));
    CAF_REQUIRE(!cancelled.refused && cancelled.intent);
    CAF_CHECK_EQUAL(cancelled.intent->reason, "never");
  }
  // It is the same request only from the same node and of the same time, and before anything happened.
  CAF_CHECK(put<create_reply>(*two, creation("c")).refused);
  CAF_CHECK(put<create_reply>(*one, creation("c", {}, 2000)).refused);
  for (int i = 0; i < 2; ++i) CAF_CHECK_EQUAL(put<appended>(*one, deltas("r", 1, 2)).next, 3u);
  CAF_CHECK(put<create_reply>(*one, what).existing.has_value());
  CAF_CHECK_EQUAL(sql("SELECT count(*) FROM events"), "4");
  put(*one, append("r", 3, {event_at(3, boxed<run_paused>{{}})}));
  reopen_run reopen{{"r"}, event_at(4, boxed<run_continued>{{{}, "ann"}}, 77)};
  for (int i = 0; i < 2; ++i) {
    auto reply = put<reopen_reply>(*two, reopen);
    CAF_CHECK(!reply.refused);
    CAF_CHECK_EQUAL(reply.epoch, 2u);
  }
  CAF_CHECK(put<reopen_reply>(*one, reopen).refused);
  for (int i = 0; i < 2; ++i) CAF_CHECK_EQUAL(ending_of(put(*two, finish("r", 5, "d1d2", {}, 2))).content, "d1d2");
}

CAF_TEST(whoever has lost a run cannot end it in its place) {
  put<create_reply>(*one, creation("r"));
  put(*one, append("r", 1, {event_at(1, boxed<run_paused>{{}})}));
  put<reopen_reply>(*two, reopen_run{{"r"}, event_at(2, boxed<run_continued>{{}})});
  end_orphan late{{"r"}, {.kind = ending_kind::failed, .code = failure_code::actor_lost}, 9};
  CAF_CHECK(put<end_orphan_reply>(*one, late).fenced);
  put(*two, append("r", 3, {event_at(3, boxed<run_paused>{{}})}, 2));
  CAF_CHECK(put<end_orphan_reply>(*one, late).fenced);
  auto own = put<end_orphan_reply>(*two, late);
  CAF_CHECK(!own.fenced);
  CAF_REQUIRE(own.ended);
  // Then it stands, for all.
  CAF_CHECK(put<end_orphan_reply>(*one, late).ended == own.ended);
}

CAF_TEST(a run that waits for any node is nobodys and a cancel ends it at once) {
  auto what = creation("r");
  what.unowned = true;
  what.request.on_node_loss = loss_policy::restart;
  put<create_reply>(*one, what);
  auto owner = must(two->reads().find(find_owner{{"r"}}));
  CAF_CHECK_EQUAL(owner.owner, 0u);
  CAF_CHECK(owner.status == run_status::pending);
  CAF_CHECK_EQUAL(sql("SELECT on_node_loss FROM runs"), "1");
  CAF_CHECK(refused(put(*one, deltas("r", 1))).fenced);
  auto reply = put<record_cancel_reply>(*two, record_cancel{{.run = {"r"}, .reason = "no"}, 5});
  CAF_REQUIRE(reply.ended);
  CAF_CHECK_EQUAL(get_if<run_ended>(**reply.ended)->how.message, "no");
}

CAF_TEST(a session has one run at a time on all nodes) {
  put<create_reply>(*one, creation("first"));
  auto second = creation("second");
  second.request.on_busy_session = session_policy::reject;
  auto reply = put<create_reply>(*two, second);
  CAF_REQUIRE(reply.refused);
  CAF_CHECK(reply.refused->code == refusal_code::session_busy);
  // One that may wait is told for whom.
  second.request.on_busy_session = session_policy::enqueue;
  put<create_reply>(*two, second);
  load_history load{.session = {"s"}, .runs_max = 5, .bytes_max = 1000, .before = {"second"}};
  CAF_CHECK_EQUAL(must(two->reads().load(load)).behind.value, "first");
  CAF_CHECK_EQUAL(ending_of(put(*one, finish("first", 1, "said"))).content, "said");
  auto history = must(two->reads().load(load));
  CAF_CHECK(history.behind.empty());
  CAF_CHECK_EQUAL(history.messages.size(), 2u);
  // Nobody waits for a run that came later, or for a paused one.
  put<create_reply>(*one, creation("third"));
  CAF_CHECK(must(two->reads().load(load)).behind.empty());
  put(*two, append("second", 1, {event_at(1, boxed<run_paused>{{}})}));
  load.before = {"third"};
  CAF_CHECK(must(one->reads().load(load)).behind.empty());
}

// Found by oncue_sim, seed 1093 of its first version.
CAF_TEST(a run that goes on waits for one of its session that began while it was paused) {
  put<create_reply>(*one, creation("first"));
  put(*one, append("first", 1, {event_at(1, boxed<run_paused>{{}})}));
  put<create_reply>(*two, creation("second"));
  load_history load{.session = {"s"}, .runs_max = 5, .bytes_max = 1000, .before = {"first"}};
  put<reopen_reply>(*one, reopen_run{{"first"}, event_at(2, boxed<run_continued>{{}})});
  // It only waits: the older one goes first.
  CAF_CHECK(must(one->reads().load(load)).behind.empty());
  put(*two, append("second", 1, {event_at(1, model_request_started{1})}));
  CAF_CHECK_EQUAL(must(one->reads().load(load)).behind.value, "second");
  put<finished>(*two, finish("second", 2));
  CAF_CHECK(must(one->reads().load(load)).behind.empty());
}

// Found by oncue_sim, seed 59609 of its first 100,000: nobody began.
CAF_TEST(runs of a session on two nodes cannot wait for each other in a circle) {
  put<create_reply>(*one, creation("first"));
  put(*one, append("first", 1, {event_at(1, boxed<run_paused>{{}})}));
  put<create_reply>(*two, creation("second"));
  put<create_reply>(*one, creation("third"));
  put<reopen_reply>(*one, reopen_run{{"first"}, event_at(2, boxed<run_continued>{{}})});
  auto behind = [](io::run_store& store, const char* run) {
    load_history load{.session = {"s"}, .runs_max = 5, .bytes_max = 1000, .before = {run}};
    return must(store.reads().load(load)).behind.value;
  };
  // On its node "third" stands before "first", which came back later: it is named, so that it can be let pass.
  CAF_CHECK_EQUAL(behind(*one, "third"), "first");
  CAF_CHECK_EQUAL(behind(*two, "second"), "first");
  CAF_CHECK_EQUAL(behind(*one, "first"), "");
  put<finished>(*one, finish("first", 3, {}, {}, 2));
  CAF_CHECK_EQUAL(behind(*one, "third"), "second");
  CAF_CHECK_EQUAL(behind(*two, "second"), "");
}

CAF_TEST(any byte of a text comes back and a name with a nul is refused alone) {
  auto what = creation("r");
  what.request.input = std::string("a\0b", 3) + "\n'\"\\ ?1 $1";
  std::string text = std::string("\0\xff\xfe", 3) + "?";
  std::string much(1u << 20, 'm');
  std::vector<io::store_write> group{what, creation("q"), deltas("q", 1)};
  auto bad = creation(std::string("x\0y", 3));
  group.push_back(bad);
  auto answers = one->commit(group);
  CAF_REQUIRE_EQUAL(answers.size(), 4u);
  CAF_CHECK_EQUAL(refusal_of(answers[0]), "");
  CAF_CHECK_EQUAL(refusal_of(answers[2]), "");
  CAF_CHECK(refusal_of(answers[3]).find("a text with a NUL character cannot be kept here") != std::string::npos);
  put<appended>(*one, append("r", 1, {delta(1, text), delta(2, much), delta(3, "")}));
  put<appended>(*one, append("r", 4, {delta(4, text), delta(5, much)}));
  put<finished>(*one, finish("r", 6, text + much + text + much));
  for (int compacted = 0; compacted < 2; ++compacted) {
    auto events = read_all(two->reads(), "r");
    CAF_REQUIRE_EQUAL(events.size(), 7u);
    CAF_CHECK(get_if<content_delta>(*events[1])->text == text);
    CAF_CHECK(get_if<content_delta>(*events[2])->text == much);
    CAF_CHECK(get_if<content_delta>(*events[3])->text.empty());
    auto record = record_of(two->reads(), "r");
    CAF_CHECK(record.input == what.request.input);
    CAF_CHECK(record.content == text + much + text + much);
    CAF_CHECK(maintain_all(*two, 1'000'000'000) > 0 || compacted > 0);
  }
  CAF_CHECK(sql("SELECT count(*) FROM cuts") != "0");
}

CAF_TEST(one node at a time keeps house) {
  put<create_reply>(*one, creation("r"));
  put<finished>(*one, finish("r", 1));
  sql("BEGIN");
  sql("SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), 3))");
  CAF_CHECK(!two->maintain(1'000'000'000).more);
  CAF_CHECK_EQUAL(two->maintain(1'000'000'000).problem, "");
  sql("COMMIT");
  CAF_CHECK(two->maintain(1'000'000'000).more);
}

CAF_TEST(a forgotten session goes with its runs) {
  put<create_reply>(*one, creation("r"));
  put<finished>(*one, finish("r", 1));
  put<create_reply>(*one, creation("live"));
  CAF_CHECK_EQUAL(put<sessions_deleted>(*two, delete_sessions{{{"s"}, {"none"}}}).count, 1u);
  CAF_CHECK(!must(one->reads().find(find_run{{"r"}})).run);
  CAF_CHECK(must(one->reads().find(find_run{{"live"}})).run.has_value());
  put<finished>(*one, finish("live", 1));
  maintain_all(*two, 1'000'000'000);
  CAF_CHECK_EQUAL(sql("SELECT count(*) FROM runs") + sql("SELECT count(*) FROM events"), "00");
}

CAF_TEST(of two runs of a session that are made at the same time one waits for the other) {
  // The first is made in a large group: it has its number long before anybody can see it.
  bool first_is_free = false;
  bool second_is_free = false;
  auto is_free = [](io::run_store& store, const std::string& run) {
    load_history load{.session = {"s"}, .runs_max = 5, .bytes_max = 1000, .before = {run}};
    return must(store.reads().load(load)).behind.empty();
  };
  for (int i = 0; i < 60; ++i) {
    auto a = "a" + std::to_string(i);
    auto b = "b" + std::to_string(i);
    race(
        1,
        [&](int) {
          std::vector<io::store_write> group{creation(a)};
          for (int more = 0; more < 20; ++more) {
            auto other = creation(a + "-" + std::to_string(more));
            other.request.session = {a + "-" + std::to_string(more)};
            group.push_back(std::move(other));
          }
          for (const auto& answer : one->commit(group)) CAF_REQUIRE_EQUAL(refusal_of(answer), "");
          first_is_free = is_free(*one, a);
        },
        [&](int) {
          put<create_reply>(*two, creation(b));
          second_is_free = is_free(*two, b);
        });
    if (first_is_free == second_is_free) CAF_ERROR(a << " and " << b << (first_is_free ? " both begin" : " both wait"));
    put(*one, finish(a, 1));
    put(*two, finish(b, 1));
  }
}

CAF_TEST(two nodes that meet in each others runs both get through) {
  for (auto id : {"a", "b"}) put<create_reply>(*one, creation(id));
  std::vector<io::store_write> there{record_cancel{{.run = {"a"}}, 5}, record_cancel{{.run = {"b"}}, 5}};
  std::vector<io::store_write> back{record_cancel{{.run = {"b"}}, 5}, record_cancel{{.run = {"a"}}, 5}};
  // Said afterwards: two threads cannot check at the same time.
  std::string wrong_there, wrong_back;
  auto commit = [](io::run_store& store, const std::vector<io::store_write>& group, std::string& wrong) {
    auto answers = store.commit(group);
    if (answers.size() != 2) wrong += "not two answers; ";
    for (const auto& answer : answers) wrong += refusal_of(answer);
  };
  race(
      60, [&](int) { commit(*one, there, wrong_there); }, [&](int) { commit(*two, back, wrong_back); });
  CAF_CHECK_EQUAL(wrong_there, "");
  CAF_CHECK_EQUAL(wrong_back, "");
  CAF_CHECK_EQUAL(one->stats().failed + two->stats().failed, 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
