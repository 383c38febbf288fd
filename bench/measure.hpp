// What the kernel and the allocator say about this process or another one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>

namespace oncue::bench {

using steady = std::chrono::steady_clock;

inline double us_between(steady::time_point from, steady::time_point to) {
  return std::chrono::duration<double, std::micro>(to - from).count();
}

/// CPU time of all threads of this process, user and system, in microseconds.
double process_cpu_us();

/// How often the threads of this process went to sleep of their own accord, so far.
double voluntary_switches();

/// Resident bytes; 0: this process.
double resident_bytes(pid_t process = 0);

/// Bytes handed out by malloc and not given back, over all arenas.
double heap_bytes();

/// Gives free heap pages back to the kernel.
void trim_heap();

/// Waits, looking once a millisecond. Throws after a minute, naming `what`.
template <class Predicate>
void wait_for(const char* what, Predicate&& holds);

/// Stops for a while: the only way in which a benchmark leaves the machine alone.
void rest(std::chrono::microseconds time);

[[noreturn]] void give_up(const char* what);

template <class Predicate>
void wait_for(const char* what, Predicate&& holds) {
  auto until = steady::now() + std::chrono::minutes{1};
  while (!holds()) {
    if (steady::now() > until) give_up(what);
    rest(std::chrono::milliseconds{1});
  }
}

}  // namespace oncue::bench
