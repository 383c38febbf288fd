#include "oncue/core/openai_request.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace oncue::core {

namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view not_an_object = "extra_body: expected a JSON object";

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string without_controls(std::string_view text) {
  std::string clean;
  std::copy_if(text.begin(), text.end(), std::back_inserter(clean), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7F) || c == '\t';
  });
  return clean;
}

std::string trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

const char* role_name(chat_role role) {
  switch (role) {
    case chat_role::system: return "system";
    case chat_role::user: return "user";
    case chat_role::assistant: return "assistant";
    case chat_role::tool: return "tool";
  }
  return "user";
}

json to_json(const chat_message& message) {
  json j = {{"role", role_name(message.role)}};
  if (message.role == chat_role::tool) j["tool_call_id"] = message.tool_call_id;
  if (message.role != chat_role::assistant || message.tool_calls.empty()) {
    j["content"] = message.content;
    return j;
  }
  j["content"] = message.content.empty() ? json(nullptr) : json(message.content);
  auto& calls = j["tool_calls"] = json::array();
  for (const auto& call : message.tool_calls) {
    json function = {{"name", call.name}, {"arguments", call.arguments.empty() ? "{}" : call.arguments}};
    calls.push_back({{"id", call.id}, {"type", "function"}, {"function", std::move(function)}});
  }
  return j;
}

json parse_extra_body(std::string_view text) { return text.empty() ? json::object() : json::parse(text, nullptr, false); }

}  // namespace

std::string chat_completions_url(std::string_view base_url) {
  base_url = base_url.substr(0, base_url.find('#'));
  auto question = std::min(base_url.find('?'), base_url.size());
  auto query = base_url.substr(question);
  auto path = base_url.substr(0, question);
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  std::string url(path);
  url += "/chat/completions";
  url += query;
  return url;
}

std::vector<http_header> openai_headers(const model_spec& spec, std::string_view api_key, std::string_view traceparent) {
  std::vector<http_header> headers = {{"Content-Type", "application/json"}, {"Accept", "text/event-stream"}};
  if (auto key = trimmed(without_controls(trimmed(api_key))); !key.empty()) {
    headers.emplace_back("Authorization", "Bearer " + key);
  }
  if (auto trace = trimmed(without_controls(traceparent)); !trace.empty()) headers.emplace_back("traceparent", trace);
  auto ours = headers.size();
  for (const auto& [raw_name, raw_value] : spec.headers) {
    auto name = trimmed(without_controls(raw_name));
    if (name.empty()) continue;
    auto same = [&](const http_header& h) { return equal_ignoring_case(h.first, name); };
    auto end_of_ours = headers.begin() + static_cast<std::ptrdiff_t>(ours);
    if (auto it = std::find_if(headers.begin(), end_of_ours, same); it != end_of_ours) {
      headers.erase(it);
      --ours;
    }
    headers.emplace_back(std::move(name), trimmed(without_controls(raw_value)));
  }
  return headers;
}

std::vector<std::string> request_secrets(const model_spec& spec, std::string_view api_key) {
  std::vector<std::string> secrets;
  if (auto key = trimmed(api_key); !key.empty()) secrets.push_back(std::move(key));
  // Shorter values are words ("true", "beta") that a message may well contain.
  auto add = [&](std::string secret) {
    if (secret.size() >= 8) secrets.push_back(std::move(secret));
  };
  for (const auto& [name, raw_value] : spec.headers) {
    auto value = trimmed(raw_value);
    auto space = value.find(' ');
    auto rest = space == std::string::npos ? std::string() : trimmed(std::string_view(value).substr(space));
    add(std::move(value));
    add(std::move(rest));
  }
  return secrets;
}

openai_body build_openai_body(const model_spec& spec, const model_request& request) {
  auto extra = parse_extra_body(spec.extra_body);
  if (!extra.is_object()) return {{}, std::string(not_an_object)};
  json body = {{"model", spec.name}};
  auto& messages = body["messages"] = json::array();
  for (const auto& message : request.messages) messages.push_back(to_json(message));
  if (!request.tools.empty()) {
    auto& tools = body["tools"] = json::array();
    for (const auto& tool : request.tools) {
      json function = {{"name", tool.name}};
      if (!tool.description.empty()) function["description"] = tool.description;
      auto parameters = json::parse(tool.parameters, nullptr, false);
      function["parameters"] = parameters.is_object() ? std::move(parameters) : json{{"type", "object"}};
      tools.push_back({{"type", "function"}, {"function", std::move(function)}});
    }
  }
  body["stream"] = true;
  if (spec.include_usage) body["stream_options"] = {{"include_usage", true}};
  if (spec.temperature) body["temperature"] = *spec.temperature;
  if (spec.max_tokens) body["max_tokens"] = *spec.max_tokens;
  for (auto& [name, value] : extra.items()) {
    if (name != "stream" && name != "messages") body[name] = std::move(value);
  }
  return {body.dump(-1, ' ', false, json::error_handler_t::replace), {}};
}

std::string extra_body_problem(std::string_view extra_body) {
  return parse_extra_body(extra_body).is_object() ? std::string() : std::string(not_an_object);
}

}  // namespace oncue::core
