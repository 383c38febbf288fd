// first: from nothing to the first run of a server that is just starting. runs: run after run, each to its end.
#include <cmath>
#include <stdexcept>
#include <utility>

#include "client.hpp"

namespace oncue::bench::load {

namespace {

/// Tries until the server listens; when that was.
std::int64_t wait_for_listening(client& here, std::int64_t until_ns) {
  for (;;) {
    auto socket = begin_connect(here.target.address);
    poller one;
    one.add(socket.number(), EPOLLOUT, nullptr);
    if (!one.wait(100).empty() && connect_error(socket) == 0) return now_ns();
    if (now_ns() > until_ns) throw std::runtime_error{"nobody listens at " + here.target.address.host};
    here.loop.turn(1);
  }
}

/// Starts runs, so many at once, until so many are over.
class runner {
 public:
  runner(client& here, std::size_t in_flight) : here_{here} {
    for (std::size_t i = 0; i < in_flight; ++i) {
      slots_.push_back(std::make_unique<run_stream>(here.loop, here.target));
      slots_.back()->on_over = [this](run_stream& one) { note(one); };
    }
  }

  void run(std::size_t count) {
    wanted_ = count;
    started_ = over_ = failed_ = 0;
    deltas_ = 0;
    latencies_us_.clear();
    auto until = here_.give_up_ns();
    for (auto& slot : slots_) start_next(*slot);
    std::size_t seen = 0;
    while (over_ < wanted_) {
      here_.loop.turn(10);
      if (std::exchange(seen, over_) != over_) until = here_.give_up_ns();
      if (now_ns() > until) throw std::runtime_error{"no run has ended for the whole time-out; " + progress()};
    }
    if (failed_ == wanted_ && wanted_ > 0) throw std::runtime_error{"no run has completed: " + failure_};
  }

  json said() {
    json result{{"runs", wanted_}, {"failed", failed_}, {"latency_us", percentiles(latencies_us_)}, {"deltas", deltas_}};
    if (!failure_.empty()) result["first_failure"] = failure_;
    return result;
  }

 private:
  std::string progress() const { return std::to_string(over_) + " of " + std::to_string(wanted_) + " have before"; }

  void start_next(run_stream& slot) {
    if (started_ == wanted_) return;
    ++started_;
    slot.start("r" + std::to_string(++keys_));
  }

  void note(run_stream& one) {
    const auto& seen = one.seen();
    if (seen.completed()) {
      latencies_us_.push_back(static_cast<float>(us(seen.ended_ns - seen.requested_ns)));
      deltas_ += seen.deltas;
    } else {
      ++failed_;
      if (failure_.empty()) failure_ = seen.failure();
    }
    ++over_;
    start_next(one);
  }

  client& here_;
  std::vector<std::unique_ptr<run_stream>> slots_;
  std::size_t wanted_ = 0, started_ = 0, over_ = 0, failed_ = 0, keys_ = 0;
  std::uint64_t deltas_ = 0;
  std::vector<float> latencies_us_;
  std::string failure_;
};

}  // namespace

json first_command(client& here, arguments& words) {
  auto since = words.number("--since-ns");
  words.expect_all_read();
  auto until = here.give_up_ns();
  auto listening = wait_for_listening(here, until);
  run_stream one{here.loop, here.target};
  one.start("first");
  if (!here.loop.turn_until(until, [&] { return one.over(); })) throw std::runtime_error{"the run has not ended in time"};
  const auto& seen = one.seen();
  if (!seen.completed()) throw std::runtime_error{"the run has not completed: " + seen.failure()};
  return {{"listening_us", std::round(us(listening - since))},
          {"first_event_us", std::round(us(seen.first_event_ns - since))},
          {"first_delta_us", std::round(us(seen.first_delta_ns - since))},
          {"completed_us", std::round(us(seen.ended_ns - since))},
          {"deltas", seen.deltas}};
}

json runs_command(client& here, arguments& words) {
  auto count = words.number("--count"), in_flight = words.number("--in-flight", 1), warm = words.number("--warm", 0);
  words.expect_all_read();
  if (count == 0 || in_flight == 0) throw usage_error{"--count and --in-flight are above 0"};
  runner work{here, static_cast<std::size_t>(in_flight)};
  if (warm > 0) work.run(static_cast<std::size_t>(warm));
  auto cpu = here.processes.cpu_us(), client_cpu = own_cpu_us();
  auto begin = now_ns();
  work.run(static_cast<std::size_t>(count));
  auto wall = us(now_ns() - begin);
  auto result = work.said();
  result["wall_us"] = std::round(wall);
  result["cpu_us"] = std::round(here.processes.cpu_us() - cpu);
  result["client_cpu_us"] = std::round(own_cpu_us() - client_cpu);
  return result;
}

}  // namespace oncue::bench::load
