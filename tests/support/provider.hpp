// A model provider that misbehaves on demand: an HTTP/1.1 server on the loopback with an OpenAI-compatible streaming
// endpoint, on a thread of its own. What it does to a request stands in the URL: the first segment of the path is a
// scenario with parameters, as in http://127.0.0.1:PORT/words;n=20;gap_ms=5/v1. It notices at once when a client closes,
// keeps a record of each connection, and lets a test wait for what it wants to see.
//
// scenario            parameters (default)      does
// words               n(10) gap_ms(0) burst(0)  n deltas, gap_ms before each; burst=1: prepared frames in large writes
// endless             gap_ms(10)                deltas for ever
// clock               n(for ever) gap_ms(50)    deltas "t=<steady clock in ns> "
// slow_accept         ms(for ever)              reads the request and stays mute; see also provider_options::mute
// slow_headers        ms(for ever) n            the answer's first byte comes after ms; then words
// slow_first_token    ms(for ever) n            headers at once, the first delta after ms; then words
// silence             -                         headers, then nothing for ever
// silence_after       k(3)                      k deltas, then nothing for ever
// one_byte            n                         words, each byte of the connection in its own write
// split_utf8          n                         text that is not ASCII, cut inside of characters
// split_lines         n seed(1) eol(mixed)      cut at random places; eol=lf|crlf|cr|mixed; with comments between events
// bad_json            k(3)                      k deltas, then a data line that is no JSON, then n-k more deltas
// big_delta           bytes(10485760)           one delta of that many bytes in one line
// early_close         k(3) clean(0)             k deltas, then closes; clean=1: HTTP is complete, the stream is not
// reset               k(3)                      k deltas, then resets the connection
// status              code(500)                 an error status with OpenAI's error body; 401 echoes some of the key;
//                                               400 closes (and is the answer to what is not HTTP)
// rate_limit_then_ok  k(1) after_s(1) after_ms  429 with Retry-After for the first k requests of this path, then words
// error_then_ok       k(1) code(500)            an error status for the first k requests of this path, then words
// error_in_stream     k(3)                      k deltas, then an error object as data, then the end
// no_done             n                         everything but [DONE], then closes
// done_but_open       n                         everything, but neither the answer nor the connection ends
// tool_call           calls(1) words(0)         text-free answer: tool calls in fragments, finish_reason tool_calls; when
// it
//                                               has been told what they answered, so many words instead, if above 0
// reasoning           n                         n reasoning deltas (reasoning_content), then n content deltas
// usage               n                         words with a usage chunk, as words does if stream_options asks for it
// not_sse             -                         a plain JSON answer to a streaming request
// early_answer        n                         words, begun before the request's body is there
// echo                -                         one delta: the request's body
//
// GET /<scenario>/v1/models answers a list of one model (status: the error).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oncue::test {

struct connection_record {
  using time_point = std::chrono::steady_clock::time_point;

  int id = 0;                             ///< counts from 1, in the order of acceptance
  std::string scenario;                   ///< of the latest request: the path's first segment
  std::string request_head;               ///< of the latest request: request line and headers
  std::string request_body;               ///< of the latest request
  std::uint64_t requests = 0;             ///< on this connection, wholly received
  std::uint64_t deltas_sent = 0;          ///< on this connection, given to the kernel
  std::uint64_t answers = 0;              ///< given completely
  time_point accepted{};                  ///< when the connection was there
  std::optional<time_point> requested;    ///< when the first request was whole
  bool client_closed = false;             ///< the client closed or reset the connection first
  std::optional<time_point> closed_at{};  ///< when that was seen
  bool over = false;                      ///< nothing of the connection is open here any more
};

struct provider_options {
  std::uint16_t port = 0;                          ///< 0: any free one
  bool mute = false;                               ///< accepts and swallows bytes, answers nothing, not even TLS
  std::string certificate_file;                    ///< PEM; with key_file: TLS
  std::string key_file;                            ///< PEM
  bool keep_records = true;                        ///< false: for long runs; records() stays empty
  std::function<void(std::string_view line)> log;  ///< one line an event, on the provider's thread
};

class provider {
 public:
  /// Listens when it returns. Throws std::runtime_error if the port is taken or the certificate is no good.
  explicit provider(provider_options options = {});

  /// Closes all connections.
  ~provider();

  provider(const provider&) = delete;
  provider& operator=(const provider&) = delete;

  std::uint16_t port() const;

  /// "http://127.0.0.1:PORT/<scenario>/v1"; https with a certificate.
  std::string base_url(std::string_view scenario) const;

  /// base_url + "/chat/completions".
  std::string url(std::string_view scenario) const;

  /// A snapshot, in the order of acceptance.
  std::vector<connection_record> records() const;

  /// Waits until the predicate holds of the records; false if it does not within the time. It is asked at once and after
  /// each change, under the provider's lock: it must only look.
  bool wait_until(const std::function<bool(const std::vector<connection_record>&)>& predicate,
                  std::chrono::milliseconds deadline = std::chrono::seconds(10)) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// The text that the deltas of a scenario segment ("words;n=3") make together, if it comes to its end.
std::string expected_text(std::string_view segment);

/// The bytes of the answer's body for words, one_byte, split_utf8, split_lines, big_delta.
std::string expected_body(std::string_view segment);

}  // namespace oncue::test
