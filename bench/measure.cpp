#include "measure.hpp"

#include <malloc.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "bench.hpp"

namespace oncue::bench {

double process_cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double voluntary_switches() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_nvcsw);
}

double resident_bytes(pid_t process) {
  std::ifstream statm{"/proc/" + (process == 0 ? "self" : std::to_string(process)) + "/statm"};
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double heap_bytes() {
  auto info = mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

void trim_heap() { malloc_trim(0); }

void rest(std::chrono::microseconds time) { std::this_thread::sleep_for(time); }

void give_up(const char* what) { throw std::runtime_error{std::string{"waited a minute for "} + what}; }

void results::add_percentiles(const std::string& name, std::vector<double> values, const std::string& unit,
                              percentile_targets at_most) {
  expect(!values.empty(), "at least one value of " + name);
  std::sort(values.begin(), values.end());
  auto at = [&](double share) {
    return values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
  };
  add(name + " p50", at(0.5), unit, at_most.p50);
  add(name + " p99", at(0.99), unit, at_most.p99);
  add(name + " max", values.back(), unit);
}

}  // namespace oncue::bench
