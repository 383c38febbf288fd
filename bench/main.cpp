// oncue_bench: runs each benchmark in a process of its own, so that none finds the memory or the threads of another; once
// or several times, and then says the median and the spread. One line of JSON each on standard output, a table for people
// on standard error.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench.hpp"
#include "child.hpp"
#include "measure.hpp"

namespace {

using namespace oncue::bench;
using json = nlohmann::ordered_json;

constexpr benchmark benchmarks[] = {
    {"run_cost", "CPU of a run whose model says one word, 64 in flight", run_cost},
    {"run_latency", "the same run, one at a time, from start to ending", run_latency},
    {"delta_cost", "CPU of a delta of the demo model", delta_cost},
    {"provider_delta_cost", "CPU of a delta that comes through a provider's socket, 20 runs", provider_delta_cost},
    {"run_memory", "memory of runs that wait for their model", run_memory},
    {"cancel_latency", "from a cancel to the ending at a reader, 10,000 runs alive", cancel_latency},
    {"cancel_to_socket", "from a cancel to the provider's socket, 200 live streams", cancel_to_socket},
    {"tool_cost", "CPU of a tool's call: a function without work, in turns of many calls", tool_cost},
    {"idle", "a process with nothing to do", idle},
    {"http_deltas", "deltas through the server, 1,000 live streams, 20 deltas a second each", http_deltas},
    {"http_cancel", "cancels over HTTP among 1,000 live runs, in each phase", http_cancel},
    {"tool_cancel", "cancels over HTTP in a program that sleeps, 100 of them alive", tool_cancel},
    {"paused_runs", "what a server keeps of runs that wait for a person", paused_runs},
    {"http_stalled", "1,000 clients that do not read", http_stalled},
    {"http_silent", "9,000 open streams with nothing to say", http_silent},
};

struct command {
  options how;
  int repeat = 1;
  std::string child_of;
  std::vector<std::string> filters;
};

int usage() {
  std::fprintf(stderr,
               "usage: oncue_bench [--quick] [--repeat N] [--list] [part of a name]...\n"
               "  --quick     about a second each, to see that they work\n"
               "  --repeat N  each N times: the median, and in brackets the smallest and the largest\n");
  return 2;
}

/// In a process of its own: measures once and prints a JSON array.
int measure_here(const benchmark& which, const options& how) {
  try {
    results out;
    which.measure(how, out);
    auto list = json::array();
    for (const auto& x : out.all()) {
      json item{{"name", x.name}, {"value", x.value}, {"unit", x.unit}};
      if (x.at_most) item["at_most"] = *x.at_most;
      list.push_back(std::move(item));
    }
    std::printf("%s\n", list.dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", std::string{which.name}.c_str(), error.what());
    return 1;
  }
}

/// The measurements of all repetitions as one: each with the median, the smallest and the largest of its values.
json combined(const std::vector<json>& repetitions) {
  auto list = json::array();
  for (std::size_t i = 0; i < repetitions.front().size(); ++i) {
    std::vector<double> values;
    for (const auto& one : repetitions) values.push_back(one.at(i).at("value"));
    std::sort(values.begin(), values.end());
    auto item = repetitions.front()[i];
    item["value"] = values[values.size() / 2];
    item["min"] = values.front();
    item["max"] = values.back();
    list.push_back(std::move(item));
  }
  return list;
}

/// Three significant digits, but no fewer than before the point.
std::string number(double value) {
  char text[32];
  auto size = std::abs(value);
  std::snprintf(text, sizeof text, "%.*f", size >= 100 ? 0 : size >= 10 ? 1 : 2, value);
  return text;
}

void print_table(const benchmark& which, const json& list) {
  std::fprintf(stderr, "\n%s: %s\n", std::string{which.name}.c_str(), std::string{which.about}.c_str());
  for (const auto& x : list) {
    auto line = number(x["value"]) + " " + x["unit"].get<std::string>();
    if (x["min"] != x["max"]) line += "  [" + number(x["min"]) + " – " + number(x["max"]) + "]";
    if (x.contains("at_most")) {
      line += x["value"] <= x["at_most"] ? "  within " : "  ABOVE ";
      line += number(x["at_most"]);
    }
    std::fprintf(stderr, "  %-52s %s\n", x["name"].get<std::string>().c_str(), line.c_str());
  }
}

bool run(const benchmark& which, const command& command) {
  std::vector<json> repetitions;
  for (int i = 0; i < command.repeat; ++i) {
    std::vector<std::string> argv{"/proc/self/exe", "--measure", std::string{which.name}};
    if (command.how.quick) argv.push_back("--quick");
    child process{argv};
    auto text = process.read_all();
    if (auto status = process.wait(); status != 0) {
      auto why = status == 128 + SIGALRM ? "it took too long" : "its process ended with " + std::to_string(status);
      std::fprintf(stderr, "\n%s failed: %s\n", std::string{which.name}.c_str(), why.c_str());
      return false;
    }
    repetitions.push_back(json::parse(text));
  }
  auto list = combined(repetitions);
  print_table(which, list);
  double load = 0;
  ::getloadavg(&load, 1);
  json line{{"benchmark", which.name},  {"about", which.about},        {"quick", command.how.quick},
            {"repeat", command.repeat}, {"load_of_the_machine", load}, {"measurements", std::move(list)}};
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  command command;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--quick") {
      command.how.quick = true;
    } else if (word == "--repeat" && i + 1 < argc) {
      command.repeat = std::max(1, std::atoi(argv[++i]));
    } else if (word == "--measure" && i + 1 < argc) {
      command.child_of = argv[++i];
    } else if (word == "--list") {
      for (const auto& x : benchmarks) std::printf("%-20s %s\n", x.name.data(), x.about.data());
      return 0;
    } else if (word.starts_with("-")) {
      return usage();
    } else {
      command.filters.push_back(word);
    }
  }
  // The provider is on this machine, whatever proxy the environment names.
  ::setenv("no_proxy", "127.0.0.1", 1);
  auto wanted = [&](const benchmark& x) {
    if (!command.child_of.empty()) return x.name == command.child_of;
    return command.filters.empty() || std::any_of(command.filters.begin(), command.filters.end(), [&](const auto& filter) {
             return x.name.find(filter) != std::string_view::npos;
           });
  };
  // A run that hangs must not hang whoever looks for that.
  end_children_with_me(command.child_of.empty() ? 0 : command.how.quick ? 60 : 600);
  bool well = true, any = false;
  for (const auto& x : benchmarks) {
    if (!wanted(x)) continue;
    any = true;
    if (!command.child_of.empty()) return measure_here(x, command.how);
    well = run(x, command) && well;
  }
  if (!any) std::fprintf(stderr, "no benchmark is called so; --list shows them\n");
  return well && any ? 0 : 1;
}
