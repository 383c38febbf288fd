// What an exchange, which any thread may hold, and its connection, which lives on a loop, know of each other: one answer,
// under one lock. Promises that on_gone is handed out once at most, and never after the answer is complete. Sends nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "oncue/io/http_server.hpp"

namespace oncue::io::detail {

class server_connection;
class server_loop;

enum class answer_stage : std::uint8_t {
  waiting,    ///< the handler has not decided
  replied,    ///< a plain answer is given
  streaming,  ///< a head is given, and more may come
  ended,      ///< the stream's last byte is given
  abandoned,  ///< the stream's writer has let go of it in the middle
  cut,        ///< the stream's writer wrote too much
  over,       ///< sent, or the client has gone
};

struct answer_state {
  explicit answer_state(std::shared_ptr<server_loop> its_loop) : loop(std::move(its_loop)) {}

  const std::shared_ptr<server_loop> loop;
  server_connection* connection = nullptr;  // on the loop only; null: the connection has done with it

  std::atomic<bool> queued{false};        // stands in the loop's line of streams
  std::atomic<bool> queued_first{false};  // stands in the line of what goes first

  std::mutex guard;  // for all that follows
  answer_stage stage = answer_stage::waiting;
  bool gone = false;  // over because the client left: on_gone is due
  bool room_wanted = false;
  std::unique_ptr<server_response> response;  // plain, or a stream's head, until the connection takes it
  std::string body;                           // of a stream, not yet taken
  std::size_t unsent = 0;                     // taken, but the socket is full
  stream_events events;                       // on_room: set once, then only touched on the loop
  std::chrono::milliseconds heartbeat{0};
  std::string heartbeat_text;

  /// The connection is done with it. Returns whom to tell that the client has gone, if anybody.
  std::function<void()> leave(bool client_left);
  /// Whom to tell now, if the client has gone and that was not told.
  std::function<void()> take_gone();
};

}  // namespace oncue::io::detail

namespace oncue::io {

/// What the copies of an exchange share: the last one to go says so.
struct exchange::ticket {
  explicit ticket(std::shared_ptr<detail::answer_state> whose) : state(std::move(whose)) {}
  ~ticket();
  ticket(const ticket&) = delete;
  ticket& operator=(const ticket&) = delete;

  const std::shared_ptr<detail::answer_state> state;
};

}  // namespace oncue::io
