// The HTTP/1.1 server: connections, limits, time-outs, answers and long streams. It owns its sockets, hands each complete
// request to one handler, and promises that an answer reaches the socket in the order in which it was given, that a client
// that leaves is noticed at once, and that a client that does not read costs at most `stream_buffer_bytes_max`. Many writes
// never keep a new request waiting for longer than one slice of them. It knows nothing of agents.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/io/event_loop.hpp"

namespace oncue::io {

using http_headers = std::vector<std::pair<std::string, std::string>>;

/// A request, whole. Names of headers are lower case.
struct server_request {
  std::string method;  ///< upper case, as sent
  std::string target;  ///< as sent: path and query, not decoded
  http_headers headers;
  std::string body;
  std::string peer;  ///< "127.0.0.1:50412"

  /// The first header of this name (lower case), or empty.
  std::string_view header(std::string_view name) const;
};

struct server_response {
  int status = 200;
  http_headers headers;  ///< without content-length, connection, date: the server adds them
  std::string body;
};

/// What happens to a stream after it was opened. Called on the connection's loop; must not block.
struct stream_events {
  std::function<void()> on_room;  ///< what was written has been taken: asked for with `call_when_room`
  /// The client has left, is dead, does not read for `stream_write_timeout`, or was written too much; exactly once, unless
  /// the stream was ended before.
  std::function<void()> on_gone;
};

namespace detail {
class server_connection;
struct answer_state;
}  // namespace detail

/// What a server has counted.
struct http_server_stats {
  std::uint64_t connections = 0;  ///< open now
  std::uint64_t streams = 0;      ///< of them, streaming
  std::uint64_t requests_total = 0;
  std::uint64_t rejected_total = 0;  ///< bad or too large or too slow requests, and connections above the limit
  std::uint64_t bytes_sent_total = 0;
  std::uint64_t accept_errors_total = 0;  ///< connections that could not be taken; tried again after a moment
  std::string accept_error;               ///< why, the last time; empty: never
};

/// One request's answer. Cheap to copy; every call is safe from any thread, also after the server's end, and does nothing
/// when the client has gone or the answer is complete. Where every copy is let go of, the server has the last word: 500 if
/// there was no answer, a stream without its last chunk (cut, as its client can see) if it was not ended.
/// A client that closes only its sending half counts as gone: it cannot be told from one that has left.
class exchange {
 public:
  exchange() = default;
  explicit operator bool() const { return connection_ != nullptr; }

  /// The whole answer.
  void reply(server_response response) const;

  /// Tells once, on the connection's loop, when the client leaves before `reply` or `end` was called; also if it has left
  /// already. Replaces what was asked before, also in `open_stream`. Never tells after the server's end.
  void on_gone(std::function<void()> tell) const;

  /// Begins a chunked answer (for HTTP/1.0: one that ends with the connection). After `heartbeat` without a write the
  /// server itself writes `heartbeat_text`; 0: never. The answer to HEAD is the head alone, and counts as a client that has
  /// gone.
  void open_stream(server_response head, stream_events events, std::chrono::milliseconds heartbeat,
                   std::string heartbeat_text) const;

  /// Appends to the stream. Returns how many bytes are now waiting for the socket: above
  /// limits::stream_buffer_bytes_low the writer should stop and ask `call_when_room`. One write is taken whole, however
  /// large; one more while limits::stream_buffer_bytes_max or more are waiting closes the connection. 0: nobody reads.
  std::size_t write(std::string bytes) const;

  /// on_room is called once, on the connection's loop, when fewer than limits::stream_buffer_bytes_low bytes wait: soon if
  /// that is so already.
  void call_when_room() const;

  /// The stream is complete: what waits is still sent.
  void end() const;

  /// The numbers of the server that has the connection, without those of its listening socket.
  http_server_stats server() const;

 private:
  friend class detail::server_connection;
  struct ticket;
  explicit exchange(std::shared_ptr<ticket> which) : connection_{std::move(which)} {}
  std::shared_ptr<ticket> connection_;
};

struct http_server_options {
  std::string host = "127.0.0.1";  ///< an address, or "localhost"
  std::uint16_t port = 7777;       ///< 0: any free one
  std::size_t connections_max = core::limits::connections_max;
  std::size_t header_bytes_max = core::limits::request_header_bytes_max;
  std::size_t body_bytes_max = core::limits::request_body_bytes_max;
  std::chrono::milliseconds header_timeout = core::limits::request_header_timeout;  ///< for the head of a request
  std::chrono::milliseconds body_timeout = core::limits::request_body_timeout;      ///< for the rest of it
  std::chrono::milliseconds idle_timeout = core::limits::connection_idle_timeout;   ///< between two requests
  std::chrono::milliseconds write_timeout = core::limits::write_timeout;            ///< a plain answer that is not taken
  /// A stream that is not read for so long is closed. Absent: never; a stalled reader costs its buffer.
  std::optional<std::chrono::milliseconds> stream_write_timeout = core::limits::stream_write_timeout;
  std::chrono::milliseconds peer_silence =
      core::limits::peer_silence_max;  ///< of a streaming client, acknowledgements included
};

class http_server {
 public:
  /// Takes a request on the connection's loop; must not block. It answers now or later, from any thread.
  using handler = std::function<void(server_request request, exchange answer)>;

  /// Listens at once. `loops` must outlive the server. Throws std::system_error with a sentence that names host and port:
  /// the address is not ours, the port is taken, no right to it.
  http_server(event_loops& loops, http_server_options options, handler handle);

  /// Closes everything and waits until no handler runs any more. Not from a loop.
  ~http_server();

  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  std::uint16_t port() const;

  /// No new connections, and a connection closes after the answer it is giving. Streams go on. From any thread.
  void stop_listening();

  /// Waits until no stream is open, at most so long. True if none is. Not from a loop.
  bool wait_for_streams(std::chrono::milliseconds at_most);

  http_server_stats stats() const;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace oncue::io
