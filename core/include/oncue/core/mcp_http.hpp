// What a server of tools answered over HTTP when it did not answer with messages, as the end of a sentence. Keeps secrets
// out of it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace oncue::core {

/// "answered with status 401: invalid token". `body` is the beginning of the answer's body, of any type.
std::string mcp_http_problem(int status, std::string_view body, std::span<const std::string> secrets);

/// True if an answer to a request of a session says that the server does not know that session: status 404, or the status
/// 400 that some servers send instead, with a body about sessions.
bool mcp_session_is_unknown(int status, std::string_view body);

}  // namespace oncue::core
