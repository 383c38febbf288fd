// Seeded interleavings of runs that use tools, wait for a person, and call other agents: tools that answer, hang, die or
// are deaf, decisions that come early, late and twice, cancels in every mode, runs that expire, in an order of messages
// that the seed chooses. After each seed every run and every child has one ending, its log is whole, nobody was told a lie,
// and no actor is left. One seed more: ONCUE_SIM_SEED=n; more of them: ONCUE_SIM_SEEDS=n.
#define CAF_SUITE sim.tools

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cstdlib>
#include <set>

#include "support/node.hpp"
#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

struct verdict {
  std::string broken;
  std::uint64_t transcript = 1469598103934665603ull;
  std::set<std::string> seen;

  void note(std::string_view text) {
    for (unsigned char c : text) transcript = (transcript ^ c) * 1099511628211ull;
  }
};

std::shared_ptr<const core::tool_set> some_tools() {
  std::vector<core::tool_spec> specs(3);
  specs[0].name = "work";
  specs[0].timeout = 300ms;
  specs[1].name = "ask";
  specs[1].need = tool_need::confirmation;
  specs[2].name = "kid";
  specs[2].kind = core::tool_kind::agent;
  specs[2].agent = {"kid"};
  return std::make_shared<const core::tool_set>(std::get<0>(core::tool_set::make(std::move(specs))));
}

node_options options_for(std::uint64_t& random) {
  auto roll = [&random](std::uint64_t n) { return core::next_random(random) % n; };
  node_options options;
  options.model = model_kind::scripted;
  options.journal = roll(2) == 0 ? journal_kind::memory : journal_kind::sqlite;
  options.roster.running_max = 1 + roll(3);
  options.scripted.first_token_delay = core::milliseconds{static_cast<int>(roll(3)) * 10};
  options.scripted.token_delay = core::milliseconds{static_cast<int>(roll(2)) * 5};
  options.scripted.tokens = static_cast<std::uint32_t>(1 + roll(8));
  if (roll(5) == 0) options.limits.total = 400ms;
  auto pause = core::milliseconds{static_cast<int>(roll(2)) * 500 + 100};
  std::vector<tool_call> calls, inner;
  for (std::uint64_t i = 0, count = 1 + roll(3); i < count; ++i) {
    auto id = std::to_string(i);
    switch (roll(4)) {
      case 0: calls.push_back({id, "ask", "{}"}); break;
      case 1: calls.push_back({id, "kid", R"({"message":"help"})"}); break;
      default: calls.push_back({id, "work", "{}"}); break;
    }
  }
  auto silent_child = roll(4) == 0;
  if (roll(2) == 0) inner.push_back({"i", roll(2) == 0 ? "work" : "ask", "{}"});
  options.change_agent = [=](core::agent_entry& entry) {
    entry.tools = some_tools();
    entry.model.scripted.calls = calls;
    entry.agent.pause_timeout = pause;
  };
  options.change_catalog = [=](core::catalog& catalog) {
    auto kid = std::make_shared<core::agent_entry>(*catalog.find({"writer"}));
    kid->agent.id = {"kid"};
    kid->model.scripted.calls = inner;
    kid->model.scripted.silent = silent_child;  // only a cancel ends it
    catalog.agents[kid->agent.id] = kid;
  };
  return options;
}

struct planned_run {
  std::string id;
  recording reader;
  recording whole;
  std::vector<std::pair<std::shared_ptr<std::optional<cancel_reply>>, cancel_mode>> cancels;
};

std::string describe(const run_event& event) {
  return std::to_string(event.index) + ":" + std::to_string(event.body.index()) + ";";
}

verdict play(std::uint64_t seed) {
  verdict result;
  std::uint64_t random = seed * 7919 + 1;
  auto roll = [&random](std::uint64_t n) { return core::next_random(random) % n; };
  auto options = options_for(random);
  std::size_t idle = 0;
  {
    auto same = options;
    node empty{same};
    idle = empty.live_actors();
  }
  node n{options};
  n.tools().deaf = roll(8) == 0;
  std::vector<std::unique_ptr<planned_run>> runs;
  auto count = 1 + roll(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    runs.push_back(std::make_unique<planned_run>());
    runs.back()->id = "r" + std::to_string(i);
    n.start_in(roll(2) == 0 ? "s" : "", runs.back()->id, "go");
    n.shuffle(random, roll(30));
    n.record(runs.back()->id, runs.back()->reader);
  }
  auto cancel = [&](planned_run& run, cancel_mode mode) {
    cancel_request request{.run = {run.id}, .reason = "enough", .by = "test"};
    request.wait_ms = static_cast<std::uint32_t>(roll(60));
    request.mode = mode;
    request.grace_ms = 1 + roll(200);
    run.cancels.emplace_back(n.ask<cancel_reply>(request), mode);
  };
  for (int step = 0; step < 120; ++step) {
    auto& run = *runs[roll(count)];
    switch (roll(16)) {
      case 0: cancel(run, static_cast<cancel_mode>(roll(3))); break;
      case 1:
      case 2: n.scheduler().advance_time(core::milliseconds{static_cast<int>(roll(40))}); break;
      case 3:
      case 4: {  // a tool answers, or its actor dies
        if (n.tools().calls.empty()) break;
        auto& call = n.tool(roll(n.tools().calls.size()));
        if (roll(6) == 0) {
          caf::anon_send_exit(caf::actor_cast<caf::actor>(call.self), caf::exit_reason::kill);
          break;
        }
        caf::anon_send(call.sink, tool_result{call.what.number, roll(4) == 0, "42"});
        if (roll(2) == 0) caf::anon_send(call.sink, tool_closed{call.what.number});
        break;
      }
      case 5: {  // somebody decides, also when nobody was asked
        continue_run word;
        word.run = {run.id};
        for (const auto& event : run.reader.events) {
          const auto* pause = get_if<run_paused>(*event);
          if (!pause) continue;
          word.decisions.clear();
          for (const auto& waits : pause->waiting_for) {
            tool_decision one;
            one.call_id = waits.call.id;
            one.confirmed = roll(3) > 0;
            word.decisions.push_back(std::move(one));
          }
        }
        auto reply = n.ask<start_reply>(word);
        if (roll(4) == 0) n.ask<start_reply>(word);
        n.shuffle(random, roll(60));
        if (*reply) {
          result.seen.insert("continue " + refused(reply));
          if (!(*reply)->refused) n.record(run.id, run.reader, run.reader.events.size());
        }
        break;
      }
      default: n.shuffle(random, roll(30)); break;
    }
  }
  for (int i = 0; i < 60; ++i) {
    n.shuffle(random, 60);
    n.scheduler().advance_time(10ms);
  }
  for (auto& run : runs) cancel(*run, cancel_mode::immediate);
  for (int i = 0; i < 80; ++i) {
    n.shuffle(random, 1000);
    n.scheduler().advance_time(200ms);
  }
  n.settle();
  auto broken = [&](const std::string& run, const std::string& what) {
    if (!what.empty() && result.broken.empty()) result.broken = run + ": " + what;
  };
  auto live = n.live_actors();
  if (live != idle)
    broken("the node", std::to_string(live) + " actors are left, " + std::to_string(idle) + " were there before");
  auto list = n.ask<run_list>(list_runs{1000});
  n.settle();
  for (const auto& run : (*list)->runs) {
    if (!core::is_over(run.status)) broken(run.id.value, "is still " + std::string{to_string(run.status)});
  }
  for (auto& run : runs) n.record(run->id, run->whole);
  n.settle();
  for (auto& run : runs) {
    const auto& log = run->whole.events;
    broken(run->id, whole_log(log));
    broken(run->id, testkit::calls_have_ends(log));
    const auto* ended = ending_of(log);
    if (!run->whole.ended || !ended) {
      broken(run->id, "its end is not seen: " + run->whole.lost);
      continue;
    }
    for (const auto& event : log) {
      if (get_if<run_paused>(*event)) result.seen.insert("paused");
      if (get_if<child_event>(*event)) result.seen.insert("child");
      result.note(describe(*event));
    }
    result.seen.insert(std::string{to_string(status_of(ended->how))});
    if (ended->how.kind == ending_kind::failed) result.seen.insert(std::string{to_string(ended->how.code)});
    for (const auto& [reply, mode] : run->cancels) {
      if (!*reply) {
        broken(run->id, "a cancel was not answered");
        continue;
      }
      auto granted = (*reply)->outcome == cancel_outcome::cancelled || (*reply)->outcome == cancel_outcome::accepted;
      if (granted && ended->how.kind != ending_kind::cancelled)
        broken(run->id, "a cancel was granted, but it ended otherwise");
      if ((*reply)->outcome == cancel_outcome::already_ended && ended->how.kind == ending_kind::cancelled) {
        broken(run->id, "a cancel came too late, but the run is cancelled");
      }
      result.seen.insert("cancel " + std::string{to_string((*reply)->outcome)});
      result.note(to_string((*reply)->outcome));
    }
    const auto& seen = run->reader.events;
    if (seen.size() > log.size() || !std::equal(seen.begin(), seen.end(), log.begin())) {
      broken(run->id, "a reader saw what is not in the log");
    }
  }
  return result;
}

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
  const auto* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

CAF_TEST(tools pauses and children keep every promise in any order of messages) {
  if (auto one = number_in("ONCUE_SIM_SEED", 0)) {
    auto result = play(one);
    CAF_CHECK_EQUAL(result.broken, "");
    return;
  }
  std::set<std::string> seen;
  auto seeds = number_in("ONCUE_SIM_SEEDS", 400);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    auto result = play(seed);
    if (!result.broken.empty()) CAF_ERROR("seed " << seed << ": " << result.broken);
    seen.insert(result.seen.begin(), result.seen.end());
    if (seed % 20 == 0) CAF_CHECK_EQUAL(play(seed).transcript, result.transcript);
  }
  for (const auto* what : {"COMPLETED", "CANCELLED", "ERROR", "paused", "child", "deadline_pause", "deadline_total",
                           "continue started", "continue not_paused", "cancel cancelled", "cancel accepted"}) {
    if (!seen.contains(what)) CAF_ERROR("never seen: " << what);
  }
}
