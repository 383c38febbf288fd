// One client's connection: reads requests one after the other, sends each answer before it takes the next request, and
// listens all the while, so that a client that leaves is noticed at once. A client that closes its sending side has left:
// HTTP/1.1 has no use for half a connection, and it cannot be told from one that is gone. It holds what a client sends
// ahead up to limits::request_ahead_bytes_max, then does not read on (a leave is then noticed by the sweep). Everything
// here runs on the connection's loop.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "http_exchange.hpp"
#include "http_request_parser.hpp"

namespace oncue::io::detail {

class server_connection : public std::enable_shared_from_this<server_connection> {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  server_connection(server_loop& loop, boost::asio::ip::tcp::socket socket);
  server_connection(const server_connection&) = delete;
  server_connection& operator=(const server_connection&) = delete;

  void start(bool refused);
  /// Sends what its answer has to be sent.
  void serve();
  /// Time-outs, heartbeats, and whether the client is still alive.
  void look(time_point now);
  /// The server listens no more.
  void stop();
  /// `tell`: the client has gone; otherwise nobody is told.
  void close(bool tell);

  std::size_t slot = 0;  // in its loop's list

 private:
  enum class phase : std::uint8_t {
    idle,       ///< before the first byte of a request
    head,       ///< within its head
    body,       ///< within its body
    answering,  ///< the handler has it
    streaming,  ///< a stream is open
    draining,   ///< all is said: reads until the client closes
  };

  void enter(phase next);
  bool takes_requests() const { return phase_ == phase::idle || phase_ == phase::head || phase_ == phase::body; }

  void wait_to_read();
  bool is_full() const;
  void on_readable();
  void take(std::string_view bytes);
  void advance(std::string_view& bytes);
  void advance_kept();
  bool feed(std::string_view& bytes);
  void dispatch();
  void refuse(int status, std::string_view detail);

  void reply(const server_response& response);
  void open(const server_response& head, std::string_view body, answer_stage stage);
  void stream(std::string_view head, std::string_view body, answer_stage stage);
  void finish_answer();

  bool send(std::initializer_list<std::string_view> parts);
  void wait_to_write();
  void on_writable();
  void after_write();
  void tell_of_room();

  void look_at_answer(time_point now);
  void send_heartbeat(time_point now);
  bool client_is_dead();
  bool client_has_closed();

  server_loop& loop_;
  boost::asio::ip::tcp::socket socket_;
  std::string in_;   // read, not taken
  std::string out_;  // what the socket did not take, from out_at_
  std::size_t out_at_ = 0;
  std::unique_ptr<http_request_parser> parser_;
  std::shared_ptr<answer_state> answer_;
  time_point since_;       // of the phase
  time_point progress_;    // the socket took something
  time_point last_write_;  // of the stream
  time_point last_alive_;  // the client was last looked at
  phase phase_ = phase::idle;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool http_10_ = false;
  bool reading_ = false;    // a wait is under way
  bool writing_ = false;    // a wait is under way
  bool advancing_ = false;  // requests are being taken: further up on the stack
  bool all_given_ = false;  // of the answer: sent, or in out_
  bool closed_ = false;
};

}  // namespace oncue::io::detail
