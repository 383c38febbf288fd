// What a whole run costs, and how long it takes, when the model answers at once with one word.
#include "bench.hpp"
#include "crowd.hpp"

namespace oncue::bench {

namespace {

constexpr event_index ending_index = 5;  // started, request, delta, request completed, content completed, ended

double cpu_us_per_run(runtime& node, std::size_t runs, event_index from) {
  auto before = process_cpu_us();
  auto report = send_crowd(node, {.agent = {"fast"}, .runs = runs, .in_flight = 64, .from = from});
  report->wait_for_all();
  auto cpu = process_cpu_us() - before;
  expect(report->completed() == runs, "every run to complete");
  return cpu / static_cast<double>(runs);
}

}  // namespace

void run_cost(const options& how, results& out) {
  const auto runs = how.pick(20'000, 1'000);
  {
    runtime node{node_with({fast_agent("fast", 1)})};
    cpu_us_per_run(node, runs / 10, 0);
    out.add("CPU a run, its log read as it grows", cpu_us_per_run(node, runs, 0), "us", 30);
    out.add("CPU a run, only its ending read", cpu_us_per_run(node, runs, ending_index), "us", 30);
  }
  {
    // A journal that is full forgets an old run for each new one: how it is after days.
    auto options = node_with({fast_agent("fast", 1)});
    options.journal_bytes_max = 8u << 20;
    runtime node{std::move(options)};
    cpu_us_per_run(node, runs / 4, 0);
    out.add("CPU a run, read, journal full", cpu_us_per_run(node, runs, 0), "us");
  }
}

void run_latency(const options& how, results& out) {
  const auto runs = how.pick(5'000, 300);
  runtime node{node_with({fast_agent("fast", 1)})};
  send_crowd(node, {.agent = {"fast"}, .runs = runs / 10, .in_flight = 1})->wait_for_all();

  auto report = send_crowd(node, {.agent = {"fast"}, .runs = runs, .in_flight = 1});
  report->wait_for_all();
  expect(report->completed() == runs, "every run to complete");
  out.add_percentiles("start to ending, an actor reads", report->latencies_us(), "us", {.p50 = 200});

  std::vector<double> latencies;
  for (std::size_t i = 0; i < runs; ++i) {
    auto from = steady::now();
    auto run = node.start({.agent = {"fast"}, .input = "tell"});
    while (run.events.next()) {
    }
    latencies.push_back(us_between(from, steady::now()));
    expect(run.events.ended(), "every run to end");
  }
  out.add_percentiles("start to ending, a thread reads", latencies, "us", {.p50 = 200});
}

}  // namespace oncue::bench
