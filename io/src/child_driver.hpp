// One child on its loop: reads and writes its pipes, gives its guard orders and hears its news, and tells the handler. Kept
// alive by what it waits for; when the loop is destroyed it kills the child and waits for the guard.
#pragma once

#include <atomic>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "child_spawn.hpp"
#include "guard_words.hpp"
#include "oncue/io/child_process.hpp"

namespace oncue::io {

class child_driver;

namespace detail {

/// What handles hold of a child.
struct child_link {
  std::mutex guard;                        // for `loop`: whoever posts holds it, so that the loop cannot go away meanwhile
  event_loop* loop = nullptr;              // null once the child is gone
  std::weak_ptr<child_driver> driver;      // set before anybody else knows the link
  std::atomic<std::size_t> bytes_waiting;  // written and not taken by the pipe
  std::size_t bytes_max = 0;
};

}  // namespace detail

class child_driver : public std::enable_shared_from_this<child_driver> {
 public:
  child_driver(event_loop& loop, child_options options, std::unique_ptr<child_handler> handler,
               std::shared_ptr<detail::child_link> link);
  ~child_driver();
  child_driver(const child_driver&) = delete;
  child_driver& operator=(const child_driver&) = delete;

  void start();
  void write(std::string bytes);
  void close_input();
  void stop(std::chrono::milliseconds grace);
  void kill();
  void pause();
  void resume();

 private:
  using clock = std::chrono::steady_clock;
  using pipe = boost::asio::posix::stream_descriptor;
  using taker = void (child_handler::*)(std::string_view);

  struct piece {
    std::string bytes;
    bool counted = true;
  };
  struct source {
    pipe from;
    taker take;
    bool waited_for = false;
  };

  void listen();
  void hear();
  void note(const guard::word& said);
  void order(guard::order what);
  void collect_guard();
  void wait_for_deadline();
  void flush();
  void drop_input();
  void read(source& from);
  bool read_some(source& from);
  void settle();
  void tell_exit();

  std::shared_ptr<detail::child_link> link_;
  child_options options_;
  std::unique_ptr<child_handler> handler_;
  pipe input_;
  source output_;
  source errors_;
  pipe control_;
  boost::asio::steady_timer deadline_;  // of a stop; waited for as long as there is a child
  boost::asio::steady_timer soon_;
  std::deque<piece> pieces_;
  std::size_t offset_ = 0;  // of the first piece
  std::optional<child_exit> exit_;
  pid_t guard_ = -1;  // to be waited for
  bool input_ends_ = false;
  bool input_waited_for_ = false;
  bool paused_ = false;
  bool stopping_ = false;
  bool guard_gone_ = false;
  bool exit_told_ = false;
  bool gone_ = false;
};

}  // namespace oncue::io
