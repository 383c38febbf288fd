#include "oncue/core/agentos_routes.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "agentos_route_table.hpp"

namespace oncue::core {
namespace {

/// The ids in the path if `path` fits, else nothing.
std::optional<std::vector<std::string>> ids_in(std::string_view path, std::span<const std::string> segments) {
  std::vector<std::string> ids;
  path.remove_prefix(1);
  std::size_t taken = 0;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    const auto part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part == "**") return ids;
    if (taken == segments.size()) return {};
    const auto& segment = segments[taken++];
    if (part.front() == '{') {
      if (segment.empty()) return {};
      ids.push_back(segment);
    } else if (part != segment) {
      return {};
    }
  }
  if (taken != segments.size()) return {};
  return ids;
}

/// The methods of one path as an Allow header has them (RFC 9110, section 10.2.1).
class allowed_methods {
 public:
  void add(std::string_view method) {
    add_one(method);
    if (method == "GET") add_one("HEAD");
  }
  bool none() const { return text_.empty(); }
  std::string text() const { return text_ + ", OPTIONS"; }

 private:
  void add_one(std::string_view method) {
    if (text_.find(method) != std::string::npos) return;
    if (!text_.empty()) text_ += ", ";
    text_ += method;
  }
  std::string text_;
};

}  // namespace

route match_route(std::string_view method, std::span<const std::string> segments) {
  while (!segments.empty() && segments.back().empty()) segments = segments.first(segments.size() - 1);
  for (const auto& part : missing_parts()) {
    if (!ids_in(part.path, segments)) continue;
    if (method == "OPTIONS") return routes::options{"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"};
    return routes::not_served{std::string{part.what}};
  }
  const auto wanted = method == "HEAD" ? "GET" : method;
  allowed_methods allowed;
  for (const auto& entry : route_table()) {
    const auto ids = ids_in(entry.path, segments);
    if (!ids) continue;
    if (entry.method == wanted) return entry.make(*ids);
    if (entry.method == "*") {
      if (method == "OPTIONS") return routes::options{"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"};
      return entry.make(*ids);
    }
    allowed.add(entry.method);
  }
  if (allowed.none()) return routes::not_found{};
  if (method == "OPTIONS") return routes::options{allowed.text()};
  return routes::method_not_allowed{allowed.text()};
}

bool needs_key(const route& which) {
  using namespace routes;
  return !(std::holds_alternative<home>(which) || std::holds_alternative<health>(which) ||
           std::holds_alternative<info>(which) || std::holds_alternative<docs>(which) ||
           std::holds_alternative<openapi>(which));
}

}  // namespace oncue::core
