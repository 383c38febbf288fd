#include "oncue/core/openai_error.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "oncue/core/limits.hpp"
#include "oncue/core/retry_after.hpp"
#include "oncue/core/safe_text.hpp"

namespace oncue::core {

namespace {

using nlohmann::json;

const json* member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

std::string text_member(const json& object, const char* name) {
  auto* found = member(object, name);
  return found && found->is_string() ? found->get<std::string>() : std::string();
}

/// One entry of FastAPI's validation errors: {"loc":["body","model"],"msg":"Field required","type":"missing"}.
std::string validation_error(const json& entry) {
  auto text = text_member(entry, "msg");
  std::string where;
  if (auto* location = member(entry, "loc"); location && location->is_array()) {
    for (const auto& step : *location) {
      if (!step.is_string() && !step.is_number_integer()) continue;
      if (!where.empty()) where.push_back('.');
      where += step.is_string() ? step.get<std::string>() : std::to_string(step.get<std::int64_t>());
    }
  }
  return where.empty() || text.empty() ? text : where + ": " + text;
}

std::string find_message(const json& value, int depth = 0) {
  if (value.is_string()) return value.get<std::string>();
  if (depth > limits::error_depth_max || value.empty()) return {};
  if (value.is_array()) {
    std::string list;
    for (std::size_t i = 0; i < std::min(value.size(), limits::error_details_max); ++i) {
      auto entry = validation_error(value[i]);
      if (entry.empty()) continue;
      if (!list.empty()) list += "; ";
      list += entry;
    }
    return list.empty() ? find_message(value.front(), depth + 1) : list;
  }
  if (!value.is_object()) return {};
  for (auto* name : {"error", "message", "detail", "errors"}) {
    auto* found = member(value, name);
    if (!found) continue;
    auto message = find_message(*found, depth + 1);
    if (message.empty()) continue;
    // OpenRouter says "Provider returned error" here, and what the provider said there.
    auto* metadata = member(value, "metadata");
    auto raw = metadata ? text_member(*metadata, "raw") : std::string();
    return raw.empty() ? message : message + ": " + raw;
  }
  for (auto* name : {"code", "type"}) {
    if (auto word = text_member(value, name); !word.empty()) return word;
  }
  return {};
}

std::string page_title(std::string_view page) {
  std::string lower(page);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  auto open = lower.find("<title");
  auto start = lower.find('>', open);
  auto end = lower.find("</title", start);
  if (open == std::string::npos || start == std::string::npos || end == std::string::npos) return {};
  return std::string(page.substr(start + 1, end - start - 1));
}

std::string message_in(std::string_view body) {
  auto first = body.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  body.remove_prefix(first);
  if (body.front() == '<') return page_title(body);
  auto parsed = json::parse(body, nullptr, false);
  auto message = parsed.is_discarded() || parsed.empty() ? std::string() : find_message(parsed);
  return message.empty() && !parsed.empty() ? std::string(body) : message;
}

bool helps_to_retry(int status) { return status == 408 || status == 429 || (status >= 500 && status <= 599); }

failure_code code_of(int status) {
  return status == 429 ? failure_code::provider_rate_limited : failure_code::provider_refused;
}

/// The object that describes the error: the member `error` where there is one.
const json& described(const json& error) {
  const json& first = error.is_array() && !error.empty() ? error.front() : error;
  auto* inner = member(first, "error");
  return inner && inner->is_object() ? *inner : first;
}

/// The status that an error object stands for, 0 if it names none. Words: OpenAI's error codes and types.
int status_of(const json& error) {
  for (auto* name : {"code", "status"}) {
    auto* found = member(error, name);
    if (!found || !found->is_number_integer()) continue;
    auto number = found->get<std::int64_t>();
    if (number >= 400 && number <= 599) return static_cast<int>(number);
  }
  return 0;
}

int status_of_words(const json& error) {
  for (auto* name : {"code", "type"}) {
    auto word = text_member(error, name);
    if (word == "rate_limit_exceeded" || word == "rate_limit_error") return 429;
    if (word == "server_error" || word == "internal_server_error" || word == "overloaded_error") return 500;
  }
  return 0;
}

}  // namespace

model_failed http_failure(attempt_no attempt, const http_refusal& answer, std::span<const std::string> secrets) {
  model_failed failed;
  failed.attempt = attempt;
  failed.provider_status = answer.status;
  failed.code = code_of(answer.status);
  failed.retryable = helps_to_retry(answer.status);
  failed.retry_after_ms = parse_retry_after(answer.retry_after, answer.retry_after_ms, answer.now_unix_s);
  failed.message = safe_text(message_in(answer.body), secrets);
  if (failed.message.empty()) failed.message = "the provider answered with HTTP status " + std::to_string(answer.status);
  return failed;
}

bool is_error(const json& chunk) {
  if (chunk.is_array()) return !chunk.empty() && chunk.front().is_object() && is_error(chunk.front());
  auto* error = member(chunk, "error");
  if (error && (error->is_string() || error->is_object() || error->is_array()))
    return !error->empty() && !(error->is_string() && error->get_ref<const std::string&>().empty());
  return text_member(chunk, "object") == "error";
}

model_failed stream_failure(attempt_no attempt, const json& error, std::span<const std::string> secrets,
                            bool retry_may_help) {
  const auto& description = described(error);
  auto status = status_of(description);
  auto meaning = status != 0 ? status : status_of_words(description);
  model_failed failed;
  failed.attempt = attempt;
  failed.provider_status = static_cast<std::uint16_t>(status);
  failed.code = code_of(meaning);
  failed.retryable = retry_may_help && helps_to_retry(meaning);
  failed.message = safe_text(find_message(error), secrets);
  if (failed.message.empty()) failed.message = "the provider ended the stream with an error and no message";
  return failed;
}

}  // namespace oncue::core
