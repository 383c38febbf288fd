#include "canned_server.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

namespace oncue::test {

namespace {

constexpr auto patience = std::chrono::seconds{10};

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string chunk(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string{bytes} + "\r\n";
}

}  // namespace

struct canned_server::impl {
  int listener = -1;
  int stop = ::eventfd(0, EFD_CLOEXEC);
  std::uint16_t port = 0;
  mutable std::mutex guard;
  mutable std::condition_variable changed;
  bool stopping = false;
  std::map<std::string, std::vector<canned_answer>> answers;
  std::vector<canned_request> requests;
  std::vector<std::thread> threads;
  std::thread accepting;

  void accept_all() {
    for (;;) {
      pollfd watched[] = {{listener, POLLIN, 0}, {stop, POLLIN, 0}};
      ::poll(watched, 2, -1);
      if (watched[1].revents != 0) return;
      auto socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      std::lock_guard lock{guard};
      threads.emplace_back([this, socket] {
        serve(socket);
        ::close(socket);
      });
    }
  }

  /// Waits until there is something to read; false when the server goes away.
  bool readable(int socket) const {
    pollfd watched[] = {{socket, POLLIN, 0}, {stop, POLLIN, 0}};
    ::poll(watched, 2, -1);
    return watched[1].revents == 0;
  }

  void serve(int socket) {
    std::string input;
    std::size_t head_end = std::string::npos;
    std::size_t length = 0;
    while (head_end == std::string::npos || input.size() < head_end + 4 + length) {
      char buffer[4096];
      if (!readable(socket)) return;
      auto got = ::recv(socket, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      input.append(buffer, static_cast<std::size_t>(got));
      if (head_end == std::string::npos && (head_end = input.find("\r\n\r\n")) != std::string::npos) {
        auto field = input.find("Content-Length: ");
        if (field < head_end) length = std::strtoul(input.c_str() + field + 16, nullptr, 10);
      }
    }
    canned_request request;
    request.head = input.substr(0, head_end + 2);
    request.body = input.substr(head_end + 4);
    auto space = input.find(' ');
    request.method = input.substr(0, space);
    request.target = input.substr(space + 1, input.find(' ', space + 1) - space - 1);
    std::size_t number = 0;
    auto answer = take(std::move(request), number);
    reply(socket, answer, number);
  }

  canned_answer take(canned_request request, std::size_t& number) {
    std::lock_guard lock{guard};
    auto line = request.method + " " + request.target;
    number = requests.size();
    requests.push_back(std::move(request));
    changed.notify_all();
    std::vector<canned_answer>* best = nullptr;
    std::size_t longest = 0;
    for (auto& [beginning, list] : answers) {
      if (line.starts_with(beginning) && beginning.size() > longest) {
        best = &list;
        longest = beginning.size();
      }
    }
    if (!best) return {404, "application/json", {{R"({"detail":"Not Found"})"}}};
    auto answer = best->front();
    if (best->size() > 1) best->erase(best->begin());
    return answer;
  }

  void reply(int socket, const canned_answer& answer, std::size_t number) {
    auto head = "HTTP/1.1 " + std::to_string(answer.status) + " X\r\nContent-Type: " + answer.type +
                "\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    if (answer.status == 204) head = "HTTP/1.1 204 X\r\nConnection: close\r\n\r\n";
    if (!send_all(socket, head) || answer.status == 204) return;
    for (const auto& [bytes, after] : answer.pieces) {
      if (!after.empty() && !wait([&, from = after] { return begun(from, number) != 0; })) return;
      if (!bytes.empty() && !send_all(socket, chunk(bytes))) return;
    }
    if (answer.then == canned_answer::end::cut) return;
    if (answer.then == canned_answer::end::whole) {
      send_all(socket, "0\r\n\r\n");
      return;
    }
    char byte;
    while (readable(socket) && ::recv(socket, &byte, 1, 0) > 0) continue;
    std::lock_guard lock{guard};
    requests[number].client_closed = true;
    changed.notify_all();
  }

  /// How many of the requests from number `first` on began so.
  std::size_t begun(std::string_view beginning, std::size_t first = 0) const {
    return static_cast<std::size_t>(
        std::count_if(requests.begin() + static_cast<std::ptrdiff_t>(first), requests.end(),
                      [&](const canned_request& r) { return (r.method + " " + r.target).starts_with(beginning); }));
  }

  template <class F>
  bool wait(F seen) const {
    std::unique_lock lock{guard};
    changed.wait_for(lock, patience, [&] { return stopping || seen(); });
    return seen();
  }
};

canned_server::canned_server(std::uint16_t port) : impl_{std::make_shared<impl>()} {
  impl_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int yes = 1;
  ::setsockopt(impl_->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(impl_->listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(impl_->listener, 64) != 0) {
    throw std::system_error(errno, std::system_category(), "the canned server cannot listen");
  }
  ::getsockname(impl_->listener, reinterpret_cast<sockaddr*>(&address), &size);
  impl_->port = ntohs(address.sin_port);
  impl_->accepting = std::thread{[this] { impl_->accept_all(); }};
}

canned_server::~canned_server() {
  {
    std::lock_guard lock{impl_->guard};
    impl_->stopping = true;
    impl_->changed.notify_all();
  }
  ::eventfd_write(impl_->stop, 1);
  impl_->accepting.join();
  for (auto& thread : impl_->threads) thread.join();
  ::close(impl_->listener);
  ::close(impl_->stop);
}

std::uint16_t canned_server::port() const { return impl_->port; }
std::string canned_server::url() const { return "http://127.0.0.1:" + std::to_string(impl_->port); }

void canned_server::on(std::string beginning, std::vector<canned_answer> answers) {
  std::lock_guard lock{impl_->guard};
  impl_->answers[std::move(beginning)] = std::move(answers);
}

void canned_server::on(std::string beginning, int status, std::string json) {
  on(std::move(beginning), {{status, "application/json", {{std::move(json)}}}});
}

void canned_server::stream(std::string beginning, std::vector<canned_piece> pieces, canned_answer::end then) {
  on(std::move(beginning), {{200, "text/event-stream; charset=utf-8", std::move(pieces), then}});
}

std::vector<canned_request> canned_server::requests() const {
  std::lock_guard lock{impl_->guard};
  return impl_->requests;
}

bool canned_server::wait_until(const std::function<bool(const std::vector<canned_request>&)>& seen) const {
  return impl_->wait([&] { return seen(impl_->requests); });
}

std::size_t canned_server::count(std::string_view beginning) const {
  std::lock_guard lock{impl_->guard};
  return impl_->begun(beginning);
}

}  // namespace oncue::test
