// A test of an agent of one's own, without a key, a network or a second of waiting: the model says what the test wants, the
// agent's C++ function really runs, time is virtual, and each seed is another order of messages. Here an agent that looks
// up the weather is cancelled before its first token, and in the middle of its tool. Any test framework can be around it: a
// check is a sentence about what is broken, or nothing. Break the agent to see one fail: let it ask for another city, or
// let it not look at its stop token.
//
//   build/dev/examples/06_agent_test
//   ONCUE_TEST_SEED=7 build/dev/examples/06_agent_test    one seed alone
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "oncue/core/config.hpp"
#include "oncue/testkit.hpp"

using namespace std::chrono_literals;
namespace testkit = oncue::testkit;

namespace {

// -- the program: what it waits for is handed in ------------------------------------

using weather_service = std::function<std::string(const std::string& city, const std::stop_token&)>;

oncue::runtime_options make_options(weather_service service) {
  oncue::function_tool weather;
  weather.spec.name = "weather";
  weather.spec.parameters = R"({"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}})";
  weather.run = [service](const nlohmann::json& arguments, const oncue::tool_context& call) {
    return oncue::tool_answer{service(arguments.at("city").get<std::string>(), call.stop)};
  };
  auto config = std::get<oncue::core::config>(oncue::core::default_config({}));
  config.agents.front().id = {"forecaster"};
  config.agents.front().name = "Forecaster";
  config.agents.front().tools = {"weather"};
  oncue::runtime_options options;
  options.catalog = oncue::core::make_catalog(config);
  options.tools = {weather};
  return options;
}

// -- its test -----------------------------------------------------------------------

struct forecast {
  explicit forecast(std::uint64_t seed) {
    model.answers(testkit::answer{}.wait(300ms).call("weather", R"({"city": "Paris"})"));
    model.answers(testkit::answer{}.wait(200ms).say("It is ").wait(20ms).say("sunny."));
    auto service = [this](const std::string& city, const std::stop_token& stop) -> std::string {
      ++asked;
      return testkit::wait(stop, 500ms) ? "sunny in " + city : "never mind";
    };
    node.emplace(testkit::node_options{.runtime = make_options(service), .model = model, .shuffle = seed});
    run = node->start("How is the weather in Paris?");
  }

  // Whatever the moment: the run ends as cancelled, its log is whole, and nothing of it is open.
  std::string cancelled_at_once() {
    node->step(node->roll(20));
    auto receipt = node->cancel(run.id);
    node->settle();
    // In some orders the cancel is there before the start: it is kept for it.
    auto outcome = receipt->outcome;
    if (outcome != oncue::cancel_outcome::cancelled && outcome != oncue::cancel_outcome::intent_stored) {
      return "the answer was: " + std::string{to_string(outcome)};
    }
    if (receipt->tools != receipt->tools_stopped) return "a tool was left";
    if (run.events.status() != oncue::run_status::cancelled) return "the run has another ending";
    if (model.calls() > 0 && !model.last().closed()) return "the model was left open";
    return run.events.whole();
  }

  testkit::scripted_model model;
  int asked = 0;
  std::optional<testkit::node> node;
  testkit::test_run run;
};

std::string answers(std::uint64_t seed) {
  forecast test{seed};
  test.node->advance(2s);
  if (auto broken = test.run.events.whole(); !broken.empty()) return broken;
  if (test.model.call(1).prompt() != "sunny in Paris") return "the model was told: " + test.model.call(1).prompt();
  if (test.run.events.text() != "It is sunny.") return "it said: " + test.run.events.text();
  return {};
}

std::string cancelled_before_the_first_token(std::uint64_t seed) {
  forecast test{seed};
  auto broken = test.cancelled_at_once();
  return broken.empty() && test.asked > 0 ? "the weather was asked for" : broken;
}

std::string cancelled_in_the_middle_of_the_tool(std::uint64_t seed) {
  forecast test{seed};
  test.node->advance(301ms);
  if (test.asked != 1) return "the tool has not begun";
  auto broken = test.cancelled_at_once();
  const auto* ended = test.run.events.find<oncue::tool_call_ended>();
  if (broken.empty() && (!ended || !ended->stopped)) return "the tool was not stopped";
  return broken;
}

bool passes(const char* what, const std::function<std::string(std::uint64_t)>& play) {
  auto broken = testkit::for_each_seed(1, 200, play);
  std::cout << what << ": " << (broken.empty() ? "ok" : broken) << "\n";
  return broken.empty();
}

}  // namespace

int main() {
  auto good = passes("answers", answers);
  good = passes("cancelled before the first token", cancelled_before_the_first_token) && good;
  good = passes("cancelled in the middle of the tool", cancelled_in_the_middle_of_the_tool) && good;
  std::cout << (good ? "SUCCESS\n" : "FAILURE\n");
  return good ? 0 : 1;
}
