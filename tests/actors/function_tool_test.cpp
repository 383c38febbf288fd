// Function tools on a real actor system and real threads. Functions block until the test lets them go on; nothing sleeps.
#define CAF_SUITE actors.function_tool

#include "oncue/actors/function_tool.hpp"

#include <atomic>
#include <caf/test/unit_test.hpp>
#include <future>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "oncue/io/function_threads.hpp"
#include "support/tool_sink.hpp"

using namespace oncue;
using namespace std::chrono_literals;
using oncue::test::called_tool;
using oncue::test::tool_system;

namespace {

struct gate {
  std::promise<void> entered;
  std::promise<void> let_go;
  std::promise<void> left;
  std::shared_future<void> may_go{let_go.get_future()};

  static bool is_there(std::promise<void>& what) { return what.get_future().wait_for(20s) == std::future_status::ready; }
};

/// Blocks at the gate, deaf to a stop.
tool_function deaf(const std::shared_ptr<gate>& at) {
  return [at](const nlohmann::json&, const tool_context&) {
    at->entered.set_value();
    at->may_go.wait();
    at->left.set_value();
    return tool_answer{"too late"};
  };
}

struct fixture {
  tool_system node;
  std::shared_ptr<io::function_threads> threads = std::make_shared<io::function_threads>();
  core::tool_spec spec;

  called_tool tool(tool_function function) {
    return {node.system, actors::spawn_function_tool(node.system, std::make_shared<core::tool_spec>(spec),
                                                     std::make_shared<tool_function>(std::move(function)), threads)};
  }
  std::string call(tool_function function, std::string arguments = "{}") {
    auto one = tool(std::move(function));
    one.start(std::move(arguments));
    return one.result();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(function_tool_tests, fixture)

CAF_TEST(a function is given its arguments and its answer is the result) {
  auto one = tool([](const nlohmann::json& arguments, const tool_context& context) {
    return tool_answer{context.run.value + " " + context.call_id + " " + arguments.at("city").get<std::string>()};
  });
  one.start(R"({"city":"Köln"})");
  CAF_CHECK_EQUAL(one.result(), "run-1 call-1 Köln");
  CAF_CHECK_EQUAL(one.told->results.at(0).number, 7u);
  CAF_CHECK_EQUAL(one.told->closed.at(0).number, 7u);
  CAF_CHECK(!one.told->closed.at(0).abandoned);
}

CAF_TEST(a function that fails or throws is a failed result) {
  CAF_CHECK_EQUAL(call([](const auto&, const auto&) { return tool_answer{"no such city", true}; }), "failed: no such city");
  CAF_CHECK_EQUAL(call([](const auto&, const auto&) -> tool_answer { throw std::runtime_error{"boom"}; }),
                  "failed: the tool failed: boom");
  CAF_CHECK_EQUAL(call([](const auto&, const auto&) -> tool_answer { throw 3; }),
                  "failed: the tool failed, and did not say why");
  CAF_CHECK_EQUAL(
      call([](const auto& x, const auto&) { return tool_answer{x.at("city").template get<std::string>()}; }).substr(0, 25),
      "failed: the tool failed: ");
  CAF_CHECK_EQUAL(call({}), "failed: the tool failed: bad_function_call");
}

CAF_TEST(arguments that are no object never reach the function) {
  for (const char* bad : {"[]", "3", "{\"a\":", "nonsense"}) {
    CAF_CHECK_EQUAL(call([](const auto&, const auto&) { return tool_answer{"called"}; }, bad),
                    "failed: the arguments are no JSON object");
  }
  CAF_CHECK_EQUAL(call([](const auto& x, const auto&) { return tool_answer{x.dump()}; }, ""), "{}");
}

CAF_TEST(an answer is repaired and cut to what a result may have) {
  spec.result_bytes_max = 100;
  auto text = call([](const auto&, const auto&) { return tool_answer{"\xff" + std::string(1000, 'x')}; });
  CAF_CHECK_EQUAL(text.size(), 100u);
  CAF_CHECK(text.starts_with("\xEF\xBF\xBDxxx"));
  CAF_CHECK(text.ends_with("[cut: the whole text has 1001 bytes]"));
}

CAF_TEST(a function that listens is stopped and its answer is not heard) {
  spec.grace = 20s;
  auto at = std::make_shared<gate>();
  auto one = tool([at](const nlohmann::json&, const tool_context& context) {
    std::promise<void> asked;
    std::stop_callback on_stop{context.stop, [&] { asked.set_value(); }};
    at->entered.set_value();
    asked.get_future().wait();
    return tool_answer{"stopped"};
  });
  one.start();
  CAF_CHECK(gate::is_there(at->entered));
  one.stop();
  one.stop();
  CAF_CHECK_EQUAL(one.result(), "no result");
  CAF_CHECK(!one.told->closed.at(0).abandoned);
}

CAF_TEST(a function that does not listen is given up after its grace) {
  spec.grace = 10ms;
  auto at = std::make_shared<gate>();
  auto one = tool(deaf(at));
  one.start();
  CAF_CHECK(gate::is_there(at->entered));
  one.stop();
  CAF_CHECK_EQUAL(one.result(), "no result");
  CAF_CHECK(one.told->closed.at(0).abandoned);
  CAF_CHECK_EQUAL(threads->counted().busy, 0u);
  at->let_go.set_value();
  CAF_CHECK(gate::is_there(at->left));
}

CAF_TEST(a call that waits for a thread is withdrawn at once) {
  threads = std::make_shared<io::function_threads>(1);
  spec.grace = 20s;
  auto at = std::make_shared<gate>();
  auto busy = tool(deaf(at));
  busy.start();
  CAF_CHECK(gate::is_there(at->entered));
  std::atomic<int> calls{0};
  auto waiting = tool([&](const auto&, const auto&) {
    ++calls;
    return tool_answer{};
  });
  waiting.start();
  waiting.stop_in_line();
  CAF_CHECK_EQUAL(waiting.result(), "no result");
  CAF_CHECK(!waiting.told->closed.at(0).abandoned);
  at->let_go.set_value();
  CAF_CHECK_EQUAL(busy.result(), "too late");
  CAF_CHECK_EQUAL(calls, 0);
}

CAF_TEST(a stop that comes before the start starts nothing) {
  std::atomic<int> calls{0};
  auto one = tool([&](const auto&, const auto&) {
    ++calls;
    return tool_answer{};
  });
  one.stop();
  one.start();
  CAF_CHECK_EQUAL(one.result(), "no result");
  CAF_CHECK_EQUAL(calls, 0);
}

CAF_TEST(a function whose run is gone is stopped and its actor ends) {
  spec.grace = 10ms;
  auto at = std::make_shared<gate>();
  auto one = tool(deaf(at));
  one.start();
  CAF_CHECK(gate::is_there(at->entered));
  one.kill_sink();
  one.tool = nullptr;
  node.wait_for_actors();
  CAF_CHECK_EQUAL(threads->counted().busy, 0u);
  at->let_go.set_value();
  CAF_CHECK(gate::is_there(at->left));
}

CAF_TEST(an actor that is killed gives its function up) {
  auto at = std::make_shared<gate>();
  auto one = tool(deaf(at));
  one.start();
  CAF_CHECK(gate::is_there(at->entered));
  caf::anon_send_exit(one.tool, caf::exit_reason::kill);
  one.tool = nullptr;
  one.kill_sink();
  node.wait_for_actors();
  CAF_CHECK_EQUAL(threads->counted().busy, 0u);
  at->let_go.set_value();
  CAF_CHECK(gate::is_there(at->left));
}

CAF_TEST(a function that was given up may return when the actor system has gone) {
  auto at = std::make_shared<gate>();
  auto held = std::make_shared<int>(1);
  std::weak_ptr<int> watched = held;
  {
    auto own = std::make_unique<tool_system>();
    auto own_threads = std::make_shared<io::function_threads>();
    core::tool_spec quick;
    quick.grace = 0ms;
    tool_function function = [inner = deaf(at), held = std::move(held)](const auto& x, const auto& context) {
      return inner(x, context);
    };
    called_tool one{own->system,
                    actors::spawn_function_tool(own->system, std::make_shared<core::tool_spec>(quick),
                                                std::make_shared<tool_function>(std::move(function)), own_threads)};
    one.start();
    CAF_CHECK(gate::is_there(at->entered));
    one.stop();
    CAF_CHECK(one.closed());
    CAF_CHECK(one.told->closed.at(0).abandoned);
    one.tool = nullptr;
    one.kill_sink();
    own_threads = nullptr;
    own = nullptr;
  }
  CAF_CHECK(!watched.expired());
  at->let_go.set_value();
  CAF_CHECK(gate::is_there(at->left));
}

CAF_TEST(stops that race with answers end each call once) {
  spec.grace = 0ms;
  std::vector<called_tool> all;
  for (int i = 0; i < 500; ++i) {
    all.push_back(tool([](const auto&, const auto&) { return tool_answer{"quick"}; }));
    all.back().start();
    if (i % 2 == 0) all.back().stop_in_line();
  }
  int answered = 0;
  for (const auto& one : all) {
    CAF_REQUIRE(one.closed());
    answered += static_cast<int>(one.told->results.size());
  }
  CAF_CHECK(answered >= 250);
  CAF_MESSAGE(answered << " answered");
}

CAF_TEST_FIXTURE_SCOPE_END()
