#define CAF_SUITE core.event_tail

#include "oncue/core/event_tail.hpp"

#include <caf/test/unit_test.hpp>
#include <map>
#include <string>

#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

using tail = core::event_tail<std::string>;

event_ptr delta(event_index index, std::size_t bytes = 1) {
  return event_ptr{run_event{index, 0, content_delta{std::string(bytes, 'x')}}};
}

event_ptr ended(event_index index) { return event_ptr{run_event{index, 0, boxed<run_ended>{}}}; }

pull_limits from(event_index index, std::uint32_t events_max = 100, std::uint32_t bytes_max = 1u << 20) {
  return {{"r"}, index, events_max, bytes_max};
}

}  // namespace

CAF_TEST(a reader gets what is there within its credit and else waits) {
  tail t{0};
  auto nobody = [](const std::string&, event_batch) { CAF_FAIL("nobody waits"); };
  t.publish({delta(0), delta(1), delta(2)}, nobody);
  auto first = t.pull(1, "one", from(0, 2));
  CAF_CHECK(first.what == tail::verdict::serve);
  CAF_CHECK_EQUAL(first.batch.events.size(), 2u);
  CAF_CHECK_EQUAL(first.batch.next, 2u);
  auto by_bytes = t.pull(1, "one", from(0, 100, 1));
  CAF_CHECK_EQUAL(by_bytes.batch.events.size(), 1u);  // one event comes whatever it costs
  CAF_CHECK(t.pull(1, "one", from(3)).what == tail::verdict::wait);
  CAF_CHECK_EQUAL(t.waiting_count(), 1u);
}

CAF_TEST(a second pull of a reader replaces its first) {
  tail t{0};
  t.pull(1, "one", from(0));
  t.pull(1, "one", from(1));
  int served = 0;
  t.publish({delta(0)}, [&](const std::string&, const event_batch&) { ++served; });
  CAF_CHECK_EQUAL(served, 0);
  t.publish({delta(1), ended(2)}, [&](const std::string&, const event_batch& batch) {
    ++served;
    CAF_CHECK_EQUAL(gapless(batch.events, 1), "");
    CAF_CHECK(batch.end == batch_end::ended);
  });
  CAF_CHECK_EQUAL(served, 1);
  CAF_CHECK_EQUAL(t.waiting_count(), 0u);
}

// Found by oncue_sim, seeds 81534 and 88734 of its first 100,000.
CAF_TEST(only a batch from where a reader is answers its pull) {
  auto batch = [](std::vector<event_ptr> events, event_index next, batch_end end = batch_end::more) {
    return event_batch{.run = {"r"}, .events = std::move(events), .next = next, .end = end};
  };
  CAF_CHECK(core::is_answer(batch({delta(2), delta(3)}, 4), 2));
  CAF_CHECK(!core::is_answer(batch({delta(1), delta(2)}, 3), 2));
  // Empty ones too: each says where it was asked for.
  for (auto end : {batch_end::more, batch_end::ended, batch_end::paused, batch_end::unknown}) {
    CAF_CHECK(core::is_answer(batch({}, 2, end), 2));
    CAF_CHECK(!core::is_answer(batch({}, 1, end), 2));
  }
  CAF_CHECK(core::is_answer(batch({}, 5, batch_end::gone), 2));
  CAF_CHECK(!core::is_answer(batch({}, 1, batch_end::gone), 2));
  auto note = batch({}, 2);
  note.note = batch_note::owner_suspected;
  CAF_CHECK(!core::is_answer(note, 2));
}

CAF_TEST(the tail is bounded and what it dropped is the journals) {
  tail t{5};
  auto ignore = [](const std::string&, const event_batch&) {};
  for (event_index i = 5; i < 5000; ++i) {
    t.publish({delta(i, 200)}, ignore);
    CAF_REQUIRE(t.bytes() <= core::limits::tail_bytes_max);
  }
  CAF_CHECK(t.pull(1, "one", from(5)).what == tail::verdict::from_journal);
  CAF_CHECK(t.pull(1, "one", from(t.first())).what == tail::verdict::serve);
  CAF_CHECK(t.pull(1, "one", from(4999)).what == tail::verdict::serve);
  t.publish({delta(5000, core::limits::tail_bytes_max * 2)}, ignore);
  CAF_CHECK(t.bytes() <= core::limits::tail_bytes_max);
}

CAF_TEST(a slow reader holds nothing and a fast one misses nothing) {
  tail t{0};
  std::vector<event_ptr> fast;
  t.pull(2, "slow", from(0));
  int slow = 0;
  t.pull(1, "fast", from(0));
  for (event_index i = 0; i < 100; ++i) {
    t.publish({delta(i)}, [&](const std::string& reader, const event_batch& batch) {
      if (reader == "slow") {
        ++slow;
        return;
      }
      fast.insert(fast.end(), batch.events.begin(), batch.events.end());
    });
    t.pull(1, "fast", from(i + 1));
  }
  CAF_CHECK_EQUAL(slow, 1);
  CAF_CHECK_EQUAL(fast.size(), 100u);
  CAF_CHECK_EQUAL(gapless(fast), "");
}

CAF_TEST(when another ending stands everybody is sent to the journal) {
  tail t{0};
  t.pull(1, "one", from(0));
  std::string sent;
  t.defer([&](const std::string& reader, const pull_limits&) { sent += reader; });
  CAF_CHECK_EQUAL(sent, "one");
  CAF_CHECK(t.pull(1, "one", from(0)).what == tail::verdict::from_journal);
}
