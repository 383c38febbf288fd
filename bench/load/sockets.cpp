#include "sockets.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>

namespace oncue::bench::load {

namespace {

descriptor tcp_socket() {
  descriptor made{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!made) fail("a socket");
  return made;
}

void send_at_once(const descriptor& socket) {
  int on = 1;
  ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::uint32_t look_up(const std::string& host) {
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_family = AF_INET;
  wanted.ai_socktype = SOCK_STREAM;
  if (int error = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found); error != 0) {
    throw std::runtime_error{"the host '" + host + "' is not known: " + ::gai_strerror(error)};
  }
  auto ip = reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr.s_addr;
  ::freeaddrinfo(found);
  return ip;
}

}  // namespace

void fail(const std::string& what) { throw std::system_error{errno, std::generic_category(), what}; }

void descriptor::close() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

void raise_open_files() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) fail("raising the number of open files");
}

http_address parse_address(const std::string& url) {
  const std::string scheme = "http://";
  if (!url.starts_with(scheme)) throw std::runtime_error{"'" + url + "' is not an http:// URL"};
  http_address address;
  auto slash = url.find('/', scheme.size());
  address.host = url.substr(scheme.size(), slash == std::string::npos ? slash : slash - scheme.size());
  if (slash != std::string::npos) address.path = url.substr(slash);
  while (address.path.ends_with('/')) address.path.pop_back();
  auto colon = address.host.find(':');
  if (colon != std::string::npos) {
    const auto* end = address.host.data() + address.host.size();
    auto [rest, error] = std::from_chars(address.host.data() + colon + 1, end, address.port);
    if (error != std::errc{} || rest != end) throw std::runtime_error{"'" + url + "' has no port that is a number"};
  }
  address.ip = look_up(address.host.substr(0, colon));
  return address;
}

descriptor listen_on_loopback(std::uint16_t& port) {
  auto listener = tcp_socket();
  int on = 1;
  ::setsockopt(listener.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.number(), generic, sizeof address) != 0) fail("listening on port " + std::to_string(port));
  if (::listen(listener.number(), 4096) != 0) fail("listening");
  socklen_t size = sizeof address;
  ::getsockname(listener.number(), generic, &size);
  port = ntohs(address.sin_port);
  return listener;
}

descriptor accept_from(const descriptor& listener) {
  descriptor accepted{::accept4(listener.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (accepted) {
    send_at_once(accepted);
  } else if (errno == EMFILE || errno == ENFILE) {
    fail("accepting a connection");
  }
  return accepted;
}

descriptor begin_connect(const http_address& to) {
  auto socket = tcp_socket();
  send_at_once(socket);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = to.ip;
  address.sin_port = htons(to.port);
  if (::connect(socket.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
    fail("connecting to " + to.host);
  }
  return socket;
}

int connect_error(const descriptor& socket) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

poller::poller() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
  if (!epoll_) fail("an epoll");
}

void poller::add(int number, std::uint32_t events, void* mark) {
  epoll_event wanted{.events = events, .data = {.ptr = mark}};
  if (::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, number, &wanted) != 0) fail("watching a socket");
}

void poller::change(int number, std::uint32_t events, void* mark) {
  epoll_event wanted{.events = events, .data = {.ptr = mark}};
  if (::epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, number, &wanted) != 0) fail("watching a socket");
}

void poller::remove(int number) { ::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, number, nullptr); }

std::span<const epoll_event> poller::wait(int ms) {
  int got = ::epoll_wait(epoll_.number(), events_, static_cast<int>(std::size(events_)), ms);
  if (got < 0 && errno != EINTR) fail("waiting for sockets");
  return {events_, static_cast<std::size_t>(got < 0 ? 0 : got)};
}

}  // namespace oncue::bench::load
