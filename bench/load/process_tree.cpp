#include "process_tree.hpp"

#include <signal.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

namespace oncue::bench::load {

namespace {

double clock_us(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// Its parent; 0 if it is gone.
pid_t parent_of(const std::filesystem::path& process) {
  std::ifstream stat{process / "stat"};
  std::string text;
  std::getline(stat, text);
  // "id (name) state parent": a name may have spaces and brackets.
  auto at = text.rfind(") ");
  return at == std::string::npos || at + 4 > text.size() ? 0 : std::atoi(text.c_str() + at + 4);
}

/// Every process and its parent.
std::vector<std::pair<pid_t, pid_t>> processes() {
  std::vector<std::pair<pid_t, pid_t>> found;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    auto id = std::atoi(entry.path().filename().c_str());
    if (id > 0) found.emplace_back(id, parent_of(entry.path()));
  }
  return found;
}

}  // namespace

process_tree::process_tree(std::vector<std::int64_t> roots) {
  for (auto id : roots) roots_.push_back(static_cast<pid_t>(id));
}

std::vector<pid_t> process_tree::all() const {
  std::set<pid_t> known;
  for (auto id : roots_) {
    if (::kill(id, 0) != 0) throw std::runtime_error{"there is no process " + std::to_string(id) + " to measure"};
    known.insert(id);
  }
  if (known.empty()) return {};
  auto everybody = processes();
  for (bool grows = true; std::exchange(grows, false);) {
    for (auto [id, parent] : everybody) grows = (known.contains(parent) && known.insert(id).second) || grows;
  }
  return {known.begin(), known.end()};
}

double process_tree::cpu_us() const {
  double sum = 0;
  for (auto id : all()) {
    // The process's own clock says nanoseconds; /proc/<id>/stat counts in hundredths of a second.
    clockid_t clock{};
    if (::clock_getcpuclockid(id, &clock) == 0) sum += clock_us(clock);
  }
  return sum;
}

memory_bytes process_tree::memory() const {
  memory_bytes sum;
  for (auto id : all()) {
    std::ifstream rollup{"/proc/" + std::to_string(id) + "/smaps_rollup"};
    std::string line;
    while (std::getline(rollup, line)) {
      auto kilobytes = [&] { return std::atoll(line.c_str() + line.find(':') + 1) * 1024; };
      if (line.starts_with("Rss:")) sum.rss += kilobytes();
      if (line.starts_with("Pss:")) sum.pss += kilobytes();
    }
  }
  return sum;
}

double own_cpu_us() { return clock_us(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace oncue::bench::load
