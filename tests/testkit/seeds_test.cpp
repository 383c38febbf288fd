// Seeded orders: a seed repeats itself exactly, seeds differ, and one that breaks something is named.
#define CAF_SUITE testkit.seeds

#include "oncue/testkit/seeds.hpp"

#include <caf/test/unit_test.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "oncue/testkit/node.hpp"
#include "oncue/testkit/wait.hpp"

using namespace oncue;
using namespace oncue::testkit;
using namespace std::chrono_literals;

namespace {

struct played {
  std::string broken;
  std::string transcript;
};

/// Three runs with a tool, one of them cancelled at some moment.
played play(std::uint64_t seed) {
  scripted_model model;
  model.always(answer{}.say("a").say("b").wait(5ms).say("c"));
  model.answers(answer{}.think("hm").call("work").call("work"));
  function_tool work;
  work.spec.name = "work";
  work.run = [](const nlohmann::json&, const tool_context& call) {
    return tool_answer{testkit::wait(call.stop, 20ms) ? "worked" : "stopped"};
  };
  node n{{.runtime = {.tools = {work}}, .model = model, .shuffle = seed}};
  std::vector<test_run> runs;
  for (int i = 0; i < 3; ++i) {
    runs.push_back(n.start("go"));
    n.step(n.roll(30));
  }
  n.advance(milliseconds{static_cast<int>(n.roll(30))});
  n.step(n.roll(10));
  auto receipt = n.cancel(runs[n.roll(3)].id);
  n.advance(1s);
  played result;
  result.transcript = std::string{to_string(receipt->outcome)} + "\n";
  for (const auto& run : runs) {
    result.transcript += run.events.transcript();
    if (auto what = run.events.whole(); !what.empty()) result.broken = run.id.value + ": " + what;
  }
  return result;
}

}  // namespace

CAF_TEST(in every order the promises hold and a seed repeats itself) {
  std::set<std::string> transcripts;
  auto broken = for_each_seed(1, 200, [&](std::uint64_t seed) {
    auto once = play(seed);
    if (play(seed).transcript != once.transcript) return std::string{"it did not repeat itself"};
    transcripts.insert(once.transcript);
    return once.broken;
  });
  CAF_CHECK_EQUAL(broken, "");
  CAF_MESSAGE(transcripts.size() << " different transcripts");
  if (!std::getenv(seed_variable)) CAF_CHECK(transcripts.size() > 20);
}

CAF_TEST(a seed that breaks something is named with its replay) {
  std::vector<std::uint64_t> tried;
  auto play_until_17 = [&](std::uint64_t seed) -> std::string {
    tried.push_back(seed);
    if (seed >= 17) throw std::runtime_error{"no ending"};
    return {};
  };
  ::unsetenv(seed_variable);
  CAF_CHECK_EQUAL(for_each_seed(10, 100, play_until_17), "seed 17 (again: ONCUE_TEST_SEED=17): no ending");
  CAF_CHECK_EQUAL(tried.size(), 8u);
  ::setenv(seed_variable, "12", 1);
  tried.clear();
  CAF_CHECK_EQUAL(for_each_seed(10, 100, play_until_17), "");
  CAF_CHECK(tried == std::vector<std::uint64_t>{12});
  ::setenv(seed_variable, "often", 1);
  CAF_CHECK_EQUAL(for_each_seed(10, 100, play_until_17), "ONCUE_TEST_SEED: expected a number, got 'often'");
  ::unsetenv(seed_variable);
}
