#include "oncue/core/doors.hpp"

#include <algorithm>
#include <array>

#include "oncue/core/http_text.hpp"
#include "oncue/core/json_text.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::core {

namespace {

using headers = std::vector<std::pair<std::string, std::string>>;

/// What everybody may read: it says that there is a server, and how to speak to it.
constexpr std::array<std::string_view, 6> open_paths = {"/", "/health", "/info", "/docs", "/redoc", "/openapi.json"};

bool is_open(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::find(open_paths.begin(), open_paths.end(), path) != open_paths.end();
}

/// The page that this server itself has served. Without TLS in front the scheme is http; behind a proxy it may be https.
bool is_own_origin(std::string_view origin, std::string_view host) {
  return !host.empty() && (origin == "http://" + std::string{host} || origin == "https://" + std::string{host});
}

headers cors_headers(std::string_view origin) {
  return {{"access-control-allow-origin", std::string{origin}},
          {"access-control-allow-credentials", "true"},
          {"access-control-expose-headers", "*"},
          {"vary", "Origin"}};
}

/// As Starlette's CORSMiddleware answers it: text, not JSON.
door_shut preflight(const request_head& head, bool allowed) {
  headers result{{"vary", "Origin"},
                 {"access-control-allow-methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"},
                 {"access-control-max-age", "600"},
                 {"access-control-allow-credentials", "true"}};
  if (allowed) result.emplace_back("access-control-allow-origin", head.origin);
  if (!head.requested_headers.empty()) result.emplace_back("access-control-allow-headers", head.requested_headers);
  result.emplace_back("content-type", "text/plain; charset=utf-8");
  return {{allowed ? 200 : 400, allowed ? "OK" : "Disallowed CORS origin", std::move(result)}};
}

}  // namespace

std::variant<door_open, door_shut> ask_doors(const request_head& head, const door_settings& settings) {
  auto allowed =
      !head.origin.empty() && (is_allowed_origin(head.origin, settings.origins) || is_own_origin(head.origin, head.host));
  auto keyless = settings.key.empty();
  // Before the origins: a page behind a rebound name is, to itself, the server's own.
  if (keyless && !settings.any_host && !is_allowed_host(head.host, settings.allowed_hosts)) {
    return door_shut{error_answer(403, "Host " + in_quotes(head.host) +
                                           " is not served: without a key this server answers to localhost only; "
                                           "allow the name with server.allowed_hosts, or set a key")};
  }
  if (head.method == "OPTIONS" && !head.origin.empty() && !head.requested_method.empty()) return preflight(head, allowed);
  if (keyless && !head.origin.empty() && !allowed) {
    return door_shut{
        error_answer(403, "Origin " + in_quotes(head.origin) +
                              " is not allowed: add it to server.cors_origins if this page may start runs here")};
  }
  auto changes = head.method != "GET" && head.method != "HEAD" && head.method != "OPTIONS";
  if (keyless && changes && head.origin.empty() && head.fetch_site == "cross-site") {
    return door_shut{error_answer(403, "a page of another site may not do this")};
  }
  door_open open;
  if (allowed) open.headers = cors_headers(head.origin);
  if (keyless || is_open(head.path)) return open;
  auto shut = [&](http_answer answer) {
    answer.headers.insert(answer.headers.end(), open.headers.begin(), open.headers.end());
    return door_shut{std::move(answer)};
  };
  if (head.authorization.empty()) return shut(key_missing());
  auto has_key = equals_secret(bearer_token(head.authorization), settings.key);
  if (!has_key && !planted(mutant::any_key_opens)) return shut(key_wrong());
  return open;
}

}  // namespace oncue::core
