// Deltas are written without their run's row, and the writer remembers where its open runs are: whatever happens in
// between, everybody sees a run as its events say.
#define CAF_SUITE io.sqlite_open_runs

#include <sqlite3.h>

#include <caf/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>
#include <string>

#include "oncue/io/sqlite_store.hpp"
#include "support/bad_disk.hpp"
#include "support/promises.hpp"
#include "support/store.hpp"

using namespace oncue;
using namespace oncue::test;
namespace fs = std::filesystem;

namespace {

event_ptr late_delta(event_index index, std::int64_t at_ms) { return event_at(index, content_delta{"x"}, at_ms); }

/// Two deltas, an append each, at 2001 and 2002: the first makes the run running, the second leaves its row alone.
void say_two(io::sqlite_store& store, const std::string& id) {
  for (event_index i = 1; i <= 2; ++i) {
    put<appended>(store, append_events{{id}, i, {late_delta(i, 2000 + static_cast<std::int64_t>(i))}});
  }
}

std::int64_t number_in(const std::string& path, const std::string& question) {
  sqlite3* db = nullptr;
  sqlite3_stmt* rows = nullptr;
  CAF_REQUIRE_EQUAL(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  CAF_REQUIRE_EQUAL(sqlite3_prepare_v2(db, question.c_str(), -1, &rows, nullptr), SQLITE_OK);
  CAF_REQUIRE_EQUAL(sqlite3_step(rows), SQLITE_ROW);
  auto number = sqlite3_column_int64(rows, 0);
  sqlite3_finalize(rows);
  sqlite3_close(db);
  return number;
}

/// The file as it is when the process is killed now.
std::string killed(const std::string& path) {
  auto image = path + ".image";
  for (auto part : {"", "-wal"}) {
    fs::copy_file(path + part, image + part, fs::copy_options::overwrite_existing);
  }
  return image;
}

}  // namespace

CAF_TEST(a delta does not change its runs row and every reader sees it) {
  temporary_directory directory;
  auto path = directory / "x.db";
  auto store = open_store(path);
  auto archive = must(io::sqlite_archive::open(path));
  put(*store, creation("r", "ann"));
  say_two(*store, "r");
  CAF_CHECK_EQUAL(number_in(path, "SELECT next_seq FROM runs"), 2);
  for (auto* reads : {archive.get(), &store->reads()}) {
    auto run = record_of(*reads, "r");
    CAF_CHECK_EQUAL(run.next, 3u);
    CAF_CHECK_EQUAL(run.updated_at_ms, 2002);
    CAF_CHECK_EQUAL(run.content, "xx");
    auto listed = must(reads->find(find_runs{.user = {"ann"}, .runs_max = 5})).runs;
    CAF_REQUIRE_EQUAL(listed.size(), 1u);
    CAF_CHECK_EQUAL(listed[0].next, 3u);
    CAF_CHECK_EQUAL(listed[0].updated_at_ms, 2002);
    CAF_CHECK_EQUAL(read_all(*reads, "r").size(), 3u);
    auto at_end = must(reads->read({{"r"}, 3, 9, 1u << 20}));
    CAF_CHECK(at_end.events.empty() && at_end.end == batch_end::more && at_end.next == 3);
  }
  // From then on the row says it all.
  put<appended>(*store, append_events{{"r"}, 3, {late_delta(3, 2003), event_at(4, run_paused{}, 2004)}});
  CAF_CHECK_EQUAL(number_in(path, "SELECT next_seq FROM runs"), 5);
  CAF_CHECK(must(archive->read({{"r"}, 3, 9, 1u << 20})).end == batch_end::paused);
  CAF_CHECK(must(archive->read({{"r"}, 5, 9, 1u << 20})).end == batch_end::paused);
  CAF_CHECK_EQUAL(record_of(*archive, "r").updated_at_ms, 2004);
}

CAF_TEST(whoever ends a run ends it behind its deltas) {
  auto store = open_store(":memory:");
  for (auto id : {"own", "orphan", "cancelled"}) {
    put(*store, creation(id));
    say_two(*store, id);
  }
  CAF_CHECK_EQUAL(put<finished>(*store, finish_run{{"own"}, 3, {ended(3, "xx")}}).ended->index, 3u);
  CAF_CHECK_EQUAL((*put<end_orphan_reply>(*store, end_orphan{{"orphan"}, {}, 9}).ended)->index, 3u);
  put(*store, append_events{{"cancelled"}, 3, {event_at(3, run_paused{})}});
  CAF_CHECK_EQUAL((*put<record_cancel_reply>(*store, record_cancel{{.run = {"cancelled"}}, 9}).ended)->index, 4u);
  for (auto id : {"own", "orphan", "cancelled"}) {
    CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), id)), "");
    // The one that does not know it yet is told where the log ends, and changes nothing.
    auto next = read_all(store->reads(), id).size();
    CAF_CHECK_EQUAL(put<appended>(*store, append_events{{id}, 3, {late_delta(3, 9)}}).next, next);
    CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), id)), "");
  }
}

CAF_TEST(a process that is killed leaves runs that end behind their deltas) {
  temporary_directory directory;
  auto store = open_store(directory / "x.db");
  for (auto id : {"said", "asked", "went on"}) put(*store, creation(id));
  say_two(*store, "said");
  say_two(*store, "asked");
  put(*store, append_events{{"asked"}, 3, {event_at(3, run_paused{})}});
  put(*store, append_events{{"went on"}, 1, {event_at(1, run_paused{})}});
  auto reply = put<reopen_reply>(*store, reopen_run{{"went on"}, event_at(2, run_continued{}, 2002)});
  append_events more{{"went on"}, 3, {late_delta(3, 2003)}};
  more.epoch = reply.epoch;
  put<appended>(*store, more);

  auto next = open_store(killed(directory / "x.db"), 5000);
  CAF_CHECK_EQUAL(next->stats().orphans, 2u);
  for (auto id : {"said", "went on"}) {
    auto log = read_all(next->reads(), id);
    CAF_CHECK_EQUAL(whole_log(log), "");
    CAF_CHECK_EQUAL(log.back()->index, id == std::string{"said"} ? 3u : 4u);
  }
  CAF_CHECK_EQUAL(record_of(next->reads(), "asked").next, 4u);
  CAF_CHECK(!put<reopen_reply>(*next, reopen_run{{"asked"}, event_at(4, run_continued{})}).refused);
}

CAF_TEST(what was rolled back is not remembered) {
  temporary_directory directory;
  auto store = open_store(directory / "x.db");
  put(*store, creation("r"));
  say_two(*store, "r");
  append_events third{{"r"}, 3, {late_delta(3, 2003)}};
  {
    bad_disk bad{EIO};
    CAF_CHECK(!refusal_of(put(*store, third)).empty());
  }
  CAF_CHECK_EQUAL(put<appended>(*store, third).next, 4u);

  // The pause was never there, so the run's state is not written: the next delta must not take it for known.
  append_events pause{{"r"}, 4, {event_at(4, run_paused{})}};
  {
    bad_disk bad{EIO};
    CAF_CHECK(!refusal_of(put(*store, pause)).empty());
  }
  CAF_CHECK_EQUAL(put<appended>(*store, append_events{{"r"}, 4, {late_delta(4, 2004)}}).next, 5u);
  CAF_CHECK_EQUAL(to_string(record_of(store->reads(), "r").summary.status), "RUNNING");

  // A group in which one write cannot be made: the others are made again, each alone.
  put(*store, creation("bad"));
  put(*store, finish_run{{"bad"}, 1, {ended(1, "")}});
  sqlite3* db = nullptr;
  sqlite3_open((directory / "x.db").c_str(), &db);
  sqlite3_exec(db, "DELETE FROM events WHERE kind=12", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  std::vector<io::store_write> group = {append_events{{"r"}, 5, {late_delta(5, 2005)}},
                                        finish_run{{"bad"}, 1, {ended(1, "")}},
                                        append_events{{"r"}, 6, {late_delta(6, 2006)}}};
  auto answers = store->commit(group);
  CAF_CHECK_EQUAL(refusal_of(answers[0]) + refusal_of(answers[2]), "");
  CAF_CHECK(!refusal_of(answers[1]).empty());
  put<finished>(*store, finish_run{{"r"}, 7, {ended(7, "xxxxxx")}});
  CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), "r")), "");
}

CAF_TEST(a run that goes on is written by its new owner only) {
  auto store = open_store(":memory:");
  put(*store, creation("r"));
  say_two(*store, "r");
  put(*store, append_events{{"r"}, 3, {event_at(3, run_paused{})}});
  auto epoch = put<reopen_reply>(*store, reopen_run{{"r"}, event_at(4, run_continued{}, 3000)}).epoch;
  CAF_CHECK_EQUAL(epoch, 2u);
  CAF_CHECK(!refusal_of(put(*store, append_events{{"r"}, 5, {late_delta(5, 3001)}})).empty());
  for (event_index i = 5; i <= 6; ++i) {
    append_events what{{"r"}, i, {late_delta(i, 3000 + static_cast<std::int64_t>(i))}};
    what.epoch = epoch;
    CAF_CHECK_EQUAL(put<appended>(*store, what).next, i + 1);
  }
  auto run = record_of(store->reads(), "r");
  CAF_CHECK_EQUAL(to_string(run.summary.status), "RUNNING");
  CAF_CHECK_EQUAL(run.updated_at_ms, 3006);
  CAF_CHECK_EQUAL(read_all(store->reads(), "r").size(), 7u);
}

CAF_TEST(a session that is deleted does not stop its open run from being written) {
  auto store = open_store(":memory:");
  put(*store, creation("r"));
  say_two(*store, "r");
  CAF_CHECK_EQUAL(put<sessions_deleted>(*store, delete_sessions{{{"s"}}}).count, 1u);
  CAF_CHECK_EQUAL(put<appended>(*store, append_events{{"r"}, 3, {late_delta(3, 2003)}}).next, 4u);
  put<finished>(*store, finish_run{{"r"}, 4, {ended(4, "xxx", {}, 2004)}});
  CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), "r")), "");
  // Forgotten, and made once more under the same id: nothing of the first one is remembered.
  maintain_all(*store, 10'000'000);
  CAF_CHECK(!put<create_reply>(*store, creation("r")).refused);
  say_two(*store, "r");
  CAF_CHECK_EQUAL(record_of(store->reads(), "r").next, 3u);
}
