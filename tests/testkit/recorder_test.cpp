// The kit's checkers find what is broken.
#define CAF_SUITE testkit.recorder

#include "oncue/testkit/recorder.hpp"

#include <caf/test/unit_test.hpp>

using namespace oncue;
using namespace oncue::testkit;

namespace {

event_ptr event(event_index index, event_body body) { return event_ptr{run_event{index, 0, std::move(body)}}; }

std::vector<event_ptr> good_log() {
  tool_call_started begun;
  begun.number = 1;
  tool_call_ended answered;
  answered.number = 1;
  run_ended ended;
  ended.content = "ab";
  return {event(0, run_started{}), event(1, content_delta{"a"}), event(2, begun),
          event(3, answered),      event(4, content_delta{"b"}), event(5, ended)};
}

}  // namespace

CAF_TEST(a log that keeps its promises is whole) {
  CAF_CHECK_EQUAL(whole_log(good_log()), "");
  CAF_CHECK_EQUAL(text_of(good_log()), "ab");
}

CAF_TEST(a gap is named with its index) {
  auto log = good_log();
  log.erase(log.begin() + 1);
  CAF_CHECK_EQUAL(whole_log(log), "index 2 where 1 was due");
  CAF_CHECK_EQUAL(gapless({log.begin() + 1, log.end()}, 2), "");
}

CAF_TEST(an ending that is missing or is not the last word is found) {
  auto log = good_log();
  log.pop_back();
  CAF_CHECK_EQUAL(whole_log(log), "no ending");
  log = good_log();
  log.push_back(event(6, content_delta{"c"}));
  CAF_CHECK_EQUAL(whole_log(log), "an event after the ending, at index 6");
  CAF_CHECK(!ending_of(log));
}

CAF_TEST(a text that is not the sum of its pieces is found) {
  auto log = good_log();
  log[4] = event(4, content_delta{"bc"});
  CAF_CHECK_EQUAL(whole_log(log), "the ending holds 2 bytes, the deltas 3");
  log[4] = event(4, content_delta{"c"});
  CAF_CHECK_EQUAL(whole_log(log), "the ending holds another text than the deltas");
}

CAF_TEST(a tool call without an end or with two is found) {
  auto log = good_log();
  log[3] = event(3, content_completed{});
  CAF_CHECK_EQUAL(whole_log(log), "call 1 has no end");
  log = good_log();
  log[2] = event(2, content_completed{});
  CAF_CHECK_EQUAL(whole_log(log), "call 1 has an end too many");
}

CAF_TEST(a recorder that was refused its events says why) {
  recorder reader;
  CAF_CHECK_EQUAL(reader.whole(), "no ending");
  CAF_CHECK(!reader.status());
  reader.lose("there is no such run");
  CAF_CHECK_EQUAL(reader.whole(), "there is no such run");
}
