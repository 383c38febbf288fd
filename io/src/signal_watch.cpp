#include "oncue/io/signal_watch.hpp"

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <utility>

namespace oncue::io {

struct signal_watch::impl : std::enable_shared_from_this<signal_watch::impl> {
  impl(event_loop& the_loop, std::function<void(int)> callback)
      : loop{the_loop}, on_signal{std::move(callback)}, signals{the_loop.context(), SIGINT, SIGTERM} {}

  void wait() {
    signals.async_wait([self = shared_from_this()](const boost::system::error_code& error, int number) {
      if (error) return;
      self->on_signal(number);
      self->wait();
    });
  }

  event_loop& loop;
  std::function<void(int)> on_signal;
  boost::asio::signal_set signals;
};

signal_watch::signal_watch(event_loop& loop, std::function<void(int)> on_signal)
    : impl_{std::make_shared<impl>(loop, std::move(on_signal))} {
  loop.post([impl = impl_] { impl->wait(); });
}

signal_watch::~signal_watch() {
  auto& loop = impl_->loop;
  loop.post([impl = std::move(impl_)] {
    boost::system::error_code ignored;
    impl->signals.cancel(ignored);
    impl->signals.clear(ignored);
  });
}

}  // namespace oncue::io
