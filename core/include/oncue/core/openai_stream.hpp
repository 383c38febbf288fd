// The body of a 2xx answer of an OpenAI-compatible /chat/completions endpoint, turned into the messages of
// messages/model.hpp: deltas as they come, then exactly one model_done or model_failed. Knows the dialects of OpenAI,
// Azure, llama.cpp, vLLM, Ollama, OpenRouter and DeepSeek. Promises the same messages for every way of cutting the bytes,
// bounded memory, and never a failure that looks like an answer.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oncue/core/openai_tool_calls.hpp"
#include "oncue/core/sse_decoder.hpp"
#include "oncue/messages/model.hpp"

namespace oncue::core {

using model_message = std::variant<model_delta, model_done, model_failed>;

/// Decoder of one attempt. Both functions append to `out`; after the model_done or model_failed nothing more comes.
class openai_stream_decoder {
 public:
  /// `secrets`: from `request_secrets`; they are taken out of what a provider says in an error.
  explicit openai_stream_decoder(attempt_no attempt, std::vector<std::string> secrets = {});

  /// The next bytes of the body. A body that begins with "{" or "[" is one JSON answer of a server that does not stream,
  /// whatever its content type says: it is kept (at most limits::sse_line_bytes_max) and decoded by `end`.
  void feed(std::string_view bytes, std::vector<model_message>& out);

  /// The connection has ended. An answer that gave its finish_reason is complete, with or without "[DONE]"; without either
  /// it was cut: provider_protocol, retryable if nothing of it was handed out. `reason`: why the connection ended, in the
  /// words of the HTTP client; empty if it was closed in the usual way. A last event without its blank line counts, unlike
  /// in a browser, if it is whole: "[DONE]" or JSON, which never is JSON when cut.
  void end(std::vector<model_message>& out, std::string_view reason = {});

  /// True once the model_done or model_failed was given: the connection may be closed.
  bool ended() const { return ended_; }

 private:
  enum class body_format : std::uint8_t { unknown, event_stream, json };

  void choose_format(std::string_view& bytes, std::vector<model_message>& out);
  void on_event(const sse_event& event, bool may_be_cut, std::vector<model_message>& out);
  void on_chunk(nlohmann::json& chunk, std::vector<model_message>& out);
  void on_choice(nlohmann::json& choice, std::vector<model_message>& out);
  void on_delta(nlohmann::json& delta, std::vector<model_message>& out);
  void add_text(nlohmann::json& delta, const char* name, std::vector<model_message>& out);
  void add_reasoning(nlohmann::json& delta, std::vector<model_message>& out);
  void give(delta_kind kind, std::string&& text, std::vector<model_message>& out);
  void whole_answer(std::vector<model_message>& out, std::string_view reason);
  void succeed(std::vector<model_message>& out);
  void fail(std::vector<model_message>& out, std::string_view what, std::string_view detail = {}, bool retryable = false);
  void refuse(const nlohmann::json& error, std::vector<model_message>& out);

  attempt_no attempt_;
  std::vector<std::string> secrets_;
  sse_decoder events_;
  std::string json_body_;
  openai_tool_calls tool_calls_;
  token_usage usage_;
  std::string finish_reason_;
  body_format format_ = body_format::unknown;
  bool event_seen_ = false;
  bool delta_given_ = false;
  bool ended_ = false;
};

}  // namespace oncue::core
