// Who descends from this process, as /proc shows it now. Processes come and go while one looks: whoever wants to be sure
// looks again. Needs nothing but the C library.
#pragma once

#include <sys/types.h>

namespace oncue::guard {

/// Calls `each` with every process below this one that was found, parents first; at most some thousands. Returns how many.
int for_each_descendant(void (*each)(pid_t));

}  // namespace oncue::guard
