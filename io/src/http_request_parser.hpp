// Turns the bytes of a connection into one request, piece by piece, and says what is wrong with them in the words and the
// status of the answer. Promises that head and body stay within their limits, that a message has one length only (no
// request smuggling), and that trailers never become headers. The grammar is Boost.Beast's, behind this wall. No sockets.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "oncue/io/http_server.hpp"

namespace oncue::io::detail {

class http_request_parser {
 public:
  /// For one request. `header_bytes_max`: of request line and fields together.
  http_request_parser(std::size_t header_bytes_max, std::size_t body_bytes_max);
  ~http_request_parser();
  http_request_parser(const http_request_parser&) = delete;
  http_request_parser& operator=(const http_request_parser&) = delete;

  /// Takes bytes from the front and returns how many. What is left must come again, with more behind it; after the end of
  /// the request it belongs to the next one. Not after done() or a refusal.
  std::size_t feed(std::string_view bytes);

  /// Something other than empty lines has come.
  bool started() const;
  bool head_done() const;
  bool done() const;

  /// The status to refuse it with: 400, 413, 417, 431, 501, 505; 0: nothing is wrong.
  int refused() const;
  /// One sentence about it; a fixed text, nothing of the request.
  std::string_view refusal() const;

  /// The client waits for "100 Continue" before it sends the body.
  bool wants_continue() const;
  bool is_head() const;
  bool is_http_10() const;
  /// After the head.
  bool keep_alive() const;

  /// After done().
  server_request take();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace oncue::io::detail
