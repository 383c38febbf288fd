// What the kernel says about some processes and all their descendants together: a contender may be a master with workers.
// A descendant that has ended is no longer counted, so measure while the contender's processes stay.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace oncue::bench::load {

struct memory_bytes {
  std::int64_t rss = 0;  ///< pages that several processes share count in each
  std::int64_t pss = 0;  ///< … count in equal parts
};

class process_tree {
 public:
  explicit process_tree(std::vector<std::int64_t> roots);

  /// CPU time, user and system, of all threads, in microseconds. Throws if one of the roots is not there.
  double cpu_us() const;

  memory_bytes memory() const;

 private:
  std::vector<pid_t> all() const;

  std::vector<pid_t> roots_;
};

/// CPU time of this process, in microseconds.
double own_cpu_us();

}  // namespace oncue::bench::load
