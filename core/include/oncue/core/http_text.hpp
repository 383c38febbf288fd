// What stands in the texts of an HTTP request: the target's path and query, forms in both codings, and the few headers that
// decide something. Everything here comes from strangers: whatever the bytes are, the answer is a value or a sentence that
// says what is wrong, within the bounds of limits.hpp, and never more memory than the text itself needs. Never throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oncue::core {

/// Names and values, decoded, in their order; a name may come again.
using field_pairs = std::vector<std::pair<std::string, std::string>>;

// -- the target --------------------------------------------------------------------

struct request_target {
  std::vector<std::string> segments;  ///< between the slashes of the path, decoded; without empty ones at its end
  field_pairs query;
  std::string error;  ///< one sentence; empty: it is a target

  explicit operator bool() const { return error.empty(); }
};

/// "/agents/a%20b/runs?limit=5", also with "http://host" before it (RFC 9112, 3.2). A "%" in the path must begin an escape,
/// and what the escapes make must be UTF-8. For "*" (of OPTIONS) the one segment is "*".
request_target parse_target(std::string_view target);

// -- forms -------------------------------------------------------------------------

struct form_file {
  std::string name;
  std::string filename;      ///< as the client calls it: not a path to be used
  std::string content_type;  ///< as sent; empty: not sent
  std::string bytes;
};

struct form_data {
  field_pairs fields;  ///< UTF-8
  std::vector<form_file> files;
  std::string error;  ///< one sentence; empty: it is a form

  explicit operator bool() const { return error.empty(); }
  /// Of all files together.
  std::size_t file_bytes() const;
};

/// A whole body by its Content-Type: application/x-www-form-urlencoded or multipart/form-data. A body of another type, or
/// of none, has no fields, which is no error: which field is missing is a better answer.
form_data read_form(std::string_view content_type, std::string_view body);

/// application/x-www-form-urlencoded, as browsers read it (WHATWG URL, 5.1): "+" is a space, and a "%" that begins no
/// escape stands for itself. Queries too.
form_data read_urlencoded(std::string_view body);

/// multipart/form-data (RFC 7578, RFC 2046 5.1). A part with a file name, be it empty, is a file.
form_data read_multipart(std::string_view boundary, std::string_view body);

// -- headers -----------------------------------------------------------------------

/// True if a Content-Type is `media_type` (lower case), whatever its parameters.
bool is_media_type(std::string_view content_type, std::string_view media_type);

/// A parameter of a header like Content-Type or Content-Disposition, its quotes taken off: `name` in lower case.
std::optional<std::string> header_parameter(std::string_view header, std::string_view name);

/// A trace context that may be passed on (W3C Trace Context, 3.2): version, trace id, parent id and flags in lower-case
/// hex, no id all zero, version not ff.
bool is_traceparent(std::string_view text);

/// The key in an Authorization header: "Bearer KEY", or KEY alone. Empty: none.
std::string_view bearer_token(std::string_view authorization);

/// True if they are the same. Takes a time that depends on `given` only, so that nobody can guess `secret` piece by piece.
/// False if `secret` is empty.
bool equals_secret(std::string_view given, std::string_view secret);

/// The name in a Host header, without its port and, for IPv6, without brackets. Nothing if it is no such header.
std::optional<std::string_view> host_name(std::string_view host);

/// True for an address that only this machine can reach: localhost, ::1, 127.x.y.z; as a person writes it into a setting,
/// without a port and brackets. A name that only begins like one ("127.example.com") is no such address.
bool is_loopback(std::string_view host);

/// True for localhost, 127.0.0.1 and ::1 with any port, and for the `allowed` names (without a port, in any case). A page
/// that points its own name at this machine sends its own name (DNS rebinding): it is not among them.
bool is_allowed_host(std::string_view host, std::span<const std::string> allowed);

/// Where a page comes from (RFC 6454): "https://agno.com", "http://localhost:3000".
struct web_origin {
  std::string scheme;      ///< lower case
  std::string host;        ///< lower case, IPv6 in brackets
  std::uint16_t port = 0;  ///< the scheme's own (80, 443) if none is said; 0: it has none

  friend bool operator==(const web_origin&, const web_origin&) = default;
};

/// Nothing for "null", and for whatever is not scheme, host and port alone.
std::optional<web_origin> parse_origin(std::string_view text);

/// True if `origin` is one of `allowed`, by all three of its parts.
bool is_allowed_origin(std::string_view origin, std::span<const std::string> allowed);

}  // namespace oncue::core
