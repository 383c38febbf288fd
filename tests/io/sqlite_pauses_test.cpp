#define CAF_SUITE io.sqlite_pauses

#include <sqlite3.h>

#include <caf/test/unit_test.hpp>
#include <string>

#include "oncue/io/sqlite_store.hpp"
#include "support/promises.hpp"
#include "support/store.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

const tool_call danger{"call_0", "danger", R"({"seconds":2.0})"};

event_ptr pause_at(event_index index, std::int64_t expires_at_ms = 0, std::int64_t at_ms = 2000) {
  return event_at(index, boxed<run_paused>{{{{danger, {.need = tool_need::confirmation}}}, expires_at_ms}}, at_ms);
}

event_ptr continued_at(event_index index, std::int64_t at_ms = 3000) {
  return event_at(index, boxed<run_continued>{{{{.call_id = "call_0", .confirmed = true}}, "ann"}}, at_ms);
}

/// A run that has said "half" and waits.
create_run paused(io::sqlite_store& store, std::string id, std::int64_t expires_at_ms = 0) {
  auto what = creation(id, "ann");
  put<create_reply>(store, what);
  put<appended>(store, append_events{{id}, 1, {delta(1, "half"), pause_at(2, expires_at_ms)}});
  return what;
}

std::string status(io::sqlite_store& store, const std::string& id) {
  return std::string{to_string(record_of(store.reads(), id).summary.status)};
}

batch_end end_of(io::sqlite_store& store, const std::string& id, event_index from, std::uint32_t events_max = 100) {
  return must(store.reads().read({{id}, from, events_max, 1u << 20})).end;
}

void sql(const std::string& path, const char* text) {
  sqlite3* db = nullptr;
  CAF_REQUIRE_EQUAL(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  char* problem = nullptr;
  CAF_CHECK_EQUAL(sqlite3_exec(db, text, nullptr, nullptr, &problem), SQLITE_OK);
  if (problem) CAF_MESSAGE(problem);
  sqlite3_free(problem);
  sqlite3_close(db);
}

}  // namespace

CAF_TEST(a paused run waits in the file for the process after this one) {
  temporary_directory directory;
  auto path = directory / "x.db";
  {
    auto store = open_store(path, 1000);
    auto what = creation("r", "ann");
    what.request.root = {"r"};
    what.request.traceparent = "00-1-2-00";
    what.request.idempotency_key = "k";
    put(*store, what);
    put(*store, append_events{{"r"}, 1, {delta(1, "half"), pause_at(2)}});
    auto child = creation("child", "ann");
    child.request.parent = {"r"};
    put(*store, child);
    put(*store, append_events{{"child"}, 1, {pause_at(1)}});
    paused(*store, "other");
  }
  auto store = open_store(path, 9000);
  CAF_CHECK_EQUAL(store->stats().orphans, 1u);
  CAF_CHECK_EQUAL(status(*store, "child"), "ERROR");  // its parent's process is gone, so nobody can go on with it
  CAF_CHECK_EQUAL(status(*store, "r"), "PAUSED");
  auto found = must(store->reads().find(find_paused{{"r"}}));
  CAF_REQUIRE(found.summary.has_value());
  CAF_CHECK(found.summary->status == run_status::paused);
  const auto& request = found.request;
  CAF_CHECK_EQUAL(request.id.value + request.agent.value + request.session.value + request.user.value + request.input +
                      request.root.value + request.traceparent + request.idempotency_key,
                  "rwritersanntellr00-1-2-00");
  CAF_CHECK_EQUAL(gapless(found.events), "");
  CAF_REQUIRE_EQUAL(found.events.size(), 3u);
  CAF_CHECK(get_if<run_paused>(*found.events.back()));

  auto reply = put<reopen_reply>(*store, reopen_run{{"r"}, continued_at(3)});
  CAF_CHECK(!reply.refused);
  CAF_CHECK_EQUAL(reply.epoch, 2u);
  CAF_CHECK_EQUAL(status(*store, "r"), "RUNNING");
  // Whoever had it before writes nothing any more.
  CAF_CHECK(!refusal_of(put(*store, append_events{{"r"}, 4, {delta(4)}})).empty());
  put<appended>(*store, append_events{{"r"}, 4, {delta(4, " done")}, reply.epoch});
  auto finish = finish_run{{"r"}, 5, {ended(5, "half done")}};
  finish.epoch = reply.epoch;
  put<finished>(*store, finish);
  CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), "r")), "");
  CAF_CHECK_EQUAL(status(*store, "other"), "PAUSED");
}

CAF_TEST(a run is continued once for each pause) {
  auto store = open_store(":memory:");
  auto refused = [&](reopen_run what) {
    auto reply = put<reopen_reply>(*store, std::move(what));
    return reply.refused ? std::string{to_string(reply.refused->code)} + ": " + reply.refused->message : "no";
  };
  paused(*store, "r");
  CAF_CHECK_EQUAL(refused({{"nobody"}, continued_at(3)}), "unknown_run: there is no run 'nobody'");
  CAF_CHECK_EQUAL(refused({{"r"}, continued_at(4)}),
                  "not_paused: Cannot continue run r: it was continued before, and has paused again since");
  CAF_CHECK_EQUAL(refused({{"r"}, continued_at(3)}), "no");
  CAF_CHECK_EQUAL(refused({{"r"}, continued_at(3)}), "not_paused: Cannot continue run r: run is running");
  put<appended>(*store, append_events{{"r"}, 4, {pause_at(4)}, 2});
  CAF_CHECK_EQUAL(refused({{"r"}, continued_at(3)}),
                  "not_paused: Cannot continue run r: it was continued before, and has paused again since");
  CAF_CHECK_EQUAL(put<reopen_reply>(*store, reopen_run{{"r"}, continued_at(5)}).epoch, 3u);
  auto finish = finish_run{{"r"}, 6, {ended(6, "half", {.kind = ending_kind::failed, .message = "no"})}};
  finish.epoch = 3;
  put<finished>(*store, finish);
  CAF_CHECK_EQUAL(refused({{"r"}, continued_at(7)}), "not_paused: Cannot continue run r: run has errored");
  CAF_CHECK(must(store->reads().find(find_paused{{"r"}})).events.empty());
  CAF_CHECK(!must(store->reads().find(find_paused{{"nobody"}})).summary.has_value());
}

CAF_TEST(a reader of a paused run is told that there is nothing more now) {
  auto store = open_store(":memory:");
  paused(*store, "r");
  CAF_CHECK(end_of(*store, "r", 0, 2) == batch_end::more);
  CAF_CHECK(end_of(*store, "r", 0) == batch_end::paused);
  CAF_CHECK(end_of(*store, "r", 2) == batch_end::paused);
  CAF_CHECK(end_of(*store, "r", 3) == batch_end::paused);
  put(*store, reopen_run{{"r"}, continued_at(3)});
  CAF_CHECK(end_of(*store, "r", 0, 3) == batch_end::more);  // the pause is not the log's last any more
  CAF_CHECK(end_of(*store, "r", 4) == batch_end::more);
}

CAF_TEST(a cancel ends a paused run at once) {
  auto store = open_store(":memory:");
  paused(*store, "r");
  auto reply = put<record_cancel_reply>(*store, record_cancel{{.run = {"r"}, .reason = "no need", .by = "ann"}, 5000});
  CAF_REQUIRE(reply.ended.has_value());
  const auto& body = *get_if<run_ended>(**reply.ended);
  CAF_CHECK(body.how.kind == ending_kind::cancelled);
  CAF_CHECK_EQUAL(body.how.message + "," + body.how.by + "," + body.content, "no need,ann,half");
  CAF_CHECK_EQUAL(status(*store, "r"), "CANCELLED");
  CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), "r")), "");
  // Again: what stands.
  auto again = put<record_cancel_reply>(*store, record_cancel{{.run = {"r"}, .reason = "other"}, 6000});
  CAF_CHECK(again.ended == reply.ended);
  CAF_CHECK(put<reopen_reply>(*store, reopen_run{{"r"}, continued_at(3)}).refused.has_value());
}

CAF_TEST(a run for which nobody decides in time fails) {
  auto store = open_store(":memory:");
  paused(*store, "never");
  paused(*store, "late", 9000);
  paused(*store, "soon", 5000);
  paused(*store, "sooner", 4000);
  paused(*store, "decided", 4500);
  put(*store, reopen_run{{"decided"}, continued_at(3)});
  auto none = put<expired_runs>(*store, end_expired{3999, 10});
  CAF_CHECK(none.ended.empty());
  CAF_CHECK_EQUAL(none.next_at_ms, 4000);
  auto one = put<expired_runs>(*store, end_expired{6000, 1});
  CAF_REQUIRE_EQUAL(one.ended.size(), 1u);
  CAF_CHECK_EQUAL(one.ended[0].value, "sooner");
  CAF_CHECK_EQUAL(one.next_at_ms, 5000);
  auto rest = put<expired_runs>(*store, end_expired{6000, 10});
  CAF_REQUIRE_EQUAL(rest.ended.size(), 1u);
  CAF_CHECK_EQUAL(rest.next_at_ms, 9000);
  auto how = *record_of(store->reads(), "soon").summary.ended;
  CAF_CHECK(how.kind == ending_kind::failed && how.code == failure_code::deadline_pause);
  CAF_CHECK_EQUAL(how.message, "nobody decided within the time there was for it, 3 s");
  CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), "soon")), "");
  CAF_CHECK_EQUAL(status(*store, "decided") + status(*store, "never") + status(*store, "late"), "RUNNINGPAUSEDPAUSED");
  put(*store, record_cancel{{.run = {"late"}}, 7000});
  CAF_CHECK_EQUAL(put<expired_runs>(*store, end_expired{99'000, 10}).next_at_ms, 0);
}

CAF_TEST(upkeep leaves paused runs alone) {
  auto store = open_store(":memory:");
  paused(*store, "r");
  CAF_CHECK_EQUAL(maintain_all(*store, 1'000'000'000'000), 0u);
  CAF_CHECK_EQUAL(must(store->reads().find(find_paused{{"r"}})).events.size(), 3u);
}

CAF_TEST(what a child run said is not told again) {
  auto store = open_store(":memory:");
  for (auto id : {"r", "child"}) {
    auto what = creation(id);
    if (what.request.id.value == "child") what.request.parent = {"r"};
    put(*store, what);
  }
  put(*store, finish_run{{"child"}, 1, {ended(1, "of the child")}});
  auto of_child = event_at(1, boxed<child_event>{{.run = {"child"}, .parent = {"r"}, .event = delta(3, "of the child")}});
  auto tool_of_child = event_at(2, boxed<child_event>{{.run = {"child"}, .event = event_at(4, content_completed{})}});
  put(*store, finish_run{{"r"}, 1, {of_child, tool_of_child, delta(3, "own"), ended(4, "own")}});
  std::string said;
  for (const auto& x : must(store->reads().load({{"s"}, 10, 10'000, true})).messages) said += x.content + "|";
  CAF_CHECK_EQUAL(said, "tell|own|");
  CAF_CHECK_EQUAL(record_of(store->reads(), "r").content, "own");
  CAF_CHECK_EQUAL(record_of(store->reads(), "r", true).events.size(), 3u);  // without deltas, a child's neither
  CAF_CHECK_EQUAL(read_all(store->reads(), "r").size(), 5u);
}

CAF_TEST(a file of the first version is read on and what was paused there is ended) {
  temporary_directory directory;
  auto path = directory / "x.db";
  {
    auto store = open_store(path, 1000);
    paused(*store, "r");
    put(*store, creation("done"));
    put(*store, finish_run{{"done"}, 1, {delta(1, "all"), ended(2, "all")}});
  }
  sql(path, "DROP INDEX runs_by_expiry; PRAGMA user_version = 1");
  for (std::string column : {"expires_ms", "on_node_loss", "restarts", "cancel_mode", "cancel_grace_ms"}) {
    sql(path, ("ALTER TABLE runs DROP COLUMN " + column).c_str());
  }
  auto store = open_store(path, 5000);
  CAF_CHECK_EQUAL(status(*store, "done"), "COMPLETED");
  CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), "done")), "");
  CAF_CHECK_EQUAL(status(*store, "r"), "ERROR");
  CAF_CHECK(record_of(store->reads(), "r").summary.ended->code == failure_code::node_lost);
  paused(*store, "new", 6000);
  CAF_CHECK_EQUAL(put<expired_runs>(*store, end_expired{7000, 10}).ended.size(), 1u);
}
