// The answering half of a connection: from what an exchange holds to the socket.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "http_answer_head.hpp"
#include "http_connection.hpp"
#include "http_server_loop.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::io::detail {

namespace limits = core::limits;
using tcp = boost::asio::ip::tcp;

void server_connection::serve() {
  auto self = shared_from_this();
  auto answer = answer_;
  if (!answer || closed_ || all_given_) {
    return;
  }
  std::unique_ptr<server_response> response;
  std::string body;
  auto stage = answer_stage::waiting;
  {
    std::lock_guard lock(answer->guard);
    stage = answer->stage;
    if (stage != answer_stage::cut) {
      if (!out_.empty()) {
        return;  // on_writable comes here again
      }
      response = std::move(answer->response);
      body.swap(answer->body);
      answer->unsent = body.size();
    }
  }
  if (stage == answer_stage::cut) {
    close(true);
  } else if (stage == answer_stage::replied) {
    reply(*response);
  } else if (response) {
    open(*response, body, stage);
  } else if (stage != answer_stage::waiting) {
    stream({}, body, stage);
  }
}

void server_connection::reply(const server_response& response) {
  keep_alive_ = keep_alive_ && !loop_.shared().stopping;
  all_given_ = true;
  auto head = answer_head(response, body_framing::length, keep_alive_, loop_.date());
  bool bodiless = head_only_ || has_no_body(response.status);
  if (send({head, bodiless ? std::string_view{} : response.body})) {
    after_write();
  }
}

void server_connection::open(const server_response& head, std::string_view body, answer_stage stage) {
  keep_alive_ = keep_alive_ && !http_10_;
  enter(phase::streaming);
  last_write_ = last_alive_ = since_;
  boost::system::error_code ignored;
  socket_.set_option(boost::asio::socket_base::send_buffer_size(limits::stream_send_buffer_bytes), ignored);
  if (answer_->heartbeat.count() > 0) {
    loop_.look_every(answer_->heartbeat);
  }
  auto text = answer_head(head, http_10_ ? body_framing::until_close : body_framing::chunked, keep_alive_, loop_.date());
  if (!head_only_ && !has_no_body(head.status)) {
    stream(text, body, stage);
    return;
  }
  // There is nothing to write to: for its writer that is a client that has gone.
  all_given_ = true;
  auto gone = answer_->leave(true);
  if (send({text})) {
    after_write();
  }
  if (gone) {
    gone();
  }
}

void server_connection::stream(std::string_view head, std::string_view body, answer_stage stage) {
  std::string size, tail;
  if (!http_10_) {
    size = body.empty() ? "" : chunk_head(body.size());
    tail = body.empty() ? "" : "\r\n";
    tail += stage == answer_stage::ended ? "0\r\n\r\n" : "";
  }
  all_given_ = stage != answer_stage::streaming;
  // Without its last chunk the client sees that the stream is not whole.
  keep_alive_ = keep_alive_ && stage != answer_stage::abandoned;
  if (!send({head, size, body, tail})) {
    return;
  }
  if (!head.empty() || !body.empty()) {
    last_write_ = std::chrono::steady_clock::now();
  }
  after_write();
}

/// The answer's bytes were offered to the socket, and some or all of them were taken.
void server_connection::after_write() {
  if (out_.empty() && all_given_) {
    finish_answer();
  } else if (answer_) {
    {
      std::lock_guard lock(answer_->guard);
      answer_->unsent = out_.size() - out_at_;
    }
    tell_of_room();
  }
}

void server_connection::tell_of_room() {
  auto answer = answer_;
  {
    std::lock_guard lock(answer->guard);
    if (!answer->room_wanted || answer->stage != answer_stage::streaming ||
        answer->body.size() + answer->unsent >= limits::stream_buffer_bytes_low) {
      return;
    }
    answer->room_wanted = false;
  }
  if (answer->events.on_room) {
    answer->events.on_room();
  }
}

void server_connection::finish_answer() {
  all_given_ = false;
  if (auto answer = std::exchange(answer_, nullptr)) {
    answer->connection = nullptr;
    answer->leave(false);
  }
  if (keep_alive_ && !loop_.shared().stopping) {
    enter(phase::idle);
    head_only_ = http_10_ = false;
    if (!advancing_) {
      advance_kept();
      wait_to_read();
    }
    return;
  }
  enter(phase::draining);
  if (!advancing_) {
    std::string().swap(in_);
  }
  // Closing with unread bytes would reset the connection, and the client might lose the answer: it closes first.
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  wait_to_read();
}

// -- the socket's other direction ----------------------------------------------

/// Offers the parts to the socket and keeps what it does not take. False: the client has gone, and the connection is
/// closed.
bool server_connection::send(std::initializer_list<std::string_view> parts) {
  if (!out_.empty()) {
    for (auto part : parts) {
      out_ += part;
    }
    return true;
  }
  iovec pieces[4];
  msghdr message{};
  message.msg_iov = pieces;
  for (auto part : parts) {
    if (!part.empty()) {
      pieces[message.msg_iovlen++] = {const_cast<char*>(part.data()), part.size()};
    }
  }
  if (message.msg_iovlen == 0) {
    return true;
  }
  ssize_t count = 0;
  do {
    count = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
    close(true);
    return false;
  }
  auto sent = static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  loop_.shared().bytes_sent += sent;
  for (auto part : parts) {
    auto skipped = std::min(sent, part.size());
    sent -= skipped;
    out_.append(part.substr(skipped));
  }
  if (!out_.empty()) {
    progress_ = std::chrono::steady_clock::now();
    wait_to_write();
  }
  return true;
}

void server_connection::wait_to_write() {
  if (closed_ || std::exchange(writing_, true)) {
    return;
  }
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](boost::system::error_code) {
    self->writing_ = false;
    self->on_writable();
  });
}

void server_connection::on_writable() {
  if (closed_) {
    return;
  }
  auto count = ::send(socket_.native_handle(), out_.data() + out_at_, out_.size() - out_at_, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    close(true);
    return;
  }
  if (count > 0) {
    loop_.shared().bytes_sent += static_cast<std::size_t>(count);
    out_at_ += static_cast<std::size_t>(count);
    progress_ = std::chrono::steady_clock::now();
  }
  if (out_at_ < out_.size()) {
    wait_to_write();
    after_write();
    return;
  }
  std::string().swap(out_);
  out_at_ = 0;
  after_write();
  serve();
}

}  // namespace oncue::io::detail
