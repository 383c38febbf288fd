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
    entry.tools = default_tools();
    return entry;
  }

  /// tool_a to tool_d do something; a person has to allow tool_ask, to fill tool_fill in, to do tool_out's work; tool_kid
  /// is an agent.
  static std::shared_ptr<const core::tool_set> default_tools() {
    std::vector<core::tool_spec> specs;
    auto add = [&](const char* name) -> core::tool_spec& {
      core::tool_spec spec;
      spec.name = name;
      spec.timeout = core::milliseconds{3000};
      specs.push_back(spec);
      return specs.back();
    };
    for (const auto* name : {"tool_a", "tool_b", "tool_c", "tool_d"}) add(name);
    add("tool_ask").need = tool_need::confirmation;
    add("tool_out").need = tool_need::result;
    auto& fill = add("tool_fill");
    fill.need = tool_need::user_input;
    fill.parameters =
        R"({"type":"object","properties":{"to":{"type":"string","description":"whom"},"n":{"type":"number"}},)"
        R"("required":["to"]})";
    fill.input_fields = {"to"};
    auto& sum = add("tool_sum");
    sum.parameters = R"({"type":"object","properties":{"x":{"type":"number"}},"required":["x"]})";
    auto& kid = add("tool_kid");
    kid.kind = core::tool_kind::agent;
    kid.agent = {"kid"};
    kid.parameters = R"({"type":"object","properties":{"message":{"type":"string"}},"required":["message"]})";
    return std::make_shared<const core::tool_set>(std::get<0>(core::tool_set::make(std::move(specs))));
  }

  static core::run_setup setup_of(core::agent_entry entry, std::uint32_t depth = 0) {
    core::run_setup setup;
    setup.id = {"r1"};
    setup.input = "tell";
    setup.entry = std::make_shared<const core::agent_entry>(std::move(entry));
    setup.next_index = 1;
    setup.created_us = 1'000'000;
    setup.unix_offset_ms = 5;
    setup.seed = 7;
    setup.session = {"s1"};
    setup.depth = depth;
    return setup;
  }

  explicit machine_bench(core::agent_entry entry = default_entry(), std::uint32_t depth = 0)
      : machine{setup_of(std::move(entry), depth)} {
    logged.emplace_back(run_event{0, 1005, run_started{}});
    published = logged;
  }

  /// A person decides on what `before` waits for: the run goes on in a machine made anew from its log.
  machine_bench(const machine_bench& before, std::vector<tool_decision> decisions)
      : machine{resumed(before, decisions)}, now_us{before.now_us}, logged{before.logged}, published{before.logged} {
    logged.emplace_back(continued(before, decisions));
    published = logged;
  }

  static event_ptr continued(const machine_bench& before, std::vector<tool_decision> decisions) {
    return event_ptr{run_event{before.logged.size(), before.now_us / 1000 + 5,
                               boxed<run_continued>{run_continued{std::move(decisions), "test"}}}};
  }

  static core::run_machine resumed(const machine_bench& before, const std::vector<tool_decision>& decisions) {
    auto log = before.logged;
    log.push_back(continued(before, decisions));
    auto memory = core::replay(log);
    auto setup = setup_of(*before.machine.entry());
    setup.next_index = log.size();
    setup.created_us = before.now_us - static_cast<core::steady_us>(memory.active_us);
    return core::run_machine{std::move(setup), std::move(memory)};
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
    for (auto& id : ids) {
      auto arguments = id == "kid" ? R"({"message":"help"})" : "{}";
      x.tool_calls.push_back({id, "tool_" + id, arguments});
    }
    return x;
  }
  /// The last turn's calls begin with this number.
  static tool_result result(tool_no number, std::string text) { return {number, false, std::move(text)}; }
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
    if (phase == paused) return step(calls({"ask"})).step(model_closed{1});
    return step(calls({"a", "b"})).step(model_closed{1});
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
