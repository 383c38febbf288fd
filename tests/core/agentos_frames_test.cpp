#define CAF_SUITE core.agentos_frames

#include "oncue/core/agentos_frames.hpp"

#include <caf/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "oncue/core/sse_decoder.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

std::string capture(const std::string& name) {
  std::ifstream file{ONCUE_TEST_DATA "/agentos/" + name};
  return {std::istreambuf_iterator<char>{file}, {}};
}

const agentos_renderer renderer{{{"run-c2"}, {"storyteller"}, "Storyteller", {"cap1"}, "scripted-1", "Scripted", {}}};

run_event event_of(event_index index, event_body body, std::int64_t at_ms = 1795330923'000) {
  return {index, at_ms, std::move(body)};
}

run_event cancelled(event_index index) {
  return event_of(
      index,
      run_ended{
          {.kind = ending_kind::cancelled}, "tok0 tok1 tok2 tok3 tok4 tok5 tok6 tok7 tok8 tok9 ", {}, 9'807, 936'360});
}

std::string frames(const std::vector<run_event>& events, const frame_options& options = {}) {
  std::string out;
  for (const auto& event : events) append_event_frames(out, renderer, event, options);
  return out;
}

/// Of each frame what stands on its `event:` line, and its `id:` if it has one.
std::string outline(const std::string& text) {
  std::string result;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto end = text.find("\n\n", begin);
    const auto frame = text.substr(begin, end - begin);
    if (const auto id = frame.find("id: "); id == 0) result += frame.substr(4, frame.find('\n') - 4) + ":";
    const auto name = frame.find("event: ") + 7;
    result += frame.substr(name, frame.find('\n', name) - name) + " ";
    begin = end + 2;
  }
  return result;
}

}  // namespace

CAF_TEST(a cancelled run reads as agno sends it) {
  // The capture's text has one token more than was streamed, which agno adds after the cancel; ours never would.
  std::vector<run_event> events = {event_of(0, run_started{"Storyteller", "scripted-1", "Scripted"}, 1795330922'000),
                                   event_of(1, model_request_started{1}, 1795330922'000)};
  for (event_index i = 0; i < 9; ++i) {
    events.push_back(
        event_of(2 + i, content_delta{"tok" + std::to_string(i) + " "}, i == 0 ? 1795330922'900 : 1795330923'000));
  }
  events.push_back(cancelled(11));
  auto expected = capture("cancelled.sse");
  for (const auto& [agno, ours] :
       {std::pair{"0.009807548000026145", "0.009807"}, std::pair{"0.9363603020001392", "0.93636"}}) {
    expected.replace(expected.find(agno), std::string_view{agno}.size(), ours);
  }
  CAF_CHECK_EQUAL(frames(events), expected);
}

CAF_TEST(frames carry what their client asked for) {
  const std::vector<run_event> events = {event_of(0, run_started{}),
                                         event_of(1, model_request_started{1}),
                                         event_of(2, reasoning_delta{"hm"}),
                                         event_of(3, content_delta{"a"}),
                                         event_of(4, model_request_completed{}),
                                         event_of(5, content_completed{}),
                                         cancelled(6)};
  CAF_CHECK_EQUAL(outline(frames(events)),
                  "RunStarted ModelRequestStarted RunContent RunContent ModelRequestCompleted RunContentCompleted "
                  "RunCancelled RunCompleted ");
  CAF_CHECK_EQUAL(outline(frames(events, {.content_only = true})), "RunContent RunContent RunCancelled RunCompleted ");
  CAF_CHECK_EQUAL(outline(frames({events[3], events[6]}, {.with_id = true})),
                  "3:RunContent 6:RunCancelled 7:RunCompleted ");
  CAF_CHECK_EQUAL(outline(frames(events, {.from = 5})), "RunContentCompleted RunCancelled RunCompleted ");
  CAF_CHECK_EQUAL(outline(frames(events, {.from = 7})), "RunCompleted ");
  CAF_CHECK_EQUAL(frames(events, {.from = 8}), "");

  const auto indexed = frames({events[3], events[6]}, {.with_index = true});
  for (const std::string_view index : {R"("event_index":3})", R"("event_index":6})", R"("event_index":7})"}) {
    CAF_CHECK(indexed.find(index) != std::string::npos);
  }
  CAF_CHECK(frames(events).find("event_index") == std::string::npos);

  for (const auto kind : {ending_kind::completed, ending_kind::failed}) {
    const auto end = event_of(9, run_ended{{.kind = kind}, "a", {}, 0, 1});
    const auto name = kind == ending_kind::completed ? "RunCompleted " : "RunError ";
    CAF_CHECK_EQUAL(outline(frames({end}, {.content_only = true})), name);
    CAF_CHECK_EQUAL(frames({end}, {.from = 10}), "");
  }
  CAF_CHECK_EQUAL(outline(frames({event_of(3, run_paused{})}, {.content_only = true})), "RunPaused ");
}

namespace {

/// What no two servers have in common: clocks, and the ids that agno makes up.
void even_out(nlohmann::ordered_json& value) {
  if (value.is_object()) {
    for (const auto* key : {"created_at", "time_to_first_token", "duration", "start_time", "end_time"}) {
      if (value.contains(key)) value[key] = 0;
    }
    if (value.contains("tool_execution")) value["id"] = "";
    // A tool that a person allowed has no times there.
    if (value.contains("tool_call_id")) value["metrics"] = nullptr;
    if (value.value("event", "") == "ToolCallCompleted") {
      const auto said = value["content"].get<std::string>();
      value["content"] = said.substr(0, said.rfind(" in "));
    }
  }
  if (!value.is_structured()) return;
  for (auto& item : value) even_out(item);
}

/// Every frame on a line: its name and its JSON in the order of its keys.
std::string even(std::string_view stream) {
  std::string out;
  sse_decoder decoder;
  while (auto event = decoder.next(stream)) {
    auto json = nlohmann::ordered_json::parse(event->data);
    even_out(json);
    out += std::string{event->type} + " " + json.dump() + "\n";
  }
  return out;
}

/// One turn of the scripted model there: some words, or a call.
void add_turn(std::vector<run_event>& events, std::vector<std::string> words, std::vector<tool_call> calls) {
  events.push_back(event_of(0, model_request_started{1}));
  const std::uint64_t first_token_us = words.empty() ? 0 : 1;
  for (auto& word : words) events.push_back(event_of(0, content_delta{std::move(word)}));
  events.push_back(event_of(0, model_request_completed{1, "", {10, 5, 0, 0}, first_token_us, std::move(calls), 0}));
}

std::string shown(const std::string& run, const std::string& session, const std::vector<run_event>& events) {
  const agentos_renderer of_run{{{run}, {"storyteller"}, "Storyteller", {session}, "scripted-1", "Scripted", {}}};
  std::string out;
  for (const auto& event : events) append_event_frames(out, of_run, event);
  return out;
}

}  // namespace

CAF_TEST(runs with tools and pauses read as agno sends them) {
  const run_started began{"Storyteller", "scripted-1", "Scripted"};
  const tool_call slow{"call_0", "aslow_tool", R"({"seconds": 2.0})"};
  std::vector<run_event> events = {event_of(0, began)};
  add_turn(events, {}, {slow});
  events.push_back(event_of(0, tool_call_started{1, slow, {}}));
  events.push_back(event_of(0, tool_call_ended{1, slow, {}, false, false, "slept", 2002}));
  add_turn(events, {"tok0 ", "tok1 ", "tok2 "}, {});
  events.push_back(event_of(0, content_completed{}));
  events.push_back(event_of(0, run_ended{{}, "tok0 tok1 tok2 ", {20, 10, 0, 0}, 4'845, 2'073'234}));
  CAF_CHECK_EQUAL(even(shown("run-c3", "cap1", events)), even(capture("tool.sse")));

  const tool_call danger{"call_0", "danger", R"({"seconds": 2.0})"};
  tool_facts facts{.need = tool_need::confirmation};
  events = {event_of(0, began)};
  add_turn(events, {}, {danger});
  events.push_back(event_of(0, content_completed{}));
  events.push_back(event_of(0, run_paused{{{danger, facts}}, 0}));
  CAF_CHECK_EQUAL(even(shown("run-h1", "cap2", events)), even(capture("hitl_paused.sse")));

  facts.confirmed = true;
  events = {event_of(0, run_continued{{{.call_id = "call_0", .confirmed = true}}, "http"}),
            event_of(0, tool_call_started{1, danger, facts}),
            event_of(0, tool_call_ended{1, danger, facts, false, false, "done", 6})};
  add_turn(events, {"tok0 ", "tok1 ", "tok2 ", "tok3 ", "tok4 "}, {});
  events.push_back(event_of(0, content_completed{}));
  events.push_back(event_of(0, run_ended{{}, "tok0 tok1 tok2 tok3 tok4 ", {20, 10, 0, 0}, 12'293, 13'351}));
  CAF_CHECK_EQUAL(even(shown("run-h1", "cap2", events)), even(capture("hitl_continue.sse")));
}

CAF_TEST(a child in the stream has its own frames with the parents numbers) {
  auto of_child = [](event_index index, event_body body) {
    event_ptr inner{event_of(0, std::move(body))};
    return event_of(index, child_event{{"c"}, {"run-c2"}, {"helper"}, "Helper", "m", "p", inner});
  };
  const std::vector<run_event> events = {
      event_of(0, run_started{}),          of_child(1, run_started{}),
      of_child(2, content_delta{"inner"}), of_child(3, run_ended{.how = {.kind = ending_kind::cancelled}}),
      event_of(4, content_delta{"outer"}), cancelled(5)};
  CAF_CHECK_EQUAL(outline(frames(events, {.with_index = true, .with_id = true})),
                  "0:RunStarted 1:RunStarted 2:RunContent 3:RunCancelled RunCompleted 4:RunContent 5:RunCancelled "
                  "6:RunCompleted ");
  CAF_CHECK_EQUAL(outline(frames(events, {.from = 4})), "RunContent RunCancelled RunCompleted ");
  CAF_CHECK_EQUAL(outline(frames(events, {.content_only = true})),
                  "RunContent RunCancelled RunCompleted RunContent RunCancelled RunCompleted ");
  const auto text = frames({events[3]}, {.with_index = true});
  CAF_CHECK_EQUAL(text.find("event_index"), text.rfind("event_index"));
}

CAF_TEST(a resumed stream says where it is in agnos words) {
  std::string out;
  append_catch_up_frame(out, {"run-b1"}, 9, 13);
  append_subscribed_frame(out, {"run-b1"}, 13);
  append_replay_frame(out, {"run-b1"}, run_status::completed, 4, 25, 20);
  append_error_frame(out, run_not_found_message({"nope"}));
  CAF_CHECK_EQUAL(out, capture("resume.sse"));

  out.clear();
  append_catch_up_frame(out, {"r"}, 0, 13);
  CAF_CHECK_EQUAL(out, "");
  append_replay_frame(out, {"r"}, run_status::cancelled, 3, 3, {});
  CAF_CHECK(out.find(R"("last_event_index_requested": -1, )") != std::string::npos);
  CAF_CHECK(out.find(R"("status": "CANCELLED", )") != std::string::npos);

  out.clear();
  append_gone_frame(out, {"r"}, 5, 120);
  const auto words = "The events of run r from index 5 on are not kept any more: the first one kept is 120";
  CAF_CHECK_EQUAL(out, std::string{R"(event: error
data: {"event": "error", "error": ")"} +
                           words + R"(", "run_id": "r", "first_event_index": 120}

)");
  CAF_CHECK_EQUAL(gone_document({"r"}, 5, 120),
                  std::string{R"({"detail":")"} + words + R"(","run_id":"r","first_event_index":120})");
}

CAF_TEST(no text breaks a frame) {
  const std::string nasty = "a\nb\r\n\ndata: {}\n\nevent: x\n\n";
  std::string out;
  append_error_frame(out, nasty);
  append_gone_frame(out, {nasty}, 1, 2);
  append_event_frames(out, renderer, event_of(0, content_delta{nasty}), {});
  std::vector<std::string> names;
  sse_decoder decoder;
  std::string_view rest = out;
  while (auto event = decoder.next(rest)) {
    names.emplace_back(event->type);
    const auto json = nlohmann::json::parse(event->data);
    CAF_CHECK(json.value("error", json.value("content", "")).find("data: {}") != std::string::npos);
  }
  CAF_CHECK(names == (std::vector<std::string>{"error", "error", "RunContent"}));
}
