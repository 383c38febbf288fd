#include "oncue/io/http_server.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "http_server_loop.hpp"

namespace oncue::io {

namespace asio = boost::asio;
namespace limits = core::limits;
using asio::ip::tcp;
using boost::system::error_code;

std::string_view server_request::header(std::string_view name) const {
  auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& field) { return field.first == name; });
  return found == headers.end() ? std::string_view{} : std::string_view{found->second};
}

/// Takes the connections, on the first loop, and hands them to the loops in turn.
struct http_server::impl : std::enable_shared_from_this<impl> {
  impl(event_loops& loops, http_server_options options, handler handle) : context(loops.at(0).context()) {
    shared->options = std::move(options);
    shared->handle = std::move(handle);
    for (std::size_t i = 0; i < loops.size(); ++i) {
      served.push_back(std::make_shared<detail::server_loop>(loops.at(i), shared));
    }
  }

  void listen();
  void accept();
  void on_accept(const error_code& error, tcp::socket socket, const std::shared_ptr<detail::server_loop>& where);
  void on_closed();
  void stop_listening();
  void close();

  asio::io_context& context;
  std::shared_ptr<detail::server_shared> shared = std::make_shared<detail::server_shared>();
  std::vector<std::shared_ptr<detail::server_loop>> served;
  std::uint16_t port = 0;

  std::optional<tcp::acceptor> acceptor;    // on the first loop
  std::optional<asio::steady_timer> retry;  // on the first loop
  std::size_t turn = 0;                     // on the first loop
  std::atomic<bool> waiting_for_a_close{false};
  std::atomic<std::uint64_t> accept_errors{0};
  mutable std::mutex guard;
  std::string accept_error;  // under guard
};

void http_server::impl::listen() {
  const auto& options = shared->options;
  error_code error;
  auto address = asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, error);
  auto where = (options.host.find(':') == std::string::npos ? options.host : "[" + options.host + "]") + ":" +
               std::to_string(options.port);
  auto check = [&] {
    if (error) {
      throw std::system_error(error, "cannot listen on " + where);
    }
  };
  check();
  auto& opened = acceptor.emplace(context);
  tcp::endpoint endpoint(address, options.port);
  opened.open(endpoint.protocol(), error);
  check();
  opened.set_option(tcp::acceptor::reuse_address(true), error);
  check();
  if (address.is_v6() && address.is_unspecified()) {
    opened.set_option(asio::ip::v6_only(false), error);  // a machine without IPv4 is fine too
  }
  opened.bind(endpoint, error);
  check();
  opened.listen(asio::socket_base::max_listen_connections, error);
  check();
  port = opened.local_endpoint(error).port();
  check();
  retry.emplace(context);
}

void http_server::impl::accept() {
  auto full = [this] { return shared->connections >= shared->options.connections_max + limits::refused_connections_max; };
  if (!acceptor) {
    return;
  }
  if (full()) {
    waiting_for_a_close = true;
    if (full() || !waiting_for_a_close.exchange(false)) {
      return;  // on_closed comes here again
    }
  }
  auto where = served[turn++ % served.size()];
  acceptor->async_accept(where->context(), [self = shared_from_this(), where](error_code error, tcp::socket socket) {
    if (self->acceptor) {
      self->on_accept(error, std::move(socket), where);
    }
  });
}

void http_server::impl::on_accept(const error_code& error, tcp::socket socket,
                                  const std::shared_ptr<detail::server_loop>& where) {
  if (!error) {
    bool refused = ++shared->connections > shared->options.connections_max;
    if (where == served.front()) {
      where->adopt(std::move(socket), refused);
    } else {
      asio::post(where->context(),
                 [where, refused, moved = std::move(socket)]() mutable { where->adopt(std::move(moved), refused); });
    }
    accept();
    return;
  }
  ++accept_errors;
  {
    std::lock_guard lock(guard);
    accept_error = error.message();
  }
  // No file descriptor is left, most likely: trying again at once would only burn the processor.
  retry->expires_after(limits::accept_retry);
  retry->async_wait([self = shared_from_this()](error_code cancelled) {
    if (!cancelled) {
      self->accept();
    }
  });
}

void http_server::impl::on_closed() {
  --shared->connections;
  if (waiting_for_a_close.exchange(false)) {
    asio::post(context, [self = shared_from_this()] { self->accept(); });
  }
}

void http_server::impl::stop_listening() {
  acceptor.reset();
  retry.reset();
}

/// Not from a loop.
void http_server::impl::close() {
  std::vector<std::promise<void>> closed(served.size());
  for (std::size_t i = 0; i < served.size(); ++i) {
    asio::post(served[i]->context(), [&, i] {
      if (i == 0) {
        stop_listening();
      }
      served[i]->close();
      closed[i].set_value();
    });
  }
  for (auto& one : closed) {
    one.get_future().wait();
  }
  // Nobody calls them any more, and what they hold may want to go before the loops do.
  shared->handle = nullptr;
  shared->on_closed = nullptr;
}

http_server::http_server(event_loops& loops, http_server_options options, handler handle)
    : impl_(std::make_shared<impl>(loops, std::move(options), std::move(handle))) {
  impl_->listen();
  impl_->shared->on_closed = [weak = std::weak_ptr<impl>(impl_)] {
    if (auto self = weak.lock()) {
      self->on_closed();
    }
  };
  asio::post(impl_->context, [self = impl_] { self->accept(); });
}

http_server::~http_server() { impl_->close(); }

std::uint16_t http_server::port() const { return impl_->port; }

void http_server::stop_listening() {
  impl_->shared->stopping = true;
  asio::post(impl_->context, [self = impl_] { self->stop_listening(); });
  for (const auto& loop : impl_->served) {
    asio::post(loop->context(), [loop] { loop->stop(); });
  }
}

bool http_server::wait_for_streams(std::chrono::milliseconds at_most) {
  auto& shared = *impl_->shared;
  std::unique_lock lock(shared.quiet_guard);
  return shared.quiet.wait_for(lock, at_most, [&] { return shared.streams == 0; });
}

http_server_stats http_server::stats() const {
  auto result = impl_->shared->counted();
  result.accept_errors_total = impl_->accept_errors;
  std::lock_guard lock(impl_->guard);
  result.accept_error = impl_->accept_error;
  return result;
}

}  // namespace oncue::io
