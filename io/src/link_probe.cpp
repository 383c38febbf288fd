#include "oncue/io/link_probe.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

#include "link_tls.hpp"

namespace oncue::io {

namespace {

using clock = std::chrono::steady_clock;

class socket_guard {
 public:
  explicit socket_guard(int fd) : fd_{fd} {}
  ~socket_guard() {
    if (fd_ >= 0) ::close(fd_);
  }
  socket_guard(const socket_guard&) = delete;
  socket_guard& operator=(const socket_guard&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string text_of(const link_address& where) {
  auto is_v6 = where.host.find(':') != where.host.npos;
  return (is_v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

/// Its addresses; null, and `problem` is set, if there are none.
std::shared_ptr<addrinfo> resolve(const link_address& where, int flags, std::string& problem) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  auto code = ::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found);
  if (code != 0) {
    problem = "the host '" + where.host + "' is not known: " + ::gai_strerror(code);
    return {};
  }
  return {found, ::freeaddrinfo};
}

/// Waits until the socket can be written to, or has failed. The error's number, or 0.
int wait_connected(int fd, clock::time_point until) {
  if (!wait_for(fd, POLLOUT, until)) return ETIMEDOUT;
  int code = 0;
  socklen_t size = sizeof code;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
  return code;
}

}  // namespace

bool wait_for(int fd, short events, clock::time_point until) {
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now()).count();
    pollfd what{fd, events, 0};
    auto ready = ::poll(&what, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

std::optional<link_address> parse_link_address(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return {};
  auto host = text.substr(0, colon);
  auto digits = text.substr(colon + 1);
  if (host.front() == '[') {
    if (host.back() != ']' || host.size() < 4) return {};
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    return {};
  }
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) return {};
  return link_address{std::string{host}, port};
}

std::string probe_link(const link_address& where, const link_files* files, std::chrono::milliseconds at_most) {
  auto until = clock::now() + at_most;
  std::string problem;
  auto found = resolve(where, 0, problem);
  for (const auto* each = found.get(); each; each = each->ai_next) {
    socket_guard socket{::socket(each->ai_family, each->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, each->ai_protocol)};
    if (socket.get() < 0) continue;
    auto code = ::connect(socket.get(), each->ai_addr, each->ai_addrlen) == 0 ? 0 : errno;
    if (code == EINPROGRESS) code = wait_connected(socket.get(), until);
    if (code == 0) return files ? probe_tls(socket.get(), *files, text_of(where), until) : std::string{};
    problem = code == ETIMEDOUT ? text_of(where) + " did not answer within " + std::to_string(at_most.count()) + " ms"
                                : text_of(where) + " cannot be connected to: " + std::strerror(code);
  }
  return problem.empty() ? text_of(where) + " has no address" : problem;
}

std::string why_not_listen(const link_address& where) {
  std::string problem;
  auto found = resolve(where, AI_PASSIVE, problem);
  for (const auto* each = found.get(); each; each = each->ai_next) {
    socket_guard socket{::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol)};
    int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(socket.get(), each->ai_addr, each->ai_addrlen) == 0 && ::listen(socket.get(), 1) == 0) return {};
    problem = "links cannot be taken at " + text_of(where) + ": " + std::strerror(errno);
  }
  return problem;
}

}  // namespace oncue::io
