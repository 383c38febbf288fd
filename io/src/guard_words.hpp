// What this process and a child's guard say to each other over their socket, one word a packet. The guard is plain: no
// library is needed to read this.
#pragma once

#include <stdint.h>

namespace oncue::guard {

/// The socket's number in the guard; 0, 1 and 2 are the child's own.
inline constexpr int control_fd = 3;

/// To the guard. The socket's end means kill_all.
enum class order : unsigned char { ask_all = 'T', kill_all = 'K' };

enum class news : uint32_t {
  started = 1,
  not_started = 2,  ///< value: errno, place: where
  exited = 3,       ///< value: exit code
  signalled = 4,    ///< value: signal
};

enum class place : uint32_t { none, memory_limit, folder, program };

/// From the guard. The socket's end means that nothing of the child is left, and the guard is about to end.
struct word {
  news what;
  int32_t value;
  place where;
};

// The guard's arguments: address space in bytes (0: no limit), folder ("": stay), path of the program, then the program's
// own arguments, its name first.
inline constexpr int arguments_before_argv = 4;

}  // namespace oncue::guard
