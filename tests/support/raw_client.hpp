// One TCP connection to a server under test, byte by byte and blocking: what a browser, curl or an attacker may do. Every
// wait has a deadline of 10 s, after which it says that nothing came.
#pragma once

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace oncue::test {

struct raw_answer {
  int status = 0;    ///< 0: there was no answer, or not a whole one
  std::string head;  ///< status line and fields, lower case
  std::string body;  ///< chunks are put together
  bool whole_stream = false;

  bool has(std::string_view field) const { return head.find(field) != std::string::npos; }
};

class raw_client {
 public:
  /// A socket that is not connected yet. `receive_buffer`: of the kernel; 0: its own choice.
  explicit raw_client(int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    timeval deadline{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
  }
  ~raw_client() { close(); }
  raw_client(raw_client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), input_(std::move(other.input_)), ended_(other.ended_) {}
  raw_client& operator=(raw_client&&) = delete;

  static raw_client to(std::uint16_t port, int receive_buffer = 0) {
    raw_client client(receive_buffer);
    client.connect(port);
    return client;
  }

  bool connect(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }

  /// False when the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// The bytes up to the end of `end`, which are taken; without it, all that came.
  std::string read_until(std::string_view end) {
    std::size_t at;
    while ((at = input_.find(end)) == std::string::npos && read_more()) {
    }
    return take(at == std::string::npos ? input_.size() : at + end.size());
  }

  /// Everything up to the server's close.
  std::string read_to_end() {
    while (read_more()) {
    }
    return take(input_.size());
  }

  /// One answer, by its Content-Length, its chunks, or up to the close.
  raw_answer read_answer(bool head_only = false) {
    raw_answer answer;
    auto head = read_until("\r\n\r\n");
    for (char& c : head) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    answer.head = head;
    if (!head.ends_with("\r\n\r\n")) return answer;
    answer.status = std::atoi(head.c_str() + head.find(' ') + 1);
    auto length = head.find("content-length: ");
    if (head_only || answer.status / 100 == 1 || answer.status == 204) {
    } else if (length != std::string::npos) {
      auto size = std::strtoull(head.c_str() + length + 16, nullptr, 10);
      while (input_.size() < size && read_more()) {
      }
      if (input_.size() < size) answer.status = 0;
      answer.body = take(size);
    } else if (answer.has("transfer-encoding: chunked")) {
      answer.whole_stream = read_chunks(answer.body);
    } else {
      answer.body = read_to_end();
    }
    return answer;
  }

  /// The next chunk of a stream; empty: the last one, or the stream is cut.
  std::string read_chunk() {
    auto line = read_until("\r\n");
    auto size = std::strtoull(line.c_str(), nullptr, 16);
    while (input_.size() < size + 2 && read_more()) {
    }
    ended_ = ended_ || line.empty();
    auto chunk = take(size);
    take(2);
    return chunk;
  }

  /// Puts the chunks together; false if the stream is cut before its last one.
  bool read_chunks(std::string& body) {
    while (true) {
      auto chunk = read_chunk();
      body += chunk;
      if (chunk.empty()) return !ended_;
    }
  }

  /// True once there is something to read, or the server has closed.
  bool readable_within(std::chrono::milliseconds time) {
    pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
    return !input_.empty() || ::poll(&ready, 1, static_cast<int>(time.count())) > 0;
  }

  /// True if the server closes its side, within the deadline, without having sent anything more.
  bool sees_close() {
    while (input_.empty() && read_more()) {
    }
    return input_.empty() && ended_;
  }

  void shut_down_sending() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }
  /// As if its cable were cut: whatever the server sends from now on is thrown away and never acknowledged.
  void die() {
    sock_filter nothing{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
    sock_fprog program{.len = 1, .filter = &nothing};
    setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
  }

 private:
  bool read_more() {
    char buffer[16384];
    auto count = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (count > 0) {
      input_.append(buffer, static_cast<std::size_t>(count));
    } else {
      ended_ = count == 0 || errno != EAGAIN;  // EAGAIN: the deadline
    }
    return count > 0;
  }
  std::string take(std::size_t size) {
    auto taken = input_.substr(0, size);
    input_.erase(0, size);
    return taken;
  }

  int fd_;
  std::string input_;
  bool ended_ = false;
};

}  // namespace oncue::test
