// cancel: runs that are cancelled in one of their phases, while others live. How soon who knows, and what the provider
// wrote that nobody wanted any more.
#include <algorithm>
#include <map>
#include <stdexcept>

#include "cancel_trial.hpp"
#include "client.hpp"

namespace oncue::bench::load {

namespace {

cancel_phase phase_of(const std::string& name) {
  const std::map<std::string, cancel_phase> known{{"waiting", cancel_phase::waiting},
                                                  {"streaming", cancel_phase::streaming},
                                                  {"before_completion", cancel_phase::before_completion},
                                                  {"queued", cancel_phase::queued}};
  auto found = known.find(name);
  if (found == known.end()) throw usage_error{"--phase is waiting, streaming, before_completion or queued"};
  return found->second;
}

class sum_and_max {
 public:
  void add(std::uint64_t value) {
    sum_ += value;
    max_ = std::max(max_, value);
  }
  json said() const { return {{"sum", sum_}, {"max", max_}}; }

 private:
  std::uint64_t sum_ = 0, max_ = 0;
};

class cancel_tally {
 public:
  void add(const cancel_trial::outcome& one) {
    ++endings_[one.ending];
    if (!one.failure.empty()) {
      ++failed_;
      if (failure_.empty()) failure_ = one.failure;
      return;
    }
    if (one.ending == "RunCancelled" || one.ending == "closed") ++cancelled_;
    auto since = [&](std::int64_t then_ns) { return static_cast<float>(us(then_ns - one.requested_ns)); };
    if (one.ended_ns != 0) to_ending_.push_back(since(one.ended_ns));
    if (one.answered_ns != 0) to_answer_.push_back(since(one.answered_ns));
    if (one.provider_closed_ns != 0) to_closed_.push_back(since(one.provider_closed_ns));
    if (!one.provider_asked) ++never_asked_;
    if (one.provider_finished) ++finished_;
    if (one.provider_asked && one.provider_closed_ns == 0 && !one.provider_finished) ++still_open_;
    after_request_.add(one.deltas_after_request);
    after_close_.add(one.deltas_after_close);
  }

  json said() {
    json result{{"cancelled", cancelled_},
                {"failed", failed_},
                {"to_ending_us", percentiles(to_ending_)},
                {"to_answer_us", percentiles(to_answer_)},
                {"to_provider_closed_us", percentiles(to_closed_)},
                {"deltas_after_request", after_request_.said()},
                {"deltas_after_close", after_close_.said()},
                {"endings", endings_},
                {"provider_still_open", still_open_},
                {"provider_finished", finished_},
                {"provider_never_asked", never_asked_}};
    if (!failure_.empty()) result["first_failure"] = failure_;
    return result;
  }

 private:
  std::size_t cancelled_ = 0, failed_ = 0, still_open_ = 0, finished_ = 0, never_asked_ = 0;
  std::vector<float> to_ending_, to_answer_, to_closed_;
  sum_and_max after_request_, after_close_;
  std::map<std::string, std::size_t> endings_;
  std::string failure_;
};

void open_alive(client& here, stream_crowd& alive, std::size_t count, double rate) {
  bool has_events = here.target.speaks == dialect::agentos;
  alive.is_open = [=](const run_stream& one) { return has_events ? one.seen().first_event_ns != 0 : one.sent(); };
  if (count > 0) alive.open(count, rate);
  if (alive.live() == count) return;
  throw std::runtime_error{"only " + std::to_string(alive.live()) +
                           " of the runs beside are alive: " + alive.first_failure()};
}

}  // namespace

json cancel_command(client& here, arguments& words) {
  auto count = static_cast<std::size_t>(words.number("--count"));
  auto in_flight = static_cast<std::size_t>(words.number("--in-flight", 1));
  auto beside = static_cast<std::size_t>(words.number("--alive", 0));
  auto rate = words.real("--open-per-s", 500);
  cancel_plan plan{.phase = phase_of(words.text("--phase"))};
  plan.deltas = static_cast<std::uint64_t>(words.number("--deltas", 0));
  plan.provider = parse_address(words.text("--provider"));
  words.expect_all_read();
  if (count == 0 || in_flight == 0 || rate <= 0) throw usage_error{"--count, --in-flight and --open-per-s are above 0"};
  if (plan.phase == cancel_phase::before_completion && plan.deltas == 0) {
    throw usage_error{"--phase before_completion wants --deltas: how many the answer has"};
  }
  if (plan.phase == cancel_phase::queued && here.target.speaks == dialect::openai) {
    throw usage_error{"--phase queued wants --dialect agentos"};
  }

  stream_crowd alive{here, here.target, "a"};
  open_alive(here, alive, beside, rate);
  cancel_tally tally;
  std::vector<std::unique_ptr<cancel_trial>> trials;
  std::size_t started = 0, over = 0;
  // A provider that has served another client before still knows its keys.
  auto prefix = "c" + std::to_string(now_ns()) + "-";
  auto start_next = [&](cancel_trial& one) { one.start(prefix + std::to_string(++started)); };
  while (trials.size() < std::min(in_flight, count)) {
    start_next(*trials.emplace_back(std::make_unique<cancel_trial>(here, plan)));
  }
  while (over < count) {
    here.loop.turn(1);
    for (auto& one : trials) {
      if (!one->is_busy() || !one->advance()) continue;
      tally.add(one->seen());
      ++over;
      if (started < count) start_next(*one);
    }
  }
  auto result = tally.said();
  if (result["failed"] == count) throw std::runtime_error{"no run was cancelled: " + std::string{result["first_failure"]}};
  result["alive_at_end"] = alive.live();
  return result;
}

}  // namespace oncue::bench::load
