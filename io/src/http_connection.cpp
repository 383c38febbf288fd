#include "http_connection.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "http_answer_head.hpp"
#include "http_server_loop.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::io::detail {

namespace asio = boost::asio;
namespace limits = core::limits;
using tcp = asio::ip::tcp;

namespace {

constexpr int reads_in_a_row = 4;

std::string peer_of(const tcp::socket& socket) {
  boost::system::error_code error;
  auto peer = socket.remote_endpoint(error);
  if (error) {
    return {};
  }
  auto address = peer.address().to_string();
  return (peer.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(peer.port());
}

void set_option(int socket, int level, int name, int value) { setsockopt(socket, level, name, &value, sizeof(value)); }

/// An idle, silent client that is dead is noticed by TCP's own probes; one that is being sent to, by client_is_dead.
void set_options(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.native_non_blocking(true, ignored);
  auto fd = socket.native_handle();
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(limits::keepalive_idle.count()));
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(limits::keepalive_interval.count()));
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

}  // namespace

server_connection::server_connection(server_loop& loop, tcp::socket socket) : loop_(loop), socket_(std::move(socket)) {}

void server_connection::start(bool refused) {
  set_options(socket_);
  enter(phase::idle);
  if (refused) {
    refuse(503, "Too many connections");
  }
  wait_to_read();
}

void server_connection::enter(phase next) {
  if (phase_ == phase::streaming) {
    loop_.shared().stream_closed();
  }
  phase_ = next;
  since_ = std::chrono::steady_clock::now();
  if (phase_ == phase::streaming) {
    ++loop_.shared().streams;
  }
}

void server_connection::stop() {
  if (phase_ == phase::idle && in_.empty()) {
    close(false);
  }
}

void server_connection::close(bool tell) {
  if (std::exchange(closed_, true)) {
    return;
  }
  auto self = shared_from_this();
  enter(phase::draining);
  boost::system::error_code ignored;
  if (!out_.empty()) {
    // What the client did not take is not kept by the kernel either.
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  }
  socket_.close(ignored);
  std::string().swap(in_);
  std::string().swap(out_);
  parser_.reset();
  loop_.forget(*this);
  if (auto answer = std::exchange(answer_, nullptr)) {
    answer->connection = nullptr;
    if (auto gone = answer->leave(tell)) {
      gone();
    }
  }
}

// -- requests ------------------------------------------------------------------

void server_connection::wait_to_read() {
  if (closed_ || reading_ || is_full()) {
    return;
  }
  reading_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](boost::system::error_code) {
    self->reading_ = false;
    self->on_readable();
  });
}

/// Enough is kept. The unfinished head of a request must fit in, or it would never be finished.
bool server_connection::is_full() const {
  return in_.size() >= limits::request_ahead_bytes_max + loop_.shared().options.header_bytes_max;
}

void server_connection::on_readable() {
  auto& buffer = loop_.scratch();
  for (int i = 0; i < reads_in_a_row && !closed_; ++i) {
    auto count = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) {
      take({buffer.data(), static_cast<std::size_t>(count)});
      if (static_cast<std::size_t>(count) < buffer.size() || is_full()) {
        break;
      }
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      break;
    } else if (count == 0 || errno != EINTR) {
      close(true);
    }
  }
  wait_to_read();
}

void server_connection::take(std::string_view bytes) {
  if (phase_ == phase::draining) {
    return;
  }
  if (in_.empty()) {
    advance(bytes);
    if (!closed_ && phase_ != phase::draining) {
      in_.append(bytes);
    }
  } else {
    in_.append(bytes);
    advance_kept();
  }
}

void server_connection::advance_kept() {
  std::string_view bytes = in_;
  advance(bytes);
  if (closed_ || phase_ == phase::draining) {
    std::string().swap(in_);
    return;
  }
  in_.erase(0, in_.size() - bytes.size());
  if (in_.empty()) {
    std::string().swap(in_);
  }
}

/// Answers as many requests as are there, one after the other, and takes their bytes from the front.
void server_connection::advance(std::string_view& bytes) {
  advancing_ = true;
  std::size_t answered = 0;
  while (!closed_ && takes_requests() && !bytes.empty() && answered < limits::requests_slice_max && feed(bytes)) {
    ++answered;
  }
  advancing_ = false;
  if (answered == limits::requests_slice_max) {
    asio::post(loop_.context(), [self = shared_from_this()] {
      if (!self->closed_ && self->takes_requests()) {
        self->advance_kept();
        self->wait_to_read();
      }
    });
  }
}

/// False: more bytes are needed.
bool server_connection::feed(std::string_view& bytes) {
  const auto& options = loop_.shared().options;
  if (!parser_) {
    parser_ = std::make_unique<http_request_parser>(options.header_bytes_max, options.body_bytes_max);
  }
  bytes.remove_prefix(parser_->feed(bytes));
  if (auto status = parser_->refused()) {
    head_only_ = parser_->is_head();
    refuse(status, parser_->refusal());
    return true;
  }
  if (parser_->done()) {
    dispatch();
    return true;
  }
  if (phase_ == phase::idle && parser_->started()) {
    enter(phase::head);
  }
  if (phase_ == phase::head && parser_->head_done()) {
    enter(phase::body);
    if (parser_->wants_continue() && bytes.empty()) {
      send({"HTTP/1.1 100 Continue\r\n\r\n"});
    }
  }
  return false;
}

void server_connection::dispatch() {
  ++loop_.shared().requests;
  keep_alive_ = parser_->keep_alive();
  head_only_ = parser_->is_head();
  http_10_ = parser_->is_http_10();
  auto request = parser_->take();
  request.peer = peer_of(socket_);
  parser_.reset();
  enter(phase::answering);
  auto answer = std::make_shared<answer_state>(loop_.shared_from_this());
  answer->connection = this;
  answer_ = answer;
  // What the handler says at once is served here, without a way through the line.
  answer->queued = true;
  answer->queued_first = true;
  loop_.shared().handle(std::move(request), exchange(std::make_shared<exchange::ticket>(answer)));
  answer->queued = false;
  answer->queued_first = false;
  serve();
}

void server_connection::refuse(int status, std::string_view detail) {
  ++loop_.shared().rejected;
  keep_alive_ = false;
  parser_.reset();
  enter(phase::answering);
  reply(error_answer(status, detail));
}

// -- time ----------------------------------------------------------------------

void server_connection::look(time_point now) {
  const auto& options = loop_.shared().options;
  auto age = now - since_;
  switch (phase_) {
    case phase::idle:
      if (age >= options.idle_timeout) {
        close(false);
      }
      break;
    case phase::head:
      if (age >= options.header_timeout) {
        refuse(408, "The head of the request took too long");
      }
      break;
    case phase::body:
      if (age >= options.body_timeout) {
        refuse(408, "The body of the request took too long");
      }
      break;
    case phase::draining:
      if (age >= limits::connection_linger) {
        close(false);
      }
      break;
    case phase::answering:
    case phase::streaming: look_at_answer(now); break;
  }
}

void server_connection::look_at_answer(time_point now) {
  const auto& options = loop_.shared().options;
  bool streaming = phase_ == phase::streaming;
  auto timeout = streaming ? options.stream_write_timeout : options.write_timeout;
  bool stuck = !out_.empty() && timeout && now - progress_ >= *timeout;
  if (stuck || (!reading_ && client_has_closed())) {
    close(true);
  } else if (streaming) {
    if (now - last_alive_ >= options.peer_silence / 4) {
      last_alive_ = now;
      if (client_is_dead()) {
        close(true);
        return;
      }
    }
    send_heartbeat(now);
  }
}

void server_connection::send_heartbeat(time_point now) {
  if (!answer_ || !out_.empty()) {
    return;
  }
  {
    std::lock_guard lock(answer_->guard);
    if (answer_->stage != answer_stage::streaming || answer_->heartbeat.count() <= 0 || answer_->response ||
        !answer_->body.empty() || now - last_write_ < answer_->heartbeat) {
      return;
    }
    answer_->body = answer_->heartbeat_text;
  }
  loop_.enqueue(answer_, lane::streams);
}

/// A client that does not read still acknowledges TCP's probes; one whose machine or network is gone does not. TCP itself
/// would take a quarter of an hour, and its TCP_USER_TIMEOUT does not tell the two apart.
bool server_connection::client_is_dead() {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
    return false;
  }
  bool asked = info.tcpi_retransmits >= 2 || info.tcpi_probes >= 2;
  return asked && std::chrono::milliseconds{info.tcpi_last_ack_recv} >= loop_.shared().options.peer_silence;
}

/// For a client of which nothing is read at the moment, because it has sent too much ahead.
bool server_connection::client_has_closed() {
  tcp_info info{};
  socklen_t size = sizeof(info);
  return getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
         info.tcpi_state != TCP_ESTABLISHED;
}

}  // namespace oncue::io::detail
