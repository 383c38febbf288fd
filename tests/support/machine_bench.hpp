// Drives one run machine by hand: keeps what it asked for, and plays the journal and the clock.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "oncue/core/run_machine.hpp"

namespace oncue::test {

class machine_bench {
 public:
  static core::agent_entry default_entry() {
    core::agent_entry entry;
    entry.agent.id = {"writer"};
    entry.agent.name = "Writer";
    entry.agent.limits = {core::milliseconds{1000}, core::milliseconds{500}, core::milliseconds{10'000}};
    entry.agent.turns_max = 3;
    return entry;
  }

  explicit machine_bench(core::agent_entry entry = default_entry())
      : machine{core::run_setup{.id = {"r1"},
                                .input = "tell",
                                .entry = std::make_shared<const core::agent_entry>(std::move(entry)),
                                .next_index = 1,
                                .created_us = 1'000'000,
                                .unix_offset_ms = 5,
                                .seed = 7}} {
    logged.emplace_back(run_event{0, 0, run_started{}});
    published = logged;
  }

  /// One signal; its effects are in `last`, and those for the journal and the readers are noted.
  machine_bench& step(core::run_signal what) {
    last.clear();
    machine.step(std::move(what), now_us, last);
    for (auto& effect : last) note(effect);
    return *this;
  }

  machine_bench& advance_ms(std::int64_t ms) {
    now_us += ms * 1000;
    return *this;
  }

  /// The journal confirms what it was last given.
  machine_bench& confirm() {
    if (finish_sent) return step(finished{{"r1"}, logged.back()});
    return step(appended{{"r1"}, logged.size()});
  }

  machine_bench& cancel(std::uint64_t ticket = 1, std::uint32_t wait_ms = 1000) {
    return step(core::signal::cancel{{.run = {"r1"}, .reason = "enough", .by = "test", .wait_ms = wait_ms}, ticket});
  }

  template <class Effect>
  int count() const {
    int n = 0;
    for (const auto& effect : last) n += std::holds_alternative<Effect>(effect);
    return n;
  }

  template <class Effect>
  const Effect* find() const {
    for (const auto& effect : last) {
      if (const auto* found = std::get_if<Effect>(&effect)) return found;
    }
    return nullptr;
  }

  /// Position of an effect in the last step, or -1.
  template <class Effect>
  int position() const {
    for (std::size_t i = 0; i < last.size(); ++i) {
      if (std::holds_alternative<Effect>(last[i])) return static_cast<int>(i);
    }
    return -1;
  }

  model_delta delta(std::string text) const { return {machine.attempt(), delta_kind::text, std::move(text)}; }
  model_done done() const { return {machine.attempt(), "stop", {3, 2, 0, 0}, {}}; }
  model_done calls(std::vector<std::string> ids) const {
    model_done x{machine.attempt(), "tool_calls", {}, {}};
    for (auto& id : ids) x.tool_calls.push_back({id, "tool_" + id, "{}"});
    return x;
  }
  model_failed failure(bool retryable) const {
    return {machine.attempt(), failure_code::provider_refused, 503, "busy", retryable, {}};
  }

  /// Brings a fresh machine into `phase`.
  machine_bench& go_to(run_phase phase) {
    using enum run_phase;
    if (phase == queued) return *this;
    step(core::signal::begin{});
    if (phase == connecting) return *this;
    if (phase == backing_off) return step(failure(true)).step(model_closed{1});
    step(model_opened{1});
    if (phase == waiting) return *this;
    step(delta("Once "));
    if (phase == streaming) return *this;
    if (phase == ended) return step(done());
    step(calls({"a", "b"})).step(model_closed{1});
    if (phase == tools) return *this;
    return step(core::signal::tools_need_decision{});
  }

  core::run_machine machine;
  core::steady_us now_us = 1'000'000;
  core::run_effects last;
  std::vector<event_ptr> logged;     ///< as the journal has it
  std::vector<event_ptr> published;  ///< as a reader sees it
  std::vector<std::pair<std::uint64_t, cancel_reply>> answers;
  std::vector<attempt_no> opened;
  bool finish_sent = false;
  bool closed = false;

 private:
  void note(const core::run_effect& effect) {
    namespace fx = core::effect;
    if (const auto* x = std::get_if<fx::append>(&effect)) write(x->events);
    if (const auto* x = std::get_if<fx::finish>(&effect)) {
      write(x->events);
      finish_sent = true;
    }
    if (const auto* x = std::get_if<fx::publish>(&effect))
      published.insert(published.end(), x->events.begin(), x->events.end());
    if (const auto* x = std::get_if<fx::answer_cancel>(&effect)) answers.emplace_back(x->ticket, x->reply);
    if (const auto* x = std::get_if<fx::open_stream>(&effect)) opened.push_back(x->attempt);
    if (std::holds_alternative<fx::close>(effect)) closed = true;
  }

  void write(const std::vector<event_ptr>& events) {
    for (const auto& event : events) {
      if (event->index == logged.size()) logged.push_back(event);
    }
  }
};

}  // namespace oncue::test
