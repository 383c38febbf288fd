// An HTTP/1.1 client for answers that are streamed: bytes are handed over as they come, and a transfer can be closed,
// paused and resumed at any moment from any thread. It owns the sockets of its transfers and the idle connections behind
// them, and promises that every transfer ends exactly once and that a closed one has no socket any more when it says so.
// Each transfer lives on one event loop; there is no thread a transfer. It never follows a redirect, never retries an
// answered request, and knows nothing of models.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/io/event_loop.hpp"

namespace oncue::io {

struct http_request {
  std::string url;   ///< http:// or https://, with a host
  std::string body;  ///< what is sent
  /// Sent as they are. A value may be secret: it is never part of a message. Without a line break in name or value.
  std::vector<std::pair<std::string, std::string>> headers;
  /// For name resolution, TCP, TLS and proxy together.
  std::chrono::milliseconds connect_timeout = core::limits::connect_max;
  std::string method = {};  ///< upper case, as GET, POST, PATCH, DELETE; empty: POST with a body, GET without one
};

/// What a final answer (not 1xx) says before its body. Texts are as sent, at most 256 bytes each; empty: not sent.
struct response_head {
  int status = 0;
  std::string content_type;
  std::string retry_after;     ///< RFC 9110, 10.2.3: seconds or a date
  std::string retry_after_ms;  ///< milliseconds; some providers send this finer value too
  std::string mcp_session_id;  ///< of a session of the Model Context Protocol
};

enum class transfer_end : std::uint8_t {
  finished,  ///< the whole answer came, whatever its status
  closed,    ///< by us
  failed,    ///< see `error`
};

enum class transfer_error : std::uint8_t {
  none,
  resolve,          ///< the host's name has no address
  connect,          ///< refused, unreachable
  connect_timeout,  ///< no connection within connect_timeout
  tls,              ///< no trust, or no common ground
  proxy,            ///< the proxy could not be reached, or refused
  cut,              ///< the connection broke before the answer was whole
  protocol,         ///< what came is not HTTP/1.1
  bad_request,      ///< URL or headers cannot be sent; nothing was
  other,
};

std::string_view to_string(transfer_error error);

struct transfer_result {
  transfer_end end = transfer_end::finished;
  transfer_error error = transfer_error::none;
  std::string message;  ///< when failed: one sentence for a person; host and port, never a path, a header or a key
};

/// Takes one transfer's answer. Called on the transfer's loop only; must not block. An exception from on_response or
/// on_body ends the transfer as failed; one from on_end ends the process.
class transfer_handler {
 public:
  virtual ~transfer_handler() = default;

  /// At most once, first. May still come when paused.
  virtual void on_response(const response_head& head) = 0;

  /// Some bytes of the body, at most 16 KiB, cut anywhere.
  virtual void on_body(std::string_view bytes) = 0;

  /// Asked after on_body and on_word. While it is true nothing more is read, as if the transfer were paused: by the time
  /// pause() is posted and done, much more may have come. on_body may come once more.
  virtual bool is_full() const { return false; }

  /// What transfer::tell says.
  virtual void on_word(std::uint64_t) {}

  /// Exactly once, last: the socket is closed, or free for the next request. The handler is destroyed next.
  virtual void on_end(const transfer_result& result) = 0;
};

namespace detail {
struct client_link;
}

/// Names one transfer. Cheap to copy; every call is safe from any thread, at any time: also when the transfer, or the
/// client, has long gone, and then does nothing. Calls of one thread take effect in order.
class transfer {
 public:
  /// Names nothing.
  transfer() = default;

  /// Closes the socket at once, in whichever phase the transfer is, and ends it as closed; unless it ended before.
  void close() const;

  /// Reads no more. on_body may come once more if it is under way. The provider is held back by TCP's own flow control.
  void pause() const;
  void resume() const;

  /// Gives the handler a word of its owner's.
  void tell(std::uint64_t word) const;

 private:
  friend class http_client;
  transfer(std::shared_ptr<detail::client_link> link, std::uint64_t id) : link_(std::move(link)), id_(id) {}

  std::shared_ptr<detail::client_link> link_;
  std::uint64_t id_ = 0;
};

/// Environment: http_proxy, https_proxy, all_proxy, no_proxy as libcurl reads them; CURL_CA_BUNDLE, or else SSL_CERT_FILE,
/// names a file of trusted certificates instead of the system's. They are read when a transfer starts, CA files when the
/// client is made.
class http_client {
 public:
  /// `loops` must outlive the client.
  explicit http_client(event_loops& loops);

  /// Shuts down, if that was not done. Not from a handler, and then not from one of the loops either.
  ~http_client();

  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// Closes all transfers and waits until their handlers have been told. What is started later is
  /// closed at once, on its loop as ever.
  void shut_down();

  /// Begins at once. Every outcome goes to the handler, a bad request too. From any thread, handlers included.
  transfer start(http_request request, std::unique_ptr<transfer_handler> handler);

 private:
  event_loops& loops_;
  std::vector<std::shared_ptr<detail::client_link>> links_;  // one a loop
  std::atomic<std::uint64_t> last_id_{0};
};

}  // namespace oncue::io
