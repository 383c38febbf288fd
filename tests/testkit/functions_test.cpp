// C++ functions as tools in the kit: on virtual time, one at a time, stopped as in a program.
#define CAF_SUITE testkit.functions

#include <caf/test/unit_test.hpp>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

#include "oncue/testkit/node.hpp"
#include "oncue/testkit/wait.hpp"

using namespace oncue;
using namespace oncue::testkit;
using namespace std::chrono_literals;

namespace {

function_tool tool(std::string name, tool_function run) {
  function_tool made;
  made.spec.name = std::move(name);
  made.run = std::move(run);
  return made;
}

}  // namespace

CAF_TEST(a function answers in its turn and the model is told) {
  scripted_model model;
  model.answers(answer{}.call("add", R"({"a": 19, "b": 23})"));
  model.answers(answer{}.say("It is 42."));
  auto add = tool("add", [](const nlohmann::json& x, const tool_context& call) {
    CAF_CHECK_EQUAL(call.call_id, "call-1");
    return tool_answer{std::to_string(x["a"].get<int>() + x["b"].get<int>())};
  });
  node n{{.runtime = {.tools = {add}}, .model = model}};
  auto run = n.start("What is 19 and 23?");
  n.settle();
  CAF_CHECK_EQUAL(run.events.text(), "It is 42.");
  CAF_CHECK_EQUAL(run.events.whole(), "");
  CAF_REQUIRE_EQUAL(model.call(0).request().tools.size(), 1u);
  CAF_CHECK_EQUAL(model.call(0).request().tools[0].name, "add");
  CAF_CHECK_EQUAL(model.call(1).prompt(), "42");
}

CAF_TEST(functions wait side by side in virtual time) {
  scripted_model model;
  model.answers(answer{}.call("wait", R"({"ms": 500})").call("wait", R"({"ms": 200})"));
  model.answers(answer{}.say("done"));
  std::vector<int> order;
  auto wait_tool = tool("wait", [&order](const nlohmann::json& x, const tool_context& call) {
    auto ms = x["ms"].get<int>();
    auto passed = testkit::wait(call.stop, milliseconds{ms});
    order.push_back(ms);
    return tool_answer{passed ? "waited" : "stopped"};
  });
  node n{{.runtime = {.tools = {wait_tool}}, .model = model}};
  auto run = n.start("go");
  n.advance(199ms);
  CAF_CHECK(order.empty());
  n.advance(1ms);
  CAF_CHECK(order == std::vector<int>{200});
  n.advance(299ms);
  CAF_CHECK_EQUAL(order.size(), 1u);
  n.advance(1ms);
  CAF_CHECK(order == (std::vector<int>{200, 500}));
  CAF_CHECK_EQUAL(run.events.text(), "done");
  CAF_CHECK_EQUAL(run.events.find<tool_call_ended>()->duration_ms, 500u);
}

CAF_TEST(a cancel in the middle of a function is seen through its stop token) {
  scripted_model model;
  model.answers(answer{}.call("work"));
  bool told = false;
  auto work = tool("work", [&told](const nlohmann::json&, const tool_context& call) {
    std::stop_callback hangs_on_it{call.stop, [&told] { told = true; }};
    testkit::wait(call.stop);
    return tool_answer{"I was asked to stop", true};
  });
  node n{{.runtime = {.tools = {work}}, .model = model}};
  auto run = n.start("go");
  n.advance(1s);
  CAF_CHECK(!told);
  auto receipt = n.cancel(run.id);
  n.settle();
  CAF_CHECK(told);
  CAF_CHECK_EQUAL(receipt->tools, 1u);
  CAF_CHECK_EQUAL(receipt->tools_stopped, 1u);
  CAF_CHECK(run.events.find<tool_call_ended>()->stopped);
  CAF_CHECK_EQUAL(run.events.whole(), "");
}

CAF_TEST(a function that has not begun is withdrawn) {
  scripted_model model;
  model.answers(answer{}.call("work"));
  bool begun = false;
  auto work = tool("work", [&begun](const nlohmann::json&, const tool_context&) {
    begun = true;
    return tool_answer{};
  });
  node n{{.runtime = {.tools = {work}}, .model = model}};
  auto run = n.start("go");
  while (run.events.count<tool_call_started>() == 0 && n.step() > 0) continue;
  n.cancel(run.id);
  n.settle();
  CAF_CHECK(run.events.status() == run_status::cancelled);
  CAF_CHECK(!begun);
}

CAF_TEST(a deaf function is given up after its grace and unwound when the node goes) {
  bool unwound = false;
  {
    scripted_model model;
    model.answers(answer{}.call("deaf"));
    auto deaf = tool("deaf", [&unwound](const nlohmann::json&, const tool_context&) {
      struct at_end {
        bool& flag;
        ~at_end() { flag = true; }
      } guard{unwound};
      testkit::wait(std::stop_token{});
      return tool_answer{};
    });
    deaf.spec.grace = 2s;
    node n{{.runtime = {.tools = {deaf}}, .model = model}};
    auto run = n.start("go");
    n.settle();
    auto receipt = n.cancel(cancel_request{.run = run.id, .wait_ms = 10'000});
    n.advance(1999ms);
    CAF_CHECK(!receipt.came());
    n.advance(1ms);
    CAF_CHECK_EQUAL(receipt->tools_abandoned, 1u);
    CAF_CHECK(!unwound);
  }
  CAF_CHECK(unwound);
}

CAF_TEST(a function that takes too long is stopped at its own deadline) {
  scripted_model model;
  model.answers(answer{}.call("slow"));
  model.answers(answer{}.say("never mind"));
  auto slow = tool("slow", [](const nlohmann::json&, const tool_context& call) {
    return tool_answer{testkit::wait(call.stop, 1h) ? "waited" : "stopped"};
  });
  slow.spec.timeout = 30s;
  node n{{.runtime = {.tools = {slow}}, .model = model}};
  auto run = n.start("go");
  n.advance(30s);
  CAF_CHECK(run.events.find<tool_call_ended>()->failed);
  CAF_CHECK_EQUAL(run.events.text(), "never mind");
}

CAF_TEST(an exception of a function is a failed answer and outside of one nobody can wait) {
  scripted_model model;
  model.answers(answer{}.call("bad"));
  model.answers(answer{}.say("I see"));
  auto bad = tool(
      "bad", [](const nlohmann::json&, const tool_context&) -> tool_answer { throw std::runtime_error{"no such city"}; });
  node n{{.runtime = {.tools = {bad}}, .model = model}};
  auto run = n.start("go");
  n.settle();
  CAF_CHECK_EQUAL(run.events.find<tool_call_ended>()->result, "the tool failed: no such city");
  CAF_CHECK_THROWS_AS(testkit::wait(std::stop_token{}, 1ms), std::logic_error);
}

CAF_TEST(a function cannot move the node that runs it) {
  scripted_model model;
  model.answers(answer{}.call("eager"));
  model.answers(answer{}.say("I see"));
  node* its_node = nullptr;
  auto eager = tool("eager", [&its_node](const nlohmann::json&, const tool_context&) {
    its_node->settle();
    return tool_answer{};
  });
  node n{{.runtime = {.tools = {eager}}, .model = model}};
  its_node = &n;
  auto run = n.start("go");
  n.settle();
  CAF_CHECK_EQUAL(run.events.find<tool_call_ended>()->result,
                  "the tool failed: testkit: step(), settle() and advance() are for the test, not for what the node runs");
  CAF_CHECK_EQUAL(run.events.text(), "I see");
}

CAF_TEST(a function that really blocks is an error that names it) {
  scripted_model model;
  model.answers(answer{}.call("stuck"));
  auto stuck = tool("stuck", [](const nlohmann::json&, const tool_context& call) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock{mutex};
    never.wait(lock, call.stop, [] { return false; });
    return tool_answer{};
  });
  node n{{.runtime = {.tools = {stuck}}, .model = model, .patience = 50ms}};
  n.start("go");
  try {
    n.settle();
    CAF_ERROR("nobody noticed");
  } catch (const std::logic_error& error) {
    CAF_CHECK_EQUAL(std::string{error.what()},
                    "testkit: the function tool 'stuck' blocks: let it wait with testkit::wait()");
  }
}
