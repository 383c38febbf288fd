// The bytes around an answer: status line, header fields and chunk sizes (RFC 9112). Promises that a header value from
// outside cannot begin a line of its own. Nothing but text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oncue/io/http_server.hpp"

namespace oncue::io::detail {

enum class body_framing : std::uint8_t {
  length,       ///< Content-Length
  chunked,      ///< a stream
  until_close,  ///< a stream for HTTP/1.0
};

/// Status line and fields, to the empty line. `date`: as http_date gives it.
std::string answer_head(const server_response& response, body_framing framing, bool keep_alive, std::string_view date);

/// Of these statuses no body is sent, whatever the response holds (RFC 9110, 6.4.1).
bool has_no_body(int status);

/// RFC 9110, 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::int64_t unix_s);

/// "1f\r\n".
std::string chunk_head(std::size_t bytes);

/// {"detail": "..."}, the form of every error of the API. `detail`: plain text that needs no escapes.
server_response error_answer(int status, std::string_view detail);

}  // namespace oncue::io::detail
