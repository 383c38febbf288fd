#define CAF_SUITE core.agentos_requests

#include "oncue/core/agentos_requests.hpp"

#include <caf/test/unit_test.hpp>
#include <limits>
#include <string>
#include <vector>

#include "oncue/core/limits.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

template <class T>
std::string error_of(const decoded<T>& result) {
  const auto* answer = std::get_if<http_answer>(&result);
  return answer ? std::to_string(answer->status) + " " + answer->body : "right";
}

template <class T>
const T& right(const decoded<T>& result) {
  if (!std::holds_alternative<T>(result)) CAF_FAIL(error_of(result));
  return std::get<T>(result);
}

std::string detail(std::string_view errors) { return R"(422 {"detail":[)" + std::string{errors} + "]}"; }

std::string no_boolean(std::string_view place, std::string_view field, std::string_view input) {
  return R"({"type":"bool_parsing","loc":[")" + std::string{place} + R"(",")" + std::string{field} +
         R"("],"msg":"Input should be a valid boolean, unable to interpret input","input":")" + std::string{input} + "\"}";
}

std::string no_integer(std::string_view place, std::string_view field, std::string_view input) {
  return R"({"type":"int_parsing","loc":[")" + std::string{place} + R"(",")" + std::string{field} +
         R"("],"msg":"Input should be a valid integer, unable to parse string as an integer","input":")" +
         std::string{input} + "\"}";
}

const std::string no_message = R"({"type":"missing","loc":["body","message"],"msg":"Field required","input":null})";

}  // namespace

CAF_TEST(a start has defaults and takes what it is given) {
  const auto plain = right(decode_start({{"message", "hi"}}));
  CAF_CHECK(plain.request == run_request{.input = "hi"});
  CAF_CHECK(plain.stream && !plain.background && plain.stream_events && !plain.on_disconnect);
  CAF_CHECK(plain.cancel_when_gone());

  const auto full = right(decode_start({{"message", "no"},
                                        {"message", "hi"},
                                        {"stream", "False"},
                                        {"background", "yes"},
                                        {"stream_events", "0"},
                                        {"run_id", "r-1"},
                                        {"session_id", "s"},
                                        {"user_id", "u"},
                                        {"version", "seven"},
                                        {"monitor", "true"},
                                        {"session_state", "{}"},
                                        {"on_busy_session", "interrupt"},
                                        {"on_node_loss", "restart"},
                                        {"on_disconnect", "cancel"}}));
  CAF_CHECK(full.request == (run_request{.id = {"r-1"},
                                         .input = "hi",
                                         .session = {"s"},
                                         .user = {"u"},
                                         .on_busy_session = session_policy::interrupt,
                                         .on_node_loss = loss_policy::restart}));
  CAF_CHECK(!full.stream && full.background && !full.stream_events);

  // An empty field is a missing one, as in every form of agno's; agent-ui sends such a session_id.
  const auto empty = right(decode_start({{"message", "hi"},
                                         {"session_id", ""},
                                         {"stream", ""},
                                         {"run_id", ""},
                                         {"on_disconnect", ""},
                                         {"files", ""},
                                         {"images", "[]"}}));
  CAF_CHECK(empty.request == plain.request);
  CAF_CHECK(empty.stream && !empty.on_disconnect);

  struct row {
    bool stream, background;
    std::string on_disconnect;
    bool cancelled;
  };
  for (const auto& [stream, background, word, cancelled] : std::vector<row>{{true, false, "", true},
                                                                            {false, false, "", false},
                                                                            {true, true, "", false},
                                                                            {true, false, "continue", false},
                                                                            {true, true, "cancel", true},
                                                                            {false, false, "cancel", true}}) {
    const auto form = right(decode_start({{"message", "m"},
                                          {"stream", stream ? "true" : "false"},
                                          {"background", background ? "true" : "false"},
                                          {"on_disconnect", word}}));
    CAF_CHECK_EQUAL(form.cancel_when_gone(), cancelled);
  }
}

// The bodies are those of FastAPI 0.165 with pydantic 2.14, byte for byte, except where a rule is ours.
CAF_TEST(every wrong field of a start is told in one answer) {
  const std::string ours = R"({"type":"value_error","loc":["body",)";
  struct row {
    field_pairs form;
    std::string expected;
  };
  const std::vector<row> table = {
      {{}, detail(no_message)},
      {{{"message", ""}, {"stream", "maybe"}}, detail(no_message + "," + no_boolean("body", "stream", "maybe"))},
      {{{"message", "a"}, {"stream", "2"}, {"background", "null"}},
       detail(no_boolean("body", "stream", "2") + "," + no_boolean("body", "background", "null"))},
      {{{"message", "a"}, {"on_busy_session", "wait"}},
       detail(
           R"({"type":"enum","loc":["body","on_busy_session"],"msg":"Input should be 'enqueue', 'reject' or 'interrupt'","input":"wait","ctx":{"expected":"'enqueue', 'reject' or 'interrupt'"}})")},
      {{{"message", "a"}, {"on_node_loss", "retry"}},
       detail(
           R"({"type":"enum","loc":["body","on_node_loss"],"msg":"Input should be 'fail' or 'restart'","input":"retry","ctx":{"expected":"'fail' or 'restart'"}})")},
      {{{"message", "a"}, {"on_disconnect", "Cancel"}},
       detail(
           R"({"type":"enum","loc":["body","on_disconnect"],"msg":"Input should be 'cancel' or 'continue'","input":"Cancel","ctx":{"expected":"'cancel' or 'continue'"}})")},
      {{{"message", "a"}, {"run_id", "a b"}},
       detail(ours +
              R"("run_id"],"msg":"Value error, run_id must be 1 to 128 characters of A-Z a-z 0-9 . _ : -","input":null})")},
      {{{"message", " \n"}}, detail(ours + R"("message"],"msg":"Value error, the message is empty","input":null})")},
      {{{"message", "a\xFF"}},
       detail(ours + R"("message"],"msg":"Value error, the message is not valid UTF-8","input":null})")},
      {{{"message", "a"}, {"session_id", std::string(129, 's')}},
       detail(ours + R"("session_id"],"msg":"Value error, session_id must be UTF-8 of at most 128 bytes","input":null})")},
      {{{"message", "a"}, {"user_id", "\xC3"}},
       detail(ours + R"("user_id"],"msg":"Value error, user_id must be UTF-8 of at most 128 bytes","input":null})")},
      {{{"message", "a"}, {"files", "x"}},
       R"(501 {"detail":"files and media: send text in message: not served by oncue"})"},
  };
  for (const auto& [form, expected] : table) CAF_CHECK_EQUAL(error_of(decode_start(form)), expected);
  CAF_CHECK(error_of(decode_start({{"message", "a"}, {"input_files", "[{}]"}})).starts_with("501"));
  CAF_CHECK_EQUAL(error_of(decode_start({{"message", "a"}}, 1)),
                  R"(501 {"detail":"files and media: send text in message: not served by oncue"})");

  // What is quoted is short, and not a key.
  const auto key = error_of(decode_start({{"message", "a"}, {"stream", "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"}}));
  CAF_CHECK(key.find("abcdefgh") == std::string::npos);
  CAF_CHECK(key.find("[redacted]") != std::string::npos);
  CAF_CHECK(error_of(decode_start({{"message", "a"}, {"stream", std::string(100'000, 'x')}})).size() < 300);
}

CAF_TEST(booleans and integers are read as pydantic reads them) {
  for (const std::string yes : {"true", "True", "1", "on", "YES", "t", "y"}) {
    CAF_CHECK(right(decode_start({{"message", "m"}, {"background", yes}})).background);
  }
  for (const std::string no : {"false", "FALSE", "0", "off", "No", "f", "n"}) {
    CAF_CHECK(!right(decode_start({{"message", "m"}, {"stream", no}})).stream);
  }
  struct row {
    std::string text;
    std::optional<event_index> last;
    event_index from;
  };
  constexpr event_index most = std::numeric_limits<std::int64_t>::max();
  const std::vector<row> table = {
      {"5", 5, 6},
      {" 7 ", 7, 8},
      {"+3", 3, 4},
      {"1.0", 1, 2},
      {"0", 0, 1},
      {"-1", {}, 0},
      {"-99", {}, 0},
      {"", {}, 0},
      {"007", 7, 8},
      {"-0", 0, 1},
      {"99999999999999999999999", most, most + 1},
  };
  for (const auto& [text, last, from] : table) {
    const auto form = right(decode_resume({{"last_event_index", text}, {"session_id", "s"}}));
    CAF_CHECK(form.last_index == last);
    CAF_CHECK_EQUAL(form.from, from);
  }
  CAF_CHECK_EQUAL(right(decode_resume({})).from, 0u);
  for (const std::string bad : {"abc", "1.5", "0x5", "1e3", ".", "1.", "-", "+", "5 5", "--1"}) {
    CAF_CHECK_EQUAL(error_of(decode_resume({{"last_event_index", bad}})),
                    detail(no_integer("body", "last_event_index", bad)));
  }
}

CAF_TEST(an event source goes on behind what it says it has) {
  struct row {
    std::string header;
    field_pairs query;
    event_index from;
  };
  const std::vector<row> table = {
      {"", {}, 0},
      {"7", {}, 8},
      {"7", {{"last_event_index", "1"}}, 8},
      {"", {{"last_event_index", "1"}}, 2},
      {"", {{"last_event_index", "1"}, {"from", "9"}}, 2},
      {"", {{"from", "9"}}, 9},
      {"", {{"from", "-9"}}, 0},
      {"", {{"from", "0"}}, 0},
  };
  for (const auto& [header, query, from] : table) CAF_CHECK_EQUAL(right(decode_events(header, query)).from, from);
  CAF_CHECK_EQUAL(error_of(decode_events("x", {})), detail(no_integer("header", "last-event-id", "x")));
  CAF_CHECK_EQUAL(error_of(decode_events("", {{"from", ""}})), detail(no_integer("query", "from", "")));
}

CAF_TEST(a cancel may say why and ask for a receipt) {
  const auto plain = right(decode_cancel({"r"}, {{"session_id", "s"}}));
  CAF_CHECK(!plain.receipt && plain.request.run == run_id{"r"});
  CAF_CHECK_EQUAL(plain.request.wait_ms, 1000u);
  CAF_CHECK(plain.request.reason.empty() && plain.request.by.empty() && plain.request.scope.empty());

  const auto full =
      right(decode_cancel({"r"}, {{"receipt", "true"}, {"wait_ms", "0"}, {"user_id", "u"}, {"reason", "query"}},
                          {{"reason", "form"}, {"wait_ms", "5"}, {"receipt", "false"}}));
  CAF_CHECK(full.receipt);
  CAF_CHECK_EQUAL(full.request.wait_ms, 0u);
  CAF_CHECK_EQUAL(full.request.reason, "query");
  CAF_CHECK_EQUAL(full.request.scope.value, "u");
  CAF_CHECK_EQUAL(right(decode_cancel({"r"}, {}, {{"reason", "form"}, {"receipt", "1"}})).request.reason, "form");
  CAF_CHECK_EQUAL(right(decode_cancel({"r"}, {{"wait_ms", "60000"}})).request.wait_ms, 60'000u);

  CAF_CHECK_EQUAL(
      error_of(decode_cancel({"r"}, {{"wait_ms", "60001"}, {"receipt", ""}})),
      detail(
          no_boolean("query", "receipt", "") +
          R"(,{"type":"less_than_equal","loc":["query","wait_ms"],"msg":"Input should be less than or equal to 60000","input":"60001","ctx":{"le":60000}})"));
  CAF_CHECK_EQUAL(
      error_of(decode_cancel({"r"}, {{"wait_ms", "-1"}})),
      detail(
          R"({"type":"greater_than_equal","loc":["query","wait_ms"],"msg":"Input should be greater than or equal to 0","input":"-1","ctx":{"ge":0}})"));
  CAF_CHECK(error_of(decode_cancel({"r"}, {{"reason", std::string(1025, 'x')}})).find("at most 1024 bytes") !=
            std::string::npos);
  CAF_CHECK(error_of(decode_cancel({"r"}, {{"reason", "\xFF"}})).starts_with("422"));
}

CAF_TEST(lists of runs say which runs) {
  const std::string no_session = R"({"type":"missing","loc":["query","session_id"],"msg":"Field required","input":null})";
  CAF_CHECK_EQUAL(error_of(decode_run_query({})), detail(no_session));
  CAF_CHECK_EQUAL(error_of(decode_run_query({{"session_id", ""}})), detail(no_session));
  CAF_CHECK_EQUAL(right(decode_run_query({{"session_id", "s"}})).value, "s");
  CAF_CHECK_EQUAL(error_of(decode_agent_runs({"a"}, {{"status", "CANCELLED"}})), detail(no_session));

  const auto of_agent = right(decode_agent_runs({"a"}, {{"session_id", "s"}, {"status", "CANCELLED"}}));
  CAF_CHECK(of_agent.agent == agent_id{"a"} && of_agent.session == session_id{"s"});
  CAF_CHECK(of_agent.status == run_status::cancelled && !of_agent.newest_first);
  CAF_CHECK(of_agent.runs_max > 0);
  CAF_CHECK(error_of(decode_agent_runs({"a"}, {{"session_id", "s"}, {"status", "cancelled"}})).starts_with("422"));

  const auto all = right(decode_list_runs({}));
  CAF_CHECK(all.session.empty() && all.agent.empty() && !all.status && all.newest_first);
  CAF_CHECK_EQUAL(all.runs_max, 20u);
  const auto some = right(
      decode_list_runs({{"status", "ERROR"}, {"agent_id", "a"}, {"session_id", "s"}, {"user_id", "u"}, {"limit", "5"}}));
  CAF_CHECK(some.status == run_status::failed && some.agent.value == "a" && some.session.value == "s");
  CAF_CHECK(some.user.value == "u" && some.runs_max == 5);
  for (const std::string bad : {"0", "-1", "1001", "x", ""}) {
    CAF_CHECK(error_of(decode_list_runs({{"limit", bad}})).starts_with("422"));
  }

  const auto of_session =
      right(decode_session_runs({"s"}, {{"created_after", "10"}, {"created_before", "20"}, {"user_id", "u"}}));
  CAF_CHECK_EQUAL(of_session.created_from_ms, 10'000);
  CAF_CHECK_EQUAL(of_session.created_until_ms, 20'999);
  CAF_CHECK(of_session.user.value == "u" && !of_session.newest_first);
  CAF_CHECK(right(decode_session_runs({"s"}, {{"created_before", "99999999999999999999"}})).created_until_ms > 0);
}

CAF_TEST(a list of sessions is a page) {
  const auto plain = right(decode_list_sessions({}));
  CAF_CHECK(plain.type == session_type::agent);
  CAF_CHECK(plain.find.page == 1 && plain.find.sessions_max == 20);
  CAF_CHECK(plain.find.order == session_order::created && plain.find.descending);
  const auto full = right(decode_list_sessions({{"type", "team"},
                                                {"component_id", "a"},
                                                {"user_id", "u"},
                                                {"session_name", "drag"},
                                                {"limit", "7"},
                                                {"page", "3"},
                                                {"sort_by", "session_name"},
                                                {"sort_order", "asc"},
                                                {"db_id", "x"}}));
  CAF_CHECK(full.type == session_type::team && full.find.agent.value == "a" && full.find.user.value == "u");
  CAF_CHECK(full.find.name_contains == "drag" && full.find.sessions_max == 7 && full.find.page == 3);
  CAF_CHECK(full.find.order == session_order::name && !full.find.descending);
  CAF_CHECK_EQUAL(right(decode_list_sessions({{"page", "0"}})).find.page, 1u);
  CAF_CHECK_EQUAL(right(decode_list_sessions({{"limit", "999999"}})).find.sessions_max, limits::sessions_listed_max);
  CAF_CHECK_EQUAL(
      error_of(decode_list_sessions({{"limit", "abc"}, {"page", "-1"}, {"type", "zzz"}})),
      detail(
          R"({"type":"enum","loc":["query","type"],"msg":"Input should be 'agent', 'team' or 'workflow'","input":"zzz","ctx":{"expected":"'agent', 'team' or 'workflow'"}},)" +
          no_integer("query", "limit", "abc") +
          R"(,{"type":"greater_than_equal","loc":["query","page"],"msg":"Input should be greater than or equal to 0","input":"-1","ctx":{"ge":0}})"));
}

CAF_TEST(bodies of sessions are checked member by member) {
  const auto made = right(decode_create_session(
      {}, R"({"session_id":"s","session_name":"n","session_state":{"b":1,"a":[1, 2]},"metadata":null,"agent_id":"a",
          "user_id":"u","more":{}})"));
  CAF_CHECK(made.session ==
            (session_record{.id = {"s"}, .agent = {"a"}, .user = {"u"}, .name = "n", .state = R"({"b":1,"a":[1,2]})"}));
  CAF_CHECK(right(decode_create_session({}, "{}")).session == session_record{});
  CAF_CHECK(error_of(decode_create_session({{"type", "team"}}, "{}")).starts_with("501"));

  const auto change = right(decode_patch_session({"s"}, R"({"session_name":"n","summary":{"x":"ü"}})"));
  CAF_CHECK(change.session.value == "s" && change.name == "n" && change.summary == R"({"x":"ü"})");
  CAF_CHECK(!change.state && !change.metadata);
  CAF_CHECK(right(decode_rename_session({"s"}, R"({"session_name":"n"})")).name == "n");
  const auto gone =
      right(decode_delete_sessions(R"({"session_ids":["a","b","c"],"session_types":["agent","team","agent"]})"));
  CAF_CHECK(gone.sessions == (std::vector<session_id>{{"a"}, {"c"}}));

  const std::string head = R"({"type":)";
  const auto missing_name = R"({"type":"missing","loc":["body","session_name"],"msg":"Field required","input":null})";
  CAF_CHECK_EQUAL(error_of(decode_rename_session({"s"}, "{}")), detail(missing_name));
  CAF_CHECK_EQUAL(error_of(decode_patch_session({"s"}, "")),
                  detail(R"({"type":"missing","loc":["body"],"msg":"Field required","input":null})"));
  CAF_CHECK_EQUAL(
      error_of(decode_patch_session({"s"}, "[1]")),
      detail(
          R"({"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":"[1]"})"));
  CAF_CHECK_EQUAL(
      error_of(decode_patch_session({"s"}, R"({"session_name":5,"session_state":"x","metadata":[1]})")),
      detail(
          R"({"type":"string_type","loc":["body","session_name"],"msg":"Input should be a valid string","input":5},)"
          R"({"type":"dict_type","loc":["body","session_state"],"msg":"Input should be a valid dictionary","input":"x"},)"
          R"({"type":"dict_type","loc":["body","metadata"],"msg":"Input should be a valid dictionary","input":[1]})"));
  CAF_CHECK_EQUAL(
      error_of(decode_delete_sessions(R"({"session_ids":["a",1],"session_types":["zz"]})")),
      detail(
          R"({"type":"string_type","loc":["body","session_ids",1],"msg":"Input should be a valid string","input":1},)"
          R"({"type":"enum","loc":["body","session_types",0],"msg":"Input should be 'agent', 'team' or 'workflow'","input":"zz","ctx":{"expected":"'agent', 'team' or 'workflow'"}})"));
  CAF_CHECK_EQUAL(error_of(decode_delete_sessions(R"({"session_ids":["a"],"session_types":["agent","agent"]})")),
                  R"(400 {"detail":"Session IDs and session types must have the same length"})");
  CAF_CHECK(error_of(decode_delete_sessions(R"({"session_ids":[],"session_types":[]})")).find("too_short") !=
            std::string::npos);
  CAF_CHECK(error_of(decode_delete_sessions("{}")).find(R"(["body","session_types"])") != std::string::npos);
  CAF_CHECK(error_of(decode_create_session({}, R"({"session_id":")" + std::string(129, 'x') + "\"}")).starts_with("422"));
}

CAF_TEST(bodies that are made to break a parser are refused) {
  const std::vector<std::string> bodies = {
      "{bad",
      "{",
      "\"",
      "nul",
      "{\"a\":\xFF}",
      "{\"session_name\":\"\\ud800\"}",
      R"({"metadata":{"n":1e999}})",
      std::string(1'000'000, '{'),
      std::string(1'000'000, '['),
      R"({"metadata":)" + std::string(200'000, '[') + std::string(200'000, ']') + "}",
      R"({"metadata":{"a":)" + std::string(200, '[') + std::string(200, ']') + "}}",
      "5",
      "null",
  };
  for (const auto& body : bodies) {
    const auto error = error_of(decode_patch_session({"s"}, body));
    CAF_CHECK(error.starts_with(R"(422 {"detail":[{"type":)"));
    CAF_CHECK(error.size() < 400);
  }
  const auto large = R"({"metadata":{"a":")" + std::string(limits::session_json_bytes_max, 'x') + "\"}}";
  CAF_CHECK(error_of(decode_patch_session({"s"}, large)).starts_with("422"));
  CAF_CHECK(right(decode_patch_session({"s"}, R"({"session_name":"a","session_name":"b"})")).name == "b");
}

CAF_TEST(a cancel says what may still come to its end) {
  const auto plain = right(decode_cancel({"r"}, {})).request;
  CAF_CHECK(plain.mode == cancel_mode::immediate && plain.grace_ms == 0);
  const auto query = right(decode_cancel({"r"}, {{"mode", "after_tools"}, {"grace", "1m30s"}})).request;
  CAF_CHECK(query.mode == cancel_mode::after_tools && query.grace_ms == 90'000);
  const auto form = right(decode_cancel({"r"}, {}, {{"mode", "after_turn"}, {"grace_ms", "250"}})).request;
  CAF_CHECK(form.mode == cancel_mode::after_turn && form.grace_ms == 250);
  // The query wins over the form, and that over the headers.
  const field_pairs headers = {{"cancel-mode", "after_tools"}, {"cancel-grace", "2s"}, {"mode", "nonsense"}};
  const auto header = right(decode_cancel({"r"}, {}, {}, headers)).request;
  CAF_CHECK(header.mode == cancel_mode::after_tools && header.grace_ms == 2000);
  const auto all = right(decode_cancel({"r"}, {{"mode", "immediate"}}, {{"mode", "after_turn"}, {"grace", "3s"}}, headers));
  CAF_CHECK(all.request.mode == cancel_mode::immediate && all.request.grace_ms == 3000);

  for (const auto& wrong : std::vector<field_pairs>{{{"mode", "soon"}},
                                                    {{"grace", "90"}},
                                                    {{"grace", "0s"}},
                                                    {{"grace", "2h"}},
                                                    {{"grace_ms", "0"}},
                                                    {{"grace_ms", "3600001"}}}) {
    CAF_CHECK(error_of(decode_cancel({"r"}, wrong)).starts_with("422"));
    CAF_CHECK(error_of(decode_cancel({"r"}, {}, wrong)).starts_with("422"));
  }
  CAF_CHECK(error_of(decode_cancel({"r"}, {}, {}, {{"cancel-mode", "soon"}})).find(R"("loc":["header","cancel-mode"])") !=
            std::string::npos);
}

namespace {

/// The decisions on one line: id, then +/-, (note), name=value, ->result.
std::string line(const std::vector<tool_decision>& decisions) {
  std::string out;
  for (const auto& x : decisions) {
    if (!out.empty()) out += " | ";
    out += x.call_id;
    if (x.confirmed) out += *x.confirmed ? "+" : "-";
    if (!x.note.empty()) out += "(" + x.note + ")";
    for (const auto& field : x.inputs) out += " " + field.name + "=" + field.value;
    if (x.result) out += "->" + *x.result;
  }
  return out;
}

std::string decided(const std::string& tools, const std::string& requirements = {}) {
  return line(right(decode_continue({"r"}, {{"tools", tools}, {"requirements", requirements}, {"session_id", "s"}}))
                  .request.decisions);
}

std::string continue_error(field_pairs fields) {
  fields.emplace_back("session_id", "s");
  return error_of(decode_continue({"r"}, fields));
}

}  // namespace

CAF_TEST(decisions are read from tools and from requirements) {
  CAF_CHECK_EQUAL(decided(R"([{"tool_call_id":"c","confirmed":true}])"), "c+");
  CAF_CHECK_EQUAL(decided(R"([{"tool_call_id":"c","confirmed":false,"confirmation_note":"too risky"}])"), "c-(too risky)");
  CAF_CHECK_EQUAL(
      decided(
          R"([{"tool_call_id":"c","requires_user_input":true,"answered":true,"user_input_schema":[{"name":"to","field_type":"str","description":null,"value":"Oslo \"x\""},{"name":"n","field_type":"int","value":2},{"name":"open","value":null}]}])"),
      R"(c to="Oslo \"x\"" n=2)");
  CAF_CHECK_EQUAL(decided(R"([{"tool_call_id":"c","external_execution_required":true,"result":"done"}])"), "c->done");
  CAF_CHECK_EQUAL(decided(R"([{"tool_call_id":"c","result":""}])"), "c->");
  CAF_CHECK_EQUAL(decided(R"([{"tool_call_id":"c","result":{"a":[1,2]}}])"), R"(c->{"a":[1,2]})");
  // What is not decided, what has run already, and what is nobody's here are passed over.
  CAF_CHECK_EQUAL(decided(R"([{"tool_call_id":"c","confirmed":null,"result":null}])"), "");
  CAF_CHECK_EQUAL(
      decided(
          R"([{"tool_call_id":"a","tool_call_error":false,"result":"ran","confirmed":true},{"tool_call_id":"b","confirmed":true,"new":{}}])"),
      "b+");
  CAF_CHECK_EQUAL(decided("[]") + decided("null") + decided(""), "");

  CAF_CHECK_EQUAL(decided("", R"([{"id":"x","tool_execution":{"tool_call_id":"c"},"confirmation":true}])"), "c+");
  CAF_CHECK_EQUAL(decided("", R"([{"id":"c","confirmation":false,"confirmation_note":"no"}])"), "c-(no)");
  CAF_CHECK_EQUAL(decided("", R"([{"tool_execution":{"tool_call_id":"c"},"external_execution_result":"done"}])"),
                  "c->done");
  CAF_CHECK_EQUAL(
      decided("", R"([{"tool_execution":{"tool_call_id":"c"},"user_input_schema":[{"name":"to","value":"Oslo"}]}])"),
      R"(c to="Oslo")");
  // What stands in the tool counts before what is beside it; what stands in `tools` before both.
  CAF_CHECK_EQUAL(
      decided("",
              R"([{"tool_execution":{"tool_call_id":"c","confirmed":false},"confirmation":true,"confirmation_note":"n"}])"),
      "c-(n)");
  CAF_CHECK_EQUAL(decided(R"([{"tool_call_id":"c","confirmed":true}])",
                          R"([{"id":"c","confirmation":false},{"id":"d","confirmation":true}])"),
                  "c+ | d+");
}

CAF_TEST(a continue is answered as a start is and names what is wrong) {
  const auto plain = right(decode_continue({"r"}, {{"session_id", "s"}, {"continue_from", "end"}, {"fork", "false"}}));
  CAF_CHECK_EQUAL(plain.request.run.value + plain.request.session.value + plain.request.by, "rs");
  CAF_CHECK(plain.stream && !plain.background && plain.stream_events && plain.cancel_when_gone());
  const auto full = right(decode_continue(
      {"r"},
      {{"session_id", "s"}, {"user_id", "ann"}, {"stream", "false"}, {"background", "true"}, {"on_disconnect", "cancel"}}));
  CAF_CHECK_EQUAL(full.request.by, "ann");
  CAF_CHECK(!full.stream && full.background && full.cancel_when_gone());

  CAF_CHECK_EQUAL(error_of(decode_continue({"r"}, {{"tools", "[]"}})),
                  R"(400 {"detail":"session_id is required for this action"})");
  struct row {
    std::string field, value, error;
  };
  const std::string structure = R"(400 {"detail":"Invalid structure or content for )";
  for (const auto& [field, value, error] : std::vector<row>{
           {"tools", "[{", R"(400 {"detail":"Invalid JSON in tools field"})"},
           {"tools", std::string(200, '[') + std::string(200, ']'), R"(400 {"detail":"Invalid JSON in tools field"})"},
           {"tools", "[\"\xFF\"]", R"(400 {"detail":"Invalid JSON in tools field"})"},
           {"requirements", "x", R"(400 {"detail":"Invalid JSON in requirements field"})"},
           {"tools", "{}", structure + R"(tools: tools: expected a list"})"},
           {"tools", "[7]", structure + R"(tools: tools[0]: expected an object"})"},
           {"tools", "[{}]", structure + R"(tools: tools[0].tool_call_id: expected the call's id"})"},
           {"tools", R"([{"tool_call_id":7}])", structure + R"(tools: tools[0].tool_call_id: expected a string"})"},
           {"tools", R"([{"tool_call_id":"c","confirmed":"yes"}])",
            structure + R"(tools: tools[0].confirmed: expected true or false"})"},
           {"tools", R"([{"tool_call_id":"c","user_input_schema":[{"value":1}]}])",
            structure + R"(tools: tools[0].user_input_schema[0].name: expected the field's name"})"},
           {"requirements", R"([{"tool_execution":[]}])",
            structure + R"(requirements: requirements[0].tool_execution: expected an object"})"},
           {"stream", "maybe", "422"},
           {"on_disconnect", "stay", "422"},
           {"fork", "true", "501"},
           {"regenerate", "1", "501"},
           {"continue_from", "last_user", "501"},
           {"continue_from", "3", "501"},
           {"input", "and then?", "501"},
           {"additional_instructions", "shorter", "501"},
       }) {
    CAF_MESSAGE(field << "=" << value);
    CAF_CHECK_EQUAL(continue_error({{field, value}}).substr(0, error.size()), error);
  }
  const auto large = std::string(limits::decisions_bytes_max + 1, ' ');
  CAF_CHECK(continue_error({{"tools", large}}).starts_with("413"));
}

CAF_TEST(a decision that names no call is refused where it was read) {
  const auto error = R"(400 {"detail":"Invalid structure or content for requirements: requirements[0].tool_execution: )"
                     R"(expected the tool that is decided on"})";
  CAF_CHECK_EQUAL(continue_error({{"requirements", R"([{"confirmation":false}])"}}), error);
  CAF_CHECK_EQUAL(continue_error({{"requirements", R"([{"id":"","external_execution_result":"42"}])"}}), error);
  // One that decides nothing is passed over, as agno sends it.
  CAF_CHECK_EQUAL(decided("", R"([{"id":""},{"id":"c","confirmation":true}])"), "c+");
}

CAF_TEST(why a run does not go on has a status that tells) {
  auto told = [](refusal_code code) {
    const auto answer = continue_refusal_answer({code, "why not"});
    return std::to_string(answer.status) + answer.body;
  };
  CAF_CHECK_EQUAL(told(refusal_code::unknown_run), R"(404{"detail":"Run not found"})");
  CAF_CHECK_EQUAL(told(refusal_code::not_paused), R"(409{"detail":"why not"})");
  CAF_CHECK_EQUAL(
      told(refusal_code::invalid_input),
      R"(422{"detail":[{"type":"value_error","loc":["body","tools"],"msg":"Value error, why not","input":null}]})");
  CAF_CHECK_EQUAL(told(refusal_code::journal_unavailable), R"(503{"detail":"why not"})");
}
