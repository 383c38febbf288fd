// oncue_sim: plays seeds of a whole cluster and says which promise broke.
//
//   oncue_sim --seed 7 --verbose         one seed, with its story
//   oncue_sim --seeds 10000 --jobs 2     many, from 1 on, in two processes
//   oncue_sim --seeds 100 --from 5000
//   --report                             the whole table of phase × event × fault
//   --every-cell                         fails also if a cell that can be hit was not
//   --hashes                             one line a seed: what happened in it, as a number
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "oncue/io/log.hpp"
#include "oncue/messages/type_ids.hpp"
#include "world.hpp"

using namespace oncue;

namespace {

constexpr std::size_t story_lines_max = 60;
constexpr std::size_t failures_told_max = 5;

struct options {
  std::uint64_t from = 1;
  std::uint64_t count = 100;
  unsigned jobs = 1;
  bool one = false;
  bool verbose = false;
  bool report = false;
  bool every_cell = false;
  bool hashes = false;
};

struct totals {
  sim::coverage seen;
  std::uint64_t seeds = 0;
  std::uint64_t steps = 0;
  double virtual_seconds = 0;
  std::uint64_t hash = 1469598103934665603ull;
  std::uint64_t broken = 0;
};

/// Who said what to whom, when: of the run whose promise broke, and of the world around it.
void tell(std::ostream& out, const sim::verdict& what, bool whole) {
  std::vector<const sim::told*> lines;
  for (const auto& line : what.story) {
    if (whole || line.run.empty() || what.broken_run.empty() || line.run == what.broken_run) lines.push_back(&line);
  }
  auto from = whole || lines.size() <= story_lines_max ? 0 : lines.size() - story_lines_max;
  if (from > 0) out << "  … " << from << " lines before\n";
  for (auto i = from; i < lines.size(); ++i) {
    out << std::setw(8) << lines[i]->at_ms << " ms  " << (lines[i]->run.empty() ? "" : lines[i]->run + " ")
        << lines[i]->text << '\n';
  }
}

/// Every `jobs`th seed, so that all processes have as much to do.
totals play(const options& wanted, unsigned job, std::ostream& out) {
  totals all;
  for (auto seed = wanted.from + job; seed < wanted.from + wanted.count; seed += wanted.jobs) {
    sim::verdict what;
    {
      sim::world one{seed, all.seen};
      what = one.play();
    }
    ++all.seeds;
    all.steps += what.steps;
    all.virtual_seconds += what.virtual_seconds;
    all.hash = (all.hash ^ what.hash) * 1099511628211ull;
    if (wanted.hashes) out << "seed " << seed << " hash " << std::hex << what.hash << std::dec << '\n';
    if (!what.broken.empty() && ++all.broken <= failures_told_max) {
      out << "seed " << seed << ": " << what.broken << '\n';
      tell(out, what, wanted.verbose);
      out << "  again: oncue_sim --seed " << seed << " --verbose\n";
    } else if (wanted.verbose) {
      tell(out, what, true);
    }
    out.flush();
  }
  return all;
}

/// What a process hands to the one that started it.
void hand_over(const totals& all, int to) {
  std::ostringstream text;
  text << all.seen.as_lines() << "totals\t" << all.seeds << '\t' << all.steps << '\t' << std::setprecision(17)
       << all.virtual_seconds << '\t' << all.broken << '\t' << all.hash << '\n';
  auto bytes = text.str();
  for (std::size_t done = 0; done < bytes.size();) {
    auto count = ::write(to, bytes.data() + done, bytes.size() - done);
    if (count <= 0) std::_Exit(3);
    done += static_cast<std::size_t>(count);
  }
}

bool take_over(totals& all, int from) {
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(from, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  std::istringstream lines{text};
  auto is_whole = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("totals\t")) {
      all.seen.read_line(line);
      continue;
    }
    std::istringstream in{line.substr(7)};
    std::uint64_t seeds = 0, steps = 0, broken = 0, hash = 0;
    double seconds = 0;
    in >> seeds >> steps >> seconds >> broken >> hash;
    all.seeds += seeds;
    all.steps += steps;
    all.virtual_seconds += seconds;
    all.broken += broken;
    all.hash ^= hash;
    is_whole = true;
  }
  return is_whole;
}

/// Each in a process of its own: what one seed does cannot reach another, and a crash is told.
totals play_all(const options& wanted) {
  if (wanted.jobs == 1) return play(wanted, 0, std::cout);
  totals all;
  std::vector<std::pair<pid_t, int>> children;
  std::cout.flush();
  for (unsigned job = 0; job < wanted.jobs; ++job) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    auto child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      hand_over(play(wanted, job, std::cout), ends[1]);
      std::cout.flush();
      std::_Exit(0);
    }
    ::close(ends[1]);
    children.emplace_back(child, ends[0]);
  }
  for (auto [child, end] : children) {
    auto is_whole = take_over(all, end);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!is_whole || status != 0) {
      std::cout << "a process of the simulator died, status " << status << '\n';
      ++all.broken;
    }
  }
  return all;
}

bool read_options(int argc, char** argv, options& wanted) {
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    auto is_number = true;
    auto number = [&] {
      std::uint64_t value = 0;
      std::string_view text = i + 1 < argc ? argv[++i] : "";
      auto read = std::from_chars(text.data(), text.data() + text.size(), value);
      is_number = read.ec == std::errc{} && read.ptr == text.data() + text.size();
      return value;
    };
    if (name == "--seed") {
      wanted.from = number();
      wanted.count = 1;
      wanted.one = true;
    } else if (name == "--seeds") {
      wanted.count = number();
    } else if (name == "--from") {
      wanted.from = number();
    } else if (name == "--jobs") {
      wanted.jobs = static_cast<unsigned>(std::max<std::uint64_t>(number(), 1));
    } else if (name == "--verbose") {
      wanted.verbose = true;
    } else if (name == "--report") {
      wanted.report = true;
    } else if (name == "--every-cell") {
      wanted.every_cell = true;
    } else if (name == "--hashes") {
      wanted.hashes = true;
    } else {
      std::cerr << "usage: oncue_sim [--seed N | --seeds COUNT] [--from N] [--jobs N] [--verbose] [--report] [--every-cell]"
                   " [--hashes]\n";
      return false;
    }
    if (!is_number) {
      std::cerr << "oncue_sim: " << name << ": expected a number\n";
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  options wanted;
  if (!read_options(argc, argv, wanted)) return 2;
  init_messages();
  auto begin = std::chrono::steady_clock::now();
  auto all = play_all(wanted);
  auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (wanted.report) all.seen.print(std::cout);
  auto missed = all.seen.missed();
  std::cout << '\n';
  for (const auto& [what, count] : all.seen.counts()) std::cout << "  " << std::setw(9) << count << "  " << what << '\n';
  std::cout << all.seeds << " seeds, " << all.steps << " steps, " << std::fixed << std::setprecision(1)
            << all.virtual_seconds / 3600 << " virtual hours in " << seconds
            << " s: " << static_cast<double>(all.seeds) / seconds << " seeds/s; hash " << std::hex << all.hash << std::dec
            << "; " << all.broken << " broken\n";
  if (!wanted.one) std::cout << missed.size() << " cells that could be hit were not\n";
  if (wanted.every_cell) {
    for (const auto& cell : missed) std::cout << "  not hit: " << cell << '\n';
  }
  return all.broken > 0 || (wanted.every_cell && !missed.empty()) ? 1 : 0;
}
