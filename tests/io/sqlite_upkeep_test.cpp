#define CAF_SUITE io.sqlite_upkeep

#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "oncue/io/sqlite_store.hpp"
#include "support/promises.hpp"
#include "support/store.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t day_ms = 24 * 60 * minute_ms;

/// A run of many deltas of both sorts with other events between them, ended at `at_ms`.
std::vector<event_ptr> long_run(io::sqlite_store& store, std::string id, std::size_t deltas, std::int64_t at_ms,
                                std::string session = "s") {
  auto what = creation(id, "", at_ms);
  what.request.session = {std::move(session)};
  auto all = what.events;
  put(store, what);
  std::string content;
  auto add = [&](event_body body) {
    all.push_back(event_at(all.size(), std::move(body), at_ms + 3 * static_cast<int>(all.size())));
  };
  for (std::size_t i = 0; i < deltas; ++i) {
    auto text = i % 7 == 0 ? std::string{} : "piece " + std::to_string(i) + " \xC3\xA9";
    if (i % 5 == 1) {
      add(reasoning_delta{"thought " + text});
    } else {
      content += text;
      add(content_delta{std::move(text)});
    }
    if (i % 50 == 3) add(model_request_started{static_cast<attempt_no>(i)});
  }
  put<appended>(store, append_events{{id}, 1, {all.begin() + 1, all.end()}});
  all.push_back(ended(all.size(), content, {}, at_ms));
  put<finished>(store, finish_run{{id}, all.size() - 1, {all.back()}});
  return all;
}

std::string same(io::sqlite_archive& archive, const std::string& id, const std::vector<event_ptr>& log) {
  for (std::uint32_t events_max : {1u, 7u, 256u, 10'000u}) {
    if (read_all(archive, id, 0, events_max) != log) return "other events";
  }
  for (event_index from = 0; from < log.size(); from += 37) {
    auto batch = must(archive.read({{id}, from, 2, 1u << 20}));
    if (batch.events.empty() || !(batch.events[0] == log[from])) return "another event at " + std::to_string(from);
  }
  return "same";
}

}  // namespace

CAF_TEST(a compacted run reads as it did at every index) {
  temporary_directory directory;
  auto store = open_store(directory / "x.db");
  auto second = must(io::sqlite_archive::open(directory / "x.db"));
  auto log = long_run(*store, "r", 1000, 1000);
  auto fresh = long_run(*store, "fresh", 10, 20 * minute_ms);
  CAF_CHECK_EQUAL(same(store->reads(), "r", log), "same");

  // Also in the middle of it: some of it cuts, some of it rows.
  std::size_t steps = 0;
  for (auto more = true; more; ++steps) {
    auto result = store->maintain(20 * minute_ms);
    CAF_REQUIRE_EQUAL(result.problem, "");
    more = result.more;
    CAF_CHECK_EQUAL(same(store->reads(), "r", log), "same");
    CAF_CHECK_EQUAL(same(*second, "r", log), "same");
  }
  CAF_CHECK(steps > 3 && steps < 10);
  CAF_CHECK_EQUAL(same(*second, "fresh", fresh), "same");
  CAF_CHECK_EQUAL(record_of(*second, "r", true).events.size(), 1u + 20u + 1u);
  CAF_CHECK_EQUAL(record_of(*second, "r").content, ending_of(log)->content);
  store.reset();
  second.reset();

  store = open_store(directory / "x.db");
  CAF_CHECK_EQUAL(same(store->reads(), "r", log), "same");
  CAF_CHECK_EQUAL(maintain_all(*store, 20 * minute_ms), 0u);
}

CAF_TEST(a run whose text is not what its deltas say keeps them) {
  auto store = open_store(":memory:");
  put(*store, creation("r"));
  put(*store, append_events{{"r"}, 1, {delta(1, "one"), delta(2, "two")}});
  put(*store, finish_run{{"r"}, 3, {ended(3, "onetoo", {}, 1000)}});
  auto log = read_all(store->reads(), "r");
  maintain_all(*store, day_ms);
  CAF_CHECK_EQUAL(same(store->reads(), "r", log), "same");
}

CAF_TEST(after the time of retention only the ending is left) {
  auto store = open_store(io::store_options{.settings = {.path = ":memory:", .retention = std::chrono::hours{24}}});
  auto& reads = store->reads();
  auto old_log = long_run(*store, "old", 600, 1000);
  auto new_log = long_run(*store, "new", 600, day_ms);
  put(*store, creation("live"));
  maintain_all(*store, day_ms + 30 * minute_ms);
  auto gone = must(reads.read({{"old"}, 0, 10, 1000}));
  CAF_CHECK(gone.end == batch_end::gone);
  CAF_CHECK_EQUAL(gone.next, old_log.size() - 1);
  CAF_CHECK(must(reads.read({{"old"}, gone.next - 1, 10, 1000})).end == batch_end::gone);
  auto last = must(reads.read({{"old"}, gone.next, 10, 1000}));
  CAF_CHECK(last.end == batch_end::ended && last.events.size() == 1 && last.events[0] == old_log.back());
  CAF_CHECK_EQUAL(same(reads, "new", new_log), "same");
  CAF_CHECK_EQUAL(read_all(reads, "live").size(), 1u);
  // People still find it, with what it said; so does its session.
  CAF_CHECK_EQUAL(record_of(reads, "old").content, ending_of(old_log)->content);
  CAF_CHECK_EQUAL(record_of(reads, "old").started.model, "m");
  CAF_CHECK_EQUAL(must(reads.load({.session = {"s"}, .runs_max = 9, .bytes_max = 1u << 20})).messages.size(), 4u);
  CAF_CHECK(!refusal_of(put(*store, creation("old"))).empty());
}

CAF_TEST(a store for ever keeps everything) {
  auto store = open_store(io::store_options{.settings = {.path = ":memory:", .retention = std::nullopt}});
  auto log = long_run(*store, "r", 20, 1000);
  maintain_all(*store, 100'000 * day_ms);
  CAF_CHECK_EQUAL(same(store->reads(), "r", log), "same");
}

CAF_TEST(above its size the store gives up the oldest runs and the file shrinks) {
  temporary_directory directory;
  core::store_settings settings{.path = directory / "x.db", .size_bytes_max = 3u << 20};
  auto store = open_store(io::store_options{.settings = settings});
  put(*store, creation("live"));
  std::string page(20'000, 'p');
  auto name = [](int i) { return "r" + std::to_string(i); };
  for (int i = 0; i < 400; ++i) {
    auto what = creation(name(i), "", 1000 + i);
    what.request.session = {name(i / 100)};
    put(*store, what);
    put(*store, finish_run{what.request.id, 1, {delta(1, page), ended(2, page, {}, 1000 + i)}});
  }
  auto size = [&] {
    store->reads().checkpoint();
    return std::filesystem::file_size(directory / "x.db");
  };
  auto before = size();
  maintain_all(*store, 2000);
  auto after = size();
  CAF_MESSAGE(before << " bytes, then " << after);
  CAF_CHECK(before > 12u << 20);
  CAF_CHECK(after < 8u << 20);
  auto& reads = store->reads();
  std::string kept;
  for (int i = 0; i < 400; ++i) {
    auto batch = must(reads.read({{name(i)}, 0, 10, 1u << 20}));
    auto now = batch.end == batch_end::unknown ? '-' : batch.end == batch_end::gone ? 's' : 'w';
    if (kept.empty() || kept.back() != now) kept += now;
  }
  CAF_CHECK_EQUAL(kept, "-sw");  // forgotten, only the ending, whole: from old to new
  CAF_CHECK_EQUAL(read_all(reads, "live").size(), 1u);
  CAF_CHECK_EQUAL(read_all(reads, "r399").size(), 3u);
  CAF_CHECK(refusal_of(put(*store, creation("r0"))).empty());  // a forgotten id is free
  CAF_CHECK_EQUAL(maintain_all(*store, 2000), 0u);
}

CAF_TEST(live runs are never dropped however small the store may be) {
  auto store = open_store(io::store_options{.settings = {.path = ":memory:", .size_bytes_max = 1}});
  put(*store, creation("live"));
  put(*store, append_events{{"live"}, 1, {delta(1, "text")}});
  long_run(*store, "ended", 300, 1000);
  CAF_CHECK(maintain_all(*store, 1000) > 2);
  CAF_CHECK_EQUAL(text_of(read_all(store->reads(), "live")), "text");
  CAF_CHECK(must(store->reads().read({{"ended"}, 0, 10, 1000})).end == batch_end::unknown);
}

CAF_TEST(the write ahead log stays bounded) {
  temporary_directory directory;
  auto store = open_store(directory / "x.db");
  auto archive = must(io::sqlite_archive::open(directory / "x.db"));
  put(*store, creation("r"));
  std::size_t checkpoints = 0;
  for (event_index i = 1; i <= 1000; ++i) {
    put<appended>(*store, append_events{{"r"}, i, {delta(i, std::string(20'000, 'x'))}});
    if (store->wants_checkpoint()) {
      CAF_CHECK_EQUAL(archive->checkpoint(), "");
      ++checkpoints;
    }
  }
  CAF_CHECK(checkpoints >= 4 && checkpoints <= 10);
  CAF_CHECK(std::filesystem::file_size(directory / "x.db-wal") < 6u << 20);
  CAF_CHECK_EQUAL(gapless(read_all(*archive, "r")), "");
}
