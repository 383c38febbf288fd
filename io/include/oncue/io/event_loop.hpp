// The threads on which the world is touched: each event loop is one thread that runs one Asio io_context. Whatever is
// bound to a loop (a connection, a transfer) is only ever used on that loop's thread, so it needs no lock. A function that
// runs on a loop must not block, and one that throws ends the process. A loop knows nothing of what runs on it.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace oncue::io {

class event_loop {
 public:
  /// Starts the thread. `thread_name`: as `top -H` shows it, at most 15 characters. The thread takes no signals: they
  /// belong to the program's first thread, and a write to a closed connection is an error code, not a SIGPIPE.
  explicit event_loop(const std::string& thread_name = "oncue.io");

  /// Stops after the function that runs now, joins, and destroys what has not run. Not from the loop's own thread.
  ~event_loop();

  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  /// Runs `fn` on the loop's thread, soon, after everything that was posted before. From any thread.
  void post(std::function<void()> fn);

  /// True on the loop's thread.
  bool on_this_thread() const;

  /// For what lives in io/ and is bound to this loop.
  boost::asio::io_context& context();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// A fixed number of loops. Must outlive everything that is bound to one of them.
class event_loops {
 public:
  /// `count` threads, at least one.
  explicit event_loops(std::size_t count = 1);

  /// Round robin. From any thread.
  event_loop& next() { return *loops_[turn_.fetch_add(1, std::memory_order_relaxed) % loops_.size()]; }

  std::size_t size() const { return loops_.size(); }
  event_loop& at(std::size_t i) { return *loops_.at(i); }

 private:
  std::vector<std::unique_ptr<event_loop>> loops_;
  std::atomic<std::size_t> turn_{0};
};

}  // namespace oncue::io
