// Plain non-blocking TCP sockets over IPv4 and one epoll, as small as a load tool needs them. Owns what it opens; a failure
// that nobody can measure past is a std::system_error that says what was tried.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace oncue::bench::load {

/// A file descriptor, closed with its owner.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) : number_{number} {}
  descriptor(descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() { close(); }

  void close();
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

/// Throws std::system_error with errno.
[[noreturn]] void fail(const std::string& what);

/// As many open files as the system lets this process have.
void raise_open_files();

/// `http://HOST[:PORT][/PREFIX]`, as a base URL is given.
struct http_address {
  std::string host;  ///< as in the Host header
  std::string path;  ///< the prefix, without a slash at its end
  std::uint32_t ip = 0;
  std::uint16_t port = 80;
};

/// Looks the host up. Throws std::runtime_error for what is no such URL or no known host.
http_address parse_address(const std::string& url);

/// Listens on the loopback; port 0: any. Writes the port back.
descriptor listen_on_loopback(std::uint16_t& port);

/// One that waits at `listener`, non-blocking and without Nagle's delay; empty if none does.
descriptor accept_from(const descriptor& listener);

/// Begins to connect; the socket is writable when it is there. Throws if it cannot even begin.
descriptor begin_connect(const http_address& to);

/// Whether a connect that has begun is there: 0, or its errno.
int connect_error(const descriptor& socket);

class poller {
 public:
  poller();
  void add(int number, std::uint32_t events, void* mark);
  void change(int number, std::uint32_t events, void* mark);
  void remove(int number);
  /// The events of at most so many milliseconds; -1: until there are some.
  std::span<const epoll_event> wait(int ms);

 private:
  descriptor epoll_;
  epoll_event events_[512];
};

}  // namespace oncue::bench::load
