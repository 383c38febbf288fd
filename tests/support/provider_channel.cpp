#include "provider_channel.hpp"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace oncue::test {

namespace {

using asio::use_awaitable;
using asio::ip::tcp;

class plain_channel : public channel {
 public:
  explicit plain_channel(tcp::socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<void> open() override { co_return; }
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer into) override {
    return socket_.async_read_some(into, use_awaitable);
  }
  asio::awaitable<void> write(asio::const_buffer bytes) override {
    co_await asio::async_write(socket_, bytes, use_awaitable);
  }
  tcp::socket& socket() override { return socket_; }

 private:
  tcp::socket socket_;
};

class tls_channel : public channel {
 public:
  tls_channel(tcp::socket socket, std::shared_ptr<asio::ssl::context> context)
      : context_(std::move(context)), stream_(std::move(socket), *context_) {}

  asio::awaitable<void> open() override { return stream_.async_handshake(asio::ssl::stream_base::server, use_awaitable); }
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer into) override {
    return stream_.async_read_some(into, use_awaitable);
  }
  asio::awaitable<void> write(asio::const_buffer bytes) override {
    co_await asio::async_write(stream_, bytes, use_awaitable);
  }
  tcp::socket& socket() override { return stream_.next_layer(); }

 private:
  std::shared_ptr<asio::ssl::context> context_;
  asio::ssl::stream<tcp::socket> stream_;
};

}  // namespace

channel_maker plain_channels() {
  return [](tcp::socket socket) { return std::make_unique<plain_channel>(std::move(socket)); };
}

channel_maker tls_channels(const std::string& certificate_file, const std::string& key_file) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  context->use_certificate_chain_file(certificate_file);
  context->use_private_key_file(key_file, asio::ssl::context::pem);
  return [context](tcp::socket socket) { return std::make_unique<tls_channel>(std::move(socket), context); };
}

}  // namespace oncue::test
