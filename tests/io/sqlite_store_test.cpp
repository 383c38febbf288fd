#define CAF_SUITE io.sqlite_store

#include "oncue/io/sqlite_store.hpp"

#include <caf/test/unit_test.hpp>
#include <string>

#include "support/promises.hpp"
#include "support/store.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

std::string memory = ":memory:";

std::string status(io::sqlite_store& store, const std::string& id) {
  return std::string{to_string(record_of(store.reads(), id).summary.status)};
}

}  // namespace

CAF_TEST(a run is kept from its first event to its ending) {
  auto store = open_store(memory);
  auto first = creation("r", "ann");
  first.request.parent = {"p"};
  CAF_CHECK(!put<create_reply>(*store, first).refused);
  CAF_CHECK_EQUAL(status(*store, "r"), "PENDING");
  CAF_CHECK_EQUAL(put<appended>(*store, append_events{{"r"}, 1, {event_at(1, model_request_started{1}, 1100)}}).next, 2u);
  CAF_CHECK_EQUAL(status(*store, "r"), "RUNNING");
  put<appended>(*store, append_events{{"r"}, 2, {delta(2, "Once "), event_at(3, reasoning_delta{"hm"}), delta(4, "upon")}});
  auto live = record_of(store->reads(), "r");
  CAF_CHECK_EQUAL(live.content, "Once upon");
  CAF_CHECK_EQUAL(live.next, 5u);
  CAF_CHECK(!live.ended && !live.summary.ended);

  auto done = put<finished>(*store, finish_run{{"r"}, 5, {ended(5, "Once upon", {}, 2000, {7, 8, 0, 0})}});
  CAF_CHECK_EQUAL(done.ended->index, 5u);
  auto run = record_of(store->reads(), "r", true);
  CAF_CHECK_EQUAL(status(*store, "r"), "COMPLETED");
  CAF_CHECK(run.summary.ended == ending{});
  CAF_CHECK_EQUAL(run.user.value + run.parent.value + run.input + run.started.model, "annptellm");
  CAF_CHECK_EQUAL(run.content, "Once upon");
  CAF_CHECK_EQUAL(run.ended->content + std::to_string(run.ended->usage.output_tokens), "8");
  CAF_CHECK_EQUAL(run.updated_at_ms, 2000);
  CAF_CHECK_EQUAL(run.events.size(), 3u);  // without the deltas
  CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), "r")), "");
  CAF_CHECK(!must(store->reads().find(find_run{{"other"}})).run);
}

CAF_TEST(what a run does shows in its state) {
  auto store = open_store(memory);
  put(*store, creation("r"));
  put(*store, append_events{{"r"}, 1, {delta(1), event_at(2, run_paused{})}});
  CAF_CHECK_EQUAL(status(*store, "r"), "PAUSED");
  put(*store, append_events{{"r"}, 3, {event_at(3, run_continued{}), delta(4), event_at(5, run_paused{})}});
  CAF_CHECK_EQUAL(status(*store, "r"), "PAUSED");
  put(*store, append_events{{"r"}, 6, {}});
  CAF_CHECK_EQUAL(status(*store, "r"), "PAUSED");
  put(*store, append_events{{"r"}, 5, {event_at(5, run_paused{}), event_at(6, run_continued{})}});
  CAF_CHECK_EQUAL(status(*store, "r"), "RUNNING");
  put(*store, finish_run{{"r"}, 7, {ended(7, "xx", {.kind = ending_kind::failed, .message = "no"})}});
  CAF_CHECK_EQUAL(status(*store, "r"), "ERROR");
}

CAF_TEST(a group is one transaction in which each write has its own answer) {
  auto store = open_store(memory);
  std::vector<io::store_write> group = {creation("a"),
                                        append_events{{"a"}, 1, {delta(1, "one")}},
                                        creation("a"),                                                // used
                                        append_events{{"a"}, 7, {delta(7)}},                          // a gap
                                        append_events{{"nobody"}, 0, {delta(0)}},                     // no such run
                                        append_events{{"a"}, 1, {delta(1, "one"), delta(2, "two")}},  // the first is there
                                        creation("b"),
                                        finish_run{{"a"}, 3, {ended(3, "onetwo")}}};
  auto answers = store->commit(group);
  CAF_REQUIRE_EQUAL(answers.size(), group.size());
  std::string refused;
  for (const auto& answer : answers) refused += refusal_of(answer).empty() ? '.' : 'x';
  CAF_CHECK_EQUAL(refused, "..xxx...");
  CAF_CHECK_EQUAL(std::get<appended>(answers[5]).next, 3u);
  CAF_CHECK_EQUAL(store->stats().transactions, 1u);
  CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), "a")), "");
  CAF_CHECK_EQUAL(store->commit({}).size(), 0u);
}

CAF_TEST(only the owner of a run writes to it) {
  auto store = open_store(memory);
  put(*store, creation("r"));
  auto stale = append_events{{"r"}, 1, {delta(1)}};
  stale.epoch = 2;
  CAF_CHECK_EQUAL(refusal_of(put(*store, stale)), "the run has another owner now (epoch 1, not 2)");
  auto finish = finish_run{{"r"}, 1, {ended(1, "")}};
  finish.epoch = 0;
  CAF_CHECK_EQUAL(refusal_of(put(*store, finish)), "the run has another owner now (epoch 1, not 0)");
  CAF_CHECK_EQUAL(read_all(store->reads(), "r").size(), 1u);
}

CAF_TEST(broken groups of events change nothing) {
  auto store = open_store(memory);
  put(*store, creation("r"));
  std::vector<io::store_write> broken = {
      append_events{{"r"}, 1, {delta(1), delta(3)}},       // a gap within
      append_events{{"r"}, 1, {delta(1), ended(2, "x")}},  // an ending is not appended
      append_events{{"r"}, 1, {delta(2)}},                 // not what `from` says
      finish_run{{"r"}, 1, {}},                            // nothing
      finish_run{{"r"}, 1, {delta(1)}},                    // no ending
      finish_run{{"r"}, 1, {ended(1, ""), ended(2, "")}},  // two
      finish_run{{"r"}, 2, {ended(2, "")}},                // a gap
      finish_run{{"r"}, 0, {ended(0, "")}},                // an index that is used
  };
  for (const auto& write : broken) CAF_CHECK(!refusal_of(put(*store, write)).empty());
  CAF_CHECK_EQUAL(read_all(store->reads(), "r").size(), 1u);
  CAF_CHECK_EQUAL(put<appended>(*store, append_events{{"r"}, 1, {}}).next, 1u);
}

CAF_TEST(a run ends once and an accepted cancel is how) {
  auto store = open_store(memory);
  for (auto id : {"r", "o", "c"}) put(*store, creation(id, "", 1000));
  put(*store, append_events{{"r"}, 1, {delta(1, "half")}});
  put(*store, append_events{{"o"},
                            1,
                            {delta(1, "ha"), delta(2, "lf"),
                             event_at(3, boxed<model_request_completed>{{1, "stop", {5, 6, 0, 0}, 0}})}});

  auto cancel = [&](std::string id, std::string reason) {
    return put<record_cancel_reply>(*store,
                                    record_cancel{{.run = {std::move(id)}, .reason = std::move(reason), .by = "ann"}, 1});
  };
  CAF_CHECK(cancel("r", "enough").accepted);
  CAF_CHECK(cancel("r", "too late").accepted);  // the first reason stays
  CAF_CHECK(cancel("o", "").accepted);
  CAF_CHECK_EQUAL(status(*store, "r"), "RUNNING");

  auto mine = put<finished>(*store, finish_run{{"r"}, 1, {delta(1, "half"), ended(2, "half", {}, 5, {1, 2, 3, 4})}});
  ending expected{.kind = ending_kind::cancelled, .message = "enough", .by = "ann"};
  CAF_CHECK(get_if<run_ended>(*mine.ended)->how == expected);
  CAF_CHECK_EQUAL(get_if<run_ended>(*mine.ended)->content, "half");
  CAF_CHECK_EQUAL(get_if<run_ended>(*mine.ended)->usage.cache_read_tokens, 4u);
  CAF_CHECK(read_all(store->reads(), "r").back() == mine.ended);
  CAF_CHECK(record_of(store->reads(), "r").summary.ended == expected);

  auto orphan = put<end_orphan_reply>(*store, end_orphan{{"o"}, {.kind = ending_kind::failed}, 3000});
  const auto* body = get_if<run_ended>(**orphan.ended);
  CAF_CHECK_EQUAL(body->how.message, "Run o was cancelled");
  CAF_CHECK_EQUAL(body->content, "half");
  CAF_CHECK_EQUAL(body->usage.output_tokens, 6u);
  CAF_CHECK_EQUAL(body->duration_us, 2'000'000u);

  // A cancel of one's own keeps its own words.
  put(*store, record_cancel{{.run = {"c"}, .reason = "flag"}, 1});
  auto own =
      put<finished>(*store, finish_run{{"c"}, 1, {ended(1, "", {.kind = ending_kind::cancelled, .message = "mine"})}});
  CAF_CHECK_EQUAL(get_if<run_ended>(*own.ended)->how.message, "mine");

  // Whoever comes second is told what stands; what comes late is taken for known.
  for (auto id : {"r", "o"}) {
    auto stands = read_all(store->reads(), id).back();
    CAF_CHECK(put<finished>(*store, finish_run{{id}, 1, {ended(1, "other")}}).ended == stands);
    CAF_CHECK(put<end_orphan_reply>(*store, end_orphan{{id}, {}, 9}).ended == stands);
    CAF_CHECK(cancel(id, "late").ended == stands);
    CAF_CHECK_EQUAL(put<appended>(*store, append_events{{id}, 9, {delta(9)}}).next, stands->index + 1);
    CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), id)), "");
  }
  CAF_CHECK(!put<end_orphan_reply>(*store, end_orphan{{"nobody"}, {}, 0}).ended);
}

CAF_TEST(an idempotency key makes one run a day) {
  auto store = open_store(memory);
  auto with_key = [](std::string id, std::string user, std::int64_t at_ms) {
    auto what = creation(std::move(id), std::move(user), at_ms);
    what.request.idempotency_key = "k";
    return what;
  };
  CAF_CHECK(!put<create_reply>(*store, with_key("a", "ann", 1000)).existing);
  auto again = put<create_reply>(*store, with_key("b", "ann", 2000));
  CAF_REQUIRE(again.existing.has_value());
  CAF_CHECK_EQUAL(again.existing->id.value, "a");
  CAF_CHECK(!put<create_reply>(*store, with_key("c", "bob", 2000)).existing);  // another user's key

  auto refused_with = [&](auto change) {
    auto what = with_key("d", "ann", 2000);
    change(what);
    auto reply = put<create_reply>(*store, what);
    return reply.refused ? std::string{to_string(reply.refused->code)} : reply.existing ? "existing" : "created";
  };
  CAF_CHECK_EQUAL(refused_with([](auto& x) { x.request.input = "another"; }), "idempotency_reused");
  CAF_CHECK_EQUAL(refused_with([](auto& x) { x.request.agent = {"other"}; }), "idempotency_reused");
  CAF_CHECK_EQUAL(refused_with([](auto& x) { x.request.session = {"other"}; }), "idempotency_reused");
  CAF_CHECK_EQUAL(refused_with([](auto& x) {
                    x.request.session = {"made up"};
                    x.new_session = true;
                  }),
                  "existing");
  CAF_CHECK_EQUAL(refused_with([](auto& x) { x.only_existing = true; }), "existing");

  // With only_existing nothing is made, with or without a key that is known.
  auto look = creation("e");
  look.only_existing = true;
  look.request.idempotency_key = "unseen";
  auto nothing = put<create_reply>(*store, look);
  CAF_CHECK(!nothing.existing && !nothing.refused);
  CAF_CHECK(!must(store->reads().find(find_run{{"e"}})).run);

  put(*store, finish_run{{"a"}, 1, {ended(1, "")}});
  CAF_CHECK(put<create_reply>(*store, with_key("f", "ann", 3000)).existing->ended.has_value());
  auto day_ms = core::limits::idempotency_age_max.count();
  CAF_CHECK(put<create_reply>(*store, with_key("g", "ann", 1000 + day_ms)).existing.has_value());
  CAF_CHECK(!put<create_reply>(*store, with_key("h", "ann", 1001 + day_ms)).existing.has_value());
  CAF_CHECK_EQUAL(put<create_reply>(*store, with_key("i", "ann", 2000 + day_ms)).existing->id.value, "h");
}

CAF_TEST(a cancel before the run exists is kept for its user only and not for ever) {
  auto store = open_store(io::store_options{.settings = {.path = memory}, .intents_max = 3, .intent_age_ms_max = 10'000});
  auto record = [&](std::string run, std::string scope, std::int64_t at_ms = 1000) {
    return put<record_cancel_reply>(
        *store,
        record_cancel{{.run = {std::move(run)}, .reason = "no", .by = "x", .scope = {std::move(scope)}, .wait_ms = 7},
                      at_ms});
  };
  CAF_CHECK(record("a", "ann").intent_stored);
  CAF_CHECK(record("a", "ann").intent_stored);
  CAF_CHECK(record("b", "bob").intent_stored);
  CAF_CHECK(record("c", "").intent_stored);
  auto full = record("d", "");
  CAF_CHECK(!full.intent_stored && !full.accepted && !full.ended);
  auto taken = put<create_reply>(*store, creation("a", "ann")).intent;
  CAF_REQUIRE(taken.has_value());
  CAF_CHECK_EQUAL(taken->run.value + taken->reason + taken->by + std::to_string(taken->wait_ms), "anox7");
  CAF_CHECK(!put<create_reply>(*store, creation("b", "eve")).intent.has_value());
  CAF_CHECK(put<create_reply>(*store, creation("c", "eve")).intent.has_value());  // of any user
  CAF_CHECK(record("late", "", 2000).intent_stored);
  CAF_CHECK(!put<create_reply>(*store, creation("late", "", 12'001)).intent.has_value());
  for (auto run : {"x", "y", "z"}) CAF_CHECK(record(run, "", 13'000).intent_stored);
  CAF_CHECK(record("w", "", 24'000).intent_stored);  // the old ones have made room
}

CAF_TEST(a session remembers its runs and can be found changed and deleted) {
  auto store = open_store(memory);
  auto& reads = store->reads();
  std::string question;
  for (int i = 0; i < 120; ++i) question += "ü";
  for (int i = 1; i <= 4; ++i) {
    auto what = creation("r" + std::to_string(i), "ann", 1000 * i);
    what.request.input = i == 1 ? question : "q" + std::to_string(i);
    put(*store, what);
    if (i == 4) break;  // the last one is still open
    ending how{.kind = i == 2 ? ending_kind::cancelled : ending_kind::completed};
    put(*store, finish_run{what.request.id, 1, {ended(1, "a" + std::to_string(i), how, 1000 * i + 500, {10, 1, 0, 0})}});
  }
  auto session = must(reads.find(find_session{{"s"}})).session;
  CAF_REQUIRE(session.has_value());
  CAF_CHECK_EQUAL(session->name, question.substr(0, 200));  // 100 characters of two bytes
  CAF_CHECK_EQUAL(session->user.value + session->agent.value, "annwriter");
  CAF_CHECK_EQUAL(session->created_at_ms, 1000);
  CAF_CHECK_EQUAL(session->updated_at_ms, 4000);
  CAF_CHECK_EQUAL(session->usage.input_tokens, 30u);

  auto said = [&](load_history what) {
    what.session = {"s"};
    std::string line;
    for (const auto& message : must(reads.load(what)).messages) line += message.content.substr(0, 2) + ' ';
    return line;
  };
  CAF_CHECK_EQUAL(said({.runs_max = 9, .bytes_max = 9999}), "ü a1 q3 a3 ");
  CAF_CHECK_EQUAL(said({.runs_max = 9, .bytes_max = 9999, .with_stopped = true}), "ü a1 q2 a2 q3 a3 ");
  CAF_CHECK_EQUAL(said({.runs_max = 9, .bytes_max = 100}), "q3 a3 ");
  CAF_CHECK_EQUAL(said({.runs_max = 1, .bytes_max = 9999}), "q3 a3 ");

  auto changed =
      put<session_reply>(*store, change_session{.session = {"s"}, .name = "Birds", .state = "{}", .at_ms = 9000});
  CAF_CHECK_EQUAL(changed.session->name + changed.session->state + changed.session->summary, "Birds{}");
  CAF_CHECK_EQUAL(changed.session->updated_at_ms, 9000);
  CAF_CHECK(!put<session_reply>(*store, change_session{.session = {"none"}}).session);

  CAF_CHECK_EQUAL(put<sessions_deleted>(*store, delete_sessions{{{"s"}, {"none"}}}).count, 1u);
  CAF_CHECK(!must(reads.find(find_session{{"s"}})).session);
  CAF_CHECK(!must(reads.find(find_run{{"r1"}})).run);
  CAF_CHECK(must(reads.read({{"r1"}, 0, 9, 99})).end == batch_end::unknown);
  CAF_CHECK_EQUAL(said({.runs_max = 9, .bytes_max = 9999}), "");
  CAF_CHECK_EQUAL(status(*store, "r4"), "PENDING");  // not over: it stays until it is
  CAF_CHECK(!refusal_of(put(*store, creation("r1"))).empty());
  put(*store, finish_run{{"r4"}, 1, {ended(1, "a4", {}, 20'000)}});
  CAF_CHECK_EQUAL(status(*store, "r4"), "COMPLETED");  // its readers still see how it ended
  CAF_CHECK_EQUAL(said({.runs_max = 9, .bytes_max = 9999}), "");
  maintain_all(*store, 10'000'000);
  CAF_CHECK(!must(reads.find(find_run{{"r4"}})).run);
  CAF_CHECK(refusal_of(put(*store, creation("r1"))).empty());  // all of it is gone, so the id is free
}

CAF_TEST(runs and sessions are found by what they are) {
  auto store = open_store(memory);
  auto& reads = store->reads();
  for (int i = 0; i < 6; ++i) {
    auto what = creation("r" + std::to_string(i), i % 2 ? "ann" : "bob", 1000 * i);
    what.request.session = {i < 3 ? "early" : "late"};
    what.request.agent = {i % 3 ? "writer" : "poet"};
    what.request.input = i < 3 ? "100% sure" : "1000 birds";
    put(*store, what);
    if (i < 4) put(*store, finish_run{what.request.id, 1, {ended(1, "", {}, 1000 * i)}});
  }
  auto ids = [&](find_runs what) {
    if (what.runs_max == 0) what.runs_max = 10;
    std::string line;
    for (const auto& run : must(reads.find(what)).runs) line += run.summary.id.value.substr(1);
    return line;
  };
  CAF_CHECK_EQUAL(ids({}), "543210");
  CAF_CHECK_EQUAL(ids({.runs_max = 2}), "54");
  CAF_CHECK_EQUAL(ids({.runs_max = 2, .newest_first = false}), "01");
  CAF_CHECK_EQUAL(ids({.session = {"late"}}), "543");
  CAF_CHECK_EQUAL(ids({.agent = {"poet"}}), "30");
  CAF_CHECK_EQUAL(ids({.user = {"ann"}, .status = run_status::completed}), "31");
  CAF_CHECK_EQUAL(ids({.created_from_ms = 1000, .created_until_ms = 3000}), "321");
  CAF_CHECK(must(reads.find(find_runs{.session = {"late"}})).session_known);
  CAF_CHECK(!must(reads.find(find_runs{.session = {"none"}})).session_known);
  CAF_CHECK(!must(reads.find(find_runs{})).session_known);
  CAF_CHECK_EQUAL(must(reads.list({2})).runs.front().id.value, "r5");

  session_record made{.id = {"made"}, .agent = {"poet"}, .user = {"eve"}, .name = "an under_score", .created_at_ms = 1500};
  CAF_CHECK(put<session_reply>(*store, create_session{made}).session->name == made.name);
  CAF_CHECK(put<session_reply>(*store, create_session{made}).duplicate);
  auto names = [&](find_sessions what) {
    if (what.sessions_max == 0) what.sessions_max = 10;
    auto found = must(reads.find(what));
    std::string line;
    for (const auto& session : found.sessions) line += session.id.value + ' ';
    return line + std::to_string(found.total);
  };
  CAF_CHECK_EQUAL(names({}), "late made early 3");
  CAF_CHECK_EQUAL(names({.descending = false}), "early made late 3");
  CAF_CHECK_EQUAL(names({.order = session_order::updated}), "late early made 3");
  CAF_CHECK_EQUAL(names({.order = session_order::name, .descending = false}), "early late made 3");
  CAF_CHECK_EQUAL(names({.sessions_max = 2}), "late made 3");
  CAF_CHECK_EQUAL(names({.page = 2, .sessions_max = 2}), "early 3");
  CAF_CHECK_EQUAL(names({.page = 9, .sessions_max = 2}), "3");
  CAF_CHECK_EQUAL(names({.agent = {"poet"}, .user = {"eve"}}), "made 1");
  CAF_CHECK_EQUAL(names({.name_contains = "0%"}), "early 1");  // not a wildcard
  CAF_CHECK_EQUAL(names({.name_contains = "r_s"}), "made 1");
  CAF_CHECK_EQUAL(names({.name_contains = "BIRD"}), "late 1");
}
