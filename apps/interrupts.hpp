// Ctrl-C and SIGTERM, as every command that follows a run takes them: the first is a wish, the second leaves at once.
#pragma once

#include <unistd.h>

#include <csignal>
#include <functional>
#include <string_view>
#include <utility>

#include "exit_codes.hpp"
#include "oncue/io/signal_watch.hpp"

namespace oncue::apps {

class interrupts {
 public:
  /// `first`: called on the loop's thread with "Ctrl-C" or "SIGTERM"; must not block.
  interrupts(io::event_loop& loop, std::function<void(std::string_view)> first)
      : watch_{loop, [first = std::move(first), done = false](int number) mutable {
                 if (std::exchange(done, true)) ::_exit(exit_cancelled);
                 first(number == SIGINT ? "Ctrl-C" : "SIGTERM");
               }} {}

 private:
  io::signal_watch watch_;
};

}  // namespace oncue::apps
