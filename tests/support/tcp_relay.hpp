// A wire between two nodes that a test can cut: takes connections on loopback and passes their bytes on to another port.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace oncue::test {

class tcp_relay {
 public:
  explicit tcp_relay(std::uint16_t target) : target_{target}, wake_{::eventfd(0, EFD_NONBLOCK)} {
    listen();
    thread_ = std::thread{[this] { work(); }};
  }
  ~tcp_relay() {
    state_ = state::over;
    poke();
    thread_.join();
    ::close(wake_);
    if (listener_ >= 0) ::close(listener_);
  }
  tcp_relay(const tcp_relay&) = delete;
  tcp_relay& operator=(const tcp_relay&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  /// Closes what is open; what connects from now on is closed at once.
  void cut() { set(state::cut); }
  /// Nothing passes any more, and nobody is told.
  void stall() { set(state::stalled); }
  void restore() { set(state::open); }

 private:
  enum class state { open, cut, stalled, over };
  struct pair {
    std::array<int, 2> ends{-1, -1};
  };

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  void listen() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error{"the relay cannot listen"};
    }
    port_ = ntohs(address.sin_port);
  }

  void set(state what) {
    state_ = what;
    done_ = false;
    poke();
    while (!done_) std::this_thread::yield();
  }
  void poke() {
    std::uint64_t one = 1;
    [[maybe_unused]] auto written = ::write(wake_, &one, sizeof one);
  }

  void take() {
    auto from = ::accept(listener_, nullptr, nullptr);
    if (from < 0) return;
    auto to = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(target_);
    if (state_ == state::cut || ::connect(to, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      ::close(from);
      ::close(to);
      return;
    }
    pairs_.push_back({{from, to}});
  }

  static void close(pair& what) {
    for (auto& end : what.ends) {
      if (end >= 0) ::close(end);
      end = -1;
    }
  }

  /// Passes on what there is. False: that end is closed.
  static bool pass(int from, int to) {
    std::array<char, 65536> bytes;
    auto got = ::recv(from, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    for (ssize_t at = 0; at < got;) {
      auto sent = ::send(to, bytes.data() + at, static_cast<std::size_t>(got - at), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      at += sent;
    }
    return true;
  }

  void work() {
    while (state_ != state::over) {
      auto now = state_.load();
      if (now == state::cut) {
        for (auto& each : pairs_) close(each);
        pairs_.clear();
      }
      done_ = true;
      std::vector<pollfd> all{{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
      if (now == state::open) {
        for (const auto& each : pairs_) {
          for (auto end : each.ends) all.push_back({end, POLLIN, 0});
        }
      }
      ::poll(all.data(), all.size(), -1);
      if (all[0].revents != 0) {
        std::uint64_t count = 0;
        [[maybe_unused]] auto read = ::read(wake_, &count, sizeof count);
        continue;
      }
      for (std::size_t i = 2; i < all.size(); ++i) {
        auto& each = pairs_[(i - 2) / 2];
        if (all[i].revents == 0 || each.ends[0] < 0) continue;
        if (!pass(all[i].fd, each.ends[i % 2 == 0 ? 1 : 0])) close(each);
      }
      std::erase_if(pairs_, [](const pair& each) { return each.ends[0] < 0; });
      if (all[1].revents != 0) take();
    }
    for (auto& each : pairs_) close(each);
  }

  std::uint16_t target_;
  int wake_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<state> state_ = state::open;
  std::atomic<bool> done_ = false;
  std::vector<pair> pairs_;
  std::thread thread_;
};

}  // namespace oncue::test
