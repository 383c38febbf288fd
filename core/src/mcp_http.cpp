#include "oncue/core/mcp_http.hpp"

#include <nlohmann/json.hpp>

#include "json_depth.hpp"
#include "mcp_content.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/safe_text.hpp"

namespace oncue::core {

namespace {

using nlohmann::json;

/// The message in a JSON-RPC error, or in what web servers answer instead; else "".
std::string message_in(std::string_view body) {
  if (!nested_at_most(body, limits::mcp_message_depth_max)) return {};
  const auto answer = json::parse(body, nullptr, false);
  if (answer.is_discarded()) return {};
  if (const auto* error = mcp_member(answer, "error")) {
    if (auto text = mcp_text_member(*error, "message"); !text.empty()) return text;
  }
  for (const auto* name : {"error_description", "message", "detail", "error"}) {
    if (auto text = mcp_text_member(answer, name); !text.empty()) return text;
  }
  return {};
}

}  // namespace

std::string mcp_http_problem(int status, std::string_view body, std::span<const std::string> secrets) {
  auto text = "answered with status " + std::to_string(status);
  auto message = message_in(body);
  // A page for browsers says nothing in a sentence.
  if (message.empty() && body.find('<') == std::string_view::npos && body.find('{') == std::string_view::npos)
    message = body;
  message = safe_text(message, secrets);
  return message.empty() ? text : text + ": " + message;
}

bool mcp_session_is_unknown(int status, std::string_view body) {
  if (status == 404) return true;
  return status == 400 &&
         (body.find("session") != std::string_view::npos || body.find("Session") != std::string_view::npos);
}

}  // namespace oncue::core
