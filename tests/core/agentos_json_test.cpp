#define CAF_SUITE core.agentos_json

#include "oncue/core/agentos_json.hpp"

#include <caf/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

using namespace oncue;
using core::agentos_renderer;
using core::run_labels;

namespace {

run_labels labels_of(std::string run, std::string session = "cap1") {
  return {.run = {std::move(run)},
          .agent = {"storyteller"},
          .agent_name = "Storyteller",
          .session = {std::move(session)},
          .model = "scripted-1",
          .model_provider = "Scripted"};
}

run_event event_of(event_body body, std::int64_t at_ms, event_index index = 0) {
  return {.index = index, .at_ms = at_ms, .body = std::move(body)};
}

std::string line_of(const run_labels& labels, const run_event& event, bool with_index = false) {
  std::string out;
  agentos_renderer{labels}.render(event, with_index, out);
  // Whatever else is wrong with a line, it is one line of JSON, and its name is the frame's.
  const auto json = nlohmann::json::parse(out, nullptr, false);
  CAF_CHECK(json.is_object() && json.value("event", "") == core::agentos_event_name(event));
  CAF_CHECK(!json.contains("data"));
  CAF_CHECK(out.find('\n') == std::string::npos);
  return out;
}

std::string trailing_of(const run_labels& labels, const run_event& event, bool with_index = false) {
  std::string out;
  CAF_CHECK(agentos_renderer{labels}.render_trailing_completed(event, with_index, out));
  return out;
}

run_event ended(ending how, std::string content, std::int64_t at_ms, event_index index = 0) {
  return event_of(run_ended{.how = std::move(how), .content = std::move(content)}, at_ms, index);
}

}  // namespace

// The expected lines of this test are what an agno 2.9 server sent, byte for byte. Only its clock readings, which have more
// digits than our microseconds, are cut.
CAF_TEST(lines are those that agno sends) {
  const auto c1 = labels_of("run-c1");
  constexpr std::int64_t at = 1795330922'345;
  CAF_CHECK_EQUAL(
      line_of(c1, event_of(run_started{"Storyteller", "scripted-1", "Scripted"}, at)),
      R"({"created_at":1795330922,"event":"RunStarted","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-c1","session_id":"cap1","nested_depth":0,"model":"scripted-1","model_provider":"Scripted"})");
  CAF_CHECK_EQUAL(
      line_of(c1, event_of(model_request_started{1}, at)),
      R"({"created_at":1795330922,"event":"ModelRequestStarted","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-c1","session_id":"cap1","nested_depth":0,"model":"scripted-1","model_provider":"Scripted"})");
  CAF_CHECK_EQUAL(
      line_of(c1, event_of(content_delta{"tok0 "}, at)),
      R"({"created_at":1795330922,"event":"RunContent","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-c1","session_id":"cap1","nested_depth":0,"content":"tok0 ","workflow_agent":false,"content_type":"str","reasoning_content":""})");
  CAF_CHECK_EQUAL(
      line_of(c1, event_of(model_request_completed{.attempt = 1, .usage = {10, 5, 0, 0}, .first_token_us = 201}, at)),
      R"({"created_at":1795330922,"event":"ModelRequestCompleted","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-c1","session_id":"cap1","nested_depth":0,"model":"scripted-1","model_provider":"Scripted","input_tokens":10,"output_tokens":5,"total_tokens":15,"time_to_first_token":0.000201,"reasoning_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0})");
  CAF_CHECK_EQUAL(
      line_of(c1, event_of(content_completed{}, at)),
      R"({"created_at":1795330922,"event":"RunContentCompleted","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-c1","session_id":"cap1","nested_depth":0})");
  CAF_CHECK_EQUAL(
      line_of(c1, event_of(run_ended{{}, "tok0 tok1 tok2 ", {10, 5, 0, 0}, 21126, 87304}, at)),
      R"({"created_at":1795330922,"event":"RunCompleted","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-c1","session_id":"cap1","nested_depth":0,"content":"tok0 tok1 tok2 ","content_type":"str","session_state":{},"metrics":{"input_tokens":10,"output_tokens":5,"total_tokens":15,"time_to_first_token":0.021126,"duration":0.087304,"details":{"model":[{"input_tokens":10,"output_tokens":5,"total_tokens":15,"id":"scripted-1","provider":"Scripted"}]}}})");

  const auto c2 = labels_of("run-c2");
  const auto cancelled = event_of(run_ended{.how = {.kind = ending_kind::cancelled},
                                            .content = "tok0 tok1 tok2 tok3 tok4 tok5 tok6 tok7 tok8 tok9 ",
                                            .first_token_us = 9807,
                                            .duration_us = 936360},
                                  1795330923'000);
  CAF_CHECK_EQUAL(
      line_of(c2, cancelled),
      R"({"created_at":1795330923,"event":"RunCancelled","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-c2","session_id":"cap1","nested_depth":0,"content":"tok0 tok1 tok2 tok3 tok4 tok5 tok6 tok7 tok8 tok9 ","reason":"Run run-c2 was cancelled"})");
  CAF_CHECK_EQUAL(
      trailing_of(c2, cancelled),
      R"({"created_at":1795330923,"event":"RunCompleted","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-c2","session_id":"cap1","nested_depth":0,"content":"tok0 tok1 tok2 tok3 tok4 tok5 tok6 tok7 tok8 tok9 ","content_type":"str","session_state":{},"metrics":{"time_to_first_token":0.009807,"duration":0.93636}})");

  const auto b1 = labels_of("run-b1", "cap6");
  CAF_CHECK_EQUAL(
      line_of(b1, event_of(content_delta{"tok9 "}, 1795330971'999, 11), true),
      R"({"created_at":1795330971,"event":"RunContent","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-b1","session_id":"cap6","nested_depth":0,"content":"tok9 ","workflow_agent":false,"content_type":"str","reasoning_content":"","event_index":11})");
  CAF_CHECK_EQUAL(
      line_of(b1, event_of(content_completed{}, 1795330972'000, 23), true),
      R"({"created_at":1795330972,"event":"RunContentCompleted","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-b1","session_id":"cap6","nested_depth":0,"event_index":23})");

  CAF_CHECK_EQUAL(
      line_of(labels_of("run-h1", "cap2"), event_of(run_continued{}, 1795330967'000)),
      R"({"created_at":1795330967,"event":"RunContinued","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-h1","session_id":"cap2","nested_depth":0})");

  run_labels member{{"8dff"}, {"member-a"}, "Member A", {"cap4"}, "scripted-1", "Scripted", {"run-t1"}};
  CAF_CHECK_EQUAL(
      line_of(member, ended({.kind = ending_kind::cancelled}, "tok0 ", 1795330968'000)),
      R"({"created_at":1795330968,"event":"RunCancelled","agent_id":"member-a","agent_name":"Member A","run_id":"8dff","parent_run_id":"run-t1","session_id":"cap4","nested_depth":0,"content":"tok0 ","reason":"Run 8dff was cancelled"})");
}

CAF_TEST(tool calls are those that agno sends) {
  const auto c3 = labels_of("run-c3");
  const tool_call call{"call_0", "aslow_tool", "{\"seconds\": 2.0}"};
  CAF_CHECK_EQUAL(
      line_of(c3, event_of(tool_call_started{1, call, {}}, 1795330923'995)),
      R"({"created_at":1795330923,"event":"ToolCallStarted","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-c3","session_id":"cap1","nested_depth":0,"tool":{"tool_call_id":"call_0","tool_name":"aslow_tool","tool_args":{"seconds":2.0},"tool_call_error":null,"result":null,"metrics":null,"child_run_id":null,"stop_after_tool_call":false,"created_at":1795330923,"requires_confirmation":null,"confirmed":null,"confirmation_note":null,"requires_user_input":null,"user_input_schema":null,"user_feedback_schema":null,"answered":null,"external_execution_required":null,"external_execution_silent":null,"approval_type":null,"approval_id":null}})");
  CAF_CHECK_EQUAL(
      line_of(c3, event_of(tool_call_ended{1, call, {}, false, false, "slept", 2002}, 1795330925'999)),
      R"({"created_at":1795330925,"event":"ToolCallCompleted","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-c3","session_id":"cap1","nested_depth":0,"content":"aslow_tool(seconds=2.0) completed in 2.0020s. ","tool":{"tool_call_id":"call_0","tool_name":"aslow_tool","tool_args":{"seconds":2.0},"tool_call_error":false,"result":"slept","metrics":{"start_time":1795330923.997,"end_time":1795330925.999,"duration":2.002},"child_run_id":null,"stop_after_tool_call":false,"created_at":1795330925,"requires_confirmation":null,"confirmed":null,"confirmation_note":null,"requires_user_input":null,"user_input_schema":null,"user_feedback_schema":null,"answered":null,"external_execution_required":null,"external_execution_silent":null,"approval_type":null,"approval_id":null}})");
  CAF_CHECK_EQUAL(line_of(labels_of("run-h1", "cap2"), event_of(run_paused{{{{"call_0", "danger", "{\"seconds\":2.0}"}, {.need = tool_need::confirmation}}}}, 1795330965'906)), R"({"created_at":1795330965,"event":"RunPaused","agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-h1","session_id":"cap2","nested_depth":0,"content":"I have tools to execute, but I need confirmation.","tools":[{"tool_call_id":"call_0","tool_name":"danger","tool_args":{"seconds":2.0},"tool_call_error":null,"result":null,"metrics":null,"child_run_id":null,"stop_after_tool_call":false,"created_at":1795330965,"requires_confirmation":true,"confirmed":null,"confirmation_note":null,"requires_user_input":null,"user_input_schema":null,"user_feedback_schema":null,"answered":null,"external_execution_required":null,"external_execution_silent":null,"approval_type":null,"approval_id":null}],"requirements":[{"id":"call_0","created_at":"2026-11-22T07:02:45.906000+00:00","tool_execution":{"tool_call_id":"call_0","tool_name":"danger","tool_args":{"seconds":2.0},"tool_call_error":null,"result":null,"metrics":null,"child_run_id":null,"stop_after_tool_call":false,"created_at":1795330965,"requires_confirmation":true,"confirmed":null,"confirmation_note":null,"requires_user_input":null,"user_input_schema":null,"user_feedback_schema":null,"answered":null,"external_execution_required":null,"external_execution_silent":null,"approval_type":null,"approval_id":null}}]})");

  const auto failed =
      nlohmann::json::parse(line_of(c3, event_of(tool_call_ended{1, call, {}, true, false, "no such file", 10}, 1000)));
  CAF_CHECK_EQUAL(failed["event"], "ToolCallError");
  CAF_CHECK_EQUAL(failed["error"], "no such file");
  CAF_CHECK(failed["tool"]["tool_call_error"] == true);
  CAF_CHECK_EQUAL(failed["tool"]["result"], "no such file");
  CAF_CHECK_EQUAL(failed["tool"].size(), 20u);
  CAF_CHECK(!failed.contains("content"));
}

CAF_TEST(arguments that a model makes up never break a line) {
  struct row {
    std::string arguments, args_json, line;
  };
  const std::string deep = R"({"a":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  const std::string long_text(100, 'x');
  const std::vector<row> table = {
      {"", "{}", "f()"},
      {" \n", "{}", "f()"},
      {"{}", "{}", "f()"},
      {"{ \"b\" : 1 ,\n\"a\" : [ 1, { \"c\" : \" } , \" } ] }", R"({"b":1,"a":[1,{"c":" } , "}]})",
       R"(f(b=1, a=[1,{"c":" } , "}]))"},
      {R"({"q":"say \"hi\" \\","u":"caf\u00e9","n":null,"t":true})",
       R"({"q":"say \"hi\" \\","u":"caf\u00e9","n":null,"t":true})", "f(q=say \"hi\" \\, u=café, n=null, t=true)"},
      {R"({"x":")" + long_text + R"(","y":1})", R"({"x":")" + long_text + R"(","y":1})", "f(x=..., y=1)"},
      {R"({"q":"a\" , b","r":1})", R"({"q":"a\" , b","r":1})", "f(q=a\" , b, r=1)"},
      {"not json", "null", "f()"},
      {"{\"cut\": ", "null", "f()"},
      {"[1]", "null", "f()"},
      {"7", "null", "f()"},
      {"{\"a\":\"\xFF\"}", "null", "f()"},
      {deep, "null", "f()"},
      {R"({"":""})", R"({"":""})", "f(=)"},
  };
  for (const auto& [arguments, args_json, line] : table) {
    const tool_call call{"c", "f", arguments};
    const auto text = line_of(labels_of("r"), event_of(tool_call_ended{1, call, {}, false, false, "", 1}, 0));
    CAF_CHECK(text.find(R"("tool_args":)" + args_json + R"(,"tool_call_error")") != std::string::npos);
    CAF_CHECK_EQUAL(nlohmann::json::parse(text)["content"], line + " completed in 0.0010s. ");
  }
}

CAF_TEST(endings say what happened and keep the partial text) {
  const auto e1 = labels_of("run-e1", "cap3");
  const std::string head =
      R"(,"agent_id":"storyteller","agent_name":"Storyteller","run_id":"run-e1","session_id":"cap3","nested_depth":0,)";
  const std::string error = R"({"created_at":1795330967,"event":"RunError")" + head;
  const std::string cancel = R"({"created_at":1795330967,"event":"RunCancelled")" + head;
  const std::string completed = R"({"created_at":1795330967,"event":"RunCompleted")" + head;
  constexpr std::int64_t at = 1795330967'000;
  const ending refused{ending_kind::failed, failure_code::provider_refused, 401, "boom", ""};
  const ending silent{ending_kind::failed, failure_code::deadline_first_token, 0, "no token within 60 s", ""};
  const ending by_hand{ending_kind::cancelled, {}, 0, "stop it", "ctrl-c"};

  CAF_CHECK_EQUAL(line_of(e1, ended(refused, "", at)),
                  error + R"("content":"boom","error_type":"provider_refused","provider_status":401})");
  CAF_CHECK_EQUAL(
      line_of(e1, ended(refused, "Once", at, 7), true),
      error +
          R"("content":"boom","error_type":"provider_refused","provider_status":401,"partial_content":"Once","event_index":7})");
  CAF_CHECK_EQUAL(line_of(e1, ended(silent, "", at)),
                  error + R"("content":"no token within 60 s","error_type":"deadline_first_token"})");
  CAF_CHECK_EQUAL(line_of(e1, ended(by_hand, "Once", at, 7), true),
                  cancel + R"("content":"Once","reason":"stop it","cancelled_by":"ctrl-c","event_index":7})");

  // Cancelled before the first token: the reason stands in for the text, in both lines.
  CAF_CHECK_EQUAL(line_of(e1, ended({.kind = ending_kind::cancelled}, "", at)),
                  cancel + R"("content":"Run run-e1 was cancelled","reason":"Run run-e1 was cancelled"})");
  CAF_CHECK_EQUAL(
      trailing_of(e1, ended({.kind = ending_kind::cancelled}, "", at, 4), true),
      completed +
          R"("content":"Run run-e1 was cancelled","content_type":"str","session_state":{},"metrics":{"duration":0.0},"event_index":5})");

  // Tokens that were counted before a cancel are not lost; tokens that nobody counted are left out.
  auto counted = run_ended{by_hand, "Once", {10, 5, 2, 3}, 0, 2'000'000};
  CAF_CHECK_EQUAL(
      trailing_of(e1, event_of(counted, at)),
      completed +
          R"("content":"Once","content_type":"str","session_state":{},"metrics":{"input_tokens":10,"output_tokens":5,"total_tokens":15,"cache_read_tokens":3,"reasoning_tokens":2,"duration":2.0,"details":{"model":[{"input_tokens":10,"output_tokens":5,"total_tokens":15,"cache_read_tokens":3,"reasoning_tokens":2,"id":"scripted-1","provider":"Scripted"}]}}})");
  CAF_CHECK_EQUAL(
      line_of(e1, event_of(run_ended{{}, "Once", {}, 1500, 1'050'000}, at)),
      completed +
          R"("content":"Once","content_type":"str","session_state":{},"metrics":{"time_to_first_token":0.0015,"duration":1.05,"details":{"model":[{"id":"scripted-1","provider":"Scripted"}]}}})");

  // Only a cancelled run has the second line.
  std::string out = "kept";
  const agentos_renderer renderer{e1};
  CAF_CHECK(!renderer.render_trailing_completed(ended(refused, "", at), false, out));
  CAF_CHECK(!renderer.render_trailing_completed(ended({}, "Once", at), false, out));
  CAF_CHECK(!renderer.render_trailing_completed(event_of(content_completed{}, at), false, out));
  CAF_CHECK_EQUAL(out, "kept");
}

CAF_TEST(what agno does not have is added without harm) {
  const auto labels = labels_of("r", "s");
  const std::string head =
      R"(,"agent_id":"storyteller","agent_name":"Storyteller","run_id":"r","session_id":"s","nested_depth":0,)";
  CAF_CHECK_EQUAL(
      line_of(labels,
              event_of(model_request_retrying{2, failure_code::provider_rate_limited, 429, 750, "slow down"}, 1000)),
      R"({"created_at":1,"event":"ModelRequestRetrying")" + head +
          R"("content":"slow down","model":"scripted-1","model_provider":"Scripted","attempt":2,"error_type":"provider_rate_limited","provider_status":429,"delay_ms":750})");
  CAF_CHECK_EQUAL(
      line_of(labels, event_of(model_request_completed{.finish_reason = "length", .usage = {1, 2, 3, 4}}, 1000)),
      R"({"created_at":1,"event":"ModelRequestCompleted")" + head +
          R"("model":"scripted-1","model_provider":"Scripted","input_tokens":1,"output_tokens":2,"total_tokens":3,"reasoning_tokens":3,"cache_read_tokens":4,"cache_write_tokens":0,"finish_reason":"length"})");
  CAF_CHECK_EQUAL(
      line_of(labels, event_of(reasoning_delta{"hm \"so\""}, 1000, 3), true),
      R"({"created_at":1,"event":"RunContent")" + head +
          R"("content":"","workflow_agent":false,"content_type":"str","reasoning_content":"hm \"so\"","event_index":3})");
}

CAF_TEST(text from anywhere stays one line of valid JSON) {
  run_labels odd{{"r\"1"}, {"a\n"}, "N\\ame", {"s\x01"}, "m\xFF", "p\"", {"p\n"}};
  const std::string nasty = "line\nquote\" back\\ \x02 \xFF 中文 🦊";
  const std::string shown = "line\nquote\" back\\ \x02 \xEF\xBF\xBD 中文 🦊";
  CAF_CHECK_EQUAL(nlohmann::json::parse(line_of(odd, event_of(content_delta{nasty}, 0)))["content"], shown);
  CAF_CHECK_EQUAL(nlohmann::json::parse(line_of(odd, event_of(reasoning_delta{nasty}, 0)))["reasoning_content"], shown);
  const tool_call odd_call{nasty, nasty, nasty};
  const tool_facts odd_facts{tool_need::user_input, false, nasty, {{nasty, nasty, nasty, nasty}}, {nasty}};
  const std::vector<event_body> bodies = {
      run_started{nasty, nasty, nasty},
      model_request_started{},
      model_request_retrying{.message = nasty},
      model_request_completed{.finish_reason = nasty},
      tool_call_started{1, odd_call, odd_facts},
      tool_call_ended{1, odd_call, odd_facts, true, false, nasty},
      tool_call_ended{1, odd_call, odd_facts, false, true, nasty},
      run_paused{{{odd_call, odd_facts}, {odd_call, {}}}, -1},
      run_continued{{{nasty, true, nasty, odd_facts.inputs, nasty}}, nasty},
      run_paused{},
      run_ended{.how = {.kind = ending_kind::failed, .message = nasty}, .content = nasty},
      run_ended{.how = {.kind = ending_kind::cancelled, .message = nasty, .by = nasty}, .content = nasty},
      run_ended{.content = nasty},
  };
  for (const auto& body : bodies) {
    const auto json = nlohmann::json::parse(line_of(odd, event_of(body, -1, 9), true));
    CAF_CHECK(json["run_id"] == "r\"1");
    CAF_CHECK(json["parent_run_id"] == "p\n");
    CAF_CHECK(json["event_index"] == 9);
  }
}

CAF_TEST(what a call needs and what was decided shows in its twenty keys) {
  const auto labels = labels_of("r", "s");
  auto tool_of = [&](const tool_facts& facts) {
    const auto line = line_of(labels, event_of(tool_call_started{1, {"c", "f", "{}"}, facts}, 1000));
    return nlohmann::json::parse(line)["tool"];
  };
  auto shown = [&](const tool_facts& facts) {
    const auto plain = tool_of({});
    auto changed = tool_of(facts);
    CAF_CHECK_EQUAL(changed.size(), 20u);
    for (const auto& [key, value] : plain.items()) {
      CAF_CHECK(changed.contains(key));
      if (changed[key] == value) changed.erase(key);
    }
    return changed.dump();
  };
  struct row {
    tool_facts facts;
    std::string changed;
  };
  const input_field city{"city", "string", "where to", ""};
  const input_field days{"days", "integer", "", ""};
  for (
      const auto& [facts, changed] : std::vector<row>{
          {{}, "{}"},
          {{.need = tool_need::confirmation}, R"({"requires_confirmation":true})"},
          {{.need = tool_need::confirmation, .confirmed = true}, R"({"confirmed":true,"requires_confirmation":true})"},
          {{.need = tool_need::confirmation, .confirmed = false, .note = "too \"risky\""},
           R"({"confirmation_note":"too \"risky\"","confirmed":false,"requires_confirmation":true})"},
          {{.need = tool_need::result}, R"({"external_execution_required":true})"},
          {{.child = {"child-1"}}, R"({"child_run_id":"child-1"})"},
          {{.need = tool_need::user_input, .inputs = {city, days}},
           R"({"requires_user_input":true,"user_input_schema":[{"description":"where to","field_type":"str","name":"city","value":null},{"description":null,"field_type":"int","name":"days","value":null}]})"},
          {{.need = tool_need::user_input, .inputs = {{"city", "string", "", R"("Oslo")"}}},
           R"({"answered":true,"requires_user_input":true,"user_input_schema":[{"description":null,"field_type":"str","name":"city","value":"Oslo"}]})"},
          // what is no JSON is no value
          {{.need = tool_need::user_input, .inputs = {{"city", "", "", "Oslo"}}},
           R"({"answered":true,"requires_user_input":true,"user_input_schema":[{"description":null,"field_type":"str","name":"city","value":null}]})"},
      }) {
    CAF_CHECK_EQUAL(shown(facts), changed);
  }
}

CAF_TEST(a pause says in agnos words what it waits for) {
  auto said = [](std::vector<tool_need> needs) {
    run_paused pause;
    for (const auto need : needs)
      pause.waiting_for.push_back({{"c" + std::to_string(pause.waiting_for.size()), "f", "{}"}, {need}});
    auto json = nlohmann::json::parse(line_of(labels_of("r"), event_of(pause, 2000)));
    CAF_CHECK_EQUAL(json["tools"].size(), needs.size());
    CAF_CHECK_EQUAL(json["requirements"].size(), needs.size());
    CAF_CHECK(!json.contains("expires_at"));
    return json["content"].get<std::string>();
  };
  using enum tool_need;
  CAF_CHECK_EQUAL(said({confirmation}), "I have tools to execute, but I need confirmation.");
  CAF_CHECK_EQUAL(said({user_input}), "I have tools to execute, but I need user input.");
  CAF_CHECK_EQUAL(said({result}), "I have tools to execute, but it needs external execution.");
  CAF_CHECK_EQUAL(said({confirmation, result}), "I have tools to execute, but it needs external execution.");
  const auto soon = line_of(labels_of("r"), event_of(run_paused{{{{"c", "f", ""}, {confirmation}}}, 9500}, 2000));
  CAF_CHECK_EQUAL(nlohmann::json::parse(soon)["expires_at"].get<int>(), 9);
  const run_paused asks{{{{"c", "f", "{}"}, {.need = user_input, .inputs = {{"city", "string", "", ""}}}}}, 0};
  const auto requirement = nlohmann::json::parse(line_of(labels_of("r"), event_of(asks, 2000)))["requirements"][0];
  CAF_CHECK(requirement["user_input_schema"] == requirement["tool_execution"]["user_input_schema"]);
}

CAF_TEST(a tool that was stopped is a failed one to agnos clients and says so to ours) {
  const auto stopped = nlohmann::json::parse(line_of(
      labels_of("r"), event_of(tool_call_ended{1, {"c", "f", "{}"}, {}, false, true, "the run was cancelled", 5}, 1000)));
  CAF_CHECK_EQUAL(stopped["event"], "ToolCallError");
  CAF_CHECK(stopped["stopped"] == true && stopped["tool"]["tool_call_error"] == true);
  CAF_CHECK_EQUAL(stopped["error"], "the run was cancelled");
}

CAF_TEST(the events of a child are its own lines in the parents stream) {
  const auto parent = labels_of("run-t1", "cap4");
  auto of_child = [](event_body body, std::int64_t at_ms) {
    event_ptr inner{run_event{3, at_ms, std::move(body)}};
    return event_of(child_event{{"8dff"}, {"run-t1"}, {"member-a"}, "Member A", "m-2", "openai", inner}, at_ms + 5, 12);
  };
  const std::string head =
      R"(,"agent_id":"member-a","agent_name":"Member A","run_id":"8dff","parent_run_id":"run-t1","session_id":"cap4","nested_depth":0,)";
  const auto said = of_child(content_delta{"tok0 "}, 1795330967'999);
  const std::string line = R"({"created_at":1795330967,"event":"RunContent")" + head +
                           R"("content":"tok0 ","workflow_agent":false,"content_type":"str","reasoning_content":"")";
  CAF_CHECK_EQUAL(line_of(parent, said), line + "}");
  CAF_CHECK_EQUAL(line_of(parent, said, true), line + R"(,"event_index":12})");
  CAF_CHECK_EQUAL(
      line_of(parent, of_child(model_request_started{1}, 1000)),
      R"({"created_at":1,"event":"ModelRequestStarted")" + head + R"("model":"m-2","model_provider":"openai"})");

  const auto cancelled = of_child(run_ended{.how = {.kind = ending_kind::cancelled}, .content = "tok0 "}, 1795330968'000);
  CAF_CHECK_EQUAL(line_of(parent, cancelled, true),
                  R"({"created_at":1795330968,"event":"RunCancelled")" + head +
                      R"("content":"tok0 ","reason":"Run 8dff was cancelled","event_index":12})");
  // Its index would be one that the parent's log uses.
  CAF_CHECK_EQUAL(trailing_of(parent, cancelled, true),
                  R"({"created_at":1795330968,"event":"RunCompleted")" + head +
                      R"("content":"tok0 ","content_type":"str","session_state":{},"metrics":{"duration":0.0}})");
  std::string out;
  CAF_CHECK(!agentos_renderer{parent}.render_trailing_completed(of_child(run_ended{}, 0), false, out));
}
