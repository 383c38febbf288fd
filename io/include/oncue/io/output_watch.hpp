// Tells once, on an event loop, when nobody reads a descriptor any more: the other end of a pipe or a socket is closed, or
// a terminal has hung up. A write would say the same, but a run that is silent writes nothing. Never writes, never closes
// the descriptor it was given, and does not change its flags.
#pragma once

#include <functional>
#include <memory>

#include "oncue/io/event_loop.hpp"

namespace oncue::io {

class output_watch {
 public:
  /// Calls `on_gone` on the loop's thread, at most once; never for a file, which cannot lose its reader. `loop` must
  /// outlive the watch.
  output_watch(event_loop& loop, int descriptor, std::function<void()> on_gone);

  /// The watch ends soon: a call that has begun may still be under way. Not from the loop's thread.
  ~output_watch();

  output_watch(const output_watch&) = delete;
  output_watch& operator=(const output_watch&) = delete;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace oncue::io
