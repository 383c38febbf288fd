#include "oncue/io/event_loop.hpp"

#include <pthread.h>
#include <signal.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <utility>

namespace oncue::io {

namespace asio = boost::asio;

namespace {

/// Threads inherit the mask of the one that starts them, libcurl's resolver threads too.
class signals_blocked {
 public:
  signals_blocked() {
    sigset_t all;
    sigfillset(&all);
    for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
      sigdelset(&all, fault);
    }
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

struct event_loop::impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> busy{context.get_executor()};
  std::thread thread;
};

event_loop::event_loop(const std::string& thread_name) : impl_(std::make_unique<impl>()) {
  signals_blocked blocked;
  impl_->thread = std::thread([this] { impl_->context.run(); });
  pthread_setname_np(impl_->thread.native_handle(), thread_name.substr(0, 15).c_str());
}

event_loop::~event_loop() {
  impl_->context.stop();
  impl_->thread.join();
}

void event_loop::post(std::function<void()> fn) { asio::post(impl_->context, std::move(fn)); }

bool event_loop::on_this_thread() const { return impl_->thread.get_id() == std::this_thread::get_id(); }

asio::io_context& event_loop::context() { return impl_->context; }

event_loops::event_loops(std::size_t count) {
  loops_.push_back(std::make_unique<event_loop>());
  for (std::size_t i = 1; i < count; ++i) {
    loops_.push_back(std::make_unique<event_loop>("oncue.io." + std::to_string(i)));
  }
}

}  // namespace oncue::io
