#define CAF_SUITE core.pauses

#include "oncue/core/pauses.hpp"

#include <caf/test/unit_test.hpp>
#include <string>

#include "oncue/core/event_book.hpp"
#include "oncue/core/event_tail.hpp"
#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
using core::event_book;

namespace {

event_ptr event_at(event_index index, event_body body, std::int64_t at_ms = 2000) {
  return event_ptr{run_event{index, at_ms, std::move(body)}};
}
event_ptr pause_at(event_index index, std::int64_t expires_at_ms = 0) {
  return event_at(index, boxed<run_paused>{{{{{"c", "f", "{}"}, {}}}, expires_at_ms}});
}
event_ptr continued_at(event_index index) { return event_at(index, boxed<run_continued>{}); }

void pause(event_book& book, std::string id, std::int64_t expires_at_ms = 0) {
  create_run what;
  what.request = {.id = {id}, .agent = {"writer"}, .input = "q", .session = {"s"}, .idempotency_key = "key of " + id};
  what.events = {event_at(0, run_started{})};
  CAF_CHECK(!book.create(what).refused);
  book.append({{id}, 1, {event_at(1, content_delta{"half"}), pause_at(2, expires_at_ms)}});
}

std::string status(const event_book& book, const std::string& id) {
  auto found = book.find(find_paused{{id}});
  return found.summary ? std::string{to_string(found.summary->status)} : "unknown";
}

bool is_refused(const auto& answer) { return std::holds_alternative<journal_refused>(answer); }

}  // namespace

CAF_TEST(the book keeps all that is needed to go on) {
  event_book book;
  pause(book, "r");
  auto found = book.find(find_paused{{"r"}});
  CAF_CHECK_EQUAL(status(book, "r"), "PAUSED");
  CAF_CHECK_EQUAL(found.request.id.value + found.request.session.value + found.request.input, "rsq");
  CAF_CHECK_EQUAL(found.request.idempotency_key, "");
  CAF_CHECK_EQUAL(found.events.size(), 3u);
  CAF_CHECK_EQUAL(status(book, "nobody"), "unknown");
  CAF_CHECK(book.list(1).runs[0].status == run_status::paused);

  auto reply = book.reopen({{"r"}, continued_at(3)});
  CAF_CHECK(!reply.refused && reply.epoch == 2);
  CAF_CHECK_EQUAL(status(book, "r"), "RUNNING");
  CAF_CHECK(book.find(find_paused{{"r"}}).events.empty());
  CAF_CHECK(book.reopen({{"r"}, continued_at(4)}).refused->code == refusal_code::not_paused);
  // Whoever had the run before writes nothing any more.
  CAF_CHECK(is_refused(book.append({{"r"}, 4, {event_at(4, content_delta{"x"})}})));
  CAF_CHECK(!is_refused(book.append({{"r"}, 4, {event_at(4, content_delta{"x"})}, 2})));
}

CAF_TEST(the book is not filled by pauses but does not drop them either) {
  event_book book{{.bytes_max = 40'000}};
  pause(book, "waits");
  for (int i = 0; i < 200; ++i) {
    auto id = "r" + std::to_string(i);
    create_run what;
    what.request.id = {id};
    what.request.session = {id};
    CAF_CHECK(!book.create(what).refused);
    book.finish({{id}, 0, {event_at(0, boxed<run_ended>{{.content = std::string(500, 'x')}})}});
  }
  CAF_CHECK_EQUAL(book.find(find_paused{{"waits"}}).events.size(), 3u);
}

CAF_TEST(paused runs expire in the order of their time) {
  event_book book;
  pause(book, "late", 9000);
  pause(book, "soon", 5000);
  pause(book, "soon too", 5000);
  pause(book, "never");
  pause(book, "decided", 4000);
  book.reopen({{"decided"}, continued_at(3)});
  CAF_CHECK_EQUAL(book.expire({4999, 9}).next_at_ms, 5000);
  auto first = book.expire({5000, 1});
  CAF_REQUIRE_EQUAL(first.ended.size(), 1u);
  CAF_CHECK_EQUAL(first.ended[0].value, "soon");
  CAF_CHECK_EQUAL(first.next_at_ms, 5000);
  auto rest = book.expire({20'000, 9});
  CAF_REQUIRE_EQUAL(rest.ended.size(), 2u);
  CAF_CHECK_EQUAL(rest.ended[1].value, "late");
  CAF_CHECK_EQUAL(rest.next_at_ms, 0);
  CAF_CHECK_EQUAL(status(book, "soon") + status(book, "decided") + status(book, "never"), "ERRORRUNNINGPAUSED");
}

CAF_TEST(readers of a paused log are told so and not asked to come again) {
  event_book book;
  pause(book, "r");
  CAF_CHECK(book.read({{"r"}, 0, 2, 1u << 20}).end == batch_end::more);
  CAF_CHECK(book.read({{"r"}, 0, 9, 1u << 20}).end == batch_end::paused);
  CAF_CHECK(book.read({{"r"}, 3, 9, 1u << 20}).end == batch_end::paused);
  book.reopen({{"r"}, continued_at(3)});
  CAF_CHECK(book.read({{"r"}, 0, 3, 1u << 20}).end == batch_end::more);
  CAF_CHECK(book.read({{"r"}, 4, 9, 1u << 20}).end == batch_end::more);

  core::event_tail<std::string> tail{0};
  std::string told;
  auto send = [&](const std::string& who, const event_batch& batch) {
    told += who + (batch.end == batch_end::paused ? " paused " : " more ");
  };
  tail.pull(1, "one", {{"r"}, 0, 1, 1u << 20});
  tail.pull(2, "all", {{"r"}, 0, 9, 1u << 20});
  tail.publish({event_at(0, run_started{}), pause_at(1)}, send);
  CAF_CHECK(told == "one more all paused " || told == "all paused one more ");
  auto behind = tail.pull(3, "behind", {{"r"}, 2, 9, 1u << 20});
  CAF_CHECK(behind.what == core::event_tail<std::string>::verdict::serve);
  CAF_CHECK(behind.batch.end == batch_end::paused && behind.batch.events.empty() && behind.batch.next == 2);
}

CAF_TEST(a run that cannot go on says why in the words that agnos clients know) {
  using enum run_status;
  auto why = [](run_status status) { return core::cannot_continue({"X"}, status).message; };
  CAF_CHECK_EQUAL(why(cancelled), "Cannot continue run X: run is cancelled");
  CAF_CHECK_EQUAL(why(completed), "Cannot continue run X: run is completed");
  CAF_CHECK_EQUAL(why(running), "Cannot continue run X: run is running");
  CAF_CHECK_EQUAL(why(failed), "Cannot continue run X: run has errored");
  CAF_CHECK_EQUAL(core::pause_expired(1000, 61'000).message, "nobody decided within the time there was for it, 1 min");
}
