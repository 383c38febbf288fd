#include "provider.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>
#include <utility>

#include "provider_session.hpp"

namespace oncue::test {

using asio::ip::tcp;

struct provider::impl {
  explicit impl(provider_options options)
      : make_channel(options.certificate_file.empty() ? plain_channels()
                                                      : tls_channels(options.certificate_file, options.key_file)),
        acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), options.port)) {
    state.options = std::move(options);
    port = acceptor.local_endpoint().port();
    asio::co_spawn(context, accept(), asio::detached);
    thread = std::thread([this] { context.run(); });
  }

  ~impl() {
    context.stop();
    thread.join();
  }

  asio::awaitable<void> accept() {
    for (;;) {
      boost::system::error_code error;
      auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        continue;
      }
      socket.set_option(tcp::no_delay(true), error);
      // Small, so that a client that does not read is felt soon.
      socket.set_option(asio::socket_base::send_buffer_size(32 << 10), error);
      auto id = ++state.last_id;
      if (state.options.keep_records) {
        std::lock_guard lock(state.guard);
        auto& record = state.records.emplace_back();
        record.id = id;
        record.accepted = std::chrono::steady_clock::now();
        state.changed.notify_all();
      }
      if (state.options.log) {
        state.options.log("#" + std::to_string(id) + " accepted");
      }
      auto made = std::make_shared<session>(state, make_channel(std::move(socket)), id);
      asio::co_spawn(context, session::run(std::move(made)), asio::detached);
    }
  }

  provider_state state;  // outlives what the context still holds when it is destroyed
  channel_maker make_channel;
  asio::io_context context{1};
  tcp::acceptor acceptor;
  std::uint16_t port = 0;
  std::thread thread;
};

provider::provider(provider_options options) : impl_(std::make_unique<impl>(std::move(options))) {}

provider::~provider() = default;

std::uint16_t provider::port() const { return impl_->port; }

std::string provider::base_url(std::string_view scenario) const {
  std::string url = impl_->state.options.certificate_file.empty() ? "http" : "https";
  url += "://127.0.0.1:" + std::to_string(impl_->port) + "/";
  url += scenario;
  return url += "/v1";
}

std::string provider::url(std::string_view scenario) const { return base_url(scenario) + "/chat/completions"; }

std::vector<connection_record> provider::records() const {
  std::lock_guard lock(impl_->state.guard);
  return impl_->state.records;
}

bool provider::wait_until(const std::function<bool(const std::vector<connection_record>&)>& predicate,
                          std::chrono::milliseconds deadline) const {
  std::unique_lock lock(impl_->state.guard);
  return impl_->state.changed.wait_for(lock, deadline, [&] { return predicate(impl_->state.records); });
}

}  // namespace oncue::test
