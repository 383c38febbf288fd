#include "curl_driver.hpp"

#include <sys/epoll.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <system_error>
#include <utility>

#include "oncue/core/limits.hpp"

namespace oncue::io {

namespace asio = boost::asio;

namespace {

/// libcurl the library reads neither variable; the tool `curl` and every other client do.
std::string ca_file_of_environment() {
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const char* value = std::getenv(name);
    if (value && *value) {
      return value;
    }
  }
  return {};
}

int make_epoll() {
  auto fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) {
    throw std::system_error(errno, std::generic_category(), "an epoll set for libcurl");
  }
  return fd;
}

/// A socket's number, and which of those that had it.
std::uint64_t watch_key(curl_socket_t socket, std::uint32_t watch) {
  return (std::uint64_t{watch} << 32) | static_cast<std::uint32_t>(socket);
}

/// What libcurl waits for, in epoll's words; and what epoll saw, in libcurl's.
std::uint32_t events_of(int wanted) {
  return (wanted & CURL_POLL_IN ? EPOLLIN : 0u) | (wanted & CURL_POLL_OUT ? EPOLLOUT : 0u);
}
int readiness_of(std::uint32_t events) {
  return (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
         (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

}  // namespace

curl_driver::curl_driver(event_loop& loop)
    : context_(loop.context()),
      timer_(context_),
      ca_file_(ca_file_of_environment()),
      ready_(context_),
      gate_(core::limits::connections_sought_max),
      multi_(curl_multi_init()) {
  if (!multi_) {
    throw std::bad_alloc();
  }
  ready_.assign(make_epoll());
  wait();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &socket_changed);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &timer_changed);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  size_connection_cache();
}

curl_driver::~curl_driver() {
  stopping_ = true;
  while (!transfers_.empty()) {
    end(transfers_.begin()->first, {transfer_end::closed, transfer_error::none, {}});
  }
  curl_multi_cleanup(multi_);
  *alive_ = false;
}

void curl_driver::start(std::uint64_t id, http_request request, std::unique_ptr<transfer_handler> handler) {
  auto made = std::make_unique<curl_transfer>(id, std::move(request), std::move(handler));
  if (auto refused = made->prepare(ca_file_, &found_)) {
    made->release_handler()->on_end(*refused);
    return;
  }
  auto& transfer = *transfers_.emplace(id, std::move(made)).first->second;
  const auto host = transfer.host();
  if (gate_.enter(host, id) && !begin(transfer)) {
    begin_next(host);
  }
}

bool curl_driver::begin(curl_transfer& transfer) {
  if (!transfer.begin()) {
    end(transfer.id(), transfer.result_of(CURLE_OPERATION_TIMEDOUT));
    return false;
  }
  size_connection_cache();
  if (curl_multi_add_handle(multi_, transfer.easy()) != CURLM_OK) {
    throw std::bad_alloc();
  }
  return true;
}

/// One of the host's transfers has left its place in the gate.
void curl_driver::begin_next(const std::string& host) {
  while (auto next = gate_.leave(host)) {
    auto found = transfers_.find(*next);
    if (found != transfers_.end() && begin(*found->second)) {
      return;
    }
  }
}

void curl_driver::close(std::uint64_t id) { end(id, {transfer_end::closed, transfer_error::none, {}}); }

void curl_driver::set_paused(std::uint64_t id, bool paused) {
  auto found = transfers_.find(id);
  if (found == transfers_.end()) {
    return;
  }
  if (auto code = found->second->set_paused(paused); code != CURLE_OK) {
    end(id, found->second->result_of(code));
  }
}

void curl_driver::tell(std::uint64_t id, std::uint64_t word) {
  auto found = transfers_.find(id);
  if (found == transfers_.end()) {
    return;
  }
  if (auto code = found->second->tell(word); code != CURLE_OK) {
    end(id, found->second->result_of(code));
  }
}

void curl_driver::end(std::uint64_t id, const transfer_result& result) {
  auto node = transfers_.extract(id);
  if (node.empty()) {
    return;
  }
  // A handle that is removed before its answer is whole takes its connection with it.
  curl_multi_remove_handle(multi_, node.mapped()->easy());
  auto handler = node.mapped()->release_handler();
  auto was_looking = node.mapped()->reached() == curl_transfer::stage::looking;
  auto host = node.mapped()->host();
  node.mapped().reset();
  size_connection_cache();
  handler->on_end(result);
  if (was_looking && !stopping_) {
    begin_next(host);
  }
}

/// libcurl bounds connections in use and idle ones together; we mean the idle ones.
void curl_driver::size_connection_cache() {
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS,
                    static_cast<long>(core::limits::idle_connections_max + transfers_.size()));
}

void curl_driver::act(curl_socket_t socket, int readiness) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, readiness, &running);
  int left = 0;
  while (auto* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg == CURLMSG_DONE) {
      auto& transfer = curl_transfer::of(message->easy_handle);
      end(transfer.id(), transfer.result_of(message->data.result));
    }
  }
  for (const auto& host : std::exchange(found_, {})) {
    begin_next(host);
  }
}

// -- sockets -------------------------------------------------------------------

int curl_driver::socket_changed(CURL*, curl_socket_t socket, int wanted, void* self, void*) noexcept {
  auto& driver = *static_cast<curl_driver*>(self);
  if (events_of(wanted) == 0) {
    driver.forget(socket);
  } else {
    driver.watch(socket, wanted);
  }
  return 0;
}

void curl_driver::watch(curl_socket_t socket, int wanted) {
  auto [watched, is_new] = sockets_.try_emplace(socket, last_watch_ + 1);
  if (is_new) {
    ++last_watch_;
  }
  epoll_event event{};
  event.events = events_of(wanted);
  event.data.u64 = watch_key(socket, watched->second);
  if (::epoll_ctl(ready_.native_handle(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event) != 0) {
    // Nobody will ever say that it is ready: its transfer shall fail instead, when libcurl may be called again.
    asio::post(context_, [this, alive = alive_, key = event.data.u64] {
      if (*alive) {
        act_if_watched(key, CURL_CSELECT_ERR);
      }
    });
  }
}

/// libcurl says so before it closes the socket.
void curl_driver::forget(curl_socket_t socket) {
  if (sockets_.erase(socket) > 0) {
    ::epoll_ctl(ready_.native_handle(), EPOLL_CTL_DEL, socket, nullptr);
  }
}

void curl_driver::wait() {
  ready_.async_wait(asio::posix::descriptor_base::wait_read, [this, alive = alive_](boost::system::error_code error) {
    if (error || !*alive) {
      return;
    }
    act_on_ready();
    wait();
  });
}

void curl_driver::act_on_ready() {
  std::array<epoll_event, core::limits::sockets_slice_max> events;
  auto count = ::epoll_wait(ready_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    act_if_watched(event.data.u64, readiness_of(event.events));
  }
}

/// What happened before may have closed the socket, and another may have its number by now.
void curl_driver::act_if_watched(std::uint64_t key, int readiness) {
  auto socket = static_cast<curl_socket_t>(key & 0xFFFFFFFF);
  auto found = sockets_.find(socket);
  if (found != sockets_.end() && watch_key(socket, found->second) == key) {
    act(socket, readiness);
  }
}

// -- time ----------------------------------------------------------------------

int curl_driver::timer_changed(CURLM*, long delay_ms, void* self) noexcept {
  auto& driver = *static_cast<curl_driver*>(self);
  if (delay_ms < 0) {
    driver.due_.reset();
  } else {
    driver.due_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(delay_ms);
    driver.arm_timer();
  }
  return 0;
}

void curl_driver::arm_timer() {
  // Most changes only put the time off: then the timer is left alone and looks again when it fires.
  if (armed_ && *armed_ <= *due_) {
    return;
  }
  armed_ = due_;
  timer_.expires_at(*armed_);
  timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (error || !*alive) {
      return;
    }
    armed_.reset();
    if (!due_) {
      return;
    }
    if (std::chrono::steady_clock::now() < *due_) {
      arm_timer();
      return;
    }
    due_.reset();
    act(CURL_SOCKET_TIMEOUT, 0);
  });
}

}  // namespace oncue::io
