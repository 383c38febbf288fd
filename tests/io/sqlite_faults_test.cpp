#define CAF_SUITE io.sqlite_faults

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <caf/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "oncue/io/sqlite_store.hpp"
#include "support/bad_disk.hpp"
#include "support/promises.hpp"
#include "support/store.hpp"

using namespace oncue;
using namespace oncue::test;
namespace fs = std::filesystem;

namespace {

int syncs = 0;

}  // namespace

// Instead of the C library's: counted, and not waited for.
extern "C" int fdatasync(int) {
  ++syncs;
  return 0;
}

namespace {

void sql(const std::string& path, const char* text) {
  sqlite3* db = nullptr;
  CAF_REQUIRE_EQUAL(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  CAF_CHECK_EQUAL(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
}

void write_file(const std::string& path, const std::string& bytes) { std::ofstream{path} << bytes; }

bool says(const std::string& sentence, const std::string& path, const std::string& what) {
  CAF_MESSAGE(sentence);
  return sentence.find(path) != std::string::npos && sentence.find(what) != std::string::npos;
}

}  // namespace

CAF_TEST(a file that cannot be a store is refused with one sentence) {
  temporary_directory directory;
  write_file(directory / "text.db", std::string(5000, 'x'));
  CAF_CHECK(says(open_problem(directory / "text.db"), "text.db", "is not an SQLite database"));

  sql(directory / "other.db", "CREATE TABLE mine(x)");
  CAF_CHECK(says(open_problem(directory / "other.db"), "other.db", "a database of another program"));

  open_store(directory / "new.db");
  sql(directory / "new.db", "PRAGMA user_version = 99");
  CAF_CHECK(says(open_problem(directory / "new.db"), "new.db", "newer version of oncue (schema 99, this one knows 3)"));

  fs::create_directory(directory / "folder");
  CAF_CHECK(says(open_problem(directory / "folder"), "folder", "is not a file") ||
            says(open_problem(directory / "folder"), "folder", "directory"));
  write_file(directory / "file", "");
  CAF_CHECK(says(open_problem(directory / "file/x.db"), "file/x.db", "ot a directory"));
  CAF_CHECK(says(open_problem("/proc/no/such/x.db"), "/proc/no/such/x.db", "cannot make the directory"));
  CAF_CHECK_EQUAL(open_problem(""), "the store has no path");

  // A damaged file: the header is fine, the first table is not.
  {
    auto store = open_store(directory / "bad.db");
    put(*store, creation("r"));
  }
  std::fstream damaged{directory / "bad.db", std::ios::in | std::ios::out};
  damaged.seekp(100);
  damaged << std::string(3000, '\xFF');
  damaged.close();
  CAF_CHECK(says(open_problem(directory / "bad.db"), "bad.db", "is corrupt"));
}

CAF_TEST(a file that may not be written is said to be so) {
  if (::geteuid() != 0) return;  // root takes another user's rights for a moment
  temporary_directory directory;
  fs::create_directory(directory / "d");
  open_store(directory / "d/x.db");
  fs::permissions(fs::path{directory / ""}, fs::perms{0755});
  fs::permissions(directory / "d", fs::perms{0777});
  fs::permissions(directory / "d/x.db", fs::perms{0444});
  fs::permissions(directory / "d/x.db.lock", fs::perms{0666});
  CAF_REQUIRE_EQUAL(::seteuid(65534), 0);
  auto read_only = open_problem(directory / "d/x.db");
  auto no_directory = open_problem(directory / "e/y.db");
  CAF_REQUIRE_EQUAL(::seteuid(0), 0);
  CAF_CHECK(says(read_only, "d/x.db", "is read-only"));
  CAF_CHECK(says(no_directory, "e/y.db", "ermission denied"));
}

CAF_TEST(a store belongs to one process and is readable by its user alone) {
  temporary_directory directory;
  auto path = directory / "made/for/it/x.db";
  ::umask(0);
  auto store = open_store(path);
  put(*store, creation("r"));
  auto mode = [](const std::string& name) { return static_cast<unsigned>(fs::status(name).permissions()); };
  for (auto name : {"", "-wal", "-shm", ".lock"}) CAF_CHECK_EQUAL(mode(path + name), 0600u);
  CAF_CHECK_EQUAL(mode(directory / "made/for/it"), 0700u);
  CAF_CHECK_EQUAL(mode(directory / "made"), 0700u);
  ::umask(022);

  auto second = open_problem(path);
  CAF_CHECK(says(second, path, "in use by another process (pid " + std::to_string(::getpid()) + ")"));
  put<appended>(*store, append_events{{"r"}, 1, {delta(1)}});  // the first is not disturbed
  store.reset();
  CAF_CHECK_EQUAL(open_problem(path), "");
}

CAF_TEST(a full or broken disk refuses every write and changes nothing until it works again) {
  struct row {
    int error;
    const char* sentence;
  };
  for (auto x : {row{ENOSPC, "the disk is full"}, row{EIO, "cannot be read or written"}}) {
    temporary_directory directory;
    auto store = open_store(directory / "x.db");
    auto archive = must(io::sqlite_archive::open(directory / "x.db"));
    put(*store, creation("r"));
    put(*store, append_events{{"r"}, 1, {delta(1, "kept")}});
    std::vector<io::store_write> group = {append_events{{"r"}, 2, {delta(2)}},
                                          creation("new"),
                                          finish_run{{"r"}, 2, {ended(2, "kept")}},
                                          end_orphan{{"r"}, {}, 1},
                                          record_cancel{{.run = {"r"}}, 1},
                                          create_session{{.id = {"s2"}}},
                                          change_session{.session = {"s"}, .name = "n"},
                                          delete_sessions{{{"s"}}}};
    {
      bad_disk bad{x.error};
      for (const auto& answer : store->commit(group)) CAF_CHECK(says(refusal_of(answer), "x.db", x.sentence));
      CAF_CHECK(says(store->problem(), "x.db", x.sentence));
      CAF_CHECK_EQUAL(read_all(*archive, "r").size(), 2u);  // what is there can be read
      CAF_CHECK_EQUAL(read_all(store->reads(), "r").size(), 2u);
    }
    CAF_CHECK(store->stats().failed > 0);
    // The same again, as runs do it: nothing of the first try is there.
    CAF_CHECK_EQUAL(put<appended>(*store, group[0]).next, 3u);
    CAF_CHECK(!put<create_reply>(*store, group[1]).refused);
    put<finished>(*store, finish_run{{"r"}, 3, {ended(3, "keptx")}});
    CAF_CHECK_EQUAL(store->problem(), "");
    CAF_CHECK_EQUAL(whole_log(read_all(*archive, "r")), "");
  }
  temporary_directory directory;
  open_store(directory / "x.db");
  bad_disk bad{ENOSPC};
  CAF_CHECK(says(open_problem(directory / "x.db"), "x.db", "cannot be read or written"));
  CAF_CHECK(says(open_problem(directory / "y.db"), "y.db", "the disk is full"));
}

CAF_TEST(the lock of another program is waited for and then refused) {
  temporary_directory directory;
  auto store = open_store(directory / "x.db");
  put(*store, creation("r"));
  sqlite3* other = nullptr;
  sqlite3_open((directory / "x.db").c_str(), &other);
  CAF_REQUIRE_EQUAL(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  CAF_CHECK(says(refusal_of(put(*store, append_events{{"r"}, 1, {delta(1)}})), "x.db", "locked by another program"));
  CAF_CHECK(!store->maintain(1).more);
  CAF_REQUIRE_EQUAL(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  CAF_CHECK_EQUAL(refusal_of(put(*store, append_events{{"r"}, 1, {delta(1)}})), "");
}

CAF_TEST(a damaged run does not fail the others in its group) {
  temporary_directory directory;
  auto store = open_store(directory / "x.db");
  put(*store, creation("bad"));
  put(*store, creation("good"));
  put(*store, finish_run{{"bad"}, 1, {ended(1, "")}});
  sql(directory / "x.db", "DELETE FROM events WHERE kind=12");
  // The first write is made, taken back with the second, and made again: its id must not count as used by itself.
  std::vector<io::store_write> group = {creation("new"), finish_run{{"bad"}, 1, {ended(1, "")}},
                                        append_events{{"good"}, 1, {delta(1)}}};
  auto answers = store->commit(group);
  CAF_CHECK_EQUAL(refusal_of(answers[0]), "");
  CAF_CHECK(says(refusal_of(answers[1]), "x.db", "the ending of run 'bad' is missing"));
  CAF_CHECK_EQUAL(refusal_of(answers[2]), "");
  sql(directory / "x.db", "UPDATE events SET kind=99 WHERE kind=1");
  auto read = store->reads().read({{"good"}, 0, 10, 1000});
  CAF_CHECK(says(std::get<std::string>(read), "x.db", "unknown kind 99"));
}

CAF_TEST(what was there is there after the end of the process) {
  temporary_directory directory;
  auto path = directory / "x.db";
  auto image = directory / "image.db";
  {
    auto store = open_store(path, 1000);
    for (auto id : {"done", "half", "cancelled", "silent"}) put(*store, creation(id, "ann"));
    put(*store, finish_run{{"done"}, 1, {delta(1, "all"), ended(2, "all")}});
    put(*store, append_events{{"half"}, 1, {delta(1, "ha"), delta(2, "lf"), event_at(3, content_completed{})}});
    put(*store, append_events{{"cancelled"}, 1, {delta(1, "x")}});
    put(*store, record_cancel{{.run = {"cancelled"}, .reason = "enough", .by = "ann"}, 1});
    put(*store, record_cancel{{.run = {"later"}, .reason = "early"}, 1});
    // As it is when the process is killed now: no connection was closed.
    for (auto part : {"", "-wal"}) fs::copy_file(path + part, image + part);
  }
  for (const auto& file : {path, image}) {
    auto store = open_store(file, 5000);
    CAF_CHECK_EQUAL(store->stats().orphans, 3u);
    auto& reads = store->reads();
    for (auto id : {"done", "half", "cancelled", "silent"}) CAF_CHECK_EQUAL(whole_log(read_all(reads, id)), "");
    auto half = record_of(reads, "half");
    CAF_CHECK(half.ended->how.code == failure_code::node_lost && half.summary.status == run_status::failed);
    CAF_CHECK_EQUAL(half.ended->how.message, "the process that ran it ended without finishing it");
    CAF_CHECK_EQUAL(half.content, "half");
    CAF_CHECK_EQUAL(half.ended->duration_us, 4'000'000u);
    CAF_CHECK_EQUAL(half.updated_at_ms, 5000);
    auto cancelled = record_of(reads, "cancelled");
    CAF_CHECK(cancelled.summary.status == run_status::cancelled);
    CAF_CHECK_EQUAL(cancelled.summary.ended->message + cancelled.summary.ended->by, "enoughann");
    // The one that was thought dead writes on: nothing changes any more.
    CAF_CHECK_EQUAL(put<appended>(*store, append_events{{"half"}, 4, {delta(4)}}).next, 5u);
    CAF_CHECK(put<create_reply>(*store, creation("later")).intent.has_value());
    CAF_CHECK(!refusal_of(put(*store, creation("done"))).empty());
    CAF_CHECK_EQUAL(must(reads.find(find_session{{"s"}})).session->name, "tell");
  }
  auto third = open_store(path, 9000);
  CAF_CHECK_EQUAL(third->stats().orphans, 1u);  // "later"
}

CAF_TEST(many orphans are ended a part at a time) {
  temporary_directory directory;
  {
    auto store = open_store(directory / "x.db");
    std::vector<io::store_write> group;
    for (int i = 0; i < 350; ++i) {
      auto what = creation("r" + std::to_string(i));
      group.push_back(what);
      group.push_back(append_events{what.request.id, 1, {delta(1, "text")}});
    }
    store->commit(group);
  }
  auto store = open_store(directory / "x.db", 2000);
  CAF_CHECK_EQUAL(store->stats().orphans, 350u);
  for (int i = 0; i < 350; i += 50) CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), "r" + std::to_string(i))), "");
}

CAF_TEST(durability decides whether a commit waits for the disk) {
  for (auto durability : {core::store_durability::process, core::store_durability::power}) {
    temporary_directory directory;
    auto store = open_store(io::store_options{.settings = {.path = directory / "x.db", .durability = durability}});
    put(*store, creation("r"));
    syncs = 0;
    for (event_index i = 1; i <= 5; ++i) put<appended>(*store, append_events{{"r"}, i, {delta(i)}});
    CAF_CHECK_EQUAL(syncs, durability == core::store_durability::power ? 5 : 0);
  }
}
