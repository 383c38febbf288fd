// Who may come in: decides from a request's head whether it is answered at all, and which headers a browser's page needs to
// read the answer. With a key, whoever shows it. Without one, only programs on this machine, and pages of origins that are
// allowed: a foreign web page can neither post here nor, by a name that it points at this address, read (DNS rebinding).
// Reads no body and knows no route but the few that need no key.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "oncue/core/agentos_answers.hpp"

namespace oncue::core {

struct door_settings {
  std::string key;                         ///< empty: there is none
  bool any_host = false;                   ///< without a key: any Host is answered (the address is open on purpose)
  std::vector<std::string> allowed_hosts;  ///< besides loopback's names; without a port
  std::vector<std::string> origins;        ///< pages that may read
};

/// What of a request's head the doors look at; texts as sent, empty: not sent.
struct request_head {
  std::string_view method;
  std::string_view path;  ///< as sent, without the query
  std::string_view host;
  std::string_view origin;
  std::string_view authorization;
  std::string_view fetch_site;         ///< Sec-Fetch-Site
  std::string_view requested_method;   ///< Access-Control-Request-Method
  std::string_view requested_headers;  ///< Access-Control-Request-Headers
};

/// Come in; these headers go with the answer.
struct door_open {
  std::vector<std::pair<std::string, std::string>> headers;
};

/// This is the answer.
struct door_shut {
  http_answer answer;
};

/// As AgentOS answers: 401 bodies and preflights are agno's (Starlette's CORS), the 403s are ours.
std::variant<door_open, door_shut> ask_doors(const request_head& head, const door_settings& settings);

}  // namespace oncue::core
