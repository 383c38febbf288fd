#include "cancel_trial.hpp"

#include <algorithm>
#include <stdexcept>

namespace oncue::bench::load {

namespace {

constexpr std::int64_t ask_again_ns = 1'000'000;

}  // namespace

void cancel_trial::start(const std::string& key) {
  key_ = key;
  seen_ = {};
  at_ = step::arriving;
  until_ns_ = here_.give_up_ns();
  cancel_.open();
  provider_.leave();
  provider_.sent_ns = 0;
  run_.leave();
  run_.start(key_);
}

bool cancel_trial::advance() {
  if (at_ == step::arriving) {
    if (run_.over()) {
      give_up("it ended before it could be cancelled: " + run_.seen().failure());
    } else if (has_arrived()) {
      cancel();
    } else if (now_ns() > until_ns_) {
      give_up("it did not come into its phase");
    }
  }
  if (at_ == step::cancelling) look_for_ending();
  if (at_ == step::closing) look_at_provider();
  return at_ == step::over;
}

bool cancel_trial::has_arrived() {
  const auto& seen = run_.seen();
  bool has_id = !seen.run_id.empty() || here_.target.speaks == dialect::openai;
  switch (plan_.phase) {
    case cancel_phase::waiting: return has_id && ask_provider() && seen_.provider_asked;
    case cancel_phase::streaming: return has_id && seen.deltas >= 2;
    case cancel_phase::before_completion: return has_id && seen.deltas >= plan_.deltas;
    case cancel_phase::queued: return has_id;
  }
  return false;
}

void cancel_trial::cancel() {
  at_ = step::cancelling;
  until_ns_ = here_.give_up_ns();
  seen_.requested_ns = now_ns();
  if (here_.target.speaks == dialect::agentos) {
    cancel_.send(here_.target.cancel_request(run_.seen().run_id));
  } else {
    run_.leave();
    seen_.ending = "closed";
    seen_.ended_ns = seen_.requested_ns;
  }
}

void cancel_trial::look_for_ending() {
  if (here_.target.speaks == dialect::agentos) {
    if (cancel_.done && !cancel_.error.empty()) return give_up("its cancel was refused: " + cancel_.error);
    bool late = now_ns() > until_ns_;
    if (!late && (!cancel_.done || run_.seen().ending.empty())) return;
    seen_.answered_ns = cancel_.done ? cancel_.answered_ns : 0;
    seen_.ended_ns = run_.seen().ended_ns;
    seen_.ending = run_.seen().ending.empty() ? "none in time" : run_.seen().ending;
    if (!cancel_.done) cancel_.leave();
  }
  at_ = step::closing;
  until_ns_ = here_.give_up_ns();
  provider_.leave();  // what it says now, and not what it was asked before
  provider_.sent_ns = 0;
}

void cancel_trial::look_at_provider() {
  bool asked = ask_provider();
  bool never_had_it = plan_.phase == cancel_phase::queued && !seen_.provider_asked;
  bool over = never_had_it || seen_.provider_closed_ns != 0 || seen_.provider_finished;
  if ((asked && over) || now_ns() > until_ns_) at_ = step::over;
}

/// Asks once a millisecond what the provider knows of this run's stream; true if there is a new answer.
bool cancel_trial::ask_provider() {
  if (!provider_.done) return false;
  bool has_answer = !provider_.body.empty();
  if (!provider_.error.empty()) throw std::runtime_error{"the provider does not answer: " + provider_.error};
  if (has_answer) {
    auto said = json::parse(provider_.body);
    provider_.body.clear();
    const auto& streams = said.at("streams");
    seen_.provider_asked = !streams.empty();
    seen_.deltas_after_request = seen_.deltas_after_close = 0;
    for (const auto& stream : streams) count_deltas(stream);
  } else if (now_ns() - provider_.sent_ns > ask_again_ns) {
    provider_.send(http_request("GET", plan_.provider, "/stats?key=" + key_));
  }
  return has_answer;
}

void cancel_trial::count_deltas(const json& stream) {
  seen_.provider_closed_ns = std::max(seen_.provider_closed_ns, stream.at("closed_ns").get<std::int64_t>());
  seen_.provider_finished = stream.at("finished");
  auto times = stream.value("delta_ns", std::vector<std::int64_t>{});
  if (times.size() != stream.at("deltas").get<std::size_t>()) {
    throw std::runtime_error{"the agent's scenario wants times=1, to count the deltas after a cancel"};
  }
  auto after = [&](std::int64_t time) {
    return time == 0 ? 0 : static_cast<std::uint64_t>(times.end() - std::upper_bound(times.begin(), times.end(), time));
  };
  seen_.deltas_after_request += after(seen_.requested_ns);
  seen_.deltas_after_close += after(seen_.ended_ns);
}

void cancel_trial::give_up(const std::string& why) {
  seen_.failure = why;
  seen_.ending = run_.seen().ending.empty() ? "not cancelled" : run_.seen().ending;
  at_ = step::over;
}

}  // namespace oncue::bench::load
