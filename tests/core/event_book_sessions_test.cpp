// What the journal's memory knows besides events: what was said in a session, which run an idempotency key made, and which
// cancels were accepted for runs that are open elsewhere.
#define CAF_SUITE core.event_book_sessions

#include <caf/test/unit_test.hpp>
#include <string>

#include "oncue/core/event_book.hpp"
#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
using core::event_book;

namespace {

create_run creation(std::string id, std::string session, std::string input = "tell", std::string key = {}) {
  create_run what;
  what.request = {.id = {std::move(id)}, .agent = {"a"}, .input = std::move(input), .session = {std::move(session)}};
  what.request.idempotency_key = std::move(key);
  what.events = {event_ptr{run_event{0, 1000, run_started{}}}};
  return what;
}

event_ptr ending_at(event_index index, std::string content, ending how) {
  return event_ptr{run_event{index, 0, boxed<run_ended>{{.how = std::move(how), .content = std::move(content)}}}};
}

/// A whole run that says `content` and ends so.
void play(event_book& book, const std::string& id, const std::string& session, const std::string& input,
          const std::string& content, ending how = {}) {
  CAF_REQUIRE(!book.create(creation(id, session, input)).refused);
  book.append({{id}, 1, {event_ptr{run_event{1, 0, content_delta{content}}}}});
  book.finish({{id}, 2, {ending_at(2, content, std::move(how))}});
}

std::string told(const event_book& book, const load_history& what) {
  std::string all;
  for (const auto& message : book.history_of(what).messages) {
    all += (message.role == chat_role::user ? "u:" : "a:") + message.content + " ";
  }
  return all;
}

std::string refused(const create_reply& reply) {
  return reply.refused ? std::string{to_string(reply.refused->code)} : reply.existing ? "existing" : "created";
}

}  // namespace

CAF_TEST(a session is told as its newest ended runs that fit the oldest first) {
  event_book book;
  play(book, "1", "s", "one?", "one!");
  play(book, "2", "s", "two?", "tw", {.kind = ending_kind::cancelled});
  play(book, "3", "s", "three?", "three!");
  play(book, "4", "t", "elsewhere?", "elsewhere!");
  book.create(creation("5", "s", "open?"));
  struct row {
    load_history what;
    const char* expected;
  };
  for (const auto& [what, expected] :
       {row{{{"s"}, 10, 1000, false}, "u:one? a:one! u:three? a:three! "},
        row{{{"s"}, 10, 1000, true}, "u:one? a:one! u:two? a:tw u:three? a:three! "},
        row{{{"s"}, 1, 1000, false}, "u:three? a:three! "}, row{{{"s"}, 0, 1000, false}, ""},
        row{{{"s"}, 10, 12, false}, "u:three? a:three! "},  // 20 bytes would be both: the older one is left out whole
        row{{{"s"}, 10, 11, false}, ""}, row{{{"t"}, 10, 1000, false}, "u:elsewhere? a:elsewhere! "},
        row{{{"nowhere"}, 10, 1000, true}, ""}}) {
    CAF_CHECK_EQUAL(told(book, what), expected);
  }
}

CAF_TEST(a session that has lost its events is told by its endings and then forgotten with its runs) {
  event_book book{{.bytes_max = 100'000}};
  play(book, "first", "s", "who?", std::string(8000, 'x'));
  std::size_t told_when_stripped = 0;
  bool forgotten = false;
  for (int i = 0; i < 60 && !forgotten; ++i) {
    play(book, "r" + std::to_string(i), "other" + std::to_string(i % 3), "?", std::string(8000, 'y'));
    auto batch = book.read({{"first"}, 0, 1, 1});
    if (batch.end == batch_end::gone) {
      CAF_CHECK_EQUAL(told(book, {{"s"}, 1, 100'000, false}), "u:who? a:" + std::string(8000, 'x') + " ");
      ++told_when_stripped;
    }
    forgotten = batch.end == batch_end::unknown;
  }
  CAF_CHECK(told_when_stripped > 0);
  CAF_CHECK(forgotten);
  CAF_CHECK_EQUAL(told(book, {{"s"}, 1, 100'000, false}), "");
  CAF_CHECK(book.bytes() <= 100'000);
}

CAF_TEST(a session with tools is told with its calls and their answers) {
  event_book book;
  book.create(creation("r", "s", "add"));
  const tool_call call{"c1", "sum", "{}"};
  book.finish({{"r"},
               1,
               {event_ptr{run_event{1, 0, boxed<tool_call_started>{{.number = 1, .call = call}}}},
                event_ptr{run_event{2, 0, boxed<tool_call_ended>{{.number = 1, .call = call, .result = "42"}}}},
                event_ptr{run_event{3, 0, model_request_started{2}}},
                event_ptr{run_event{4, 0, content_delta{"It is 42."}}}, ending_at(5, "It is 42.", {})}});
  auto said = book.history_of({{"s"}, 10, 1000, false}).messages;
  CAF_REQUIRE_EQUAL(said.size(), 4u);
  CAF_CHECK_EQUAL(said[1].tool_calls.size(), 1u);
  CAF_CHECK_EQUAL(said[2].content, "42");
  CAF_CHECK_EQUAL(said[3].content, "It is 42.");
}

CAF_TEST(an idempotency key makes one run and is forgotten with it) {
  event_book book{{.bytes_max = 60'000}};
  auto with_key = [](std::string id, std::string session, std::string input, std::string user = {}) {
    auto what = creation(std::move(id), std::move(session), std::move(input), "k");
    what.request.user = {std::move(user)};
    return what;
  };
  auto look = with_key("0", "s", "tell");
  look.only_existing = true;
  CAF_CHECK_EQUAL(refused(book.create(look)), "created");  // it says nothing, and made nothing
  CAF_CHECK_EQUAL(book.list(9).runs.size(), 0u);
  CAF_CHECK_EQUAL(refused(book.create(with_key("1", "s", "tell"))), "created");
  auto again = book.create(with_key("2", "s", "tell"));
  CAF_REQUIRE(again.existing.has_value());
  CAF_CHECK_EQUAL(again.existing->id.value, "1");
  CAF_CHECK_EQUAL(again.existing->session.value, "s");
  CAF_CHECK(!again.existing->ended);
  CAF_CHECK_EQUAL(refused(book.create(look)), "existing");
  CAF_CHECK_EQUAL(refused(book.create(with_key("1", "s", "tell"))), "existing");  // the key comes before the id
  auto unnamed = with_key("2", "made up", "tell");
  unnamed.new_session = true;
  CAF_CHECK_EQUAL(refused(book.create(unnamed)), "existing");
  CAF_CHECK_EQUAL(refused(book.create(with_key("2", "t", "tell"))), "idempotency_reused");
  CAF_CHECK_EQUAL(refused(book.create(with_key("2", "s", "tell more"))), "idempotency_reused");
  auto other_agent = with_key("2", "s", "tell");
  other_agent.request.agent = {"b"};
  CAF_CHECK_EQUAL(refused(book.create(other_agent)), "idempotency_reused");
  CAF_CHECK_EQUAL(refused(book.create(with_key("2", "s", "tell", "ann"))), "created");  // another user's key
  CAF_CHECK_EQUAL(refused(book.create(creation("1", "s"))), "run_id_used");
  book.finish({{"1"}, 1, {ending_at(1, "done", {})}});
  again = book.create(with_key("3", "s", "tell"));
  CAF_CHECK_EQUAL(to_string(again.existing->status), "COMPLETED");
  for (int i = 0; i < 20; ++i) play(book, "r" + std::to_string(i), "x", "?", std::string(8000, 'y'));
  CAF_CHECK_EQUAL(refused(book.create(with_key("4", "s", "another"))), "created");
}

CAF_TEST(a cancel that was accepted is the ending whoever ends the run) {
  event_book book;
  record_cancel cancel{{.run = {"1"}, .reason = "enough", .by = "ann"}, 0};
  for (auto* id : {"1", "2", "3"}) {
    book.create(creation(id, "s"));
    cancel.request.run = {id};
    auto reply = book.record(cancel);
    CAF_CHECK(reply.accepted);
    CAF_CHECK(!reply.intent_stored && !reply.ended);
  }
  auto second = cancel;
  second.request.reason = "too late";
  CAF_CHECK(book.record(second).accepted);
  auto by_its_owner = std::get<finished>(book.finish({{"1"}, 1, {ending_at(1, "text", {})}})).ended;
  auto orphan = *book.end({{"2"}, {.kind = ending_kind::failed}, 5}).ended;
  auto agreed = std::get<finished>(book.finish({{"3"}, 1, {ending_at(1, "", {.kind = ending_kind::cancelled})}})).ended;
  CAF_CHECK_EQUAL(get_if<run_ended>(*by_its_owner)->how.message, "enough");
  CAF_CHECK_EQUAL(get_if<run_ended>(*by_its_owner)->content, "text");
  CAF_CHECK_EQUAL(get_if<run_ended>(*orphan)->how.by, "ann");
  CAF_CHECK_EQUAL(get_if<run_ended>(*agreed)->how.message, "");  // its own word on it stands
  for (const auto& event : {by_its_owner, orphan, agreed}) {
    CAF_CHECK(get_if<run_ended>(*event)->how.kind == ending_kind::cancelled);
  }
  CAF_CHECK(book.record(cancel).ended.has_value());
}
