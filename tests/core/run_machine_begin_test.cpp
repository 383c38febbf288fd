// How a run begins: with what was said in its session before, or not at all; and what goes with every call.
#define CAF_SUITE core.run_machine_begin

#include <caf/test/unit_test.hpp>

#include "support/machine_bench.hpp"
#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
namespace fx = core::effect;
namespace sig = core::signal;

namespace {

std::string told(const machine_bench& bench) {
  const auto* open = bench.find<fx::open_stream>();
  if (!open) return "no call";
  std::string all;
  for (const auto& message : open->request.messages) {
    constexpr const char* roles[] = {"s:", "u:", "a:", "t:"};
    all += roles[static_cast<std::size_t>(message.role)] + message.content + " ";
  }
  return all;
}

core::agent_entry agent(std::string description, std::string instructions) {
  auto entry = machine_bench::default_entry();
  entry.agent.description = std::move(description);
  entry.agent.instructions = std::move(instructions);
  return entry;
}

const std::vector<chat_message> before{{chat_role::user, "Who?", {}, {}}, {chat_role::assistant, "A fox.", {}, {}}};

}  // namespace

CAF_TEST(the system message is the description and the instructions) {
  struct row {
    const char *description, *instructions, *expected;
  };
  for (const auto& [description, instructions, expected] :
       {row{"", "", "u:tell "}, row{"D", "", "s:D u:tell "}, row{"", "I", "s:I u:tell "},
        row{"D", "I", "s:D\n\nI u:tell "}}) {
    machine_bench bench{agent(description, instructions)};
    bench.step(sig::begin{});
    CAF_CHECK_EQUAL(told(bench), expected);
  }
}

CAF_TEST(every call of a run is told what was said in the session before) {
  machine_bench bench{agent("", "I")};
  bench.step(sig::begin{before, {}});
  CAF_CHECK_EQUAL(told(bench), "s:I u:Who? a:A fox. u:tell ");
  bench.step(bench.failure(true)).step(model_closed{1}).advance_ms(2000).step(sig::timer{});
  CAF_CHECK_EQUAL(told(bench), "s:I u:Who? a:A fox. u:tell ");  // the second attempt
  bench.step(bench.delta("Let me see.")).step(bench.calls({"a"})).step(model_closed{2});
  bench.step(tool_result{1, false, "42"});
  CAF_CHECK_EQUAL(told(bench), "s:I u:Who? a:A fox. u:tell a:Let me see. t:42 ");  // the second turn
}

CAF_TEST(a run begins once and not after its end) {
  machine_bench twice;
  twice.step(sig::begin{}).step(sig::begin{before, {}});
  CAF_CHECK(twice.last.empty());
  machine_bench cancelled;
  cancelled.cancel().confirm();
  cancelled.step(sig::begin{before, {}});
  CAF_CHECK(cancelled.last.empty());
  cancelled.step(sig::begin{{}, "too late"});
  CAF_CHECK(cancelled.last.empty());
  CAF_CHECK_EQUAL(whole_log(cancelled.published), "");
}

CAF_TEST(a run that cannot be told its history fails and never calls the model) {
  machine_bench bench;
  bench.step(sig::begin{{}, "the history is gone"}).confirm();
  CAF_CHECK(bench.opened.empty());
  CAF_CHECK(bench.closed);
  const auto* ended = ending_of(bench.published);
  CAF_REQUIRE(ended);
  CAF_CHECK_EQUAL(to_string(ended->how.code), "journal_failed");
  CAF_CHECK_EQUAL(ended->how.message, "the history is gone");
}

CAF_TEST(the node hears of the ending before any reader does) {
  for (bool ours : {true, false}) {
    machine_bench bench;
    bench.go_to(run_phase::streaming).confirm().step(bench.done());
    if (ours) {
      bench.confirm();
    } else {
      ending how{.kind = ending_kind::cancelled};
      bench.step(finished{{"r1"}, event_ptr{run_event{9, 0, boxed<run_ended>{{.how = how}}}}});
    }
    const auto* status = bench.find<fx::change_status>();
    CAF_REQUIRE(status);
    CAF_CHECK_EQUAL(to_string(status->status), ours ? "COMPLETED" : "CANCELLED");
    auto told_at = ours ? bench.position<fx::publish>() : bench.position<fx::defer_to_journal>();
    CAF_CHECK(bench.position<fx::change_status>() < told_at);
  }
}
