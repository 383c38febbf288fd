// What a process costs that has nothing to do, and how soon it is ready.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "bench.hpp"
#include "child.hpp"
#include "crowd.hpp"

namespace oncue::bench {

namespace {

using namespace std::chrono_literals;

/// A configuration file for the `oncue` program; removed at the end.
class config_file {
 public:
  explicit config_file(const std::string& scripted) {
    path_ = (std::filesystem::temp_directory_path() / "oncue-bench-XXXXXX").string();
    auto file = ::mkstemp(path_.data());
    expect(file >= 0, "a temporary file");
    ::close(file);
    std::ofstream{path_} << "[[models]]\nid = \"demo\"\nprovider = \"scripted\"\n[models.scripted]\n" << scripted;
  }
  ~config_file() { std::filesystem::remove(path_); }
  config_file(const config_file&) = delete;
  config_file& operator=(const config_file&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<double> first_output_ms(std::size_t times) {
  config_file config{"first_token_delay = \"0ms\"\ntoken_delay = \"0ms\"\ntokens = 1\n"};
  std::vector<double> all;
  for (std::size_t i = 0; i < times; ++i) {
    auto from = steady::now();
    child program{{ONCUE_PROGRAM, "run", "--config", config.path(), "tell"}, true};
    expect(!program.read_some().empty(), "some output of oncue run");
    all.push_back(us_between(from, steady::now()) / 1e3);
    program.read_all();
    expect(program.wait() == 0, "oncue run to end well");
  }
  return all;
}

double waiting_program_bytes() {
  config_file config{"silent = true\n"};
  child program{{ONCUE_PROGRAM, "run", "--config", config.path(), "tell"}, true};
  rest(300ms);
  auto bytes = resident_bytes(program.id());
  program.send_signal(SIGTERM);
  program.read_all();
  expect(program.wait() == 130, "oncue run to be cancelled");
  return bytes;
}

}  // namespace

void idle(const options& how, results& out) {
  out.add_percentiles("oncue run, to its first byte", first_output_ms(how.pick(50, 5)), "ms", {.p50 = 50});
  out.add("oncue run, waiting: resident memory", waiting_program_bytes() / 1e6, "MB", 20);

  auto bare = resident_bytes();
  auto begin = steady::now();
  runtime node{node_with({silent_agent("silent")})};
  out.add("a runtime, until it is made", us_between(begin, steady::now()) / 1e3, "ms");
  auto watch = [&](const std::string& what) {
    auto from = steady::now();
    auto cpu = process_cpu_us();
    auto switches = voluntary_switches();
    rest(how.quick ? 200ms : 5s);
    auto seconds = us_between(from, steady::now()) / 1e6;
    out.add("CPU of " + what, (process_cpu_us() - cpu) / 1e3 / seconds, "ms/s");
    out.add("wake-ups of " + what, (voluntary_switches() - switches) / seconds, "1/s");
  };
  watch("an empty runtime");
  out.add("resident memory with an empty runtime", resident_bytes() / 1e6, "MB", 20);
  out.add("  of it the runtime's", (resident_bytes() - bare) / 1e6, "MB");
  auto runs = how.pick(10'000, 500);
  send_crowd(node, {.agent = {"silent"}, .runs = runs, .in_flight = 64, .read = false})->wait_for_started();
  rest(200ms);
  watch("a runtime with " + std::to_string(runs) + " waiting runs");
}

}  // namespace oncue::bench
