// What an OpenAI-compatible provider says when it refuses: an HTTP answer that is not 2xx, or an error object in the middle
// of a stream. Turned into one `model_failed` with the provider's own words. Promises that the words are safe to show
// (core/safe_text.hpp) and hold nothing of the request. Never decides whether to try again, only whether it could help.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "oncue/messages/model.hpp"

namespace oncue::core {

/// An HTTP answer whose status is not 2xx. The views need only live through the call.
struct http_refusal {
  std::uint16_t status = 0;
  std::string_view body;            ///< at most limits::error_body_bytes_max of it
  std::string_view retry_after;     ///< the header `Retry-After`, empty if absent
  std::string_view retry_after_ms;  ///< the header `retry-after-ms`, empty if absent
  std::int64_t now_unix_s = 0;      ///< for a Retry-After that is a date
};

/// 429: provider_rate_limited; all else: provider_refused. 408, 429 and 5xx are retryable. The message is the provider's,
/// found in the usual shapes: {"error":{"message"}}, {"error":"…"}, {"message"}, {"detail"} (also FastAPI's list), the
/// first element of an array, plain text, a web page's title; with none of these it names the status.
/// `secrets`: what was sent and must not be shown, from `request_secrets`.
model_failed http_failure(attempt_no attempt, const http_refusal& answer, std::span<const std::string> secrets);

/// True if `chunk` is not an answer but an error: a member `error` that says something, or vLLM's {"object":"error"}, or an
/// array that starts with such an object (Gemini).
bool is_error(const nlohmann::json& chunk);

/// An error that came inside a stream whose HTTP status was 2xx. `error` is a chunk for which `is_error` is true, or the
/// data of an SSE `event: error`, whatever it is. Its number `code` is taken for the HTTP status; without one, OpenAI's
/// words "server_error" and "rate_limit_exceeded" say the same as 500 and 429. `retry_may_help`: false once text of this
/// attempt was handed out; then the failure is not retryable.
model_failed stream_failure(attempt_no attempt, const nlohmann::json& error, std::span<const std::string> secrets,
                            bool retry_may_help);

}  // namespace oncue::core
