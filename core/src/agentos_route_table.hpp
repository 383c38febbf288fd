// The table of routes: how each is matched, and how it is explained. The order counts: the first that fits is taken.
#pragma once

#include <span>
#include <string_view>

#include "oncue/core/agentos_routes.hpp"

namespace oncue::core {

enum class field_kind { text, boolean, integer, object, texts };

/// A query parameter, a form field or a member of a JSON body.
struct route_field {
  std::string_view name;
  field_kind kind = field_kind::text;
  bool required = false;
  std::string_view about;
  std::span<const std::string_view> values = {};  ///< the only ones allowed; empty: any
};

enum class body_kind { none, form, urlencoded, json };

struct route_answer {
  int status = 200;
  std::string_view content;  ///< media types, separated by spaces; empty: no body
  std::string_view about;
};

/// The decoded segments that stand where the path has {names}, in its order.
using route_ids = std::span<const std::string>;

struct route_entry {
  std::string_view method;  ///< "*": any
  std::string_view path;    ///< "/agents/{agent_id}"; with "/**" at its end also everything below it
  route (*make)(route_ids ids);
  std::string_view group;                ///< headline on the docs page; empty: not part of the API's description
  std::string_view name;                 ///< operationId
  std::string_view summary;              ///< one line
  std::string_view details;              ///< a sentence or two more; may be empty
  std::span<const route_field> headers;  ///< of the request, beyond the usual ones
  std::span<const route_field> query;
  body_kind body = body_kind::none;
  std::span<const route_field> fields;  ///< of the body
  std::span<const route_answer> answers;
  std::string_view example;  ///< what follows `curl` (BASE is where the server listens); may be empty
  bool ours = false;         ///< agno does not have it
};

std::span<const route_entry> route_table();

/// What agno serves and oncue does not: the path (with "/**" if all below it too) and how it is called.
struct missing_part {
  std::string_view path;
  std::string_view what;
};
std::span<const missing_part> missing_parts();

}  // namespace oncue::core
