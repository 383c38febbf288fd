// A connection of the provider as a scenario sees it: plain TCP, or TLS over it. Only these two files know which.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

namespace oncue::test {

namespace asio = boost::asio;

class channel {
 public:
  virtual ~channel() = default;

  /// All of them throw boost::system::system_error when the connection is gone. One read and one write may be under way.
  virtual asio::awaitable<void> open() = 0;
  virtual asio::awaitable<std::size_t> read_some(asio::mutable_buffer into) = 0;
  virtual asio::awaitable<void> write(asio::const_buffer bytes) = 0;
  virtual asio::ip::tcp::socket& socket() = 0;
};

using channel_maker = std::function<std::unique_ptr<channel>(asio::ip::tcp::socket)>;

channel_maker plain_channels();

/// Both files PEM. Throws if they cannot be used.
channel_maker tls_channels(const std::string& certificate_file, const std::string& key_file);

}  // namespace oncue::test
