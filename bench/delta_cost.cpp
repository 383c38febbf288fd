// What a delta costs: from the demo model in this process, and from a provider's socket.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.hpp"
#include "child.hpp"
#include "crowd.hpp"
#include "support/provider.hpp"

namespace {

std::atomic<std::size_t> reads{0};        // that brought something
std::atomic<std::size_t> empty_reads{0};  // that did not

}  // namespace

/// Stands before the C library's, so that libcurl's reads can be counted.
extern "C" ssize_t recv(int socket, void* buffer, size_t size, int flags) {
  auto got = ::syscall(SYS_recvfrom, socket, buffer, size, flags, nullptr, nullptr);
  ++(got > 0 ? reads : empty_reads);
  return got;
}

namespace oncue::bench {

namespace {

struct traffic {
  std::size_t runs = 1;
  std::size_t deltas = 0;  ///< of one run
  std::size_t text_bytes = 0;
};

struct traffic_cost {
  double cpu_us_per_delta = 0;
  double seconds = 0;
  std::size_t events = 0;
};

traffic_cost measure(runtime& node, const agent_id& agent, const traffic& what) {
  auto begin = steady::now();
  auto before = process_cpu_us();
  auto report = send_crowd(node, {.agent = agent, .runs = what.runs, .in_flight = what.runs});
  report->wait_for_all();
  auto cpu = process_cpu_us() - before;
  expect(report->completed() == what.runs, "every run to complete");
  expect(report->text_bytes() == what.text_bytes * what.runs, "every run to have the whole text");
  return {cpu / static_cast<double>(what.runs * what.deltas), us_between(begin, steady::now()) / 1e6, report->deltas()};
}

}  // namespace

void delta_cost(const options& how, results& out) {
  const auto tokens = how.pick(100'000, 20'000);
  auto entry = fast_agent("fast", static_cast<std::uint32_t>(tokens));
  entry.model.scripted.text = "word ";
  entry.agent.run_text_bytes_max = 64u << 20;
  runtime node{node_with({entry})};
  traffic what{1, tokens, tokens * 5};
  if (!how.quick) measure(node, {"fast"}, what);
  auto cost = measure(node, {"fast"}, what);
  out.add("CPU a delta, demo model, one reader", cost.cpu_us_per_delta, "us", 3);
  out.add("deltas merged into one event", static_cast<double>(tokens) / static_cast<double>(cost.events), "");
  out.add("deltas a second", static_cast<double>(tokens) / cost.seconds, "1/s");
}

void provider_delta_cost(const options& how, results& out) {
  provider_process provider;
  auto n = std::to_string(how.pick(2'000, 200));
  auto slow_n = std::to_string(how.pick(500, 60));
  const struct {
    std::string name, scenario;
    std::size_t deltas;
    std::optional<double> at_most;
  } cases[] = {
      {"in large writes", "words;n=" + n + ";gap_ms=0;burst=1", how.pick(2'000, 200), 15},
      {"a write each, no gap", "words;n=" + n + ";gap_ms=0", how.pick(2'000, 200), 15},
      {"a write each, 5 ms apart", "words;n=" + slow_n + ";gap_ms=5", how.pick(500, 60), 15},
  };
  std::vector<core::agent_entry> agents;
  for (const auto& x : cases) agents.push_back(http_agent(x.name, provider.base_url(x.scenario)));
  runtime node{node_with(std::move(agents))};
  for (const auto& x : cases) {
    traffic what{20, x.deltas, test::expected_text(x.scenario).size()};
    if (!how.quick) measure(node, {x.name}, what);
    reads = empty_reads = 0;
    auto cost = measure(node, {x.name}, what);
    auto deltas = static_cast<double>(what.runs * what.deltas);
    out.add("CPU a delta, " + x.name, cost.cpu_us_per_delta, "us", x.at_most);
    out.add("  deltas a read", deltas / static_cast<double>(reads), "");
    out.add("  deltas merged into one event", deltas / static_cast<double>(cost.events), "");
    out.add("  empty reads a delta", static_cast<double>(empty_reads) / deltas, "");
    out.add("  deltas a second", deltas / cost.seconds, "1/s");
  }
}

}  // namespace oncue::bench
