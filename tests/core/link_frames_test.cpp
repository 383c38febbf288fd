// The bytes between nodes: what was said is understood, by this version and the next, and nonsense is told apart.
#define CAF_SUITE core.link_frames

#include "oncue/core/link_frames.hpp"

#include <caf/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

event_ptr event_at(event_index index, event_body body, std::int64_t at_ms = 1'700'000'000'000) {
  return event_ptr{run_event{index, at_ms, std::move(body)}};
}

event_batch some_batch() {
  event_batch batch{.run = {"r"}};
  batch.events = {event_at(7, boxed<run_started>{{"Writer", "m", "openai"}}),
                  event_at(8, content_delta{"Gr\xc3\xbc\xc3\x9f"}),
                  event_at(9, content_delta{std::string{"\0\xff", 2}}, -1),
                  event_at(10, boxed<run_ended>{{.how = {.kind = ending_kind::cancelled, .by = "x"}, .content = "all"}})};
  batch.next = 11;
  batch.end = batch_end::ended;
  return batch;
}

template <class Word>
Word must_read(std::string_view frame) {
  auto decoded = decode_link_frame(frame);
  if (auto* wrong = std::get_if<std::string>(&decoded)) CAF_FAIL(*wrong);
  auto* word = std::get_if<Word>(&std::get<link_word>(decoded));
  if (!word) CAF_FAIL("another word");
  return std::move(*word);
}

std::string wrong_with(std::string_view frame) {
  auto decoded = decode_link_frame(frame);
  const auto* wrong = std::get_if<std::string>(&decoded);
  return wrong ? *wrong : "nothing";
}

std::string wrong_with_batch(std::string_view bytes) {
  auto decoded = decode_batch({"r"}, bytes);
  const auto* wrong = std::get_if<std::string>(&decoded);
  return wrong ? *wrong : "nothing";
}

/// What the frames of one batch make when they are put together again.
event_batch join(const std::vector<std::string>& frames) {
  std::string bytes;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    auto piece = must_read<link::piece>(frames[i]);
    CAF_CHECK_EQUAL(piece.last, i + 1 == frames.size());
    CAF_CHECK(reader_of_piece(frames[i]) == piece.reader);
    bytes += piece.bytes;
  }
  auto batch = decode_batch({"r"}, bytes);
  if (auto* wrong = std::get_if<std::string>(&batch)) CAF_FAIL(*wrong);
  return std::move(std::get<event_batch>(batch));
}

}  // namespace

CAF_TEST(both sides speak the highest version that both know) {
  auto common = [](link_versions a, link_versions b) {
    CAF_CHECK(common_version(a, b) == common_version(b, a));
    return common_version(a, b).value_or(0);
  };
  CAF_CHECK_EQUAL(common({1, 1}, {1, 1}), 1u);
  CAF_CHECK_EQUAL(common({1, 1}, {1, 2}), 1u);
  CAF_CHECK_EQUAL(common({1, 3}, {2, 5}), 3u);
  CAF_CHECK_EQUAL(common({1, 1}, {2, 2}), 0u);
  CAF_CHECK_EQUAL(common({3, 1}, {1, 3}), 0u);
}

CAF_TEST(what was said is understood) {
  link::hello hello{{1, 4}, 12, "n\"1", 9, "c"};
  CAF_CHECK(must_read<link::hello>(encode(hello)) == hello);
  CAF_CHECK(must_read<link::ping>(encode(link::ping{5})) == link::ping{5});
  CAF_CHECK(must_read<link::pong>(encode(link::pong{~0ull})) == link::pong{~0ull});
  CAF_CHECK(must_read<link::ack>(encode(link::ack{77})) == link::ack{77});
  CAF_CHECK(must_read<link::leave>(encode(link::leave{{1, 2}})) == (link::leave{{1, 2}}));
  CAF_CHECK(must_read<link::not_here>(encode(link::not_here{{3, 4}})) == (link::not_here{{3, 4}}));
  CAF_CHECK(must_read<link::work_waits>(encode(link::work_waits{})) == link::work_waits{});
  auto pull = must_read<link::pull>(encode(link::pull{{1, 2}, {{"run"}, 3, 4, 5}}));
  CAF_CHECK(pull.reader == (link_reader{1, 2}));
  CAF_CHECK_EQUAL(pull.limits.run.value, "run");
  CAF_CHECK_EQUAL(pull.limits.from, 3u);
  CAF_CHECK_EQUAL(pull.limits.events_max, 4u);
  CAF_CHECK_EQUAL(pull.limits.bytes_max, 5u);
}

CAF_TEST(a cancel and its answer cross whole) {
  cancel_request request{{"r"}, "why\n", "ann", {"u"}, 250, cancel_mode::after_tools, 9000};
  auto cancel = must_read<link::cancel>(encode(link::cancel{3, request}));
  CAF_CHECK_EQUAL(cancel.question, 3u);
  CAF_CHECK_EQUAL(cancel.request.run.value, "r");
  CAF_CHECK_EQUAL(cancel.request.reason, "why\n");
  CAF_CHECK_EQUAL(cancel.request.by, "ann");
  CAF_CHECK_EQUAL(cancel.request.scope.value, "u");
  CAF_CHECK_EQUAL(cancel.request.wait_ms, 250u);
  CAF_CHECK(cancel.request.mode == cancel_mode::after_tools);
  CAF_CHECK_EQUAL(cancel.request.grace_ms, 9000u);

  cancel_reply reply{
      cancel_outcome::cancelled, {"r"}, run_status::cancelled, run_phase::tools, 42, true, true, 99, 5, 4, 1, 3, 2};
  auto answer = must_read<link::cancelled>(encode(link::cancelled{3, reply})).reply;
  CAF_CHECK(answer.outcome == reply.outcome && answer.run == reply.run && answer.status == reply.status);
  CAF_CHECK(answer.phase_at_cancel == reply.phase_at_cancel && answer.index == reply.index);
  CAF_CHECK(answer.upstream_closed && answer.durable && answer.latency_us == 99);
  CAF_CHECK(answer.tools == 5 && answer.tools_stopped == 4 && answer.tools_abandoned == 1);
  CAF_CHECK(answer.children == 3 && answer.children_stopped == 2);
  auto none = must_read<link::cancelled>(encode(link::cancelled{4, {}})).reply;
  CAF_CHECK(none.outcome == cancel_outcome::unknown && !none.status && !none.phase_at_cancel && !none.index);
}

CAF_TEST(keys of a newer version are passed over) {
  auto ping = must_read<link::ping>(R"({"k":"ping","n":3,"mood":{"good":[1,2]}})");
  CAF_CHECK_EQUAL(ping.number, 3u);
  auto hello = must_read<link::hello>(R"({"k":"hello","version_min":1,"version_max":9,"incarnation":4,"colour":null})");
  CAF_CHECK_EQUAL(hello.speaks.max, 9u);
}

CAF_TEST(a batch of events crosses as it was in one frame or in many) {
  auto batch = some_batch();
  auto one = frames_of({1, 2}, batch);
  CAF_CHECK_EQUAL(one.size(), 1u);
  auto same = join(one);
  CAF_CHECK(same.events == batch.events);
  CAF_CHECK_EQUAL(same.next, 11u);
  CAF_CHECK(same.end == batch_end::ended);

  batch.events.back() = event_at(10, boxed<run_ended>{{.content = std::string(10u << 20, 'x')}});
  auto many = frames_of({1, 2}, batch);
  CAF_CHECK_EQUAL(many.size(), 161u);
  for (const auto& frame : many) CAF_REQUIRE(frame.size() <= limits::link_frame_bytes_max);
  CAF_CHECK(join(many).events == batch.events);
}

CAF_TEST(a note and an empty batch cross too) {
  event_batch note{.run = {"r"}, .next = 4};
  note.note = batch_note::owner_suspected;
  auto same = join(frames_of({1, 2}, note));
  CAF_CHECK(same.note == batch_note::owner_suspected && same.events.empty() && same.next == 4);
}

CAF_TEST(a frame that makes no sense is told apart in a few words) {
  CAF_CHECK_EQUAL(wrong_with(""), "an empty frame");
  CAF_CHECK_EQUAL(wrong_with(std::string(limits::link_frame_bytes_max + 1, '{')), "a frame that is too long");
  CAF_CHECK_EQUAL(wrong_with("GET / HTTP/1.1"), "a frame of an unknown sort");
  CAF_CHECK_EQUAL(wrong_with("{"), "a frame that is no JSON");
  CAF_CHECK_EQUAL(wrong_with("{}"), "a frame that does not say what it is");
  CAF_CHECK_EQUAL(wrong_with(R"({"k":5})"), "a frame that does not say what it is");
  CAF_CHECK_EQUAL(wrong_with(R"({"k":"dance"})"), "a frame of an unknown sort");
  CAF_CHECK_EQUAL(wrong_with(R"({"k":"ping","n":"1"})"), "ping: n is of another type");
  CAF_CHECK_EQUAL(wrong_with(R"({"k":"ping","n":-1})"), "ping: n is of another type");
  CAF_CHECK_EQUAL(wrong_with(R"({"k":"hello","version_max":4294967296})"), "hello: version_max is too large");
  CAF_CHECK_EQUAL(wrong_with(R"({"k":"cancel","n":1})"), "cancel: run is not a run's id");
  CAF_CHECK_EQUAL(wrong_with(R"({"k":"cancel","run":"r","mode":"later"})"), "cancel: mode is not known");
  CAF_CHECK_EQUAL(wrong_with(R"({"k":"pull","run":")" + std::string(129, 'x') + "\"}"), "pull: run is not a run's id");
  CAF_CHECK_EQUAL(wrong_with(std::string("{\"k\":\"ping\"}\0x", 14)), "a frame that is no JSON");
  CAF_CHECK_EQUAL(wrong_with(R"({"k":"ping","a":[[[[[[1]]]]]]})"), "a frame that is no JSON");
  CAF_CHECK_EQUAL(wrong_with("E"), "a piece of events without its head");
  CAF_CHECK_EQUAL(wrong_with(std::string("E\1\1\2", 4)), "a piece of events without its head");
  CAF_CHECK_EQUAL(wrong_with("E\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\1\1"), "a piece of events without its head");
}

CAF_TEST(a batch is believed nothing that its bytes do not show) {
  auto good = encode_batch(some_batch());
  CAF_CHECK_EQUAL(wrong_with_batch(good), "nothing");
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAF_CHECK_NOT_EQUAL(wrong_with_batch(good.substr(0, size)), "nothing");
  }
  CAF_CHECK_EQUAL(wrong_with_batch(good + "x"), "a batch with something behind its events");
  // 2^60 events, announced in a few bytes.
  CAF_CHECK_EQUAL(wrong_with_batch(std::string("\0\0\0\x80\x80\x80\x80\x80\x80\x80\x80\x10", 12)),
                  "a batch that is shorter than its events");
  CAF_CHECK_EQUAL(wrong_with_batch(std::string("\5\0\0\0", 4)), "a batch of events without its head");
  // One content delta at index 3, and the batch says that the next one is 5.
  CAF_CHECK_EQUAL(wrong_with_batch(std::string("\0\0\5\1\3\0\1\1x", 9)), "a batch that goes on elsewhere");
  CAF_CHECK_EQUAL(wrong_with_batch(std::string("\0\0\6\2\3\0\1\1x\5\0\1\1x", 14)), "events with a gap between them");
  CAF_CHECK_EQUAL(wrong_with_batch(std::string("\0\0\4\1\3\0\x63\1x", 9)).substr(0, 29), "an event that cannot be read:");
}
