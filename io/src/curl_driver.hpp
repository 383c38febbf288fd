// All transfers of one event loop: one libcurl multi handle, told by the loop which socket is ready and when a time is up
// (curl_multi_socket_action), so that work is proportional to what happens, not to how many transfers there are. Lives on
// the loop's thread, from its first call to its destruction.
#pragma once

#include <curl/curl.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "curl_transfer.hpp"
#include "start_gate.hpp"

namespace oncue::io {

class curl_driver {
 public:
  explicit curl_driver(event_loop& loop);
  ~curl_driver();
  curl_driver(const curl_driver&) = delete;
  curl_driver& operator=(const curl_driver&) = delete;

  // None of these may be called from within a handler: they are posted.
  void start(std::uint64_t id, http_request request, std::unique_ptr<transfer_handler> handler);
  void close(std::uint64_t id);
  void set_paused(std::uint64_t id, bool paused);
  void tell(std::uint64_t id, std::uint64_t word);

 private:
  using time_point = std::chrono::steady_clock::time_point;

  static int socket_changed(CURL*, curl_socket_t socket, int wanted, void* self, void*) noexcept;
  static int timer_changed(CURLM*, long delay_ms, void* self) noexcept;

  void watch(curl_socket_t socket, int wanted);
  void forget(curl_socket_t socket);
  void wait();
  void act_on_ready();
  void act_if_watched(std::uint64_t key, int readiness);
  void arm_timer();
  void act(curl_socket_t socket, int readiness);
  bool begin(curl_transfer& transfer);
  void begin_next(const std::string& host);
  void end(std::uint64_t id, const transfer_result& result);
  void size_connection_cache();

  boost::asio::io_context& context_;
  boost::asio::steady_timer timer_;
  std::optional<time_point> due_;    // when libcurl wants to be called
  std::optional<time_point> armed_;  // when the timer fires
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::string ca_file_;
  // libcurl's sockets wait in an epoll set of their own, which the loop waits for: what Asio would do for each of them, at
  // each time, is a poll and an epoll_ctl.
  boost::asio::posix::stream_descriptor ready_;
  std::unordered_map<curl_socket_t, std::uint32_t> sockets_;  // those in the set, each with the number of its watch
  std::uint32_t last_watch_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<curl_transfer>> transfers_;
  start_gate gate_;
  std::vector<std::string> found_;  // hosts of transfers that got a socket in this turn
  bool stopping_ = false;
  CURLM* multi_;
};

}  // namespace oncue::io
