#define CAF_SUITE core.run_machine_tools

#include <caf/test/unit_test.hpp>

#include "oncue/core/limits.hpp"
#include "oncue/core/run_machine.hpp"
#include "support/machine_bench.hpp"
#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
namespace fx = core::effect;
namespace sig = core::signal;
using enum run_phase;

namespace {

/// The bodies of one sort in a log.
template <class T>
std::vector<T> all(const std::vector<event_ptr>& log) {
  std::vector<T> found;
  for (const auto& event : log) {
    if (const auto* body = get_if<T>(*event)) found.push_back(*body);
  }
  return found;
}

std::string results(const std::vector<event_ptr>& log) {
  std::string text;
  for (const auto& x : all<tool_call_ended>(log)) {
    text += x.call.id + (x.stopped ? " stopped" : x.failed ? " failed" : " ok") + ";";
  }
  return text;
}

std::string name_of(const machine_bench& bench) { return std::string{to_string(bench.machine.phase())}; }

model_done asks(const machine_bench& bench, std::vector<tool_call> calls) {
  return {bench.machine.attempt(), "tool_calls", {}, std::move(calls)};
}

tool_decision yes(std::string id) {
  tool_decision word;
  word.call_id = std::move(id);
  word.confirmed = true;
  return word;
}

tool_decision no(std::string id, std::string note = {}) {
  auto word = yes(std::move(id));
  word.confirmed = false;
  word.note = std::move(note);
  return word;
}

cancel_request graceful(cancel_mode mode, std::uint64_t grace_ms = 0, std::uint32_t wait_ms = 60'000) {
  cancel_request request{.run = {"r1"}, .reason = "enough", .by = "test", .wait_ms = wait_ms};
  request.mode = mode;
  request.grace_ms = grace_ms;
  return request;
}

event_ptr event(event_index index, event_body body) { return event_ptr{run_event{index, 0, std::move(body)}}; }

run_id child_of(machine_bench& bench) { return all<tool_call_started>(bench.confirm().logged).at(0).facts.child; }

}  // namespace

// -- the turn loop ---------------------------------------------------------------------

CAF_TEST(tools run in turns and their results go back to the model in its order) {
  machine_bench bench;
  bench.go_to(tools).confirm();
  bench.step(tool_result{2, true, "no such file"}).step(tool_result{2, false, "twice"});
  CAF_CHECK_EQUAL(name_of(bench), "tools");
  bench.confirm().step(bench.result(1, "42"));
  const auto* open = bench.find<fx::open_stream>();
  CAF_REQUIRE(open != nullptr);
  const auto& messages = open->request.messages;
  CAF_REQUIRE_EQUAL(messages.size(), 4u);
  CAF_CHECK_EQUAL(messages[1].content, "Once ");
  CAF_CHECK_EQUAL(messages[1].tool_calls.size(), 2u);
  CAF_CHECK_EQUAL(messages[2].tool_call_id, "a");
  CAF_CHECK_EQUAL(messages[2].content, "42");
  CAF_CHECK_EQUAL(messages[3].content, "no such file");
  CAF_CHECK_EQUAL(open->request.tools.size(), machine_bench::default_tools()->tools().size());
  bench.step(bench.calls({"c"})).step(model_closed{2}).step(bench.result(3, ""));
  CAF_CHECK_EQUAL(bench.find<fx::open_stream>()->request.messages.back().content, "(no output)");
  bench.step(bench.calls({"d"}));  // the third of three turns
  CAF_CHECK_EQUAL(to_string(bench.machine.decided()->code), "turn_limit");
  CAF_CHECK_EQUAL(bench.count<fx::open_tool>(), 0);
}

CAF_TEST(what the model asked for is in the log with where its text ends) {
  machine_bench bench;
  bench.go_to(tools).confirm();
  auto answers = all<model_request_completed>(bench.logged);
  CAF_REQUIRE_EQUAL(answers.size(), 1u);
  CAF_CHECK_EQUAL(answers[0].tool_calls.size(), 2u);
  CAF_CHECK_EQUAL(answers[0].text_bytes, 5u);
}

CAF_TEST(a wrong call goes back to the model and nothing is started for it) {
  struct wrong {
    tool_call call;
    const char* why;
  };
  for (const auto& [call, why] :
       {wrong{{"1", "rm", "{}"}, "no tool named 'rm'"}, wrong{{"1", "tool_sum", "{}"}, "x"},
        wrong{{"1", "tool_sum", R"({"x":"one"})"}, "arguments.x"}, wrong{{"1", "tool_sum", "{\"x\":"}, "not JSON"},
        wrong{{"1", "tool_sum", "[1]"}, "array"}, wrong{{"1", "tool_sum", std::string(300, '[')}, "deep"}}) {
    machine_bench bench;
    bench.go_to(streaming).step(asks(bench, {call}));
    CAF_CHECK_EQUAL(bench.count<fx::open_tool>(), 0);
    CAF_CHECK_EQUAL(bench.count<fx::open_stream>(), 1);
    CAF_CHECK_EQUAL(results(bench.confirm().logged), "1 failed;");
    auto said = all<tool_call_ended>(bench.logged)[0].result;
    CAF_CHECK(said.find(why) != std::string::npos);
    CAF_MESSAGE(said);
  }
}

CAF_TEST(calls without an id or with the same one are told apart) {
  machine_bench bench;
  bench.go_to(streaming).step(asks(bench, {{"x", "tool_a", "{}"}, {"x", "tool_b", ""}, {"", "tool_c", "{}"}}));
  CAF_CHECK_EQUAL(bench.count<fx::open_tool>(), 3);
  bench.confirm().step(bench.result(1, "1")).step(bench.result(2, "2")).step(bench.result(3, "3"));
  const auto& messages = bench.find<fx::open_stream>()->request.messages;
  CAF_REQUIRE_EQUAL(messages.size(), 5u);
  CAF_CHECK(messages[2].tool_call_id != messages[3].tool_call_id);
  CAF_CHECK(!messages[4].tool_call_id.empty());
  for (std::size_t i = 0; i < 3; ++i) CAF_CHECK_EQUAL(messages[1].tool_calls[i].id, messages[i + 2].tool_call_id);
}

CAF_TEST(arguments that are not JSON are not sent to the provider again) {
  machine_bench bench;
  bench.go_to(streaming).step(asks(bench, {{"1", "tool_sum", "{oops"}}));
  CAF_CHECK_EQUAL(bench.find<fx::open_stream>()->request.messages[1].tool_calls[0].arguments, "{}");
}

CAF_TEST(a tool that does not answer in time is stopped and the model is told) {
  machine_bench bench;
  bench.go_to(tools).confirm().step(bench.result(1, "42")).advance_ms(2999).step(sig::timer{});
  CAF_CHECK_EQUAL(name_of(bench), "tools");
  bench.advance_ms(1).step(sig::timer{});
  CAF_REQUIRE_EQUAL(bench.count<fx::stop_tool>(), 1);
  CAF_CHECK_EQUAL(bench.find<fx::stop_tool>()->number, 2u);
  CAF_CHECK_EQUAL(bench.count<fx::open_stream>(), 1);
  CAF_CHECK(bench.find<fx::open_stream>()->request.messages.back().content.find("within 3") != std::string::npos);
  bench.step(bench.result(2, "late"));
  CAF_CHECK_EQUAL(results(bench.confirm().logged), "a ok;b failed;");
}

CAF_TEST(a tool whose actor dies or that closes without a word has failed) {
  machine_bench bench;
  bench.go_to(tools).confirm().step(sig::tool_lost{1}).step(tool_closed{2});
  CAF_CHECK_EQUAL(results(bench.confirm().logged), "a failed;b failed;");
  CAF_CHECK_EQUAL(bench.machine.attempt(), 2u);
}

CAF_TEST(an agent whose servers have no tools does not call its model) {
  machine_bench bench;
  bench.step(sig::begin{{}, {}, {}, "the server 'x' did not start"});
  CAF_CHECK_EQUAL(to_string(bench.machine.decided()->code), "tools_unavailable");
  CAF_CHECK_EQUAL(bench.opened.size(), 0u);
}

CAF_TEST(what a server lists can be called beside the tools of the agent and does not replace them) {
  core::tool_spec listed;
  listed.name = "listed";
  listed.parameters = "no schema at all";
  auto taken = listed;
  taken.name = "tool_a";
  machine_bench bench;
  bench.step(sig::begin{{}, {}, {listed, taken}, {}}).step(model_opened{1});
  CAF_CHECK_EQUAL(bench.machine.attempt(), 1u);
  bench.step(asks(bench, {{"1", "listed", "{}"}, {"2", "tool_a", "{}"}}));
  CAF_CHECK_EQUAL(bench.count<fx::open_tool>(), 2);
  CAF_CHECK_EQUAL(bench.find<fx::open_tool>()->tool->name, "listed");
}

// -- cancel in a tool ----------------------------------------------------------------------

CAF_TEST(a cancel stops tools before the journal hears of it and every call that began has an end) {
  machine_bench bench;
  bench.go_to(tools).confirm().step(bench.result(1, "42")).confirm().cancel(1, 30'000);
  CAF_CHECK_EQUAL(bench.count<fx::stop_tool>(), 2);  // the one that has answered is still open
  CAF_CHECK_LESS(bench.position<fx::stop_tool>(), bench.position<fx::finish>());
  bench.confirm();
  CAF_CHECK_EQUAL(results(bench.logged), "a ok;b stopped;");
  CAF_CHECK(bench.answers.empty());
  bench.step(tool_closed{1}).step(tool_closed{2, true});
  CAF_REQUIRE_EQUAL(bench.answers.size(), 1u);
  CAF_CHECK_EQUAL(bench.answers[0].second.tools, 2u);
  CAF_CHECK_EQUAL(bench.answers[0].second.tools_stopped, 1u);
  CAF_CHECK_EQUAL(bench.answers[0].second.tools_abandoned, 1u);
  CAF_CHECK(bench.closed);
  CAF_CHECK_EQUAL(whole_log(bench.published), "");
}

CAF_TEST(a tool that never closes is given up after the grace) {
  machine_bench bench;
  bench.go_to(tools).confirm().cancel(1, 30'000).confirm();
  bench.step(tool_closed{1}).advance_ms(core::limits::close_grace.count()).step(sig::timer{});
  CAF_CHECK_EQUAL(bench.count<fx::kill_tool>(), 1);
  CAF_CHECK(bench.closed);
  CAF_CHECK_EQUAL(bench.answers.at(0).second.tools_abandoned, 1u);
}

CAF_TEST(a deadline in a tool stops it too) {
  machine_bench bench;
  bench.go_to(tools).confirm().step(bench.result(1, "")).advance_ms(10'000).step(sig::timer{});
  CAF_CHECK_EQUAL(to_string(bench.machine.decided()->code), "deadline_total");
  CAF_CHECK_EQUAL(bench.count<fx::stop_tool>(), 2);
  CAF_CHECK_EQUAL(results(bench.confirm().logged), "a ok;b stopped;");
}

// -- graceful ------------------------------------------------------------------------------

CAF_TEST(after_tools lets running tools answer and starts nothing more) {
  machine_bench bench;
  bench.go_to(tools).confirm().step(sig::cancel{graceful(cancel_mode::after_tools), 1});
  CAF_CHECK_EQUAL(name_of(bench), "tools");
  bench.step(bench.result(1, "42")).confirm();
  CAF_CHECK_EQUAL(name_of(bench), "tools");
  bench.step(bench.result(2, "43"));
  CAF_CHECK_EQUAL(name_of(bench), "ended");
  CAF_CHECK_EQUAL(bench.count<fx::open_stream>(), 0);
  CAF_CHECK_EQUAL(results(bench.confirm().logged), "a ok;b ok;");
  bench.step(tool_closed{1}).step(tool_closed{2});
  CAF_CHECK_EQUAL(to_string(bench.answers.at(0).second.outcome), "cancelled");

  machine_bench talking;
  talking.go_to(streaming).step(sig::cancel{graceful(cancel_mode::after_tools), 1});
  CAF_CHECK_EQUAL(name_of(talking), "ended");  // no tool runs: there is nothing to wait for
}

CAF_TEST(after_turn lets the model finish and its tools run and then cancels) {
  machine_bench bench;
  bench.go_to(streaming).confirm().step(sig::cancel{graceful(cancel_mode::after_turn), 1});
  bench.step(bench.delta("upon ")).step(bench.calls({"a"})).step(model_closed{1});
  CAF_CHECK_EQUAL(name_of(bench), "tools");
  bench.step(bench.result(1, "42"));
  CAF_CHECK_EQUAL(name_of(bench), "ended");
  CAF_CHECK_EQUAL(bench.opened.size(), 1u);
  bench.confirm().confirm();
  CAF_CHECK_EQUAL(text_of(bench.logged), "Once upon ");
  CAF_CHECK_EQUAL(ending_of(bench.logged)->how.message, "enough");

  // It was promised: also a run that would have completed by itself ends as cancelled.
  machine_bench last;
  last.go_to(streaming).confirm().step(sig::cancel{graceful(cancel_mode::after_turn, 0, 0), 1});
  last.step(sig::timer{});
  CAF_CHECK_EQUAL(to_string(last.answers.at(0).second.outcome), "accepted");
  CAF_CHECK_EQUAL(to_string(*last.answers.at(0).second.status), "RUNNING");
  last.step(last.done()).confirm();
  CAF_CHECK_EQUAL(
      to_string(ending_of(last.logged)->how.kind == ending_kind::cancelled ? run_status::cancelled : run_status::failed),
      "CANCELLED");
}

CAF_TEST(grace_ms bounds a graceful cancel and an immediate one overtakes it) {
  machine_bench bench;
  bench.go_to(tools).confirm().step(sig::cancel{graceful(cancel_mode::after_turn, 500), 1});
  bench.advance_ms(499).step(sig::timer{});
  CAF_CHECK_EQUAL(name_of(bench), "tools");
  bench.advance_ms(1).step(sig::timer{});
  CAF_CHECK_EQUAL(name_of(bench), "ended");
  CAF_CHECK_EQUAL(bench.count<fx::stop_tool>(), 2);

  machine_bench at_once;
  at_once.go_to(tools).confirm().step(sig::cancel{graceful(cancel_mode::after_turn), 1}).cancel(2);
  CAF_CHECK_EQUAL(name_of(at_once), "ended");
}

CAF_TEST(a graceful cancel does not try a failed call again) {
  machine_bench bench;
  bench.step(sig::begin{}).step(sig::cancel{graceful(cancel_mode::after_turn), 1}).step(bench.failure(true));
  CAF_CHECK_EQUAL(name_of(bench), "ended");
  CAF_CHECK(bench.machine.decided()->kind == ending_kind::cancelled);
}

// -- pauses --------------------------------------------------------------------------------

CAF_TEST(a call that needs a person pauses the run when the others have answered and then nothing is held) {
  machine_bench bench;
  bench.go_to(streaming).confirm().step(bench.calls({"ask", "a"})).step(model_closed{1});
  CAF_CHECK_EQUAL(name_of(bench), "tools");
  bench.confirm().step(bench.result(2, "42")).confirm();
  CAF_CHECK_EQUAL(name_of(bench), "paused");
  CAF_CHECK(!bench.closed);  // a tool is still open
  bench.confirm().step(tool_closed{2});
  CAF_CHECK(bench.closed);
  CAF_CHECK_EQUAL(to_string(bench.find<fx::close>()->status), "PAUSED");
  auto pauses = all<run_paused>(bench.logged);
  CAF_REQUIRE_EQUAL(pauses.size(), 1u);
  CAF_REQUIRE_EQUAL(pauses[0].waiting_for.size(), 1u);
  CAF_CHECK_EQUAL(pauses[0].waiting_for[0].call.id, "ask");
  CAF_CHECK(pauses[0].waiting_for[0].facts.need == tool_need::confirmation);
  CAF_CHECK_EQUAL(pauses[0].expires_at_ms, bench.find<fx::close>()->expires_at_ms);
  CAF_CHECK(get_if<run_paused>(*bench.published.back()) != nullptr);
}

CAF_TEST(a paused run goes on from its log as if it had never left) {
  machine_bench before;
  before.go_to(streaming).confirm().step(before.calls({"ask", "a"})).step(model_closed{1}).confirm();
  before.step(before.result(2, "42")).step(tool_closed{2}).confirm().confirm();
  CAF_REQUIRE(before.closed);
  before.advance_ms(60'000);  // longer than the total deadline: a person's time does not count

  machine_bench after{before, {yes("ask")}};
  after.step(sig::begin{});
  CAF_REQUIRE_EQUAL(after.count<fx::open_tool>(), 1);
  CAF_CHECK_EQUAL(after.find<fx::open_tool>()->tool->name, "tool_ask");
  auto number = after.find<fx::open_tool>()->what.number;
  after.confirm().step(after.result(number, "done"));
  const auto& messages = after.find<fx::open_stream>()->request.messages;
  CAF_REQUIRE_EQUAL(messages.size(), 4u);
  CAF_CHECK_EQUAL(messages[1].content, "Once ");
  CAF_CHECK_EQUAL(messages[2].content, "done");
  CAF_CHECK_EQUAL(messages[3].content, "42");
  CAF_CHECK_EQUAL(after.machine.attempt(), 2u);
  after.step(sig::timer{}).step(model_opened{2}).step(after.delta("upon")).confirm().step(after.done()).confirm();
  after.step(tool_closed{number}).step(model_closed{2});
  CAF_CHECK(after.closed);
  CAF_CHECK_EQUAL(ending_of(after.logged)->content, "Once upon");
  CAF_CHECK(ending_of(after.logged)->how.kind == ending_kind::completed);
  CAF_CHECK_EQUAL(whole_log(after.logged), "");
  CAF_CHECK_EQUAL(results(after.logged), "a ok;ask ok;");
}

CAF_TEST(a decision is for the tool that the person was shown and for no other of its name) {
  machine_bench before;
  before.go_to(paused).confirm().confirm();
  CAF_REQUIRE(before.closed);
  auto log = before.logged;
  log.push_back(machine_bench::continued(before, {yes("ask")}));
  // Since then the name stands for a program.
  core::tool_spec other;
  other.name = "tool_ask";
  other.need = tool_need::confirmation;
  other.kind = core::tool_kind::process;
  other.command.argv = {"rm"};
  auto entry = machine_bench::default_entry();
  entry.tools = std::make_shared<const core::tool_set>(std::get<0>(core::tool_set::make({other})));
  auto setup = machine_bench::setup_of(entry);
  setup.next_index = log.size();
  core::run_machine machine{std::move(setup), core::replay(log)};
  core::run_effects out;
  machine.step(sig::begin{}, before.now_us, out);
  for (const auto& effect : out) CAF_CHECK(!std::holds_alternative<fx::open_tool>(effect));
}

CAF_TEST(a paused run gives up a tool that does not close and leaves) {
  machine_bench bench;
  bench.go_to(streaming).confirm().step(bench.calls({"ask", "a"})).step(model_closed{1});
  bench.confirm().step(bench.result(2, "42")).confirm().confirm();
  CAF_CHECK_EQUAL(name_of(bench), "paused");
  CAF_CHECK(!bench.closed);
  bench.advance_ms(core::limits::close_grace.count()).step(sig::timer{});
  CAF_CHECK_EQUAL(bench.count<fx::kill_tool>(), 1);
  CAF_CHECK(bench.closed);
}

// Found by oncue_sim, seed 61916 of its first 100,000.
CAF_TEST(what a pause has left open gets no more time when the run ends meanwhile) {
  machine_bench bench;
  bench.go_to(streaming).confirm().step(bench.calls({"ask", "a"})).step(model_closed{1});
  bench.confirm().step(bench.result(2, "42")).confirm().confirm();
  CAF_CHECK_EQUAL(name_of(bench), "paused");
  auto half_ms = core::limits::close_grace.count() / 2;
  bench.advance_ms(half_ms).step(sig::cancel{{.run = {"r"}}, 1}).confirm();
  CAF_CHECK_EQUAL(name_of(bench), "ended");
  CAF_CHECK(!bench.closed);
  bench.advance_ms(half_ms).step(sig::timer{});
  CAF_CHECK_EQUAL(bench.count<fx::kill_tool>(), 1);
  CAF_CHECK(bench.closed);
}

CAF_TEST(each sort of decision becomes what it says) {
  machine_bench before;
  before.go_to(streaming).confirm().step(before.calls({"ask", "out", "fill"})).step(model_closed{1}).confirm().confirm();
  CAF_REQUIRE(before.closed);
  const auto waiting = all<run_paused>(before.logged)[0].waiting_for;
  CAF_REQUIRE_EQUAL(waiting.size(), 3u);
  CAF_REQUIRE_EQUAL(waiting[2].facts.inputs.size(), 1u);
  CAF_CHECK_EQUAL(waiting[2].facts.inputs[0].name, "to");
  CAF_CHECK_EQUAL(waiting[2].facts.inputs[0].description, "whom");

  tool_decision done;
  done.call_id = "out";
  done.result = "sent";
  tool_decision filled;
  filled.call_id = "fill";
  filled.inputs = {{"to", {}, {}, R"("Ada")"}};
  CAF_CHECK_EQUAL(core::problem_with(waiting, {no("ask"), done, filled}), "");
  CAF_CHECK(!core::problem_with(waiting, {no("ask"), done}).empty());
  CAF_CHECK(!core::problem_with(waiting, {no("ask"), done, filled, yes("other")}).empty());
  CAF_CHECK(!core::problem_with(waiting, {no("ask"), no("ask"), done, filled}).empty());
  CAF_CHECK(!core::problem_with(waiting, {no("ask"), done, yes("fill")}).empty());

  machine_bench after{before, {no("ask", "too dangerous"), done, filled}};
  after.step(sig::begin{});
  CAF_REQUIRE_EQUAL(after.count<fx::open_tool>(), 1);
  CAF_CHECK_EQUAL(after.find<fx::open_tool>()->what.call.arguments, R"({"to":"Ada"})");
  auto number = after.find<fx::open_tool>()->what.number;
  after.confirm().step(after.result(number, "ok")).confirm();
  CAF_CHECK_EQUAL(results(after.logged), "ask failed;out ok;fill ok;");
  auto ended = all<tool_call_ended>(after.logged);
  CAF_CHECK(ended[0].result.find("too dangerous") != std::string::npos);
  CAF_CHECK_EQUAL(ended[1].result, "sent");
}

CAF_TEST(an input that does not fit the schema goes back to the model) {
  machine_bench before;
  before.go_to(streaming).confirm().step(before.calls({"fill"})).step(model_closed{1}).confirm().confirm();
  tool_decision filled;
  filled.call_id = "fill";
  filled.inputs = {{"to", {}, {}, "7"}};
  machine_bench after{before, {filled}};
  after.step(sig::begin{});
  CAF_CHECK_EQUAL(after.count<fx::open_tool>(), 0);
  CAF_CHECK_EQUAL(after.count<fx::open_stream>(), 1);
}

CAF_TEST(a run is cancelled at once while its pause is on the way to the journal) {
  machine_bench bench;
  bench.go_to(paused).cancel();
  CAF_CHECK_EQUAL(bench.count<fx::finish>(), 1);
  bench.confirm();
  CAF_CHECK(bench.closed);
  CAF_CHECK_EQUAL(to_string(bench.answers.at(0).second.outcome), "cancelled");
  CAF_CHECK_EQUAL(to_string(*bench.answers.at(0).second.phase_at_cancel), "paused");
}

CAF_TEST(a run that works for another one asks no person) {
  machine_bench bench{machine_bench::default_entry(), 1};
  bench.go_to(streaming).step(bench.calls({"ask"}));
  CAF_CHECK_EQUAL(bench.count<fx::open_stream>(), 1);
  CAF_CHECK_EQUAL(results(bench.confirm().logged), "ask failed;");
}

CAF_TEST(a pause that a graceful cancel meets is the end) {
  machine_bench bench;
  bench.go_to(streaming).confirm().step(bench.calls({"ask", "a"})).step(model_closed{1});
  bench.step(sig::cancel{graceful(cancel_mode::after_tools), 1}).step(bench.result(2, "42"));
  CAF_CHECK_EQUAL(name_of(bench), "ended");
}

// -- children ------------------------------------------------------------------------------

CAF_TEST(an agent that is called is a run of its own whose words are said here too) {
  machine_bench bench;
  bench.go_to(streaming).confirm().step(model_closed{1}).step(bench.calls({"kid"}));
  CAF_REQUIRE_EQUAL(bench.count<fx::start_child>(), 1);
  const auto request = bench.find<fx::start_child>()->request;
  CAF_CHECK_EQUAL(request.agent.value, "kid");
  CAF_CHECK_EQUAL(request.input, "help");
  CAF_CHECK_EQUAL(request.parent.value, "r1");
  CAF_CHECK_EQUAL(request.root.value, "r1");
  CAF_CHECK_EQUAL(request.session.value, "s1");
  CAF_CHECK_EQUAL(request.depth, 1u);
  CAF_CHECK(all<tool_call_started>(bench.confirm().logged)[0].facts.child == request.id);

  run_started names{"Kid", "small", "scripted"};
  bench.step(sig::child_said{request.id, {event(0, boxed<run_started>{names}), event(1, content_delta{"hi"})}});
  CAF_CHECK_EQUAL(bench.count<fx::pull_child>(), 1);
  run_ended ended;
  ended.content = "hi";
  bench.step(sig::child_said{request.id, {event(2, boxed<run_ended>{ended})}});
  CAF_CHECK_EQUAL(bench.count<fx::pull_child>(), 0);
  CAF_CHECK_EQUAL(bench.count<fx::open_stream>(), 1);
  CAF_CHECK_EQUAL(bench.find<fx::open_stream>()->request.messages.back().content, "hi");
  auto said = all<child_event>(bench.confirm().logged);
  CAF_REQUIRE_EQUAL(said.size(), 3u);
  CAF_CHECK_EQUAL(said[1].agent_name, "Kid");
  CAF_CHECK_EQUAL(said[2].event->index, 2u);
  CAF_CHECK_EQUAL(text_of(bench.logged), "Once ");
}

CAF_TEST(the words of a grandchild pass through as they are) {
  machine_bench bench;
  bench.go_to(streaming).confirm().step(bench.calls({"kid"})).step(model_closed{1});
  auto kid = child_of(bench);
  child_event inner{{"grandkid"}, kid, {"g"}, "G", "m", "p", event(5, content_delta{"deep"})};
  bench.step(sig::child_said{kid, {event(3, boxed<child_event>{inner})}}).confirm();
  auto said = all<child_event>(bench.logged);
  CAF_REQUIRE_EQUAL(said.size(), 1u);
  CAF_CHECK_EQUAL(said[0].run.value, "grandkid");
  CAF_CHECK(said[0].parent == kid);
}

CAF_TEST(a child that fails or is cancelled or cannot start is an answer that says so) {
  run_ended failed;
  failed.how = {.kind = ending_kind::failed, .message = "no model"};
  run_ended cancelled;
  cancelled.how = {.kind = ending_kind::cancelled, .message = "by hand"};
  for (const auto& [ended, why] : {std::pair{failed, "no model"}, std::pair{cancelled, "by hand"}}) {
    machine_bench bench;
    bench.go_to(streaming).confirm().step(bench.calls({"kid"})).step(model_closed{1});
    bench.step(sig::child_said{child_of(bench), {event(1, boxed<run_ended>{ended})}});
    CAF_CHECK(bench.find<fx::open_stream>()->request.messages.back().content.find(why) != std::string::npos);
  }
  machine_bench bench;
  bench.go_to(streaming).confirm().step(bench.calls({"kid"})).step(model_closed{1});
  bench.step(sig::child_lost{child_of(bench), "there is no agent 'kid'"});
  CAF_CHECK_EQUAL(bench.count<fx::open_stream>(), 1);
}

CAF_TEST(children are cancelled with their parent also while they are being started and all are counted) {
  machine_bench bench;
  bench.go_to(streaming).confirm().step(bench.calls({"kid", "kid", "kid"})).step(model_closed{1});
  std::vector<run_id> kids;
  for (const auto& x : all<tool_call_started>(bench.confirm().logged)) kids.push_back(x.facts.child);
  CAF_REQUIRE_EQUAL(kids.size(), 3u);
  bench.cancel(1, 30'000);
  CAF_CHECK_EQUAL(bench.count<fx::cancel_child>(), 3);
  CAF_CHECK_LESS(bench.position<fx::cancel_child>(), bench.position<fx::finish>());
  bench.confirm().step(sig::child_stopped{kids[0]}).step(sig::child_stopped{kids[1]}).step(sig::child_stopped{kids[1]});
  CAF_CHECK(!bench.closed);
  CAF_CHECK(bench.answers.empty());
  run_ended ended;
  bench.step(sig::child_said{kids[2], {event(4, boxed<run_ended>{ended})}});
  CAF_CHECK(bench.closed);
  CAF_CHECK_EQUAL(bench.answers.at(0).second.children, 3u);
  CAF_CHECK_EQUAL(bench.answers.at(0).second.children_stopped, 3u);
  CAF_CHECK_EQUAL(whole_log(bench.logged), "");
}

CAF_TEST(agents that call agents stop at the depth limit) {
  machine_bench bench{machine_bench::default_entry(), core::limits::agent_depth_max};
  bench.go_to(streaming).step(bench.calls({"kid"}));
  CAF_CHECK_EQUAL(bench.count<fx::start_child>(), 0);
  CAF_CHECK_EQUAL(results(bench.confirm().logged), "kid failed;");
}

CAF_TEST(a child is heard no faster than the journal writes) {
  machine_bench bench;
  bench.go_to(streaming).confirm().step(bench.calls({"kid"})).step(model_closed{1});
  auto kid = bench.machine.phase() == tools ? all<tool_call_started>(bench.confirm().logged)[0].facts.child : run_id{};
  event_index index = 0;
  int pulls = 0;
  do {
    bench.step(sig::child_said{kid, {event(index++, content_delta{std::string(32'768, 'x')})}});
    pulls = bench.count<fx::pull_child>();
    CAF_REQUIRE(index < 100);
  } while (pulls > 0);
  bench.confirm();
  CAF_CHECK_EQUAL(bench.count<fx::pull_child>(), 0);  // what piled up is on its way now
  bench.confirm();
  CAF_CHECK_EQUAL(bench.count<fx::pull_child>(), 1);
}
