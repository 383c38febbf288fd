// Seeded interleavings: a node with several runs, readers fast, slow and vanishing, cancels early, late and repeated,
// streams and run actors that die, in an order of messages that the seed chooses. After each seed the promises are
// checked, and the same seed must give the same transcript. One seed more: ONCUE_SIM_SEED=n; more of them:
// ONCUE_SIM_SEEDS=n.
#define CAF_SUITE sim.interleavings

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
  std::set<std::string> endings;

  void note(std::string_view text) {
    for (unsigned char c : text) transcript = (transcript ^ c) * 1099511628211ull;
  }
};

struct planned_run {
  std::string id;
  recording reader;
  bool has_reader = false;
  recording late_reader;
  std::vector<std::shared_ptr<std::optional<cancel_reply>>> cancels;
  std::shared_ptr<std::optional<start_reply>> start;
};

std::string describe(const run_event& event) {
  std::string text = std::to_string(event.index) + ":" + std::to_string(event.body.index());
  if (const auto* delta = get_if<content_delta>(event)) text += delta->text;
  if (const auto* ended = get_if<run_ended>(event)) text += to_string(status_of(ended->how));
  return text + ";";
}

/// What one cancel's answer promises about the run's ending.
std::string honest(const cancel_reply& reply, const ending& how) {
  auto cancelled = how.kind == ending_kind::cancelled;
  switch (reply.outcome) {
    case cancel_outcome::cancelled:
    case cancel_outcome::accepted: return cancelled ? "" : "a cancel was granted, but the run ended otherwise";
    case cancel_outcome::already_ended: return cancelled ? "a cancel came too late, but the run is cancelled" : "";
    case cancel_outcome::intent_stored: return cancelled ? "" : "an intent was stored, but the run was not cancelled";
    case cancel_outcome::unknown: return "a cancel was not understood";
  }
  return {};
}

verdict play(std::uint64_t seed) {
  verdict result;
  std::uint64_t random = seed;
  auto roll = [&random](std::uint64_t n) { return core::next_random(random) % n; };

  node_options options;
  options.model = model_kind::scripted;
  options.scripted.first_token_delay = core::milliseconds{static_cast<int>(roll(3)) * 10};
  options.scripted.token_delay = core::milliseconds{static_cast<int>(roll(3)) * 7};
  options.scripted.tokens = static_cast<std::uint32_t>(1 + roll(40));
  options.roster.running_max = 1 + roll(4);
  if (roll(4) == 0) options.limits = {.first_token = 15ms, .idle = 10ms, .total = 60ms};
  node n{options};

  std::vector<std::unique_ptr<planned_run>> runs;
  auto count = 1 + roll(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    auto run = std::make_unique<planned_run>();
    run->id = "r" + std::to_string(i);
    if (roll(6) == 0) run->cancels.push_back(n.cancel(run->id));  // before the start
    if (roll(2) == 0) n.shuffle(random, roll(20));
    run->start = n.start(run->id);
    runs.push_back(std::move(run));
  }
  for (int step = 0; step < 60; ++step) {
    auto& run = *runs[roll(count)];
    switch (roll(12)) {
      case 0: run.cancels.push_back(n.cancel(run.id, static_cast<std::uint32_t>(roll(50)))); break;
      case 1: n.scheduler().advance_time(core::milliseconds{static_cast<int>(roll(20))}); break;
      case 2:
        if (*run.start && (*run.start)->source && roll(8) == 0) {
          caf::anon_send_exit((*run.start)->source, caf::exit_reason::kill);
          result.note("kill");
        }
        break;
      case 3:
        if (!run.has_reader && *run.start) {
          run.has_reader = true;
          auto handle = n.record(run.id, run.reader);
          if (roll(6) == 0) {
            n.shuffle(random, roll(10));
            caf::anon_send_exit(handle, caf::exit_reason::kill);  // the reader vanishes
          }
        }
        break;
      default: n.shuffle(random, roll(25)); break;
    }
  }
  // Whatever is still open is let go on, then cancelled, in the seed's order.
  for (int i = 0; i < 200; ++i) {
    n.shuffle(random, 50);
    n.scheduler().advance_time(5ms);
  }
  for (auto& run : runs) run->cancels.push_back(n.cancel(run->id));
  for (int i = 0; i < 100; ++i) {
    n.shuffle(random, 1000);
    n.scheduler().advance_time(100ms);
  }
  n.settle();
  for (auto& run : runs) n.record(run->id, run->late_reader);
  n.settle();

  auto broken = [&](const planned_run& run, const std::string& what) {
    if (!what.empty() && result.broken.empty()) result.broken = run.id + ": " + what;
  };
  for (auto& run : runs) {
    if (!*run->start || (*run->start)->refused) {
      broken(*run, "the start was not answered");
      continue;
    }
    const auto& log = run->late_reader.events;
    broken(*run, whole_log(log));
    if (!run->late_reader.ended) broken(*run, "a reader of an ended run does not see its end: " + run->late_reader.lost);
    const auto* ended = ending_of(log);
    if (!ended) continue;
    result.endings.insert(std::string{to_string(status_of(ended->how))});
    // A reader sees a prefix of the log, whatever happened to it or to the run's actor.
    const auto& seen = run->reader.events;
    if (seen.size() > log.size() || !std::equal(seen.begin(), seen.end(), log.begin())) {
      broken(*run, "a reader saw something else than a prefix of the log");
    }
    for (const auto& reply : run->cancels) {
      if (!*reply) {
        broken(*run, "a cancel was not answered");
      } else {
        broken(*run, honest(**reply, ended->how));
      }
    }
    for (const auto& event : log) result.note(describe(*event));
  }
  return result;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

CAF_TEST(in every order of messages the promises hold and a seed repeats itself) {
  auto first = from_environment("ONCUE_SIM_SEED", 1);
  auto seeds = from_environment("ONCUE_SIM_SEEDS", std::getenv("ONCUE_SIM_SEED") ? 1 : 1000);
  std::set<std::string> endings;
  std::set<std::uint64_t> transcripts;
  for (auto seed = first; seed < first + seeds; ++seed) {
    auto result = play(seed);
    if (!result.broken.empty()) CAF_FAIL("seed " << seed << ": " << result.broken);
    if (seed % 20 == 0 && play(seed).transcript != result.transcript) CAF_FAIL("seed " << seed << " did not repeat itself");
    endings.insert(result.endings.begin(), result.endings.end());
    transcripts.insert(result.transcript);
  }
  CAF_MESSAGE("seeds " << first << " to " << first + seeds - 1 << ", " << transcripts.size() << " different transcripts");
  if (seeds >= 100) {
    CAF_CHECK_EQUAL(endings.size(), 3u);
    CAF_CHECK(transcripts.size() > seeds / 2);
  }
}
