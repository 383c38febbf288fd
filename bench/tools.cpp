// What tools cost: a call, a cancel in the middle of one, and runs that wait for a person.
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "bench.hpp"
#include "crowd.hpp"
#include "served.hpp"

namespace oncue::bench {

namespace {

using namespace std::chrono_literals;

/// An agent whose model asks for `calls` calls of a function, and then says one word.
core::agent_entry calling_agent(const std::string& id, std::size_t calls) {
  auto entry = fast_agent(id, 1);
  entry.agent.tools = {"nothing"};
  for (std::size_t i = 0; i < calls; ++i) entry.model.scripted.calls.push_back({"", "nothing", R"({"n":1})"});
  return entry;
}

double cpu_us_per_run(runtime& node, const std::string& agent, std::size_t runs) {
  auto before = process_cpu_us();
  auto report = send_crowd(node, {.agent = {agent}, .runs = runs, .in_flight = 16});
  report->wait_for_all();
  expect(report->completed() == runs, "every run to complete");
  return (process_cpu_us() - before) / static_cast<double>(runs);
}

/// Processes whose command line has this word, of the whole machine.
std::string marker() { return "3600." + std::to_string(::getpid()); }

}  // namespace

void tool_cost(const options& how, results& out) {
  constexpr std::size_t few = 1, many = 21;
  const auto runs = how.pick(2'000, 50);
  auto options = node_with({calling_agent("few", few), calling_agent("many", many)});
  function_tool nothing;
  nothing.spec.name = "nothing";
  nothing.spec.parameters = R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]})";
  nothing.run = [](const auto&, const tool_context&) { return tool_answer{"done", false}; };
  options.tools.push_back(nothing);
  runtime node{std::move(options)};
  cpu_us_per_run(node, "many", runs / 10 + 1);
  auto one = cpu_us_per_run(node, "few", runs);
  auto all = cpu_us_per_run(node, "many", runs);
  out.add("CPU a call of a function without work", (all - one) / static_cast<double>(many - few), "us", 100);
  out.add("CPU a run with one call, two turns", one, "us");
}

void tool_cancel(const options& how, results& out) {
  const auto alive = how.pick(100, 6);
  const auto cancels = how.pick(90, 4);
  served server{{{"sleeper", "", "", "sleep"}},
                "[[tools]]\nname = \"sleep\"\ntimeout = \"2h\"\ncommand = [\"sleep\", \"" + marker() + "\"]\n"};
  client_crowd clients{server.url()};
  std::vector<std::shared_ptr<stream_report>> all;
  for (std::size_t i = 0; i < alive; ++i) all.push_back(clients.run("sleeper", "run-" + std::to_string(i)));
  for (const auto& x : all) wait_for("RunStarted", [&] { return x->started.load(); });
  rest(how.quick ? 300ms : 3s);
  std::vector<double> to_ending, to_receipt;
  for (std::size_t i = 0; i < cancels; ++i) {
    rest(500us);
    auto from = steady::now();
    auto receipt = clients.cancel("sleeper", "run-" + std::to_string(i));
    to_receipt.push_back(us_between(from, steady::now()));
    expect(receipt.find("\"tools_stopped\":1") != std::string::npos, "a tool to be stopped, the receipt was: " + receipt);
    wait_for("RunCancelled", [&] { return all[i]->ended_at_ns != 0; });
    auto began = std::chrono::duration_cast<std::chrono::nanoseconds>(from.time_since_epoch()).count();
    to_ending.push_back(static_cast<double>(all[i]->ended_at_ns - began) / 1e3);
  }
  out.add_percentiles("request to RunCancelled", std::move(to_ending), "us", {.p99 = 10'000});
  out.add_percentiles("  to the receipt: the program and all it started are gone", std::move(to_receipt), "us");
  clients.leave();
}

void paused_runs(const options& how, results& out) {
  const auto runs = how.pick(1'000, 50);
  served server{{{"careful", "", "", "danger"}}, "[[tools]]\nname = \"danger\"\nconfirm = true\ncommand = [\"true\"]\n"};
  auto add = [&](const std::string& prefix, std::size_t count) {
    client_crowd clients{server.url()};
    std::vector<std::shared_ptr<stream_report>> all;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(clients.run("careful", prefix + std::to_string(i)));
      if (i >= 50) wait_for("a pause", [&] { return all[i - 50]->over.load(); });
    }
    for (const auto& x : all) wait_for("a pause", [&] { return x->over.load(); });
    clients.leave();
    rest(how.quick ? 100ms : 8s);  // until the connections of those who have left are gone, too
  };
  add("warm-", runs);  // caches of the store, buffers of connections
  auto resident = server.resident();
  auto threads = server.count("task");
  auto files = server.count("fd");
  add("run-", runs);
  auto count = static_cast<double>(runs);
  out.add("resident memory a paused run", (server.resident() - resident) / count, "B", 8192);
  out.add("threads of " + std::to_string(runs) + " paused runs", server.count("task") - threads, "", 0);
  out.add("open files of " + std::to_string(runs) + " paused runs", server.count("fd") - files, "", 0);
}

}  // namespace oncue::bench
