#include <iostream>
#include <nlohmann/json.hpp>
#include <oncue/testkit.hpp>

using namespace std::chrono_literals;
namespace testkit = oncue::testkit;

namespace {

std::string plays(std::uint64_t seed) {
  testkit::scripted_model model;
  model.answers(testkit::answer{}.wait(300ms).call("shout", R"({"text": "hello"})"));
  model.answers(testkit::answer{}.say("done"));
  oncue::function_tool shout;
  shout.spec.name = "shout";
  shout.run = [](const nlohmann::json& arguments, const oncue::tool_context& call) {
    testkit::wait(call.stop, 1h);
    return oncue::tool_answer{arguments["text"].get<std::string>() + "!"};
  };
  testkit::node node{{.runtime = {.tools = {shout}}, .model = model, .shuffle = seed}};
  auto run = node.start("hello");
  node.advance(300ms);
  auto receipt = node.cancel(run.id);
  node.settle();
  if (receipt->tools_stopped != 1) return "the tool was not stopped";
  return run.events.whole();
}

}  // namespace

int main() {
  auto broken = testkit::for_each_seed(1, 20, plays);
  std::cout << "consumer_test: " << (broken.empty() ? "ok" : broken) << "\n";
  return broken.empty() ? 0 : 1;
}
