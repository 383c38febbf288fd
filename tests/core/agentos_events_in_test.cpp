#define CAF_SUITE core.agentos_events_in

#include "oncue/core/agentos_events_in.hpp"

#include <caf/test/unit_test.hpp>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"

using namespace oncue;
using core::incoming_event;
using core::read_agentos_event;

namespace {

const core::run_labels labels{.run = {"r1"},
                              .agent = {"storyteller"},
                              .agent_name = "Storyteller",
                              .session = {"s1"},
                              .model = "scripted-1",
                              .model_provider = "Scripted",
                              .parent = {"p1"}};

/// The event, or one that is named "wrong" and says what is.
incoming_event read(std::string_view json) {
  auto result = read_agentos_event(json);
  if (auto* error = std::get_if<std::string>(&result)) {
    incoming_event wrong;
    wrong.name = "wrong";
    wrong.error = *error;
    return wrong;
  }
  return std::get<incoming_event>(std::move(result));
}

run_event event_of(event_body body) { return {.index = 7, .at_ms = 1'795'330'922'000, .body = std::move(body)}; }

run_ended cancelled(std::string content) {
  return {.how = {.kind = ending_kind::cancelled, .message = "stop it", .by = "ctrl-c"}, .content = std::move(content)};
}

}  // namespace

CAF_TEST(what the renderer writes is read as the same event) {
  const tool_call call{"call_0", "look", R"({"for":"ä \"b\"","deep":[[1,{"x":null}]]})"};
  const std::string odd = "one\ntwo \"three\" \\ 🐉";
  const tool_facts facts{
      tool_need::user_input, false, odd, {{"to", "string", odd, R"("x")"}, {"n", "integer", "", ""}}, {}};
  const std::vector<event_body> bodies = {
      run_started{"Storyteller", "scripted-1", "Scripted"},
      model_request_started{},
      model_request_retrying{2, failure_code::provider_rate_limited, 429, 1500, odd},
      model_request_retrying{.attempt = 3, .code = failure_code::provider_unreachable, .delay_ms = 1, .message = "no"},
      content_delta{odd},
      reasoning_delta{odd},
      model_request_completed{.finish_reason = "stop", .usage = {10, 5, 3, 2}, .first_token_us = 201},
      content_completed{},
      tool_call_started{0, call, {}},
      tool_call_started{0, call, facts},
      tool_call_ended{0, call, {.child = {"c-1"}}, false, false, odd, 2002},
      tool_call_ended{0, call, facts, true, false, odd, 3},
      tool_call_ended{0, call, {}, false, true, odd, 3},
      run_paused{{{call, facts}, {{"call_1", "go", "{}"}, {tool_need::confirmation}}}, 1'795'330'999'000},
      run_paused{{{call, {tool_need::result}}}, 0},
      run_continued{},
      run_ended{.how = {}, .content = odd, .usage = {10, 5, 3, 2}, .first_token_us = 21'126, .duration_us = 87'304},
      cancelled(odd),
      cancelled(""),
      run_ended{.how = {ending_kind::failed, failure_code::provider_refused, 500, odd, ""}, .content = "so far"},
      run_ended{.how = {ending_kind::failed, failure_code::node_lost, 0, odd, ""}},
  };
  const core::agentos_renderer renderer{labels};
  for (const auto& body : bodies) {
    const auto sent = event_of(body);
    for (const bool with_index : {true, false}) {
      std::string json;
      renderer.render(sent, with_index, json);
      const auto came = read(json);
      CAF_CHECK_EQUAL(came.name, core::agentos_event_name(sent));
      CAF_CHECK_EQUAL(came.error, "");
      CAF_CHECK(came.index == (with_index ? std::optional<event_index>{7} : std::nullopt));
      CAF_CHECK_EQUAL(
          came.labels.run.value + came.labels.agent.value + came.labels.session.value + came.labels.parent.value,
          "r1storytellers1p1");
      auto expected = sent;
      if (!with_index) expected.index = 0;
      CAF_CHECK(came.event && *came.event == expected);
    }
  }
}

CAF_TEST(the completion behind a cancel gives its numbers and is known as such) {
  auto sent = cancelled("some text");
  sent.usage = {10, 5, 0, 0};
  sent.first_token_us = 9807;
  sent.duration_us = 936'360;
  const core::agentos_renderer renderer{labels};
  std::string first, second;
  renderer.render(event_of(sent), true, first);
  renderer.render_trailing_completed(event_of(sent), true, second);
  auto ended = *get_if<run_ended>(*read(first).event);
  CAF_CHECK_EQUAL(ended.duration_us, 0u);
  CAF_CHECK(!core::take_trailing_completed(ended, read(first)));
  CAF_CHECK(core::take_trailing_completed(ended, read(second)));
  CAF_CHECK(ended == sent);
  run_ended done;
  CAF_CHECK(!core::take_trailing_completed(done, read(second)));
}

CAF_TEST(an event of another run is that of a child) {
  const event_ptr inner{run_event{3, 1'795'330'922'000, content_delta{"inner"}}};
  const child_event child{{"c1"}, {"r1"}, {"helper"}, "Helper", "", "", inner};
  std::string json;
  core::agentos_renderer{labels}.render(event_of(child), true, json);
  auto came = read(json);
  CAF_CHECK_EQUAL(came.labels.run.value, "c1");
  CAF_CHECK(core::make_child_event(came, {"r1"}));
  CAF_REQUIRE(came.event.has_value());
  CAF_CHECK_EQUAL(came.event->index, 7u);
  const auto* made = get_if<child_event>(*came.event);
  CAF_REQUIRE(made != nullptr);
  CAF_CHECK_EQUAL(made->run.value + made->parent.value + made->agent.value + made->agent_name, "c1r1helperHelper");
  CAF_CHECK(made->event->body == inner->body && made->event->at_ms == inner->at_ms);
  CAF_CHECK(!core::make_child_event(came, {"r1"}));  // it is one already

  json.clear();
  core::agentos_renderer{labels}.render(event_of(content_delta{"own"}), true, json);
  auto own = read(json);
  CAF_CHECK(!core::make_child_event(own, {"r1"}));
  CAF_CHECK(get_if<content_delta>(*own.event));
  auto about = read(R"({"event": "subscribed", "run_id": "other"})");
  CAF_CHECK(!core::make_child_event(about, {"r1"}));
  auto agnos = read(R"({"event":"RunContent","content":"x"})");  // without any run
  CAF_CHECK(!core::make_child_event(agnos, {"r1"}));

  // The completion behind a child's cancel is not the one behind the run's.
  auto ended = cancelled("some");
  auto of_child = read(R"({"event":"RunCompleted","run_id":"c1","content":"x","metrics":{"duration":1.0}})");
  CAF_CHECK(core::make_child_event(of_child, {"r1"}));
  CAF_CHECK(!core::take_trailing_completed(ended, of_child));
}

CAF_TEST(what agno sends of a pause is understood) {
  std::ifstream file{ONCUE_TEST_DATA "/agentos/hitl_paused.sse"};
  std::string line;
  std::optional<run_event> last;
  while (std::getline(file, line)) {
    if (line.starts_with("data: ")) last = read(line.substr(6)).event;
  }
  CAF_REQUIRE(last.has_value());
  const auto* pause = get_if<run_paused>(*last);
  CAF_REQUIRE(pause != nullptr);
  CAF_REQUIRE_EQUAL(pause->waiting_for.size(), 1u);
  const auto& [call, facts] = pause->waiting_for[0];
  CAF_CHECK_EQUAL(call.id + call.name + call.arguments, R"(call_0danger{"seconds":2.0})");
  CAF_CHECK(facts == tool_facts{.need = tool_need::confirmation});
  // one that has no requirements
  const auto bare = read(R"({"event":"RunPaused","tools":[{"tool_call_id":"c","external_execution_required":true}]})");
  CAF_CHECK(get_if<run_paused>(*bare.event)->waiting_for.at(0).facts.need == tool_need::result);
  CAF_CHECK_EQUAL(read(R"({"event":"RunPaused","tools":[7]})").error,
                  "the event RunPaused: tools: expected a list of objects");
  CAF_CHECK_EQUAL(read(R"({"event":"RunPaused","requirements":{}})").error,
                  "the event RunPaused: requirements: expected a list");
  CAF_CHECK_EQUAL(read(R"({"event":"ToolCallStarted","tool":{"confirmed":1}})").error,
                  "the event ToolCallStarted: confirmed: expected true or false");
}

CAF_TEST(frames of other servers and about the stream are read for what they are) {
  struct {
    std::string json, name;
    std::optional<event_body> body;
    std::string error = {};
  } cases[] = {
      // agno's own
      {R"({"created_at":1795330967,"event":"RunError","run_id":"r","content":"boom","error_type":"RuntimeError"})",
       "RunError", run_ended{.how = {ending_kind::failed, failure_code::provider_protocol, 0, "boom (RuntimeError)", ""}}},
      {R"({"created_at":1,"event":"RunContent","content":{"title":"x","n":[1,2]},"content_type":"Story"})", "RunContent",
       content_delta{R"({"title":"x","n":[1,2]})"}},
      {R"({"event":"ReasoningContentDelta","reasoning_content":"hm"})", "ReasoningContentDelta", reasoning_delta{"hm"}},
      {R"({"event":"ToolCallError","tool":{"tool_name":"f","tool_args":null},"error":"no such file"})", "ToolCallError",
       tool_call_ended{0, {"", "f", ""}, {}, true, false, "no such file", 0}},
      {R"({"event":"RunCompleted","content":null,"metrics":null,"extra":{"a":[]}})", "RunCompleted", run_ended{}},
      {R"({"event":"RunContent","content":"","reasoning_content":""})", "RunContent", {}},
      {R"({"event":"MemoryUpdateStarted","content":[1]})", "MemoryUpdateStarted", {}},
      {R"({"event":"TeamRunContent","content":"x"})", "TeamRunContent", {}},
      // about the stream, as Python writes them
      {R"({"event": "subscribed", "run_id": "r", "status": "running", "current_event_count": 13})", "subscribed", {}},
      {R"({"event": "replay", "run_id": "r", "last_event_index_requested": -1})", "replay", {}},
      {R"({"event": "error", "error": "Run r not found in buffer or database"})",
       "error",
       {},
       "Run r not found in buffer or database"},
  };
  for (const auto& [json, name, body, error] : cases) {
    CAF_MESSAGE(json);
    const auto came = read(json);
    CAF_CHECK_EQUAL(came.name, name);
    CAF_CHECK_EQUAL(came.error, error);
    CAF_CHECK(!came.index);
    CAF_CHECK_EQUAL(came.event.has_value(), body.has_value());
    if (came.event && body) CAF_CHECK(came.event->body == *body);
  }
}

CAF_TEST(what is no event is a sentence that names what is wrong) {
  const auto nested = [](std::size_t depth) {
    return R"({"event":"ToolCallStarted","tool":{"tool_args":)" + std::string(depth, '[') + std::string(depth, ']') + "}}";
  };
  struct {
    std::string json, error;
  } cases[] = {
      {"", "an event is not a JSON object"},
      {"[DONE]", "an event is not a JSON object"},
      {"[]", "an event is not a JSON object"},
      {R"({"event":"RunContent")", "an event is not a JSON object"},
      {"{\"event\":\"Run\xff\"}", "an event is not a JSON object"},
      {"{}", "an event's event: expected a name"},
      {R"({"event":7})", "an event's event: expected a string"},
      {R"({"event":"RunContent","content":"x","event_index":-1})",
       "the event RunContent: event_index: expected a whole number from 0 to 9007199254740992"},
      {R"({"event":"RunContent","content":"x","event_index":1.5})",
       "the event RunContent: event_index: expected a whole number from 0 to 9007199254740992"},
      {R"({"event":"RunContent","content":"x","event_index":18446744073709551615})",
       "the event RunContent: event_index: expected a whole number from 0 to 9007199254740992"},
      {R"({"event":"RunContent","content":"x","created_at":"now"})", "the event RunContent: created_at: expected seconds"},
      {R"({"event":"RunContent","content":"x","created_at":1e300})", "the event RunContent: created_at: expected seconds"},
      {R"({"event":"RunContent","content":"x","run_id":{}})", "the event RunContent: run_id: expected a string"},
      {R"({"event":"RunCompleted","metrics":[]})", "the event RunCompleted: metrics: expected an object"},
      {R"({"event":"RunCompleted","metrics":{"duration":-1}})", "the event RunCompleted: duration: expected seconds"},
      {R"({"event":"RunPaused","tools":{}})", "the event RunPaused: tools: expected a list"},
      {R"({"event":"RunPaused","tools":[1]})", "the event RunPaused: tools: expected a list of objects"},
      {R"({"event":"ToolCallStarted","tool":"x"})", "the event ToolCallStarted: tool: expected an object"},
      {R"({"event":"RunError","provider_status":100000})",
       "the event RunError: provider_status: expected a whole number from 0 to 999"},
      {nested(core::limits::client_event_depth_max - 1), "an event is nested deeper than 128"},
      {nested(1'000'000), "an event is nested deeper than 128"},
  };
  for (const auto& [json, error] : cases) {
    const auto came = read(json);
    CAF_CHECK_EQUAL(came.name, "wrong");
    CAF_CHECK_EQUAL(came.error, error);
  }
  CAF_CHECK_EQUAL(read(nested(core::limits::client_event_depth_max - 2)).error, "");
  // Brackets in a text are no nesting.
  CAF_CHECK_EQUAL(read(R"({"event":"RunContent","content":"\"\\)" + std::string(1000, '[') + R"("})").error, "");
}
