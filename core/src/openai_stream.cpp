#include "oncue/core/openai_stream.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "oncue/core/limits.hpp"
#include "oncue/core/openai_error.hpp"
#include "oncue/core/safe_text.hpp"
#include "oncue/core/text.hpp"
#include "openai_plain_chunk.hpp"

namespace oncue::core {

namespace {

using nlohmann::json;

constexpr std::string_view white_space = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

json* member(json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  auto it = object.find(name);
  return it == object.end() ? nullptr : &*it;
}

json* object_member(json& object, const char* name) {
  auto* found = member(object, name);
  return found && found->is_object() ? found : nullptr;
}

std::string* text_member(json& object, const char* name) {
  auto* found = member(object, name);
  return found ? found->get_ptr<std::string*>() : nullptr;
}

std::uint64_t count_member(json& object, const char* name) {
  auto* found = member(object, name);
  if (!found || !found->is_number()) return 0;
  if (found->is_number_unsigned()) return found->get<std::uint64_t>();
  auto number = found->get<double>();
  return number > 0 && number < 1e15 ? static_cast<std::uint64_t>(number) : 0;
}

token_usage to_usage(json& object) {
  token_usage usage;
  usage.input_tokens = count_member(object, "prompt_tokens");
  usage.output_tokens = count_member(object, "completion_tokens");
  if (auto* details = object_member(object, "completion_tokens_details")) {
    usage.reasoning_tokens = count_member(*details, "reasoning_tokens");
  }
  if (auto* details = object_member(object, "prompt_tokens_details")) {
    usage.cache_read_tokens = count_member(*details, "cached_tokens");
  } else {
    usage.cache_read_tokens = count_member(object, "prompt_cache_hit_tokens");  // DeepSeek
  }
  return usage;
}

json parse(std::string_view text) {
  auto parsed = json::parse(text, nullptr, false);
  // An event stream is decoded with replacement (WHATWG HTML, 9.2.5): bytes that are not UTF-8 do not end it.
  if (parsed.is_discarded() && !is_utf8(text)) parsed = json::parse(utf8_repaired(text), nullptr, false);
  return parsed;
}

}  // namespace

openai_stream_decoder::openai_stream_decoder(attempt_no attempt, std::vector<std::string> secrets)
    : attempt_(attempt), secrets_(std::move(secrets)) {}

void openai_stream_decoder::feed(std::string_view bytes, std::vector<model_message>& out) {
  if (format_ == body_format::unknown) choose_format(bytes, out);
  if (ended_) return;
  if (format_ == body_format::json) {
    if (bytes.size() > limits::sse_line_bytes_max - json_body_.size()) {
      fail(out, "expected an answer of at most " + std::to_string(limits::sse_line_bytes_max) + " bytes");
      return;
    }
    json_body_.append(bytes);
    return;
  }
  while (!ended_) {
    auto event = events_.next(bytes);
    if (!event) break;
    on_event(*event, false, out);
  }
  if (!ended_ && events_.overflowed()) {
    fail(out, "expected at most " + std::to_string(limits::sse_line_bytes_max) + " bytes in one event of the stream");
  }
}

void openai_stream_decoder::end(std::vector<model_message>& out, std::string_view reason) {
  if (ended_) return;
  if (format_ == body_format::json) {
    whole_answer(out, reason);
    return;
  }
  std::string_view blank_line = "\n\n";
  if (auto event = events_.next(blank_line)) on_event(*event, true, out);
  if (ended_) return;
  if (!finish_reason_.empty()) {
    succeed(out);
    return;
  }
  fail(out, event_seen_ ? "the stream was cut before its end" : "the stream was cut before its first event", reason,
       !delta_given_);
}

/// Drops white space before the first byte that counts: servers that do not stream send it to keep the line alive.
void openai_stream_decoder::choose_format(std::string_view& bytes, std::vector<model_message>& out) {
  auto first = bytes.find_first_not_of(white_space);
  bytes.remove_prefix(std::min(first, bytes.size()));
  if (bytes.empty()) return;
  bool is_json = bytes.front() == '{' || bytes.front() == '[';
  format_ = is_json ? body_format::json : body_format::event_stream;
  if (bytes.front() == '<') fail(out, "expected an event stream, got a web page: is base_url right?");
}

/// `may_be_cut`: the stream ended in this event.
void openai_stream_decoder::on_event(const sse_event& event, bool may_be_cut, std::vector<model_message>& out) {
  event_seen_ = true;
  auto data = trimmed(event.data);
  if (data.empty()) return;
  if (data == "[DONE]") {
    succeed(out);
    return;
  }
  if (event.type == "message") {
    if (auto content = plain_content(data)) {
      give(delta_kind::text, std::move(*content), out);
      return;
    }
  }
  auto chunk = parse(data);
  if (may_be_cut && !chunk.is_structured()) return;
  bool named_error = event.type == "error";
  if (named_error && chunk.is_discarded()) chunk = std::string(data);
  if (named_error || is_error(chunk)) {
    refuse(chunk, out);
  } else if (chunk.is_object()) {
    on_chunk(chunk, out);
  } else if (event.type == "message") {
    fail(out, "expected a JSON object in every event of the stream, got", data);
  }
}

void openai_stream_decoder::on_chunk(json& chunk, std::vector<model_message>& out) {
  if (auto* usage = object_member(chunk, "usage")) usage_ = to_usage(*usage);
  auto* choices = member(chunk, "choices");
  if (!choices || !choices->is_array()) return;
  for (auto& choice : *choices) {
    if (!choice.is_object()) continue;
    auto* index = member(choice, "index");
    if (index && index->is_number() && *index != 0) continue;
    on_choice(choice, out);
    return;
  }
}

void openai_stream_decoder::on_choice(json& choice, std::vector<model_message>& out) {
  if (is_error(choice)) {
    refuse(choice, out);
    return;
  }
  if (auto* usage = object_member(choice, "usage")) usage_ = to_usage(*usage);  // Moonshot
  auto* delta = object_member(choice, "delta");
  // The message of a whole answer; beside deltas it would say everything a second time.
  if (!delta && !delta_given_) delta = object_member(choice, "message");
  if (delta) on_delta(*delta, out);
  if (ended_) return;
  auto* finish_reason = text_member(choice, "finish_reason");
  if (!finish_reason || finish_reason->empty()) return;
  if (*finish_reason == "error") {
    refuse(json::object(), out);
    return;
  }
  finish_reason_ = std::move(*finish_reason);
}

void openai_stream_decoder::on_delta(json& delta, std::vector<model_message>& out) {
  add_reasoning(delta, out);
  add_text(delta, "content", out);
  add_text(delta, "refusal", out);
  if (auto* calls = member(delta, "tool_calls")) {
    if (auto problem = tool_calls_.add(*calls); !problem.empty()) fail(out, problem);
  }
}

/// `reasoning_content`: DeepSeek, vLLM, llama.cpp. `reasoning`: OpenRouter, Ollama. Some gateways send the same in both.
void openai_stream_decoder::add_reasoning(json& delta, std::vector<model_message>& out) {
  auto* content = text_member(delta, "reasoning_content");
  auto* reasoning = text_member(delta, "reasoning");
  if (content && reasoning && *content == *reasoning) reasoning = nullptr;
  if (content) give(delta_kind::reasoning, std::move(*content), out);
  if (reasoning) give(delta_kind::reasoning, std::move(*reasoning), out);
}

void openai_stream_decoder::add_text(json& delta, const char* name, std::vector<model_message>& out) {
  auto* value = member(delta, name);
  if (!value) return;
  if (auto* text = value->get_ptr<std::string*>()) {
    give(delta_kind::text, std::move(*text), out);
  } else if (value->is_array()) {
    for (auto& part : *value) {
      if (auto* part_text = text_member(part, "text")) give(delta_kind::text, std::move(*part_text), out);
    }
  }
}

void openai_stream_decoder::give(delta_kind kind, std::string&& text, std::vector<model_message>& out) {
  if (text.empty()) return;
  delta_given_ = true;
  out.emplace_back(model_delta{attempt_, kind, std::move(text)});
}

void openai_stream_decoder::whole_answer(std::vector<model_message>& out, std::string_view reason) {
  auto body = std::exchange(json_body_, {});
  auto answer = parse(body);
  if (is_error(answer)) {
    refuse(answer, out);
    return;
  }
  auto* choices = member(answer, "choices");
  if (answer.is_discarded() && !reason.empty()) {
    fail(out, "the answer was cut before its end", reason, true);
  } else if (!choices || !choices->is_array() || choices->empty()) {
    fail(out, "expected a stream, or one JSON object with choices, got", body);
  } else {
    on_chunk(answer, out);
    if (!ended_) succeed(out);
  }
}

void openai_stream_decoder::succeed(std::vector<model_message>& out) {
  ended_ = true;
  out.emplace_back(model_done{attempt_, std::move(finish_reason_), usage_, tool_calls_.take(attempt_)});
}

void openai_stream_decoder::fail(std::vector<model_message>& out, std::string_view what, std::string_view detail,
                                 bool retryable) {
  ended_ = true;
  model_failed failed;
  failed.attempt = attempt_;
  failed.code = failure_code::provider_protocol;
  failed.message = what;
  if (!detail.empty()) {
    failed.message += ": ";
    failed.message += detail.substr(0, limits::error_body_bytes_max);
  }
  failed.message = safe_text(failed.message, secrets_);
  failed.retryable = retryable;
  out.emplace_back(std::move(failed));
}

void openai_stream_decoder::refuse(const json& error, std::vector<model_message>& out) {
  ended_ = true;
  out.emplace_back(stream_failure(attempt_, error, secrets_, !delta_given_));
}

}  // namespace oncue::core
