#define CAF_SUITE core.event_book

#include "oncue/core/event_book.hpp"

#include <caf/test/unit_test.hpp>
#include <string>

#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
using core::event_book;

namespace {

event_ptr delta(event_index index, std::string text = "x") {
  return event_ptr{run_event{index, 0, content_delta{std::move(text)}}};
}

event_ptr ended(event_index index, std::string content, ending how = {}) {
  return event_ptr{run_event{index, 0, boxed<run_ended>{{.how = std::move(how), .content = std::move(content)}}}};
}

create_run creation(std::string id, std::string user = {}) {
  create_run what;
  what.request.id = {std::move(id)};
  what.request.user = {std::move(user)};
  what.created_at_ms = 1000;
  what.events = {event_ptr{run_event{0, 1000, run_started{}}}};
  return what;
}

std::vector<event_ptr> read_all(const event_book& book, const std::string& id, event_index from = 0) {
  std::vector<event_ptr> all;
  for (;;) {
    auto batch = book.read({{id}, from, 3, 1u << 20});
    all.insert(all.end(), batch.events.begin(), batch.events.end());
    if (batch.end != batch_end::more || batch.events.empty()) return all;
    from = batch.next;
  }
}

bool is_refused(const auto& answer) { return std::holds_alternative<journal_refused>(answer); }

}  // namespace

CAF_TEST(a run id is used once) {
  event_book book;
  CAF_CHECK(!book.create(creation("r")).refused);
  auto second = book.create(creation("r"));
  CAF_REQUIRE(second.refused.has_value());
  CAF_CHECK_EQUAL(to_string(second.refused->code), "run_id_used");
  book.finish({{"r"}, 1, {ended(1, "")}});
  CAF_CHECK(book.create(creation("r")).refused.has_value());
}

CAF_TEST(appends are idempotent and gaps are refused) {
  event_book book;
  book.create(creation("r"));
  CAF_CHECK(!is_refused(book.append({{"r"}, 1, {delta(1), delta(2)}})));
  auto again = book.append({{"r"}, 1, {delta(1), delta(2), delta(3)}});
  CAF_CHECK_EQUAL(std::get<appended>(again).next, 4u);
  CAF_CHECK(is_refused(book.append({{"r"}, 5, {delta(5)}})));
  CAF_CHECK(is_refused(book.append({{"nobody"}, 0, {delta(0)}})));
  CAF_CHECK_EQUAL(gapless(read_all(book, "r")), "");
  CAF_CHECK_EQUAL(read_all(book, "r").size(), 4u);
}

CAF_TEST(the ending is written once and whoever is second is told what stands) {
  event_book book;
  book.create(creation("r"));
  // The finish overtook the append that carries events 1 and 2: it brings them along.
  auto mine = book.finish({{"r"}, 1, {delta(1, "a"), delta(2, "b"), ended(3, "ab")}});
  CAF_CHECK_EQUAL(std::get<finished>(mine).ended->index, 3u);
  CAF_CHECK(!is_refused(book.append({{"r"}, 1, {delta(1, "a"), delta(2, "b")}})));  // the late append is ignored
  auto other = book.finish({{"r"}, 3, {ended(3, "", {.kind = ending_kind::cancelled})}});
  CAF_CHECK(get_if<run_ended>(*std::get<finished>(other).ended)->how.kind == ending_kind::completed);
  auto orphan = book.end({{"r"}, {.kind = ending_kind::failed}, 5});
  CAF_CHECK(get_if<run_ended>(**orphan.ended)->how.kind == ending_kind::completed);
  CAF_CHECK_EQUAL(whole_log(read_all(book, "r")), "");
  CAF_CHECK(is_refused(book.finish({{"r2"}, 0, {}})));
}

CAF_TEST(a finish that does not end with an ending is refused) {
  event_book book;
  book.create(creation("r"));
  CAF_CHECK(is_refused(book.finish({{"r"}, 1, {delta(1)}})));
  CAF_CHECK(is_refused(book.finish({{"r"}, 1, {}})));
  CAF_CHECK(is_refused(book.finish({{"r"}, 2, {ended(2, "")}})));
  CAF_CHECK(!is_refused(book.finish({{"r"}, 1, {ended(1, "")}})));
}

CAF_TEST(an orphan is ended with the text that was journalled) {
  event_book book;
  book.create(creation("r"));
  book.append({{"r"}, 1, {delta(1, "half "), delta(2, "a story")}});
  auto reply = book.end({{"r"}, {.kind = ending_kind::failed, .code = failure_code::actor_lost}, 3000});
  CAF_REQUIRE(reply.ended.has_value());
  const auto* body = get_if<run_ended>(**reply.ended);
  CAF_CHECK_EQUAL(body->content, "half a story");
  CAF_CHECK_EQUAL(body->duration_us, 2'000'000u);
  CAF_CHECK_EQUAL(whole_log(read_all(book, "r")), "");
  CAF_CHECK(!book.end({{"nobody"}, {}, 0}).ended);
}

CAF_TEST(a cancel before the run exists is kept for its user only and not for ever) {
  event_book book{{.intents_max = 3, .intent_age_ms_max = 10'000}};
  auto intent = [](std::string run, std::string scope) {
    return record_cancel{{.run = {std::move(run)}, .reason = "no", .scope = {std::move(scope)}}, 1000};
  };
  CAF_CHECK(book.record(intent("a", "ann")).intent_stored);
  CAF_CHECK(book.record(intent("a", "ann")).intent_stored);
  CAF_CHECK(book.record(intent("b", "bob")).intent_stored);
  CAF_CHECK(book.record(intent("c", "")).intent_stored);
  auto full = book.record(intent("d", ""));
  CAF_CHECK(!full.intent_stored && !full.accepted && !full.ended);
  CAF_CHECK_EQUAL(book.create(creation("a", "ann")).intent->reason, "no");
  CAF_CHECK(!book.create(creation("b", "eve")).intent.has_value());
  CAF_CHECK(book.record(intent("any", "")).intent_stored);
  CAF_CHECK(book.create(creation("any", "eve")).intent.has_value());  // of nobody in particular: of any user
  auto late = creation("c");
  late.created_at_ms = 20'000;
  CAF_CHECK(!book.create(late).intent.has_value());
  CAF_CHECK_EQUAL(book.intent_count(), 0u);
  book.finish({{"a"}, 1, {ended(1, "")}});
  CAF_CHECK(book.record(intent("a", "ann")).ended.has_value());
}

CAF_TEST(the book stays within its bytes and gives up ended runs oldest first) {
  event_book book{{.bytes_max = 200'000}};
  std::string page(1000, 'p');
  for (int i = 0; i < 100; ++i) {
    auto id = "r" + std::to_string(i);
    CAF_REQUIRE(!book.create(creation(id)).refused);
    for (event_index e = 1; e <= 10; ++e) CAF_REQUIRE(!is_refused(book.append({{id}, e, {delta(e, page)}})));
    CAF_REQUIRE(!is_refused(book.finish({{id}, 11, {ended(11, std::string(10'000, 'p'))}})));
    CAF_REQUIRE(book.bytes() <= 200'000);
  }
  CAF_CHECK_EQUAL(whole_log(read_all(book, "r99")), "");
  CAF_CHECK(book.read({{"r0"}, 0, 10, 1000}).end == batch_end::unknown);
  bool stripped = false;
  for (int i = 0; i < 100; ++i) {
    auto batch = book.read({{"r" + std::to_string(i)}, 0, 10, 1000});
    if (batch.end != batch_end::gone) continue;
    stripped = true;
    CAF_CHECK_EQUAL(batch.next, 11u);
    CAF_CHECK_EQUAL(read_all(book, "r" + std::to_string(i), 11).size(), 1u);
  }
  CAF_CHECK(stripped);
  CAF_CHECK_EQUAL(book.list(5).runs.size(), 5u);
  CAF_CHECK_EQUAL(book.list(5).runs[0].id.value, "r99");
}

CAF_TEST(live runs are never dropped and a full book refuses instead) {
  event_book book{{.bytes_max = 50'000}};
  book.create(creation("live"));
  std::string page(10'000, 'p');
  event_index next = 1;
  while (!is_refused(book.append({{"live"}, next, {delta(next, page)}}))) ++next;
  CAF_CHECK(next >= 4 && next <= 5);
  CAF_CHECK(!is_refused(book.finish({{"live"}, next, {ended(next, std::string((next - 1) * 10'000, 'p'))}})));
  CAF_CHECK(!book.create(creation("next")).refused);
}
