#define CAF_SUITE core.agentos_client

#include "oncue/core/agentos_client.hpp"

#include <caf/test/unit_test.hpp>
#include <string>

#include "oncue/core/agentos_answers.hpp"
#include "oncue/core/agentos_requests.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

template <class T>
std::string error_in(const std::variant<T, std::string>& result) {
  const auto* error = std::get_if<std::string>(&result);
  return error ? *error : "";
}

}  // namespace

CAF_TEST(an address is taken as people write it and never shows a password) {
  struct {
    std::string text, base;
  } good[] = {
      {"http://127.0.0.1:7777", "http://127.0.0.1:7777"},
      {"http://127.0.0.1:7777//", "http://127.0.0.1:7777"},
      {"localhost:7777", "http://localhost:7777"},
      {"https://agents.example.com/os/", "https://agents.example.com/os"},
      {"http://[::1]:7777", "http://[::1]:7777"},
  };
  for (const auto& [text, base] : good) {
    const auto url = parse_server_url(text);
    CAF_CHECK_EQUAL(url.error, "");
    CAF_CHECK_EQUAL(url.base, base);
  }
  for (const auto* text : {"", "http://", "ftp://host", "http:///path", "http://host/?a=b", "http://host/#x", "http://a b",
                           "http://host\n", "http://name:s3cret@host", "http://s3cret@host:1"}) {
    const auto url = parse_server_url(text);
    CAF_CHECK_EQUAL(url.base, "");
    CAF_CHECK(url.error.starts_with("expected http://HOST:PORT or https://HOST"));
    CAF_CHECK(url.error.find("s3cret") == std::string::npos);
  }
}

CAF_TEST(what goes into a request comes out of it as it was) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CAF_CHECK_EQUAL(percent_encoded("a/b c?ä%~"), "a%2Fb%20c%3F%C3%A4%25~");
  const field_pairs fields{{"message", "a story & more=\nof \"it\" +1 🐉 100%"}, {"stream", "true"}, {"run id", "x"}};
  CAF_CHECK_EQUAL(form_encoded({{"a", "1"}, {"left out", ""}, {"b c", "d&e"}}), "a=1&b%20c=d%26e");
  CAF_CHECK(read_urlencoded(form_encoded(fields)).fields == fields);
  CAF_CHECK(parse_target("/runs/" + percent_encoded("a/b?c#d e%")).segments ==
            std::vector<std::string>({"runs", "a/b?c#d e%"}));
  CAF_CHECK_EQUAL(form_encoded({{"k", all}}).find_first_of(std::string_view{"\r\n\0 +", 5}), std::string::npos);
}

CAF_TEST(a refusal is told in words of the server) {
  const auto busy = refusal_answer({refusal_code::session_busy, "session s1 has a run"});
  const auto fields = fields_answer({{"missing", {"body", "message"}, "Field required", {}, {}},
                                     {"value_error", {"body", "run_id"}, "Value error, run_id is too long", {}, {}}});
  struct {
    http_answer answer;
    std::string sentence;
  } cases[] = {
      {key_missing(), "Authorization header required"},
      {busy, "session s1 has a run"},
      {fields, "body.message: Field required; body.run_id: run_id is too long"},
      {{502, "<html>Bad Gateway</html>", {}}, "the server answered with status 502"},
      {{500, "", {}}, "the server answered with status 500"},
      {{500, R"({"detail":null})", {}}, "the server answered with status 500"},
      {{400, R"({"detail":[1,{"loc":7,"msg":"odd"}]})", {}}, "odd"},
      {{400, "{\"detail\":\"two\\nlines \\u001b[31m\"}", {}}, "two lines [31m"},
      {{400, std::string(100'000, '['), {}}, "the server answered with status 400"},
  };
  for (const auto& [answer, sentence] : cases) CAF_CHECK_EQUAL(read_refusal(answer.status, answer.body), sentence);
}

CAF_TEST(a receipt is read as it was given) {
  const std::vector<cancel_reply> receipts = {
      {cancel_outcome::cancelled, {"r1"}, run_status::cancelled, run_phase::streaming, 12, true, true, 189},
      {cancel_outcome::accepted, {"r1"}, run_status::running, run_phase::waiting, {}, false, false, 5000},
      {cancel_outcome::already_ended, {"r1"}, run_status::failed, {}, 3, true, true, 0},
      {cancel_outcome::intent_stored, {"r1"}, {}, {}, {}, false, false, 0},
      {cancel_outcome::unknown, {"r1"}, {}, {}, {}, false, false, 0},
  };
  for (const auto& sent : receipts) {
    auto read = read_receipt(cancel_answer(sent, true).body);
    CAF_CHECK_EQUAL(error_in(read), "");
    const auto* came = std::get_if<cancel_reply>(&read);
    CAF_REQUIRE(came);
    CAF_CHECK(came->outcome == sent.outcome && came->run == sent.run && came->status == sent.status);
    CAF_CHECK(came->phase_at_cancel == sent.phase_at_cancel && came->index == sent.index);
    CAF_CHECK(came->upstream_closed == sent.upstream_closed && came->durable == sent.durable);
    CAF_CHECK_EQUAL(came->latency_us, sent.latency_us);
  }
  auto agno = read_receipt("{}");
  CAF_CHECK(std::get<cancel_reply>(agno).outcome == cancel_outcome::accepted);
  for (const auto* text : {"", "[]", "null", R"({"outcome":"vanished"})", R"({"outcome":7})"}) {
    CAF_CHECK(error_in(read_receipt(text)).starts_with("the server's answer is not understood: expected a receipt"));
  }
  CAF_CHECK_EQUAL(
      error_in(read_receipt(R"({"outcome":"cancelled","event_index":"x","upstream_closed":1,"latency_us":-1})")), "");
}

CAF_TEST(lists are read in both shapes and refused in others) {
  auto runs = read_runs(R"([{"run_id":"r1","agent_id":"a","status":"RUNNING","created_at":"2026-11-22T07:02:02Z",
      "run_input":"hi","content":"ho"},{"run_id":"r2","session_id":"s","status":"ERROR","created_at":1795330922,
      "input":{"input_content":"hey"},"content":{"k":1}}])");
  CAF_REQUIRE_EQUAL(error_in(runs), "");
  const auto& list = std::get<std::vector<listed_run>>(runs);
  CAF_REQUIRE_EQUAL(list.size(), 2u);
  CAF_CHECK_EQUAL(list[0].id + list[0].agent + list[0].status + list[0].input + list[0].content, "r1aRUNNINGhiho");
  CAF_CHECK_EQUAL(list[0].created_at_ms, 1'795'330'922'000);
  CAF_CHECK_EQUAL(list[1].created_at_ms, list[0].created_at_ms);
  CAF_CHECK_EQUAL(list[1].session + list[1].input + list[1].content, "shey{\"k\":1}");
  CAF_CHECK(list[0].json.starts_with(R"({"run_id":"r1","agent_id":"a","status":"RUNNING",)"));
  CAF_CHECK(list[0].json.find('\n') == std::string::npos);
  CAF_CHECK(is_live_status("RUNNING") && is_live_status("PENDING") && is_live_status("PAUSED"));
  CAF_CHECK(!is_live_status("CANCELLED") && !is_live_status("running") && !is_live_status(""));

  auto sessions = read_sessions(R"({"data":[{"session_id":"s1","session_name":"Dragons","agent_id":"a","user_id":"u",
      "updated_at":"2026-11-22T07:02:02.5Z"}],"meta":{"total_count":9}})");
  CAF_REQUIRE_EQUAL(error_in(sessions), "");
  const auto& found = std::get<listed_sessions>(sessions);
  CAF_REQUIRE_EQUAL(found.sessions.size(), 1u);
  CAF_CHECK_EQUAL(found.total, 9u);
  CAF_CHECK_EQUAL(found.sessions[0].id + found.sessions[0].name + found.sessions[0].agent + found.sessions[0].user,
                  "s1Dragonsau");
  CAF_CHECK_EQUAL(found.sessions[0].updated_at_ms, 1'795'330'922'500);

  auto agents = read_agents(R"([{"id":"one"},{"name":"none"},7,{"id":"two"}])");
  CAF_CHECK(std::get<std::vector<std::string>>(agents) == std::vector<std::string>({"one", "two"}));

  const std::string deep(1'000'000, '[');
  for (const std::string& text : {std::string{}, std::string{"{}"}, std::string{"7"}, std::string{R"({"data":7})"},
                                  std::string{"[7]"}, std::string{R"([{"status":"RUNNING"}])"}, deep}) {
    CAF_CHECK(error_in(read_runs(text)).starts_with("the server's answer is not understood: expected runs"));
    CAF_CHECK(error_in(read_sessions(text)).starts_with("the server's answer is not understood: expected sessions"));
    CAF_CHECK(!error_in(read_run(text)).empty() && !error_in(read_session(text)).empty());
  }
}

CAF_TEST(times in words are those of the clock) {
  struct {
    std::string text;
    std::optional<std::int64_t> ms;
  } cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2026-11-22T07:02:45.906000+00:00", 1'795'330'965'906},
      {"2026-11-22T07:02:45.9Z", 1'795'330'965'900},
      {"2026-11-22T08:02:45.906295+01:00", 1'795'330'965'906},
      {"2026-11-22T06:32:45-0030", 1'795'330'965'000},
      {"2026-11-22 07:02:45", 1'795'330'965'000},
      {"2024-02-29T00:00:00Z", 1'709'164'800'000},
      {"2026-02-29T00:00:00Z", {}},
      {"2026-11-22", {}},
      {"2026-13-01T00:00:00Z", {}},
      {"2026-11-22T24:00:00Z", {}},
      {"2026-11-22T07:02:45.Z", {}},
      {"2026-11-22T07:02:45Zulu", {}},
      {"-026-11-22T07:02:45Z", {}},
      {"yesterday", {}},
      {"", {}},
  };
  for (const auto& [text, ms] : cases) {
    CAF_MESSAGE(text);
    CAF_CHECK(parse_iso_time(text) == ms);
  }
}

CAF_TEST(what a person decides here is what the server reads) {
  using enum tool_need;
  const std::vector<tool_requirement> waiting_for = {
      {{"a", "danger", R"({"seconds": 2.0})"}, {.need = confirmation}},
      {{"b", "book", "{}"},
       {.need = user_input, .inputs = {{"to", "string", "where to", ""}, {"days", "integer", "", ""}}}},
      {{"c", "print", "{}"}, {.need = result}},
      {{"d", "print", "{}"}, {.need = result}},
      {{"e", "danger", "no json"}, {.need = confirmation}},
      {{"f", "danger", "{}"}, {.need = confirmation}}};
  const std::vector<tool_decision> decisions = {
      {.call_id = "a", .confirmed = true},
      {.call_id = "b", .inputs = {{"to", "", "", R"("Oslo \"1\"")"}, {"days", "", "", "3"}}},
      {.call_id = "c", .result = "line\n\"two\""},
      {.call_id = "d", .result = ""},
      {.call_id = "e", .confirmed = false, .note = "not \"now\""},
      {.call_id = "z", .confirmed = true}};
  const auto text = decided_tools(waiting_for, decisions);
  CAF_CHECK(text.find('\n') == std::string::npos);
  const auto read = decode_continue({"r"}, {{"tools", text}, {"session_id", "s"}});
  CAF_REQUIRE(std::holds_alternative<continue_form>(read));
  auto expected = decisions;
  expected.pop_back();
  CAF_CHECK(std::get<continue_form>(read).request.decisions == expected);
  CAF_CHECK_EQUAL(decided_tools(waiting_for, {}), "[]");
}
