#define CAF_SUITE core.openai_request

#include "oncue/core/openai_request.hpp"

#include <caf/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace oncue;
using namespace oncue::core;

namespace {

model_spec spec() {
  model_spec s;
  s.provider = provider_kind::openai;
  s.name = "gpt-4o-mini";
  return s;
}

std::string body_of(const model_spec& s, const model_request& request) {
  auto body = build_openai_body(s, request);
  CAF_CHECK_EQUAL(body.problem, "");
  return body.json;
}

std::string value_of(const std::vector<http_header>& headers, std::string_view name) {
  std::string values;
  for (const auto& h : headers) {
    if (h.first == name) values += (values.empty() ? "" : "|") + h.second;
  }
  return values;
}

}  // namespace

CAF_TEST(the path is appended before the query) {
  struct {
    const char* base_url;
    const char* url;
  } const urls[] = {
      {"https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"},
      {"http://localhost:11434/v1/", "http://localhost:11434/v1/chat/completions"},
      {"https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21",
       "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21"},
      {"https://x/v1/?a=b/c#frag", "https://x/v1/chat/completions?a=b/c"},
  };
  for (const auto& c : urls) CAF_CHECK_EQUAL(chat_completions_url(c.base_url), c.url);
}

CAF_TEST(a request has the parts that are set and no others) {
  model_request request;
  request.messages = {{chat_role::system, "Be brief.", {}, {}}, {chat_role::user, "Hi \"you\" 東京", {}, {}}};
  CAF_CHECK_EQUAL(body_of(spec(), request),
                  R"({"model":"gpt-4o-mini","messages":[{"role":"system","content":"Be brief."},)"
                  R"({"role":"user","content":"Hi \"you\" 東京"}],"stream":true,"stream_options":{"include_usage":true}})");
  auto s = spec();
  s.include_usage = false;
  s.temperature = 0.7;
  s.max_tokens = 100;
  CAF_CHECK_EQUAL(body_of(s, {}),
                  R"({"model":"gpt-4o-mini","messages":[],"stream":true,"temperature":0.7,"max_tokens":100})");
}

CAF_TEST(tool calls and their results are told as the API wants them) {
  model_request request;
  request.messages = {
      {chat_role::assistant, "", {{"call_1", "get_time", ""}, {"call_2", "get_weather", R"({"city":"Köln"})"}}, {}},
      {chat_role::tool, "12:00", {}, "call_1"},
      {chat_role::assistant, "Let me look.", {{"call_3", "f", "{}"}}, {}},
      {chat_role::assistant, "", {}, {}},
  };
  auto messages = nlohmann::json::parse(body_of(spec(), request))["messages"].dump();
  CAF_CHECK_EQUAL(
      messages,
      R"([{"content":null,"role":"assistant","tool_calls":[)"
      R"({"function":{"arguments":"{}","name":"get_time"},"id":"call_1","type":"function"},)"
      R"({"function":{"arguments":"{\"city\":\"Köln\"}","name":"get_weather"},"id":"call_2","type":"function"}]},)"
      R"({"content":"12:00","role":"tool","tool_call_id":"call_1"},)"
      R"({"content":"Let me look.","role":"assistant","tool_calls":[)"
      R"({"function":{"arguments":"{}","name":"f"},"id":"call_3","type":"function"}]},)"
      R"({"content":"","role":"assistant"}])");
}

CAF_TEST(bytes that are no text do not break the body) {
  model_request request;
  request.messages = {{chat_role::user, "a\xFF\xC3", {}, {}}};
  auto parsed = nlohmann::json::parse(body_of(spec(), request), nullptr, false);
  CAF_REQUIRE(parsed.is_object());
  CAF_CHECK_EQUAL(parsed["messages"][0]["content"].get<std::string>(), "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

CAF_TEST(extra members replace all but stream and messages) {
  auto s = spec();
  s.temperature = 1;
  s.extra_body = R"({"model":"other","temperature":0,"stream":false,"messages":[1],"tools":[{"a":[]}],)"
                 R"("stream_options":{"include_usage":false},"max_tokens":null})";
  model_request request;
  request.messages = {{chat_role::user, "hi", {}, {}}};
  auto parsed = nlohmann::json::parse(body_of(s, request));
  CAF_CHECK_EQUAL(parsed.dump(),
                  R"({"max_tokens":null,"messages":[{"content":"hi","role":"user"}],"model":"other",)"
                  R"("stream":true,"stream_options":{"include_usage":false},"temperature":0,"tools":[{"a":[]}]})");
  for (auto bad : {"[1]", "{", "null", "\"x\"", "{\"a\":1} x"}) {
    s.extra_body = bad;
    auto body = build_openai_body(s, request);
    CAF_CHECK_EQUAL(body.json, "");
    CAF_CHECK_EQUAL(body.problem, "extra_body: expected a JSON object");
    CAF_CHECK_EQUAL(extra_body_problem(bad), body.problem);
  }
  CAF_CHECK_EQUAL(extra_body_problem(""), "");
  CAF_CHECK_EQUAL(extra_body_problem("{}"), "");
}

CAF_TEST(headers of the spec replace ours whatever their case) {
  auto s = spec();
  auto plain = openai_headers(s, " key-1\n");
  CAF_CHECK_EQUAL(plain.size(), 3u);
  CAF_CHECK_EQUAL(value_of(plain, "Content-Type"), "application/json");
  CAF_CHECK_EQUAL(value_of(plain, "Accept"), "text/event-stream");
  CAF_CHECK_EQUAL(value_of(plain, "Authorization"), "Bearer key-1");
  CAF_CHECK_EQUAL(openai_headers(s, "").size(), 2u);
  CAF_CHECK_EQUAL(openai_headers(s, " \n").size(), 2u);

  auto traced = openai_headers(s, "", "00-aa\r\nX-Evil: 1");
  CAF_CHECK_EQUAL(traced.size(), 3u);
  CAF_CHECK_EQUAL(value_of(traced, "traceparent"), "00-aaX-Evil: 1");

  s.headers = {{"authorization", "Basic abc"}, {"X-Title", "a"}, {"x-title", "b"}, {"ACCEPT", "*/*"}, {"", "x"}};
  auto own = openai_headers(s, "key-1");
  CAF_CHECK_EQUAL(own.size(), 5u);
  CAF_CHECK_EQUAL(value_of(own, "Authorization"), "");
  CAF_CHECK_EQUAL(value_of(own, "authorization"), "Basic abc");
  CAF_CHECK_EQUAL(value_of(own, "Accept"), "");
  CAF_CHECK_EQUAL(value_of(own, "ACCEPT"), "*/*");
  CAF_CHECK_EQUAL(own.back().first, "ACCEPT");
}

CAF_TEST(no header can begin another one) {
  auto s = spec();
  s.headers = {{"X-A\r\n: b", "1\r\nX-Evil: 2\n"}};
  for (const auto& [name, value] : openai_headers(s, "k\r\nX-Evil: 1")) {
    CAF_CHECK_EQUAL((name + value).find_first_of("\r\n"), std::string::npos);
  }
}

CAF_TEST(the key and what the headers hold are secrets) {
  auto s = spec();
  s.headers = {{"Authorization", "Basic dXNlcjpwYXNz"}, {"api-key", "0123456789abcdef"}, {"X-Flag", "true"}};
  CAF_CHECK_EQUAL(request_secrets(s, "key-1\n"),
                  (std::vector<std::string>{"key-1", "Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", "0123456789abcdef"}));
  CAF_CHECK(request_secrets(spec(), "").empty());
}
