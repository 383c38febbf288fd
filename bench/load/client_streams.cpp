// streams: many live streams that never end. What a delta costs the contender, how late it comes, what a stream keeps.
#include <cmath>
#include <stdexcept>

#include "client.hpp"

namespace oncue::bench::load {

json streams_command(client& here, arguments& words) {
  auto count = words.number("--count");
  auto seconds = words.real("--seconds", -1), settle = words.real("--warm-s", 1), rate = words.real("--open-per-s", 500);
  words.expect_all_read();
  if (count == 0 || seconds <= 0 || rate <= 0) throw usage_error{"--count, --seconds and --open-per-s are above 0"};
  auto before = here.processes.memory();
  stream_crowd crowd{here, here.target, "s"};
  crowd.open(static_cast<std::size_t>(count), rate);
  here.loop.turn_for(static_cast<std::int64_t>(settle * 1e9));
  auto opened = crowd.live();
  if (opened == 0) throw std::runtime_error{"no stream has a delta: " + crowd.first_failure()};

  auto cpu = here.processes.cpu_us(), client_cpu = own_cpu_us();
  auto measured = crowd.read_for(static_cast<std::int64_t>(seconds * 1e9));
  cpu = here.processes.cpu_us() - cpu;
  client_cpu = own_cpu_us() - client_cpu;
  auto after = here.processes.memory();

  std::vector<float> first_event, first_delta;
  for (const auto& x : crowd.all()) {
    const auto& seen = x->seen();
    if (seen.first_event_ns != 0) first_event.push_back(static_cast<float>(us(seen.first_event_ns - seen.requested_ns)));
    if (seen.first_delta_ns != 0) first_delta.push_back(static_cast<float>(us(seen.first_delta_ns - seen.requested_ns)));
  }
  json result{{"streams", count},
              {"opened", opened},
              {"live_at_end", crowd.live()},
              {"deltas", measured.deltas},
              {"seconds", measured.seconds},
              {"deltas_per_s", std::round(static_cast<double>(measured.deltas) / measured.seconds)},
              {"cpu_us", std::round(cpu)},
              {"cpu_us_per_delta", measured.deltas == 0 ? 0 : cpu / static_cast<double>(measured.deltas)},
              {"delay_us", percentiles(measured.delays_us)},
              {"first_event_us", percentiles(first_event)},
              {"first_delta_us", percentiles(first_delta)},
              {"rss_before", before.rss},
              {"rss_after", after.rss},
              {"pss_before", before.pss},
              {"pss_after", after.pss},
              {"memory_per_stream", (after.pss - before.pss) / static_cast<std::int64_t>(opened)},
              {"client_cpu_us", std::round(client_cpu)}};
  if (auto failure = crowd.first_failure(); !failure.empty()) result["first_failure"] = failure;
  return result;
}

}  // namespace oncue::bench::load
