// What the server costs and how quick it is: deltas on their way from the provider to the client, cancels among a thousand
// live runs, streams that nobody reads, and streams that are silent. Server, provider and clients share the machine.
#include <algorithm>

#include "bench.hpp"
#include "served.hpp"

namespace oncue::bench {

namespace {

using namespace std::chrono_literals;
using reports = std::vector<std::shared_ptr<stream_report>>;

reports start_runs(client_crowd& clients, const std::string& agent, const std::string& prefix, std::size_t count,
                   bool stalled = false) {
  reports all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(clients.run(agent, prefix + std::to_string(i), stalled));
    // A crowd comes over some seconds, not in one packet.
    if (i % 50 == 49) rest(10ms);
  }
  return all;
}

void wait_until_started(const reports& all) {
  wait_for("all streams to start",
           [&] { return std::all_of(all.begin(), all.end(), [](const auto& x) { return x->started || x->over; }); });
}

void measure_deltas(const options& how, std::size_t streams, results& out) {
  provider_process provider;
  served server{{{"clock", provider.base_url("clock;gap_ms=50"), ""}}};
  client_crowd clients{server.url()};
  auto before = server.resident();
  auto all = start_runs(clients, "clock", "stream-", streams);
  wait_until_started(all);
  rest(how.quick ? 100ms : 2s);
  auto sum = [&] {
    std::size_t deltas = 0;
    for (const auto& x : all) deltas += x->deltas;
    return static_cast<double>(deltas);
  };
  auto cpu = server.cpu_us();
  auto deltas = sum();
  auto from = steady::now();
  rest(how.quick ? 500ms : 10s);
  auto seconds = us_between(from, steady::now()) / 1e6;
  cpu = server.cpu_us() - cpu;
  deltas = sum() - deltas;
  auto resident = server.resident();
  expect(deltas > 0, "deltas to arrive");
  clients.leave();
  wait_for("all streams to be over",
           [&] { return std::all_of(all.begin(), all.end(), [](const auto& x) { return x->over.load(); }); });

  std::vector<double> delays;
  for (const auto& x : all) {
    auto first = x->delays_us.size() / 4;  // while the crowd was still coming
    delays.insert(delays.end(), x->delays_us.begin() + static_cast<std::ptrdiff_t>(first), x->delays_us.end());
  }
  auto name = std::to_string(streams) + " streams: ";
  out.add(name + "deltas a second", deltas / seconds, "1/s");
  out.add_percentiles(name + "a delta, from the provider to the client", std::move(delays), "us", {.p99 = 10'000});
  out.add(name + "CPU of the server a delta, journal included", cpu / deltas, "us", 40);
  out.add(name + "resident memory a live stream", (resident - before) / static_cast<double>(streams) / 1024, "KiB", 48);
}

}  // namespace

void http_deltas(const options& how, results& out) {
  for (auto streams : {how.pick(100, 20), how.pick(500, 30), how.pick(1'000, 50)}) measure_deltas(how, streams, out);
}

void http_cancel(const options& how, results& out) {
  const auto alive = how.pick(1'000, 40);
  const auto cancels = how.pick(200, 10);
  provider_process provider;
  struct phase_case {
    std::string name, scenario, limits, extra;
    bool wait_for_text;
  };
  const phase_case phases[] = {
      {"connecting", "slow_headers", "", "", false},
      {"waiting for the first token", "silence", "", "", false},
      {"streaming, a delta a second", "clock;gap_ms=1000", "", "", true},
      {"backing off", "status;code=500", "", "retry_base = \"5m\"\nretry_delay_max = \"5m\"", false},
      {"queued", "silence", "running_runs = 1", "", false},
  };
  for (const auto& phase : phases) {
    served server{{{"target", provider.base_url(phase.scenario), phase.extra}}, phase.limits};
    client_crowd clients{server.url()};
    auto all = start_runs(clients, "target", "run-", alive);
    wait_until_started(all);
    rest(how.quick ? 100ms : 1500ms);
    std::vector<double> to_ending, to_receipt;
    for (std::size_t i = 1; i <= cancels; ++i) {
      rest(500us);
      auto from = steady::now();
      auto receipt = clients.cancel("target", "run-" + std::to_string(i));
      to_receipt.push_back(us_between(from, steady::now()));
      expect(receipt.find("\"outcome\":\"cancelled\"") != std::string::npos,
             "the cancel of a live run, it was: " + receipt);
      wait_for("RunCancelled", [&] { return all[i]->ended_at_ns != 0; });
      auto began = std::chrono::duration_cast<std::chrono::nanoseconds>(from.time_since_epoch()).count();
      to_ending.push_back(static_cast<double>(all[i]->ended_at_ns - began) / 1e3);
    }
    out.add_percentiles(phase.name + ": request to RunCancelled", std::move(to_ending), "us",
                        {.p50 = 2'000, .p99 = 10'000});
    out.add_percentiles("  to the receipt", std::move(to_receipt), "us");
    clients.leave();
  }
}

void http_stalled(const options& how, results& out) {
  const auto readers = how.pick(1'000, 50);
  provider_process provider;
  served server{
      {{"flood", provider.base_url("words;n=2000;burst=1"), ""}, {"clock", provider.base_url("clock;gap_ms=50"), ""}}};
  client_crowd clients{server.url()};
  auto live = start_runs(clients, "clock", "live-", how.pick(50, 5));
  wait_until_started(live);
  auto before = server.resident();
  client_crowd stalled{server.url()};
  start_runs(stalled, "flood", "stalled-", readers, true);
  rest(how.quick ? 500ms : 15s);
  out.add("resident memory a stalled reader of an ended run",
          (server.resident() - before) / static_cast<double>(readers) / 1024, "KiB", 128);
  clients.leave();
  wait_for("the others to be over",
           [&] { return std::all_of(live.begin(), live.end(), [](const auto& x) { return x->over.load(); }); });
  std::vector<double> delays;
  for (const auto& x : live) delays.insert(delays.end(), x->delays_us.begin(), x->delays_us.end());
  out.add_percentiles("a delta of the other streams", std::move(delays), "us");
  stalled.leave();
}

void http_silent(const options& how, results& out) {
  const auto streams = how.pick(9'000, 200);
  served server{{{"silent", "", ""}}};
  client_crowd clients{server.url()};
  auto before = server.resident();
  auto all = start_runs(clients, "silent", "silent-", streams);
  wait_until_started(all);
  rest(how.quick ? 100ms : 1s);
  auto open = std::count_if(all.begin(), all.end(), [](const auto& x) { return !x->over; });
  out.add("open streams", static_cast<double>(open), "");
  out.add("resident memory a silent run with its stream",
          (server.resident() - before) / static_cast<double>(streams) / 1024, "KiB", 48);
  auto cpu = server.cpu_us();
  rest(how.quick ? 200ms : 5s);
  out.add("CPU of the server meanwhile", (server.cpu_us() - cpu) / 1e3 / (how.quick ? 0.2 : 5), "ms/s");
  clients.leave();
}

}  // namespace oncue::bench
