// The server's part of one event loop: its connections, the two lines in which answers wait to be served, and the clock
// that looks at all connections every so often. Promises that one handler is posted for many writes, that a turn serves at
// most limits::stream_writes_slice_max answers and then lets the sockets speak, and that whole answers and endings go
// before the middle of streams. Knows nothing of HTTP.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http_exchange.hpp"
#include "oncue/io/http_server.hpp"

namespace oncue::io::detail {

/// What all loops of one server have in common.
struct server_shared {
  http_server_options options;
  http_server::handler handle;
  std::function<void()> on_closed;  // a connection has; from any loop
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> streams{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<std::uint64_t> bytes_sent{0};

  std::mutex quiet_guard;
  std::condition_variable quiet;  // no stream is open any more

  void stream_closed() {
    if (--streams > 0) return;
    std::lock_guard lock(quiet_guard);
    quiet.notify_all();
  }

  http_server_stats counted() const {
    return {.connections = connections,
            .streams = streams,
            .requests_total = requests,
            .rejected_total = rejected,
            .bytes_sent_total = bytes_sent};
  }
};

enum class lane : std::uint8_t { first, streams };

class server_loop : public std::enable_shared_from_this<server_loop> {
 public:
  using clock = std::chrono::steady_clock;

  server_loop(event_loop& loop, std::shared_ptr<server_shared> shared);
  ~server_loop();

  /// The connection of `answer` is to look at it soon. From any thread.
  void enqueue(std::shared_ptr<answer_state> answer, lane where);

  // -- on the loop's thread ----------------------------------------------------
  /// A new connection. `refused`: it is only told that there are too many.
  void adopt(boost::asio::ip::tcp::socket socket, bool refused);
  void forget(server_connection& connection);
  /// Idle connections close, the others after their answer.
  void stop();
  /// Closes everything; tells nobody. Afterwards the object does nothing.
  void close();

  boost::asio::io_context& context() { return loop_.context(); }
  event_loop& loop() { return loop_; }
  server_shared& shared() { return *shared_; }
  /// For what is read from a socket, until the handler returns.
  std::vector<char>& scratch() { return scratch_; }
  const std::string& date();
  /// Looks at the connections at least as often as such a heartbeat needs.
  void look_every(std::chrono::milliseconds interval);

 private:
  void turn();
  bool serve_next(std::deque<std::shared_ptr<answer_state>>& line, lane where);
  void arm();
  void sweep();

  event_loop& loop_;
  const std::shared_ptr<server_shared> shared_;

  std::mutex guard_;  // for the next four
  std::vector<std::shared_ptr<answer_state>> new_first_, new_streams_;
  bool posted_ = false;
  bool closed_ = false;

  std::deque<std::shared_ptr<answer_state>> first_, streams_;
  std::vector<std::shared_ptr<server_connection>> connections_;
  std::optional<boost::asio::steady_timer> timer_;
  std::chrono::milliseconds interval_;
  bool armed_ = false;
  std::vector<char> scratch_;
  std::int64_t date_s_ = -1;
  std::string date_;
};

}  // namespace oncue::io::detail
