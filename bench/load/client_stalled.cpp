// stalled: clients that start a flood and never read it. What each keeps at the contender, and what live streams notice.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "client.hpp"

namespace oncue::bench::load {

namespace {

/// agentos names another agent; openai, whose scenario is in the URL, another URL.
run_target flood_target(const client& here, arguments& words) {
  auto target = here.target;
  if (target.speaks == dialect::agentos) {
    target.agent = words.text("--flood-agent");
  } else {
    target.address = parse_address(words.text("--flood-url"));
  }
  return target;
}

/// Starts so many runs that nobody reads; waits until their requests are written.
std::vector<std::unique_ptr<run_stream>> open_stalled(client& here, const run_target& target, std::size_t count) {
  std::vector<std::unique_ptr<run_stream>> stalled;
  for (std::size_t i = 0; i < count; ++i) {
    stalled.push_back(std::make_unique<run_stream>(here.loop, target));
    stalled.back()->stop_reading();
    stalled.back()->start("f" + std::to_string(i + 1));
    here.loop.turn(1);
  }
  auto all_sent = [&] {
    return std::all_of(stalled.begin(), stalled.end(), [](const auto& x) { return x->sent() || x->over(); });
  };
  if (!here.loop.turn_until(here.give_up_ns(), all_sent)) {
    throw std::runtime_error{"the requests that nobody reads could not all be written"};
  }
  return stalled;
}

}  // namespace

json stalled_command(client& here, arguments& words) {
  auto count = static_cast<std::size_t>(words.number("--count"));
  auto live = static_cast<std::size_t>(words.number("--live", 10));
  auto seconds = words.real("--seconds", -1);
  auto flood = flood_target(here, words);
  words.expect_all_read();
  if (count == 0 || live == 0 || seconds <= 0) throw usage_error{"--count, --live and --seconds are above 0"};
  auto span_ns = static_cast<std::int64_t>(seconds * 1e9);

  stream_crowd crowd{here, here.target, "l"};
  crowd.open(live, 500);
  if (crowd.live() != live) throw std::runtime_error{"not all live streams have a delta: " + crowd.first_failure()};
  auto calm = crowd.read_for(span_ns);
  auto before = here.processes.memory();
  auto cpu = here.processes.cpu_us();
  auto stalled = open_stalled(here, flood, count);
  auto flooded = crowd.read_for(span_ns);
  cpu = here.processes.cpu_us() - cpu;
  auto after = here.processes.memory();
  auto lost = std::count_if(stalled.begin(), stalled.end(), [](const auto& x) { return x->over(); });
  if (static_cast<std::size_t>(lost) == count) {
    throw std::runtime_error{"no run could be stalled: " + stalled.front()->seen().failure()};
  }
  return {{"stalled", count},
          {"stalled_lost", lost},
          {"live", live},
          {"live_at_end", crowd.live()},
          {"memory_per_stalled", (after.pss - before.pss) / static_cast<std::int64_t>(count)},
          {"delay_before_us", percentiles(calm.delays_us)},
          {"delay_us", percentiles(flooded.delays_us)},
          {"deltas_before", calm.deltas},
          {"deltas", flooded.deltas},
          {"cpu_us", std::round(cpu)},
          {"rss_before", before.rss},
          {"rss_after", after.rss},
          {"pss_before", before.pss},
          {"pss_after", after.pss}};
}

}  // namespace oncue::bench::load
