// What the shell is told.
#pragma once

#include "oncue/messages/run.hpp"

namespace oncue::apps {

enum exit_code : int {
  exit_completed = 0,
  exit_failed = 1,
  exit_usage = 2,        ///< bad option, bad configuration, bad input: nothing was started
  exit_detached = 3,     ///< the run goes on, and nobody looks on here any more
  exit_deadline = 124,   ///< as timeout(1)
  exit_cancelled = 130,  ///< as a shell says of Ctrl-C
};

inline int exit_code_for(const ending& how) {
  switch (how.kind) {
    case ending_kind::completed: return exit_completed;
    case ending_kind::cancelled: return exit_cancelled;
    case ending_kind::failed: return is_deadline(how.code) ? exit_deadline : exit_failed;
  }
  return exit_failed;
}

}  // namespace oncue::apps
