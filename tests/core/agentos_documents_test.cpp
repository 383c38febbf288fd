// The captures in tests/data/agentos are what an agno 2.9 server sent. What cannot be the same is evened out before the
// comparison: the ids of messages are random there, and its clock has more digits than microseconds.
#define CAF_SUITE core.agentos_documents

#include "oncue/core/agentos_documents.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "oncue/core/agentos_answers.hpp"

using namespace oncue;
using namespace oncue::core;
using json = nlohmann::ordered_json;

namespace {

json capture(const std::string& name) {
  std::ifstream file{ONCUE_TEST_DATA "/agentos/" + name};
  return json::parse(file);
}

void even_out(json& value) {
  if (value.is_number_float()) value = std::floor(value.get<double>() * 1e6) / 1e6;
  if (value.is_object() && value.contains("from_history")) value["id"] = "some id";
  if (!value.is_structured()) return;
  for (auto& item : value) even_out(item);
}

/// The text with evened-out values; the order of keys counts.
std::string even(json value) {
  even_out(value);
  return value.dump();
}

std::string even(const std::string& text) { return even(json::parse(text)); }

json without(const std::string& text, const std::vector<std::string>& ours) {
  auto value = json::parse(text);
  for (const auto& key : ours) CAF_CHECK_EQUAL(value.erase(key), 1u);
  return value;
}

std::shared_ptr<const agent_entry> entry_of(std::string id, std::string name) {
  auto entry = std::make_shared<agent_entry>();
  entry->agent.id = {std::move(id)};
  entry->agent.name = std::move(name);
  entry->model = {.id = "Scripted", .provider = provider_kind::scripted, .name = "scripted-1"};
  return entry;
}

catalog two_agents() {
  catalog agents;
  for (auto entry : {entry_of("storyteller", "Storyteller"), entry_of("member-a", "Member A")}) {
    agents.agents[entry->agent.id] = entry;
  }
  return agents;
}

run_record record_of(std::string id, run_status status, std::int64_t second, std::string input, std::string content) {
  run_record run;
  run.summary = {{std::move(id)}, {"storyteller"}, {"cap1"}, status, second * 1000 + 345, {}};
  run.user = {"u1"};
  run.input = std::move(input);
  run.started = {"Storyteller", "scripted-1", "Scripted"};
  run.content = std::move(content);
  run.updated_at_ms = second * 1000 + 900;
  return run;
}

const std::string ten_tokens = "tok0 tok1 tok2 tok3 tok4 tok5 tok6 tok7 tok8 tok9 ";

run_record completed_run() {
  auto run = record_of("run-c4", run_status::completed, 1795330926, "n=3 gap=0.02", "tok0 tok1 tok2 ");
  run.ended = run_ended{{}, {}, {10, 5, 0, 0}, 101'465, 102'422};
  return run;
}

run_record cancelled_run() {
  auto run = record_of("run-c2", run_status::cancelled, 1795330922, "n=30 gap=0.1", ten_tokens);
  run.updated_at_ms = 1795330923'100;
  const run_ended ended{{.kind = ending_kind::cancelled}, {}, {}, 9'807, 936'360};
  run.ended = ended;
  auto last = ended;
  last.content = ten_tokens;
  run.events = {event_ptr{{0, 1795330922'000, run.started}}, event_ptr{{1, 1795330922'001, model_request_started{1}}},
                event_ptr{{12, 1795330923'000, last}}};
  run.next = 13;
  return run;
}

}  // namespace

CAF_TEST(runs look as agno shows them) {
  auto expected = capture("run.json");
  expected["messages"][1]["metrics"]["time_to_first_token"] = 0.101465;  // agno measures it twice, we once
  CAF_CHECK_EQUAL(even(run_output_document(completed_run())), even(expected));
  CAF_CHECK_EQUAL(even(without(run_output_document(cancelled_run()), {"reason"})), even(capture("run_cancelled.json")));

  auto first = record_of("run-c1", run_status::completed, 1795330922, "n=3 gap=0.02", "tok0 tok1 tok2 ");
  first.ended = run_ended{{}, {}, {10, 5, 0, 0}, 21'126, 87'304};
  auto in_list = capture("session_runs.json");
  in_list[0].erase("events");
  in_list[0]["messages"][1]["metrics"]["time_to_first_token"] = 0.021126;
  CAF_CHECK_EQUAL(even(run_document(first)), even(in_list[0]));
  CAF_CHECK_EQUAL(even(without(run_document(cancelled_run()), {"reason"})), even(in_list[1]));
  CAF_CHECK_EQUAL(runs_document({first, cancelled_run()}),
                  "[" + run_document(first) + "," + run_document(cancelled_run()) + "]");
  CAF_CHECK_EQUAL(runs_document({}), "[]");
  CAF_CHECK_EQUAL(run_output_document(completed_run()), run_output_document(completed_run()));
}

CAF_TEST(a run tells its state truly in every status) {
  auto live = record_of("r", run_status::running, 5, "hi", "");
  auto shown = json::parse(run_output_document(live));
  CAF_CHECK_EQUAL(shown["status"], "RUNNING");
  CAF_CHECK(!shown.contains("content") && !shown.contains("metrics"));
  CAF_CHECK_EQUAL(shown["messages"].size(), 1u);
  live.content = "so far";
  shown = json::parse(run_output_document(live));
  CAF_CHECK_EQUAL(shown["content"], "so far");
  CAF_CHECK_EQUAL(json::parse(run_document(live))["content"], "so far");

  auto failed = record_of("r", run_status::failed, 5, "hi", "half");
  failed.parent = {"p"};
  failed.user = {};
  failed.ended = run_ended{{ending_kind::failed, failure_code::provider_refused, 401, "no such key", ""}, {}, {}, 0, 7};
  shown = json::parse(run_output_document(failed));
  CAF_CHECK_EQUAL(shown["status"], "ERROR");
  CAF_CHECK_EQUAL(shown["content"], "no such key");
  CAF_CHECK_EQUAL(shown["error_type"], "provider_refused");
  CAF_CHECK(shown["provider_status"] == 401);
  CAF_CHECK_EQUAL(shown["partial_content"], "half");
  CAF_CHECK_EQUAL(shown["parent_run_id"], "p");
  CAF_CHECK(!shown.contains("user_id"));

  auto before_start = record_of("r", run_status::cancelled, 5, "hi", "");
  before_start.ended = run_ended{{ending_kind::cancelled, {}, 0, "", "ctrl-c"}, {}, {}, 0, 0};
  shown = json::parse(run_output_document(before_start));
  CAF_CHECK_EQUAL(shown["content"], "Run r was cancelled");
  CAF_CHECK_EQUAL(shown["reason"], "Run r was cancelled");
  CAF_CHECK_EQUAL(shown["cancelled_by"], "ctrl-c");
  CAF_CHECK_EQUAL(shown["messages"].size(), 1u);

  auto with_tools = record_of("r", run_status::running, 5, "hi", "");
  with_tools.events = {event_ptr{{0, 1, tool_call_started{1, {"a", "f", "{}"}, {}}}},
                       event_ptr{{1, 2, tool_call_started{2, {"b", "g", "{}"}, {}}}},
                       event_ptr{{2, 3, tool_call_ended{1, {"a", "f", "{}"}, {}, false, false, "done", 1}}}};
  shown = json::parse(run_output_document(with_tools));
  CAF_CHECK_EQUAL(shown["tools"].size(), 2u);
  CAF_CHECK_EQUAL(shown["tools"][0]["result"], "done");
  CAF_CHECK(shown["tools"][1]["result"].is_null());
  CAF_CHECK_EQUAL(shown["events"].size(), 3u);

  const auto list = json::parse(run_list_document({failed, before_start, live}));
  CAF_CHECK_EQUAL(list[0]["error_type"], "provider_refused");
  CAF_CHECK_EQUAL(list[1]["reason"], "Run r was cancelled");
  CAF_CHECK_EQUAL(list[2]["status"], "RUNNING");
  CAF_CHECK_EQUAL(list[2]["session_id"], "cap1");
  CAF_CHECK(!list[2].contains("content"));

  const auto pending = pending_answer({"run-b2"}, {"cap6"});
  CAF_CHECK_EQUAL(pending.status, 202);
  CAF_CHECK_EQUAL(pending.body, R"({"run_id":"run-b2","session_id":"cap6","status":"PENDING"})");
}

namespace {

run_record paused_run() {
  auto run = record_of("run-h1", run_status::paused, 1795330965, "tool=danger", "");
  run.summary.session = {"cap2"};
  run.user = {};
  const tool_call danger{"call_0", "danger", R"({"seconds": 2.0})"};
  const model_request_completed asked{1, "", {10, 5, 0, 0}, 0, {danger}, 0};
  const run_paused pause{{{danger, {.need = tool_need::confirmation}}}, 0};
  run.summary.created_at_ms = 1795330965'000;
  run.updated_at_ms = 1795330965'906;
  run.events = {event_ptr{{0, 1795330965'001, run.started}}, event_ptr{{1, 1795330965'002, model_request_started{1}}},
                event_ptr{{2, 1795330965'003, asked}}, event_ptr{{3, 1795330965'004, content_completed{}}},
                event_ptr{{4, 1795330965'906, pause}}};
  run.next = 5;
  return run;
}

}  // namespace

CAF_TEST(a paused run looks as agno shows it) {
  auto expected = capture("run_paused.json");
  // agno makes up an id for each requirement, and its clock goes on in microseconds.
  auto as_ours = [](json& requirements) {
    requirements[0]["id"] = "call_0";
    requirements[0]["created_at"] = "2026-11-22T07:02:45.906000+00:00";
  };
  as_ours(expected["requirements"]);
  as_ours(expected["events"][4]["requirements"]);
  expected["metrics"].erase("time_to_first_token");  // there was no token
  expected["metrics"]["duration"] = 0.906;
  const auto shown = run_output_document(paused_run());
  CAF_CHECK_EQUAL(even(shown), even(expected));
  // The answer to a start is the same without the list of events.
  expected.erase("events");
  CAF_CHECK_EQUAL(even(run_output_document(paused_run(), output_kind::answer)), even(expected));

  const auto listed = json::parse(run_document(paused_run()));
  CAF_CHECK_EQUAL(listed["status"], "PAUSED");
  CAF_CHECK_EQUAL(listed["content"], "I have tools to execute, but I need confirmation.");
  CAF_CHECK_EQUAL(listed["messages"].size(), 2u);
  CAF_CHECK_EQUAL(listed["tools"].size(), 1u);

  // Continued, it does not wait any more, and the call has come to something.
  auto gone_on = paused_run();
  gone_on.summary.status = run_status::running;
  const tool_call danger{"call_0", "danger", "{}"};
  gone_on.events.push_back(event_ptr{{5, 1795330967'000, run_continued{}}});
  gone_on.events.push_back(event_ptr{{6, 1795330967'000, tool_call_started{1, danger, {.confirmed = true}}}});
  gone_on.events.push_back(
      event_ptr{{7, 1795330967'000, tool_call_ended{1, danger, {.confirmed = true}, false, false, "done", 6}}});
  const auto later = json::parse(run_output_document(gone_on));
  CAF_CHECK(!later.contains("requirements"));
  CAF_CHECK_EQUAL(later["tools"].size(), 1u);
  CAF_CHECK_EQUAL(later["tools"][0]["result"], "done");
}

CAF_TEST(messages of a run with tools are its turns as agno keeps them) {
  auto run = record_of("run-c3", run_status::completed, 1795330923, "n=3 gap=0.02 tool=aslow_tool", "tok0 tok1 tok2 ");
  const tool_call call{"call_0", "aslow_tool", R"({"seconds": 2.0})"};
  const model_request_completed asked{1, "", {10, 5, 0, 0}, 0, {call}, 0};
  const model_request_completed said{2, "", {10, 5, 0, 0}, 179, {}, 15};
  run.events = {event_ptr{{0, 1795330923'400, run.started}}, event_ptr{{2, 1795330923'500, asked}},
                event_ptr{{3, 1795330923'500, tool_call_started{1, call, {}}}},
                event_ptr{{4, 1795330925'999, tool_call_ended{1, call, {}, false, false, "slept", 2002}}},
                event_ptr{{9, 1795330926'000, said}}};
  run.user = {};
  run.ended = run_ended{{}, {}, {20, 10, 0, 0}, 4'845, 2'073'000};
  auto expected = capture("run_tools.json");
  expected["metrics"]["duration"] = 2.073;
  expected["messages"][3]["metrics"]["time_to_first_token"] = 0.000179;
  expected["tools"][0]["metrics"] = {{"start_time", 1795330923.997}, {"end_time", 1795330925.999}, {"duration", 2.002}};
  CAF_CHECK_EQUAL(even(without(run_document(run), {"events"})), even(expected));

  // Words before the calls belong to the turn that made them; a call that never ran has its answer too.
  run.content = "let me look. It is so.";
  model_request_completed first = asked, second = said;
  first.text_bytes = 12;
  first.tool_calls.push_back({"call_1", "danger", "{broken"});
  second.text_bytes = run.content.size();
  run.events[1] = event_ptr{{2, 0, first}};
  run.events[4] = event_ptr{{9, 0, second}};
  run.events.insert(run.events.begin() + 4,
                    event_ptr{{5, 0, tool_call_ended{0, first.tool_calls[1], {}, true, false, "a person said no", 0}}});
  const auto messages = json::parse(run_output_document(run))["messages"];
  CAF_REQUIRE_EQUAL(messages.size(), 5u);
  CAF_CHECK_EQUAL(messages[1]["content"], "let me look.");
  CAF_CHECK_EQUAL(messages[1]["tool_calls"][1]["function"]["arguments"], "{broken");
  CAF_CHECK(messages[3]["tool_call_error"] == true && messages[3]["tool_args"].is_null());
  CAF_CHECK_EQUAL(messages[4]["content"], " It is so.");
  CAF_CHECK_EQUAL(messages[4]["id"], "run-c3-4");

  // A list has no room for all events: then it is the question and the whole text.
  run.events.clear();
  CAF_CHECK_EQUAL(json::parse(run_document(run))["messages"].size(), 2u);
}

CAF_TEST(what a child said is in its own document and not in the sessions) {
  session_record session{.id = {"cap1"}};
  auto child = completed_run();
  child.parent = {"run-c4"};
  const auto shown = json::parse(session_document(session, nullptr, {completed_run(), child}));
  CAF_CHECK_EQUAL(shown["chat_history"].size(), 2u);
  CAF_CHECK_EQUAL(json::parse(run_document(child))["messages"].size(), 2u);
  CAF_CHECK_EQUAL(json::parse(run_document(child))["parent_run_id"], "run-c4");
}

CAF_TEST(an agent shows the tools that it may call) {
  const auto entry = entry_of("storyteller", "Storyteller");
  CAF_CHECK(!json::parse(agent_document(*entry, {})).contains("tools"));
  const tool_spec plain{.name = "look", .description = "look at birds"};
  const tool_spec risky{
      .name = "danger", .parameters = R"({"type": "object", "properties": {"a": {}}})", .need = tool_need::confirmation};
  const tool_spec odd{.name = "odd", .parameters = "no json", .need = tool_need::result};
  const auto shown = json::parse(agent_document(*entry, {}, {plain, risky, odd}))["tools"]["tools"];
  CAF_CHECK_EQUAL(shown.dump(),
                  R"([{"name":"look","description":"look at birds","parameters":{"type":"object","properties":{}}},)"
                  R"({"name":"danger","parameters":{"type":"object","properties":{"a":{}}},"requires_confirmation":true},)"
                  R"({"name":"odd","parameters":{},"external_execution":true}])");
  const auto list = json::parse(agents_document(two_agents(), {}, {{{"member-a"}, {plain}}}));
  CAF_CHECK(list[0].contains("tools") != list[1].contains("tools"));
}

CAF_TEST(sessions look as agno shows them) {
  const auto agents = two_agents();
  const auto entry = agents.find({"storyteller"});
  session_record cap1{.id = {"cap1"},
                      .agent = {"storyteller"},
                      .user = {"u1"},
                      .name = "n=3 gap=0.02",
                      .created_at_ms = 1795330922'345,
                      .updated_at_ms = 1795330927'999,
                      .usage = {40, 20, 0, 0}};
  session_record rm2{.id = {"rm2"},
                     .agent = {"storyteller"},
                     .name = "n=40 gap=0.1",
                     .created_at_ms = 1795330336'000,
                     .updated_at_ms = 1795330336'000};
  auto expected = capture("sessions.json");
  expected["data"][0]["metrics"]["details"]["model"][0]["provider"] = "scripted";
  CAF_CHECK_EQUAL(sessions_document({{cap1, rm2}, 16}, {.page = 1, .sessions_max = 2}, &agents), expected.dump());
  CAF_CHECK_EQUAL(sessions_document({}, {.page = 3, .sessions_max = 20}),
                  R"({"data":[],"meta":{"page":3,"limit":20,"total_pages":0,"total_count":0,"search_time_ms":0.0}})");

  auto first = record_of("run-c1", run_status::completed, 1795330922, "n=3 gap=0.02", "tok0 tok1 tok2 ");
  first.ended = run_ended{{}, {}, {10, 5, 0, 0}, 201, 87'304};
  auto detail = capture("session.json");
  detail["metrics"]["details"]["model"][0]["provider"] = "scripted";
  detail["agent_data"]["model"]["provider"] = "scripted";
  CAF_CHECK_EQUAL(even(session_document(cap1, entry.get(), {first, cancelled_run()})), even(detail));

  cap1.state = R"({"a":1})";
  cap1.metadata = R"({"m":[]})";
  cap1.summary = R"({"summary":"s"})";
  const auto full = json::parse(session_document(cap1, nullptr, {}));
  CAF_CHECK(full["session_state"]["a"] == 1 && full["metadata"]["m"].empty() && full["chat_history"].empty());
  CAF_CHECK_EQUAL(full["session_summary"]["summary"], "s");
  CAF_CHECK(!full.contains("agent_data") && !full["metrics"].contains("details"));
}

CAF_TEST(the server describes itself as an AgentOS) {
  const auto agents = two_agents();
  os_facts facts{.id = "lab-os",
                 .name = "Lab",
                 .description = "lab",
                 .version = "0.1.0",
                 .db_id = "98d55161-fb12-4edd-8ca8-d5497e9c2ce6",
                 .started_at_ms = 1795330014'896};
  auto agent = capture("agent.json");
  agent["model"]["provider"] = "scripted";
  agent["sessions"]["session_table"] = "sessions";
  CAF_CHECK_EQUAL(agent_document(*agents.find({"member-a"}), facts), agent.dump());
  CAF_CHECK_EQUAL(agents_document(agents, facts),
                  "[" + agent.dump() + "," + agent_document(*agents.find({"storyteller"}), facts) + "]");
  CAF_CHECK_EQUAL(models_document(agents), R"([{"id":"scripted-1","provider":"scripted"}])");
  CAF_CHECK_EQUAL(metrics_document(), R"({"metrics":[],"updated_at":null})");
  CAF_CHECK_EQUAL(home_document(facts), R"({"name":"Lab","id":"lab-os","version":"0.1.0"})");
  CAF_CHECK_EQUAL(health_document(facts), R"({"status":"ok","instantiated_at":"2026-11-22T06:46:54.896000Z"})");

  auto info = capture("info.json");
  info["agno_version"] = "2.9.0";
  info["agent_count"] = 2;
  info["team_count"] = 0;
  info["workflow_count"] = 0;
  CAF_CHECK_EQUAL(without(info_document(agents, facts), {"os_version", "oncue_version"}).dump(), info.dump());
  facts.with_key = true;
  CAF_CHECK_EQUAL(json::parse(info_document(agents, facts))["auth_mode"], "security_key");

  auto ours = without(config_document(agents, facts), {"name"});
  auto config = capture("config.json");
  config["session"]["dbs"][0]["tables"] = {"sessions"};
  config["agents"][0]["model"]["provider"] = "scripted";
  CAF_CHECK_EQUAL(ours["session"].dump(), config["session"].dump());
  CAF_CHECK_EQUAL(ours["databases"].dump(), config["databases"].dump());
  CAF_CHECK_EQUAL(ours["agents"][1].dump(), config["agents"][0].dump());
  std::vector<std::string> our_keys, agno_keys;
  for (const auto& [key, value] : ours.items()) our_keys.push_back(key);
  for (const auto& [key, value] : config.items()) agno_keys.push_back(key);
  CAF_CHECK(our_keys == agno_keys);
  CAF_CHECK(ours["teams"].empty() && ours["workflows"].empty() && ours["interfaces"].empty());
}

CAF_TEST(a cancel is answered as agno does or with a receipt) {
  cancel_reply reply{.outcome = cancel_outcome::cancelled,
                     .run = {"r"},
                     .status = run_status::cancelled,
                     .phase_at_cancel = run_phase::streaming,
                     .index = 12,
                     .upstream_closed = true,
                     .durable = true,
                     .latency_us = 189,
                     .tools = 3,
                     .tools_stopped = 2,
                     .tools_abandoned = 1,
                     .children = 3,
                     .children_stopped = 3};
  for (const auto outcome : {cancel_outcome::cancelled, cancel_outcome::accepted, cancel_outcome::already_ended,
                             cancel_outcome::intent_stored, cancel_outcome::unknown}) {
    reply.outcome = outcome;
    CAF_CHECK(cancel_answer(reply, false) == (http_answer{200, "{}", {}}));
  }
  reply.outcome = cancel_outcome::cancelled;
  CAF_CHECK_EQUAL(
      cancel_answer(reply, true).body,
      R"({"outcome":"cancelled","status":"CANCELLED","phase_at_cancel":"streaming","run_id":"r","event_index":12,"tools":3,"tools_stopped":2,"tools_abandoned":1,"children":3,"children_stopped":3,"upstream_closed":true,"durable":true,"latency_us":189})");
  CAF_CHECK_EQUAL(
      cancel_answer({.run = {"r"}}, true).body,
      R"({"outcome":"unknown","status":null,"phase_at_cancel":null,"run_id":"r","event_index":null,"tools":0,"tools_stopped":0,"tools_abandoned":0,"children":0,"children_stopped":0,"upstream_closed":false,"durable":false,"latency_us":0})");
  const std::vector<std::pair<cancel_outcome, int>> statuses = {{cancel_outcome::cancelled, 200},
                                                                {cancel_outcome::accepted, 202},
                                                                {cancel_outcome::already_ended, 409},
                                                                {cancel_outcome::intent_stored, 202},
                                                                {cancel_outcome::unknown, 404}};
  for (const auto& [outcome, status] : statuses) {
    CAF_CHECK_EQUAL(cancel_answer({.outcome = outcome, .run = {"r"}}, true).status, status);
  }
}

CAF_TEST(a refusal says what to mend or when to come again) {
  struct row {
    refusal_code code;
    std::string message;
    int status;
    std::string retry_after, in_body;
  };
  const std::vector<row> table = {
      {refusal_code::invalid_run_id, "run_id must be short", 422, "", R"("loc":["body","run_id"])"},
      {refusal_code::invalid_run_id, "parent_run_id must be short", 422, "", R"("loc":["body","parent_run_id"])"},
      {refusal_code::invalid_input, "the message is empty", 422, "", R"("loc":["body","message"])"},
      {refusal_code::invalid_input, "session_id must be UTF-8", 422, "", R"("loc":["body","session_id"])"},
      {refusal_code::invalid_input, "the idempotency key must be", 422, "", R"("loc":["header","Idempotency-Key"])"},
      {refusal_code::unknown_agent, "there is no agent 'x'", 404, "", R"({"detail":"Agent not found"})"},
      {refusal_code::run_id_used, "used", 409, "", R"({"detail":"used"})"},
      {refusal_code::session_busy, "busy", 409, "", R"({"detail":"busy"})"},
      {refusal_code::idempotency_reused, "key", 422, "", R"({"detail":"key"})"},
      {refusal_code::too_many_runs, "many", 429, "1", R"({"detail":"many"})"},
      {refusal_code::draining, "down", 503, "10", R"({"detail":"down"})"},
      {refusal_code::journal_unavailable, "full \"disk\"", 503, "5", R"({"detail":"full \"disk\""})"},
  };
  for (const auto& [code, message, status, retry_after, in_body] : table) {
    const auto answer = refusal_answer({code, message});
    CAF_CHECK_EQUAL(answer.status, status);
    CAF_CHECK(answer.body.find(in_body) != std::string::npos);
    CAF_CHECK_EQUAL(answer.headers.size(), retry_after.empty() ? 0u : 1u);
    if (!retry_after.empty()) CAF_CHECK(answer.headers[0] == std::pair(std::string{"retry-after"}, retry_after));
  }
  CAF_CHECK_EQUAL(session_not_found({"nope"}).body, R"({"detail":"Agent Session with id 'nope' not found"})");
  CAF_CHECK_EQUAL(session_of_runs_not_found({"nope"}).body, R"({"detail":"Session with ID nope not found"})");
  CAF_CHECK_EQUAL(session_run_not_found({"s"}, {"r"}).body, R"({"detail":"Run with ID r not found in session s"})");
  CAF_CHECK_EQUAL(session_exists({"s"}).status, 409);
  CAF_CHECK_EQUAL(run_not_found().body, R"({"detail":"Run not found"})");
  CAF_CHECK(key_missing() ==
            (http_answer{401, R"({"detail":"Authorization header required"})", {{"www-authenticate", "Bearer"}}}));
  CAF_CHECK_EQUAL(key_wrong().body, R"({"detail":"Invalid authentication token"})");
}

CAF_TEST(text from anywhere stays valid JSON on one line) {
  const std::string nasty = "line\nquote\" back\\ \x02 \xFF 中 </script>";
  const std::string shown = "line\nquote\" back\\ \x02 \xEF\xBF\xBD 中 </script>";
  auto run = record_of(nasty, run_status::failed, 5, nasty, nasty);
  run.summary.agent = {nasty};
  run.summary.session = {nasty};
  run.user = {nasty};
  run.started = {nasty, nasty, nasty};
  run.ended = run_ended{{ending_kind::failed, {}, 0, nasty, nasty}, {}, {1, 1, 1, 1}, 1, 1};
  session_record session{.id = {nasty}, .agent = {nasty}, .user = {nasty}, .name = nasty};
  catalog agents;
  auto entry = std::make_shared<agent_entry>();
  entry->agent = {.id = {nasty}, .name = nasty, .description = nasty};
  entry->model = {.id = nasty, .name = nasty};
  agents.agents[entry->agent.id] = entry;
  const os_facts facts{nasty, nasty, nasty, nasty, nasty};
  const std::vector<std::string> documents = {run_output_document(run),
                                              run_document(run),
                                              run_list_document({run}),
                                              session_document(session, entry.get(), {run}),
                                              sessions_document({{session}, 1}, {.sessions_max = 1}, &agents),
                                              agents_document(agents, facts),
                                              config_document(agents, facts),
                                              info_document(agents, facts),
                                              models_document(agents),
                                              home_document(facts),
                                              pending_answer({nasty}, {nasty}).body,
                                              error_answer(400, nasty).body,
                                              cancel_answer({.run = {nasty}}, true).body};
  for (const auto& text : documents) {
    CAF_CHECK(json::accept(text));
    CAF_CHECK(text.find('\n') == std::string::npos);
  }
  CAF_CHECK_EQUAL(json::parse(run_output_document(run))["input"]["input_content"], shown);
}
