#include "http_connection.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace oncue::bench::load {

void http_connection::open() {
  if (!socket_) connect();
}

void http_connection::send(std::string request) {
  request_ = std::move(request);
  sent_bytes_ = 0;
  waiting_ = true;
  reader_.reset();
  kept_ = connected_;
  open();
  write();
}

void http_connection::connect() {
  socket_ = begin_connect(to_);
  connected_ = kept_ = false;
  watched_ = wanted();
  loop_.sockets.add(socket_.number(), watched_, static_cast<event_handler*>(this));
}

void http_connection::close() {
  socket_.close();
  waiting_ = connected_ = false;
}

void http_connection::stop_reading() {
  reads_ = false;
  if (socket_) watch();
}

void http_connection::watch() {
  if (auto now = wanted(); now != std::exchange(watched_, now)) {
    loop_.sockets.change(socket_.number(), now, static_cast<event_handler*>(this));
  }
}

std::uint32_t http_connection::wanted() const {
  bool writes = !connected_ || sent_bytes_ < request_.size();
  return (reads_ ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u);
}

void http_connection::on_ready(std::uint32_t events) {
  if (!socket_) return;
  if (!connected_ && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
    if (int error = connect_error(socket_); error != 0) return read_end(std::strerror(error));
    connected_ = true;
  }
  if ((events & EPOLLOUT) != 0) write();
  if (socket_ && reads_ && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read();
  if (socket_ && !reads_ && (events & (EPOLLERR | EPOLLHUP)) != 0) read_end("the server has reset the connection");
}

void http_connection::write() {
  if (!connected_) return;
  while (sent_bytes_ < request_.size()) {
    auto sent = ::send(socket_.number(), request_.data() + sent_bytes_, request_.size() - sent_bytes_, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) break;  // full, or broken: then reading says so
    sent_bytes_ += static_cast<std::size_t>(sent);
  }
  watch();
}

void http_connection::read() {
  auto got = ::recv(socket_.number(), loop_.buffer.data(), loop_.buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return read_end(got == 0 ? "the server has closed the connection" : std::strerror(errno));
  auto now = now_ns();
  std::string_view rest{loop_.buffer.data(), static_cast<std::size_t>(got)};
  while (waiting_ && !rest.empty()) {
    auto piece = reader_.next(rest);
    if (!piece.empty()) watcher_.on_body(piece, now);
    if (!waiting_) return;
    if (reader_.bad()) return read_end("the answer is no HTTP");
    if (reader_.complete()) return finish(now);
  }
}

void http_connection::finish(std::int64_t now_ns) {
  waiting_ = false;
  if (reader_.wants_close()) close();
  watcher_.on_answered(now_ns);
}

/// The connection is no more. Whether that matters depends on what it was doing.
void http_connection::read_end(const std::string& why) {
  bool was_waiting = waiting_, was_kept = kept_ && reader_.fresh();
  close();
  if (!was_waiting) return;
  if (was_kept) {  // the server closed it between two requests: nobody has seen this one
    sent_bytes_ = 0;
    waiting_ = true;
    return connect();
  }
  if (reader_.until_close()) return finish(now_ns());
  watcher_.on_broken(why, now_ns());
}

std::string http_request(const std::string& method, const http_address& to, const std::string& path,
                         const std::string& content_type, const std::string& body) {
  auto request = method + " " + to.path + path + " HTTP/1.1\r\nhost: " + to.host + "\r\n";
  if (!content_type.empty()) {
    request += "content-type: " + content_type + "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n";
  }
  return request + "\r\n" + body;
}

}  // namespace oncue::bench::load
