#include "oncue/io/output_watch.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

namespace oncue::io {

struct output_watch::impl : std::enable_shared_from_this<output_watch::impl> {
  impl(event_loop& the_loop, std::function<void()> callback)
      : loop{the_loop}, on_gone{std::move(callback)}, descriptor{the_loop.context()} {}

  void wait(int number) {
    // Not the descriptor itself: Asio would make it non-blocking, for everybody who writes to it.
    auto watched = ::epoll_create1(EPOLL_CLOEXEC);
    if (watched < 0) return;
    epoll_event gone{};  // hang-ups and errors are told without being asked for
    boost::system::error_code error;
    if (::epoll_ctl(watched, EPOLL_CTL_ADD, number, &gone) == 0) descriptor.assign(watched, error);
    if (!descriptor.is_open()) {
      ::close(watched);
      return;
    }
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& failed) {
                            if (!failed) self->on_gone();
                          });
  }

  event_loop& loop;
  std::function<void()> on_gone;
  boost::asio::posix::stream_descriptor descriptor;
};

output_watch::output_watch(event_loop& loop, int descriptor, std::function<void()> on_gone)
    : impl_{std::make_shared<impl>(loop, std::move(on_gone))} {
  loop.post([impl = impl_, descriptor] { impl->wait(descriptor); });
}

output_watch::~output_watch() {
  auto& loop = impl_->loop;
  loop.post([impl = std::move(impl_)] {
    boost::system::error_code ignored;
    impl->descriptor.close(ignored);
  });
}

}  // namespace oncue::io
