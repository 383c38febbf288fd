// Seeded interleavings: a node with several runs, some of them in the same session, readers fast, slow and vanishing,
// cancels early, late and repeated, runs that interrupt others, run actors that die, in an order of messages that the seed
// chooses. After each seed the promises are
// checked, and the same seed must give the same transcript. One seed more: ONCUE_SIM_SEED=n; more of them:
// ONCUE_SIM_SEEDS=n.
#define CAF_SUITE sim.interleavings

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cstdlib>
#include <set>

#include "support/journal_front.hpp"
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
  std::string session;  // empty: one of its own
  session_policy policy = session_policy::enqueue;
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

/// One run at a time: when one calls the model, each that called it before in the same session is ended in the journal,
/// and the model is told of just those that had completed with a text.
class session_watch {
 public:
  session_watch(const std::vector<std::unique_ptr<planned_run>>& runs, const journal_front& journal)
      : runs_{runs}, journal_{journal} {}

  void called(const model_request& request) {
    const auto& id = request.messages.back().content;  // a run's input is its id
    std::string told;
    for (std::size_t i = 0; i + 1 < request.messages.size(); ++i) {
      if (request.messages[i].role == chat_role::user) told += request.messages[i].content + " ";
    }
    const auto& session = find(id).session;
    for (const auto& [other, _] : calls_) {
      auto same = other != id && !session.empty() && find(other).session == session;
      if (same && !journal_.ended.contains(other)) broken_ = id + " began while " + other + " had no ending";
    }
    calls_.emplace_back(id, std::move(told));
  }

  /// What was broken. All runs have ended, and their whole logs were read.
  std::string verdict() const {
    if (!broken_.empty()) return broken_;
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      const auto& [id, told] = calls_[i];
      std::string expected;
      for (std::size_t k = 0; k < i && !find(id).session.empty(); ++k) {
        const auto& other = find(calls_[k].first);
        if (other.session != find(id).session) continue;
        const auto* ended = ending_of(other.late_reader.events);
        if (ended && ended->how.kind == ending_kind::completed && !ended->content.empty()) expected += other.id + " ";
      }
      if (told != expected) return id + " was told of '" + told + "' instead of '" + expected + "'";
    }
    return {};
  }

 private:
  const planned_run& find(const std::string& id) const {
    return **std::find_if(runs_.begin(), runs_.end(), [&](const auto& x) { return x->id == id; });
  }

  const std::vector<std::unique_ptr<planned_run>>& runs_;
  const journal_front& journal_;
  std::vector<std::pair<std::string, std::string>> calls_;  // the run, and of whom its model was told
  std::string broken_;
};

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
  std::vector<std::unique_ptr<planned_run>> runs;
  journal_front journal;
  session_watch sessions{runs, journal};
  options.on_call = [&sessions](const model_request& request) { sessions.called(request); };
  node n{with_front(journal, options)};

  auto count = 1 + roll(6);
  for (std::uint64_t i = 0; i < count; ++i) {
    auto run = std::make_unique<planned_run>();
    run->id = "r" + std::to_string(i);
    if (roll(6) == 0) run->cancels.push_back(n.cancel(run->id));  // before the start
    if (roll(2) == 0) n.shuffle(random, roll(20));
    if (roll(3) > 0) run->session = "s" + std::to_string(roll(2));
    run->policy = static_cast<session_policy>(roll(3));
    run->start = n.start_in(run->session, run->id, run->id, run->policy);
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
    auto answer = refused(run->start);
    if (answer == "session_busy" && run->policy == session_policy::reject && !run->session.empty()) {
      result.endings.insert("refused");
      continue;
    }
    if (answer != "started") {
      broken(*run, "the start was answered with " + answer);
      continue;
    }
    const auto& log = run->late_reader.events;
    broken(*run, whole_log(log));
    if (!run->late_reader.ended) broken(*run, "a reader of an ended run does not see its end: " + run->late_reader.lost);
    const auto* ended = ending_of(log);
    if (!ended) continue;
    result.endings.insert(ended->how.by == "interrupt" ? "interrupted" : std::string{to_string(status_of(ended->how))});
    // A reader sees a prefix of the log, whatever happened to it or to the run's actor.
    const auto& seen = run->reader.events;
    if (seen.size() > log.size() || !std::equal(seen.begin(), seen.end(), log.begin())) {
      broken(*run, "a reader saw something else than a prefix of the log");
    }
    for (const auto& reply : run->cancels) {
      if (!*reply) {
        broken(*run, "a cancel was not answered");
      } else {
        broken(*run, honest_cancel(**reply, ended->how));
      }
    }
    for (const auto& event : log) result.note(describe(*event));
  }
  if (auto what = sessions.verdict(); !what.empty() && result.broken.empty()) result.broken = what;
  auto stats = n.ask<node_stats>(get_stats{});
  n.settle();
  if ((*stats)->queued + (*stats)->running > 0 && result.broken.empty()) result.broken = "the node still counts runs";
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
    CAF_CHECK_EQUAL(endings.size(), 5u);
    CAF_CHECK(transcripts.size() > seeds / 4);
  }
}
