#define CAF_SUITE core.openai_error

#include "oncue/core/openai_error.hpp"

#include <caf/test/unit_test.hpp>
#include <string>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/core/retry_after.hpp"
#include "oncue/core/safe_text.hpp"
#include "oncue/core/text.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

const std::vector<std::string> secrets = {"correct-horse-battery", "abc"};

std::string message_of(std::string_view body) { return http_failure(3, {400, body}, secrets).message; }

}  // namespace

CAF_TEST(the status says what failed and whether another try could help) {
  struct {
    std::uint16_t status;
    failure_code code;
    bool retryable;
  } const statuses[] = {
      {400, failure_code::provider_refused, false},     {401, failure_code::provider_refused, false},
      {403, failure_code::provider_refused, false},     {404, failure_code::provider_refused, false},
      {408, failure_code::provider_refused, true},      {422, failure_code::provider_refused, false},
      {429, failure_code::provider_rate_limited, true}, {500, failure_code::provider_refused, true},
      {503, failure_code::provider_refused, true},      {529, failure_code::provider_refused, true},
      {302, failure_code::provider_refused, false},
  };
  for (const auto& s : statuses) {
    auto failed = http_failure(3, {s.status, "", "7", "", 0}, secrets);
    CAF_CHECK_EQUAL(failed.attempt, 3u);
    CAF_CHECK_EQUAL(to_string(failed.code), to_string(s.code));
    CAF_CHECK_EQUAL(failed.provider_status, s.status);
    CAF_CHECK_EQUAL(failed.retryable, s.retryable);
    CAF_CHECK_EQUAL(failed.message, "the provider answered with HTTP status " + std::to_string(s.status));
    CAF_CHECK_EQUAL(failed.retry_after_ms.value_or(0), 7000u);
  }
}

CAF_TEST(the words of the provider are found in every usual shape) {
  struct {
    const char* body;
    const char* message;
  } const bodies[] = {
      {R"({"error":{"message":"The model `x` does not exist","type":"invalid_request_error","param":null,"code":"model_not_found"}})",
       "The model `x` does not exist"},
      {R"({"error":"model 'x' not found"})", "model 'x' not found"},
      {R"({"object":"error","message":"bad","type":"BadRequestError","param":null,"code":400})", "bad"},
      {R"({"message":"Invalid","request_id":"r"})", "Invalid"},
      {R"({"detail":"Not Found"})", "Not Found"},
      {R"({"detail":[{"type":"missing","loc":["body","messages",0,"role"],"msg":"Field required","input":{}},{"loc":["body"],"msg":"Bad"}]})",
       "body.messages.0.role: Field required; body: Bad"},
      {R"([{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}])", "API key not valid."},
      {R"({"errors":[{"message":"No route","code":7000}],"success":false})", "No route"},
      {R"({"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"context too long","provider_name":"X"}}})",
       "Provider returned error: context too long"},
      {R"({"error":{"code":"DeploymentNotFound","message":""}})", "DeploymentNotFound"},
      {"\"just a string\"", "just a string"},
      {"  upstream connect error\n or disconnect\t\n", "upstream connect error or disconnect"},
      {"<html>\r\n<head><TITLE>502 Bad\n Gateway</TITLE></head><body>x</body></html>", "502 Bad Gateway"},
      {"<html><body>no title</body></html>", "the provider answered with HTTP status 400"},
      {R"({"msg":"odd","x":1})", R"({"msg":"odd","x":1})"},
      {R"({"error":{"message":"cut)", R"({"error":{"message":"cut)"},
      {"{}", "the provider answered with HTTP status 400"},
      {"[]", "the provider answered with HTTP status 400"},
      {R"({"error":{"error":{"error":{"error":{"error":{"error":"deep"}}}}}})",
       R"({"error":{"error":{"error":{"error":{"error":{"error":"deep"}}}}}})"},
  };
  for (const auto& b : bodies) CAF_CHECK_EQUAL(message_of(b.body), b.message);
}

CAF_TEST(no key gets into a message) {
  struct {
    const char* text;
    const char* safe;
  } const texts[] = {
      {"Incorrect API key provided: sk-proj-abc*****wxyz. You can find yours at https://x.",
       "Incorrect API key provided: [redacted]. You can find yours at https://x."},
      {"key=correct-horse-battery!", "key=[redacted]!"},
      {"Authorization: Bearer 0123456789abcdef01 is bad", "Authorization: [redacted] is bad"},
      {"Bearer authentication is required", "Bearer authentication is required"},
      {"token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln expired", "token [redacted] expired"},
      {"(gsk_0123456789) AIzaSyA-1234567 \"hf_abcdefgh\" xai-abcdefgh",
       "([redacted]) [redacted] \"[redacted]\" [redacted]"},
      {"a risk-averse task-force asks, abc", "a risk-averse task-force asks, abc"},
  };
  for (const auto& t : texts) CAF_CHECK_EQUAL(safe_text(t.text, secrets), t.safe);
  CAF_CHECK_EQUAL(message_of(R"({"error":{"message":"correct\u002dhorse-battery is wrong"}})"), "[redacted] is wrong");
}

CAF_TEST(a message is one short line of text) {
  CAF_CHECK_EQUAL(safe_text("\x1B]0;title\x07 a\r\n\tb \x7F\xC2\x85 c\xE2\x80\xAE"
                            "d",
                            {}),
                  "]0;title a b c d");
  CAF_CHECK_EQUAL(safe_text("a\xFF\xE2\x82z", {}), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
  std::string chars;
  for (std::size_t i = 0; i < limits::error_message_chars_max; ++i) chars += "東";
  CAF_CHECK_EQUAL(safe_text(chars, {}), chars);
  auto cut = safe_text(chars + "京", {});
  CAF_CHECK_EQUAL(cut.size(), chars.size());
  CAF_CHECK(is_utf8(cut));
  CAF_CHECK(cut.ends_with("東…"));
  // Half of a key must not be what is left when a message is cut.
  CAF_CHECK_EQUAL(safe_text(std::string(490, 'x') + " correct-horse-battery", secrets),
                  std::string(490, 'x') + " [redacte…");
}

CAF_TEST(a provider is obeyed when it says how long to wait) {
  constexpr std::int64_t now = 784'111'770;  // Sun, 06 Nov 1994 08:49:30 GMT
  struct {
    const char* retry_after;
    const char* retry_after_ms;
    std::int64_t expected_ms;  // -1: nothing
  } const headers[] = {
      {"120", "", 120'000},
      {" 2 ", "", 2000},
      {"1.5", "", 1500},
      {"0", "", 0},
      {"20", "1250", 1250},
      {"20", "12.5", 13},
      {"20", "soon", 20'000},
      {"", "", -1},
      {"-1", "", -1},
      {"soon", "", -1},
      {"1e3", "", -1},
      {"nan", "inf", -1},
      {"Sun, 06 Nov 1994 08:49:37 GMT", "", 7000},
      {"Sunday, 06-Nov-94 08:49:37 GMT", "", 7000},
      {"Sun Nov  6 08:49:37 1994", "", 7000},
      {"Sun, 06 Nov 1994 08:49:00 GMT", "", 0},
      {"Mon, 07 Nov 1994 08:49:30 GMT", "", 86'400'000},
      {"Sun, 31 Feb 1994 08:49:37 GMT", "", -1},
      {"Sun, 06 ovD 1994 08:49:37 GMT", "", -1},
      {"Sun, 06 Nov 1994 25:49:37 GMT", "", -1},
      {"99999999999999999999999999", "", 1'000'000'000'000'000},
  };
  for (const auto& h : headers) {
    auto ms = parse_retry_after(h.retry_after, h.retry_after_ms, now);
    CAF_CHECK_EQUAL(ms ? static_cast<std::int64_t>(*ms) : -1, h.expected_ms);
  }
}
