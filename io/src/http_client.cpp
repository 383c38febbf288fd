#include "oncue/io/http_client.hpp"

#include <curl/curl.h>

#include <cassert>
#include <future>
#include <mutex>
#include <stdexcept>

#include "curl_driver.hpp"

namespace oncue::io {

namespace detail {

/// What tokens hold of a client. It outlives the client for as long as there are tokens, but then leads nowhere.
struct client_link {
  std::mutex guard;                     // for `loop`: whoever posts holds it, so that the loop cannot go away meanwhile
  event_loop* loop = nullptr;           // null once the client is being destroyed
  std::unique_ptr<curl_driver> driver;  // touched on the loop only
};

}  // namespace detail

namespace {

/// False: the client has shut down.
bool post_to(const std::shared_ptr<detail::client_link>& link, std::function<void(curl_driver&)> call) {
  if (!link) {
    return false;
  }
  std::lock_guard lock(link->guard);
  if (!link->loop) {
    return false;
  }
  link->loop->post([link, call = std::move(call)] {
    if (link->driver) {
      call(*link->driver);
    }
  });
  return true;
}

}  // namespace

void transfer::close() const {
  post_to(link_, [id = id_](curl_driver& driver) { driver.close(id); });
}

void transfer::pause() const {
  post_to(link_, [id = id_](curl_driver& driver) { driver.set_paused(id, true); });
}

void transfer::resume() const {
  post_to(link_, [id = id_](curl_driver& driver) { driver.set_paused(id, false); });
}

void transfer::tell(std::uint64_t word) const {
  post_to(link_, [id = id_, word](curl_driver& driver) { driver.tell(id, word); });
}

http_client::http_client(event_loops& loops) : loops_(loops) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) {
    throw std::runtime_error("libcurl cannot be initialised");
  }
  for (std::size_t i = 0; i < loops.size(); ++i) {
    auto link = std::make_shared<detail::client_link>();
    link->loop = &loops.at(i);
    link->driver = std::make_unique<curl_driver>(loops.at(i));
    links_.push_back(std::move(link));
  }
}

http_client::~http_client() { shut_down(); }

void http_client::shut_down() {
  for (auto& link : links_) {
    event_loop* loop = nullptr;
    {
      std::lock_guard lock(link->guard);
      loop = std::exchange(link->loop, nullptr);
    }
    if (!loop) {
      continue;
    }
    assert(!loop->on_this_thread());
    std::promise<void> closed;
    loop->post([&] {
      link->driver.reset();
      closed.set_value();
    });
    closed.get_future().wait();
  }
}

transfer http_client::start(http_request request, std::unique_ptr<transfer_handler> handler) {
  auto id = last_id_.fetch_add(1, std::memory_order_relaxed) + 1;
  const auto& link = links_[id % links_.size()];
  // std::function copies what it holds, a handler is one.
  struct beginning {
    http_request request;
    std::unique_ptr<transfer_handler> handler;
  };
  auto begin = std::make_shared<beginning>(beginning{std::move(request), std::move(handler)});
  auto is_posted = post_to(
      link, [id, begin](curl_driver& driver) { driver.start(id, std::move(begin->request), std::move(begin->handler)); });
  if (!is_posted) {
    // Not here: whoever starts may hold a lock that the handler takes.
    loops_.at(id % links_.size()).post([begin] {
      begin->handler->on_end({transfer_end::closed, transfer_error::none, {}});
    });
  }
  return transfer(link, id);
}

}  // namespace oncue::io
