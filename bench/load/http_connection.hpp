// One connection to a server, for one request at a time: connects when it is first needed, stays open between requests, and
// connects again if the server has closed it meanwhile. Hands the body on as it comes. Knows no time-out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "event_loop.hpp"
#include "http_reader.hpp"

namespace oncue::bench::load {

/// Told from within event_loop::turn. May send the next request or close the connection, but not delete it.
class http_watcher {
 public:
  virtual void on_body(std::string_view piece, std::int64_t now_ns) = 0;
  /// The whole response is there.
  virtual void on_answered(std::int64_t now_ns) = 0;
  /// There will be no more of it; the connection is closed.
  virtual void on_broken(const std::string& why, std::int64_t now_ns) = 0;

 protected:
  ~http_watcher() = default;
};

class http_connection final : event_handler {
 public:
  http_connection(event_loop& loop, const http_address& to, http_watcher& watcher)
      : loop_{loop}, to_{to}, watcher_{watcher} {}
  http_connection(const http_connection&) = delete;
  http_connection& operator=(const http_connection&) = delete;

  /// Connects, so that the next request does not have to.
  void open();
  void send(std::string request);
  void close();
  /// Leaves what comes from now on in the kernel's buffers.
  void stop_reading();

  bool is_open() const { return static_cast<bool>(socket_); }
  /// The request is written, wholly.
  bool sent() const { return socket_ && connected_ && sent_bytes_ == request_.size(); }
  /// Of the response; 0: its head is not there yet.
  int status() const { return reader_.has_head() ? reader_.status() : 0; }

 private:
  void on_ready(std::uint32_t events) override;
  void connect();
  void write();
  void read();
  void read_end(const std::string& why);
  void finish(std::int64_t now_ns);
  void watch();
  std::uint32_t wanted() const;

  event_loop& loop_;
  const http_address& to_;
  http_watcher& watcher_;
  descriptor socket_;
  http_reader reader_{http_reader::kind::response};
  std::string request_;
  std::size_t sent_bytes_ = 0;
  bool connected_ = false;
  bool waiting_ = false;  // for a response or its rest
  bool kept_ = false;     // was open before this request
  bool reads_ = true;
  std::uint32_t watched_ = 0;
};

/// "GET <path> HTTP/1.1" with what every request has. `content_type` empty: no body.
std::string http_request(const std::string& method, const http_address& to, const std::string& path,
                         const std::string& content_type = {}, const std::string& body = {});

}  // namespace oncue::bench::load
