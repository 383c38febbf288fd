#include "curl_driver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdlib>
#include <new>
#include <utility>

#include "oncue/core/limits.hpp"

namespace oncue::io {

namespace asio = boost::asio;

/// A socket that libcurl owns and the loop looks at. It is given back before libcurl closes it (libcurl says so first), so
/// that no wait ever hits another socket that got the same number.
struct curl_driver::watched_socket {
  explicit watched_socket(asio::io_context& context) : descriptor(context) {}

  asio::posix::stream_descriptor descriptor;
  int wanted = CURL_POLL_NONE;
  bool waiting_to_read = false;
  bool waiting_to_write = false;
  bool forgotten = false;
};

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

}  // namespace

curl_driver::curl_driver(event_loop& loop)
    : context_(loop.context()),
      timer_(context_),
      ca_file_(ca_file_of_environment()),
      gate_(core::limits::connections_sought_max),
      multi_(curl_multi_init()) {
  if (!multi_) {
    throw std::bad_alloc();
  }
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
  while (!sockets_.empty()) {
    forget(sockets_.begin()->first);
  }
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
  if (wanted == CURL_POLL_REMOVE) {
    driver.forget(socket);
  } else {
    driver.watch(socket, wanted);
  }
  return 0;
}

void curl_driver::watch(curl_socket_t socket, int wanted) {
  auto& watched = sockets_[socket];
  if (!watched) {
    watched = std::make_shared<watched_socket>(context_);
    watched->descriptor.assign(socket);
  }
  watched->wanted = wanted;
  wait_for(watched);
}

void curl_driver::forget(curl_socket_t socket) {
  auto node = sockets_.extract(socket);
  if (!node.empty()) {
    node.mapped()->forgotten = true;
    node.mapped()->descriptor.release();  // out of the loop's epoll set; the socket itself is libcurl's
  }
}

void curl_driver::wait_for(const std::shared_ptr<watched_socket>& socket) {
  if ((socket->wanted & CURL_POLL_IN) && !socket->waiting_to_read) {
    socket->waiting_to_read = true;
    socket->descriptor.async_wait(asio::posix::descriptor_base::wait_read, [this, socket](boost::system::error_code error) {
      socket->waiting_to_read = false;
      on_ready(socket, CURL_POLL_IN, error.failed());
    });
  }
  if ((socket->wanted & CURL_POLL_OUT) && !socket->waiting_to_write) {
    socket->waiting_to_write = true;
    socket->descriptor.async_wait(asio::posix::descriptor_base::wait_write,
                                  [this, socket](boost::system::error_code error) {
                                    socket->waiting_to_write = false;
                                    on_ready(socket, CURL_POLL_OUT, error.failed());
                                  });
  }
}

void curl_driver::on_ready(const std::shared_ptr<watched_socket>& socket, int readiness, bool broken) {
  // A forgotten socket may be all that is left of this driver: nothing else may be touched before this check.
  if (socket->forgotten || !(socket->wanted & readiness)) {
    return;
  }
  auto mask = readiness == CURL_POLL_IN ? CURL_CSELECT_IN : CURL_CSELECT_OUT;
  act(socket->descriptor.native_handle(), broken ? CURL_CSELECT_ERR : mask);
  if (!socket->forgotten) {
    wait_for(socket);
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
