// bench_reader: one library in this process reads runs from a provider; prints what that cost as one line of JSON.
#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <string>

#include "arguments.hpp"
#include "clock.hpp"
#include "percentiles.hpp"
#include "reader.hpp"
#include "sockets.hpp"

namespace {

using namespace oncue::bench::load;

constexpr const char* usage =
    "usage: bench_reader oncue|curl --base-url URL --runs N [--in-flight 1] [--warm 0]\n"
    "  oncue only: --store PATH --turns T: N sessions of T turns, kept on disk; a run is then a turn\n";

struct {
  double cpu_us = 0, wall_us = 0;
} spent;

rusage own_usage() {
  rusage self{};
  ::getrusage(RUSAGE_SELF, &self);
  return self;
}

double cpu_us() {
  auto self = own_usage();
  auto in_us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return in_us(self.ru_utime) + in_us(self.ru_stime);
}

void begin() { spent = {cpu_us(), us(now_ns())}; }
void end() { spent = {cpu_us() - spent.cpu_us, us(now_ns()) - spent.wall_us}; }

/// How long the sessions' turn with this number took; runs are in the order of sessions and their turns.
json turn_us(const reader_seen& seen, const reader_work& work, std::size_t turn) {
  std::vector<float> found;
  for (auto i = turn; i < seen.latency_us.size(); i += work.turns) found.push_back(seen.latency_us[i]);
  return percentiles(found);
}

void run(int argc, char** argv) {
  std::string contender = argc > 1 ? argv[1] : "";
  if (contender != "oncue" && contender != "curl") throw usage_error{"who reads: oncue or curl?"};
  arguments words{argc, argv, 2};
  reader_work work{.base_url = words.text("--base-url"),
                   .runs = static_cast<std::size_t>(words.number("--runs")),
                   .in_flight = static_cast<std::size_t>(words.number("--in-flight", 1)),
                   .store = words.text("--store", ""),
                   .turns = static_cast<std::size_t>(words.number("--turns", 1))};
  reader_watch watch{static_cast<std::size_t>(words.number("--warm", 0)), begin, end};
  words.expect_all_read();
  if (work.runs == 0 || work.in_flight == 0 || work.turns == 0) throw usage_error{"--runs, --in-flight, --turns: above 0"};
  if (contender == "curl" && !work.store.empty()) throw usage_error{"curl has no --store"};
  if (work.turns > 1 && work.store.empty()) throw usage_error{"--turns want a --store that keeps their sessions"};
  raise_open_files();
  auto seen = contender == "oncue" ? read_with_oncue(work, watch) : read_with_curl(work, watch);
  // Before the percentiles of all sort them.
  json turns{{"1", turn_us(seen, work, 0)}, {std::to_string(work.turns), turn_us(seen, work, work.turns - 1)}};
  json result{{"contender", contender},
              {"version", contender == "oncue" ? oncue_version() : curl_version_used()},
              {"runs", seen.runs},
              {"deltas", seen.deltas},
              {"text_bytes", seen.text_bytes},
              {"cpu_us", std::round(spent.cpu_us)},
              {"wall_us", std::round(spent.wall_us)},
              {"latency_us", percentiles(seen.latency_us)},
              {"rss_kb", own_usage().ru_maxrss}};
  if (work.turns > 1) result["turn_us"] = std::move(turns);
  std::printf("%s\n", result.dump().c_str());
}

}  // namespace

int main(int argc, char** argv) { return run_program("bench_reader", usage, run, argc, argv); }
