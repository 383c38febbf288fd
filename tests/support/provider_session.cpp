#include "provider_session.hpp"

#include <strings.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <cstdlib>

namespace oncue::test {

using asio::use_awaitable;

std::string provider_request::header(std::string_view name) const {
  std::size_t at = 0;
  while ((at = head.find("\r\n", at)) != std::string::npos) {
    at += 2;
    if (head.size() > at + name.size() && strncasecmp(head.data() + at, name.data(), name.size()) == 0 &&
        head[at + name.size()] == ':') {
      auto from = std::min(head.find_first_not_of(' ', at + name.size() + 1), head.size());
      return head.substr(from, head.find("\r\n", from) - from);
    }
  }
  return {};
}

std::string http_chunk(std::string_view body) {
  char size[16];
  auto end = std::to_chars(size, size + sizeof(size), body.size(), 16).ptr;
  std::string result;
  result.reserve(body.size() + 24);
  result.append(size, end).append("\r\n").append(body).append("\r\n");
  return result;
}

session::session(provider_state& state, std::unique_ptr<channel> connection, int id)
    : state_(state),
      connection_(std::move(connection)),
      id_(id),
      alarm_(connection_->socket().get_executor()),
      arrived_(connection_->socket().get_executor(), asio::steady_timer::time_point::max()) {}

void session::log(std::string_view what) {
  if (state_.options.log) {
    state_.options.log("#" + std::to_string(id_) + " " + std::string(what));
  }
}

asio::awaitable<void> session::run(std::shared_ptr<session> self) {
  try {
    if (!self->state_.options.mute) {
      co_await self->connection_->open();
    }
    asio::co_spawn(self->connection_->socket().get_executor(), read(self), asio::detached);
    co_await self->answer_requests();
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) {
      self->client_has_gone();
    }
  }
  self->close();
}

asio::awaitable<void> session::answer_requests() {
  while (!closing_ && !client_gone_) {
    if (waiting_.empty()) {
      boost::system::error_code ignored;
      co_await arrived_.async_wait(asio::redirect_error(use_awaitable, ignored));
      arrived_.expires_at(asio::steady_timer::time_point::max());
      continue;
    }
    request_ = std::move(waiting_.front());
    waiting_.pop_front();
    co_await answer(*this);
    state_.record(id_, [](connection_record& r) { ++r.answers; });
    log("answered, " + std::to_string(deltas_) + " deltas");
  }
}

asio::awaitable<void> session::read(std::shared_ptr<session> self) {
  std::vector<char> buffer(4096);
  try {
    for (;;) {
      auto count = co_await self->connection_->read_some(asio::buffer(buffer));
      if (!self->state_.options.mute) {
        self->input_.append(buffer.data(), count);
        self->take_requests();
      }
    }
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) {
      self->client_has_gone();
    }
  }
}

void session::take_requests() {
  if (!input_.empty() && (input_.front() < 'A' || input_.front() > 'Z') && !early_) {
    input_.clear();  // not HTTP: TLS, perhaps
    waiting_.emplace_back().segment = parse_segment("status;code=400");
    arrived_.cancel();
  }
  for (;;) {
    auto end = input_.find("\r\n\r\n");
    if (end == std::string::npos) {
      return;
    }
    provider_request next;
    next.head = input_.substr(0, end + 2);
    auto length = std::strtoull(next.header("content-length").c_str(), nullptr, 10);
    next.method = next.head.substr(0, next.head.find(' '));
    auto from = std::min(next.method.size() + 1, next.head.size());
    next.path = next.head.substr(from, next.head.find(' ', from) - from);
    if (next.path.starts_with("http://")) {  // as a proxy is asked
      next.path.erase(0, std::min(next.path.find('/', 7), next.path.size()));
    }
    auto segment = next.path.substr(std::min<std::size_t>(1, next.path.size()), next.path.find('/', 1) - 1);
    next.segment = parse_segment(segment);
    if (!early_ && next.segment.name == "early_answer") {
      early_ = true;
      waiting_.push_back(next);
      arrived_.cancel();
    }
    if (input_.size() < end + 4 + length) {
      return;
    }
    next.body = input_.substr(end + 4, length);
    input_.erase(0, end + 4 + length);
    log(next.method + " " + next.path);
    state_.record(id_, [&](connection_record& r) {
      r.scenario = segment;
      r.request_head = next.head;
      r.request_body = next.body;
      ++r.requests;
      if (!r.requested) {
        r.requested = std::chrono::steady_clock::now();
      }
    });
    if (!std::exchange(early_, false)) {
      waiting_.push_back(std::move(next));
      arrived_.cancel();
    }
  }
}

void session::client_has_gone() {
  if (std::exchange(client_gone_, true)) {
    return;
  }
  state_.record(id_, [](connection_record& r) {
    r.client_closed = true;
    r.closed_at = std::chrono::steady_clock::now();
  });
  log("client closed after " + std::to_string(deltas_) + " deltas");
  arrived_.cancel();
  alarm_.cancel();
  boost::system::error_code ignored;
  connection_->socket().close(ignored);
}

void session::close() {
  boost::system::error_code ignored;
  auto& socket = connection_->socket();
  if (resetting_) {
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
  } else {
    socket.shutdown(asio::socket_base::shutdown_both, ignored);
  }
  socket.close(ignored);
  if (!client_gone_) {
    log("closed after " + std::to_string(deltas_) + " deltas");
  }
  state_.record(id_, [](connection_record& r) { r.over = true; });
}

// -- for scenarios ---------------------------------------------------------------

asio::awaitable<void> session::send(std::string_view bytes) { return connection_->write(asio::buffer(bytes)); }

asio::awaitable<void> session::send_head(int status, std::string_view content_type, std::string_view extra) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + (status == 200 ? " OK" : " Refused") + "\r\nContent-Type: ";
  head.append(content_type).append("\r\n").append(extra);
  if (extra.find("Content-Length") == std::string_view::npos) {
    head += "Transfer-Encoding: chunked\r\nCache-Control: no-cache\r\n";
  }
  head += "\r\n";
  co_await connection_->write(asio::buffer(head));
}

asio::awaitable<void> session::send_answer(int status, std::string_view content_type, std::string body, std::string extra) {
  extra += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  co_await send_head(status, content_type, extra);
  co_await connection_->write(asio::buffer(body));
}

asio::awaitable<void> session::send_chunk(std::string_view body, std::uint64_t deltas) {
  auto bytes = http_chunk(body);
  co_await connection_->write(asio::buffer(bytes));
  count(deltas);
}

void session::count(std::uint64_t deltas) {
  if (deltas != 0) {
    deltas_ += deltas;
    state_.record(id_, [deltas](connection_record& r) { r.deltas_sent += deltas; });
  }
}

asio::awaitable<void> session::send_event(std::string_view json, std::uint64_t deltas) {
  auto body = event(json);
  co_await send_chunk(body, deltas);
}

asio::awaitable<void> session::send_last_chunk() { return send("0\r\n\r\n"); }

asio::awaitable<void> session::sleep(std::int64_t ms) {
  if (ms > 0) {
    alarm_.expires_after(std::chrono::milliseconds(ms));
    co_await alarm_.async_wait(use_awaitable);
  }
}

asio::awaitable<void> session::sleep_for_ever() {
  alarm_.expires_at(asio::steady_timer::time_point::max());
  co_await alarm_.async_wait(use_awaitable);
}

}  // namespace oncue::test
