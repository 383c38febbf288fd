// One transfer as libcurl's easy handle: its options, its callbacks, and what its end means. It never drives itself: the
// curl_driver adds it to a multi handle, removes it, and tells the handler of the end.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oncue/io/http_client.hpp"

namespace oncue::io {

struct easy_deleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct slist_deleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

class curl_transfer {
 public:
  curl_transfer(std::uint64_t id, http_request request, std::unique_ptr<transfer_handler> handler);
  curl_transfer(const curl_transfer&) = delete;
  curl_transfer& operator=(const curl_transfer&) = delete;

  /// Makes the easy handle. `ca_file`: trusted certificates; empty: the system's. `found`: gets the transfer's host, from
  /// within libcurl, when its stage changes to connected. A result is returned if the request cannot be sent; then there is
  /// nothing to add to a multi handle.
  std::optional<transfer_result> prepare(const std::string& ca_file, std::vector<std::string>* found);

  std::uint64_t id() const { return id_; }
  /// The URL's host and port, after `prepare`.
  const std::string& host() const { return host_; }

  enum class stage : std::uint8_t {
    in_line,    ///< not begun
    looking,    ///< begun: resolves the host's name
    connected,  ///< has, or had, a socket
  };
  stage reached() const { return stage_; }

  /// To be called before the easy handle is added to a multi handle. False if connect_timeout has passed in line.
  bool begin();

  CURL* easy() const { return easy_.get(); }
  static curl_transfer& of(CURL* easy);

  /// Only outside of callbacks. A code other than CURLE_OK means that the transfer has failed.
  CURLcode set_paused(bool paused);

  /// The same: the handler may have room again.
  CURLcode tell(std::uint64_t word);

  /// What it means that libcurl ended the transfer with this code.
  transfer_result result_of(CURLcode code) const;

  /// The handler, to be told of the end when nothing else of the transfer is left.
  std::unique_ptr<transfer_handler> release_handler() { return std::move(handler_); }

 private:
  static std::size_t header_came(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t body_came(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static int socket_made(void* self, curl_socket_t socket, curlsocktype purpose) noexcept;
  static int connection_ready(void* self, char*, char*, int, int) noexcept;

  CURLcode read_or_not();
  bool set_headers();
  void set_options(const std::string& ca_file);
  void on_header_line(std::string_view line);
  void forget_body();
  void on_socket() noexcept;
  template <class F>
  bool guarded(F call) noexcept;

  std::uint64_t id_;
  http_request request_;
  std::unique_ptr<transfer_handler> handler_;
  std::unique_ptr<curl_slist, slist_deleter> headers_;
  std::chrono::steady_clock::time_point made_at_ = std::chrono::steady_clock::now();
  std::string host_;
  std::vector<std::string>* found_ = nullptr;
  stage stage_ = stage::in_line;
  response_head head_;
  bool head_delivered_ = false;
  bool paused_ = false;        // by its owner
  bool full_ = false;          // by its handler
  std::string handler_error_;  // what the handler threw
  char curl_message_[CURL_ERROR_SIZE] = "";
  std::unique_ptr<CURL, easy_deleter> easy_;  // last: its cleanup may still look at the members above
};

}  // namespace oncue::io
