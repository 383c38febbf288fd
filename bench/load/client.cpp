#include "client.hpp"

#include <algorithm>

namespace oncue::bench::load {

namespace {

run_target target_of(arguments& words) {
  run_target target;
  auto speaks = words.text("--dialect");
  if (speaks != "agentos" && speaks != "openai") throw usage_error{"--dialect is agentos or openai"};
  target.speaks = speaks == "openai" ? dialect::openai : dialect::agentos;
  target.agent = words.text("--agent", "");
  if (target.agent.empty() && target.speaks == dialect::agentos) throw usage_error{"--agent is missing"};
  target.address = parse_address(words.text("--url"));
  return target;
}

}  // namespace

client::client(arguments& words)
    : target{target_of(words)},
      processes{words.numbers("--pid")},
      timeout_ns{static_cast<std::int64_t>(words.real("--timeout-s", 60) * 1e9)} {}

void stream_crowd::open(std::size_t count, double per_second) {
  auto begin = now_ns(), until = here_.give_up_ns();
  std::size_t before = streams_.size();
  auto due = [&] { return static_cast<std::size_t>(static_cast<double>(now_ns() - begin) / 1e9 * per_second) + 1; };
  here_.loop.turn_until(until, [&] {
    for (auto opened = streams_.size() - before; opened < std::min(count, due()); ++opened) {
      streams_.push_back(std::make_unique<run_stream>(here_.loop, target_, &delays_));
      streams_.back()->start(prefix_ + std::to_string(streams_.size()));
    }
    return streams_.size() - before == count &&
           std::all_of(streams_.begin(), streams_.end(), [&](const auto& x) { return is_open(*x) || x->over(); });
  });
}

stream_crowd::measured stream_crowd::read_for(std::int64_t span_ns) {
  delays_.us.clear();
  delays_.us.reserve(4 << 20);  // so that growing does not come between two reads
  delays_.on = true;
  auto begin = now_ns();
  auto before = deltas();
  here_.loop.turn_for(span_ns);
  delays_.on = false;
  return {deltas() - before, static_cast<double>(now_ns() - begin) / 1e9, std::move(delays_.us)};
}

std::size_t stream_crowd::live() const {
  return static_cast<std::size_t>(
      std::count_if(streams_.begin(), streams_.end(), [&](const auto& x) { return is_open(*x) && !x->over(); }));
}

std::string stream_crowd::first_failure() const {
  auto found = std::find_if(streams_.begin(), streams_.end(), [](const auto& x) { return x->over(); });
  return found == streams_.end() ? "" : (*found)->seen().failure();
}

std::uint64_t stream_crowd::deltas() const {
  std::uint64_t sum = 0;
  for (const auto& x : streams_) sum += x->seen().deltas;
  return sum;
}

}  // namespace oncue::bench::load
