#define CAF_SUITE core.roster

#include "oncue/core/roster.hpp"

#include <caf/test/unit_test.hpp>
#include <string>

using namespace oncue;

namespace {

using roster = core::roster<int, std::string>;

/// Each in a session of its own.
run_request request(std::string id, std::string input = "tell") {
  return {.id = {id}, .agent = {"a"}, .input = std::move(input), .session = {"session of " + id.substr(0, 9)}};
}

/// The handle of the run that begins now, or 0.
int begun(roster& r) {
  auto* next = r.next_to_begin();
  return next ? next->handle : 0;
}

std::string refused(const std::optional<refusal>& r) { return r ? std::string{to_string(r->code)} : "admitted"; }

}  // namespace

CAF_TEST(a request with a wrong field is refused by the name of the field) {
  struct row {
    run_request what;
    const char* code;
    const char* mentions;
  };
  auto long_id = request(std::string(129, 'a'));
  auto bad_parent = request("ok");
  bad_parent.parent = {"no spaces"};
  auto bad_user = request("ok");
  bad_user.user = {std::string(129, 'u')};
  auto bad_key = request("ok");
  bad_key.idempotency_key = std::string(256, 'k');
  for (const auto& [what, code, mentions] :
       {row{request("a b"), "invalid_run_id", "run_id"}, row{long_id, "invalid_run_id", "128"},
        row{request("\u00e4"), "invalid_run_id", "A-Z"}, row{bad_parent, "invalid_run_id", "parent_run_id"},
        row{request("r", ""), "invalid_input", "empty"}, row{request("r", " \n\t"), "invalid_input", "empty"},
        row{request("r", "\xff"), "invalid_input", "UTF-8"},
        row{request("r", std::string(core::limits::input_bytes_max + 1, 'x')), "invalid_input", "at most"},
        row{bad_user, "invalid_input", "user_id"}, row{bad_key, "invalid_input", "idempotency key"}}) {
    auto result = core::check_request(what);
    CAF_CHECK_EQUAL(refused(result), code);
    if (result) CAF_CHECK(result->message.find(mentions) != std::string::npos);
  }
  CAF_CHECK(!core::check_request(request("A-z.0_9:x")));
  CAF_CHECK(!core::check_request(request("")));
}

CAF_TEST(runs beyond the places wait in order and begin when one is free) {
  roster r{{.live_max = 4, .running_max = 1}};
  for (int i = 1; i <= 4; ++i) {
    auto id = "r" + std::to_string(i);
    CAF_CHECK_EQUAL(refused(r.admit(request(id), 0)), "admitted");
    r.created({id}, i);
    CAF_CHECK_EQUAL(begun(r), i == 1 ? 1 : 0);
  }
  CAF_CHECK_EQUAL(refused(r.admit(request("r5"), 0)), "too_many_runs");
  CAF_CHECK_EQUAL(refused(r.admit(request("r1"), 0)), "run_id_used");
  CAF_CHECK_EQUAL(r.queued(), 3u);
  r.closed({"r2"}, run_status::cancelled);  // cancelled while queued
  r.down({"r2"}, "");
  r.closed({"r1"}, run_status::completed);
  CAF_CHECK_EQUAL(begun(r), 3);
  CAF_CHECK_EQUAL(begun(r), 0);
  r.down({"r1"}, "");
  CAF_CHECK_EQUAL(r.size(), 2u);
  r.closed({"r3"}, run_status::failed);
  CAF_CHECK_EQUAL(begun(r), 4);
  CAF_CHECK_EQUAL(r.running(), 1u);
}

CAF_TEST(an actor that dies without its last word is lost and gets its ending) {
  roster r;
  r.admit(request("r"), 0);
  r.created({"r"}, 1);
  CAF_CHECK_EQUAL(begun(r), 1);
  auto result = r.down({"r"}, "bad_alloc");
  CAF_CHECK(result.lost);
  CAF_CHECK(result.how.code == failure_code::actor_lost);
  CAF_CHECK(result.how.message.find("bad_alloc") != std::string::npos);
  CAF_CHECK_EQUAL(r.running(), 0u);
  r.find({"r"})->waiters.push_back("canceller");
  r.closed({"r"}, run_status::completed);  // late
  CAF_CHECK(r.find({"r"})->state == roster::row_state::lost);
  CAF_CHECK_EQUAL(r.forget({"r"}).size(), 1u);
  CAF_CHECK_EQUAL(r.size(), 0u);
}

CAF_TEST(an actor that dies after a cancel was passed on counts as cancelled) {
  roster r;
  r.admit(request("r"), 0);
  r.created({"r"}, 1);
  r.cancel_passed_on(*r.find({"r"}), {.run = {"r"}, .reason = "first", .by = "ann"});
  r.cancel_passed_on(*r.find({"r"}), {.run = {"r"}, .reason = "second", .by = "bob"});
  auto result = r.down({"r"}, "killed");
  CAF_CHECK(result.lost);
  CAF_CHECK(result.how.kind == ending_kind::cancelled);
  CAF_CHECK_EQUAL(result.how.message, "first");
}

CAF_TEST(a refused run leaves nothing behind and a draining node admits nothing) {
  roster r;
  r.admit(request("r"), 0);
  r.find({"r"})->waiters.push_back("early canceller");
  CAF_CHECK_EQUAL(r.not_created({"r"}).size(), 1u);
  CAF_CHECK_EQUAL(r.size(), 0u);
  r.drain();
  CAF_CHECK_EQUAL(refused(r.admit(request("r"), 0)), "draining");
  CAF_CHECK(!r.down({"nobody"}, "").lost);
}

CAF_TEST(the journals word on a cancel is put into the one vocabulary) {
  auto ended = [](ending how) {
    return record_cancel_reply{.ended = event_ptr{run_event{4, 0, boxed<run_ended>{{.how = std::move(how)}}}}};
  };
  auto outcome = [](const cancel_reply& reply) { return to_string(reply.outcome); };
  auto repeat = core::reply_from_journal({"r"}, ended({.kind = ending_kind::cancelled}));
  CAF_CHECK_EQUAL(outcome(repeat), "cancelled");
  CAF_CHECK_EQUAL(*repeat.index, 4u);
  CAF_CHECK(repeat.durable);
  auto late = core::reply_from_journal({"r"}, ended({}));
  CAF_CHECK_EQUAL(outcome(late), "already_ended");
  CAF_CHECK_EQUAL(to_string(*late.status), "COMPLETED");
  auto elsewhere = core::reply_from_journal({"r"}, {.accepted = true});
  CAF_CHECK_EQUAL(outcome(elsewhere), "accepted");
  CAF_CHECK_EQUAL(to_string(*elsewhere.status), "RUNNING");
  CAF_CHECK(!elsewhere.durable);
  CAF_CHECK_EQUAL(outcome(core::reply_from_journal({"r"}, {.intent_stored = true})), "intent_stored");
  CAF_CHECK_EQUAL(outcome(core::reply_from_journal({"r"}, {})), "unknown");
}
