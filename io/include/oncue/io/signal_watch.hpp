// Tells of SIGINT and SIGTERM on an event loop, so that nothing has to be done inside a signal handler.
#pragma once

#include <functional>
#include <memory>

#include "oncue/io/event_loop.hpp"

namespace oncue::io {

class signal_watch {
 public:
  /// Calls `on_signal(number)` on the loop's thread each time one of the two comes. `loop` must outlive the watch.
  signal_watch(event_loop& loop, std::function<void(int)> on_signal);

  /// The signals do again what they did before. Not from the loop's thread.
  ~signal_watch();

  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace oncue::io
