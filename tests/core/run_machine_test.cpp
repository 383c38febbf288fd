#define CAF_SUITE core.run_machine

#include "oncue/core/run_machine.hpp"

#include <caf/test/unit_test.hpp>
#include <functional>
#include <map>

#include "oncue/core/limits.hpp"
#include "support/machine_bench.hpp"
#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
namespace fx = core::effect;
namespace sig = core::signal;
using enum run_phase;

namespace {

const std::vector<run_phase> all_phases{queued, connecting, waiting, streaming, backing_off, tools, paused, ended};

struct row {
  const char* what;
  std::function<core::run_signal(const machine_bench&)> make;
  std::map<run_phase, run_phase> moves;  // absent: the phase stays
};

std::map<run_phase, run_phase> from_all_but_ended(run_phase to) {
  std::map<run_phase, run_phase> moves;
  for (auto phase : all_phases) {
    if (phase != ended) moves[phase] = to;
  }
  return moves;
}

const std::vector<row> table{
    {"begin", [](const auto&) { return sig::begin{}; }, {{queued, connecting}}},
    {"opened", [](const auto& b) { return model_opened{b.machine.attempt()}; }, {{connecting, waiting}}},
    {"delta", [](const auto& b) { return b.delta("word "); }, {{connecting, streaming}, {waiting, streaming}}},
    {"done", [](const auto& b) { return b.done(); }, {{connecting, ended}, {waiting, ended}, {streaming, ended}}},
    {"done with calls",
     [](const auto& b) { return b.calls({"c"}); },
     {{connecting, tools}, {waiting, tools}, {streaming, tools}}},
    {"failed for good",
     [](const auto& b) { return b.failure(false); },
     {{connecting, ended}, {waiting, ended}, {streaming, ended}}},
    {"failed, may be tried again",
     [](const auto& b) { return b.failure(true); },
     {{connecting, backing_off}, {waiting, backing_off}, {streaming, ended}}},
    {"closed", [](const auto& b) { return model_closed{b.machine.attempt()}; }, {}},
    {"stream lost",
     [](const auto& b) { return sig::stream_lost{b.machine.attempt()}; },
     {{connecting, ended}, {waiting, ended}, {streaming, ended}}},
    {"a tool answered",
     [](const auto&) {
       return tool_result{1, false, "ok"};
     },
     {}},
    {"a tool that nobody called answered",
     [](const auto&) {
       return tool_result{99, false, "ok"};
     },
     {}},
    {"a tool closed", [](const auto&) { return tool_closed{1}; }, {}},
    {"a tool's actor died", [](const auto&) { return sig::tool_lost{2}; }, {}},
    {"a child that is none of its own spoke",
     [](const auto&) {
       return sig::child_said{{"child"}, {}};
     },
     {}},
    {"a child that is none of its own is lost",
     [](const auto&) {
       return sig::child_lost{{"child"}, "why"};
     },
     {}},
    {"a child stopped", [](const auto&) { return sig::child_stopped{{"child"}}; }, {}},
    {"cancel",
     [](const auto&) {
       return sig::cancel{{.run = {"r1"}}, 9};
     },
     from_all_but_ended(ended)},
    {"timer, too early", [](const auto&) { return sig::timer{}; }, {}},
    {"appended",
     [](const auto& b) {
       return appended{{"r1"}, b.logged.size()};
     },
     {}},
    {"finished by another",
     [](const auto& b) {
       return finished{{"r1"}, event_ptr{run_event{b.logged.size(), 0, run_ended{.how = {.kind = ending_kind::failed}}}}};
     },
     from_all_but_ended(ended)},
    {"journal refused",
     [](const auto&) {
       return journal_refused{{"r1"}, "full"};
     },
     from_all_but_ended(ended)},
};

std::string name(run_phase phase) { return std::string{to_string(phase)}; }

}  // namespace

CAF_TEST(every signal in every phase leads where the table says) {
  for (const auto& line : table) {
    for (auto phase : all_phases) {
      machine_bench bench;
      bench.go_to(phase);
      CAF_REQUIRE_EQUAL(name(bench.machine.phase()), name(phase));
      bench.step(line.make(bench));
      auto expected = line.moves.contains(phase) ? line.moves.at(phase) : phase;
      if (bench.machine.phase() != expected) {
        CAF_ERROR(line.what << " in " << name(phase) << " led to " << name(bench.machine.phase()) << " instead of "
                            << name(expected));
      }
      CAF_CHECK_EQUAL(gapless(bench.logged), "");
    }
  }
}

CAF_TEST(messages of an old attempt change nothing) {
  machine_bench bench;
  bench.go_to(backing_off).confirm().advance_ms(1000).step(sig::timer{}).confirm();
  CAF_REQUIRE_EQUAL(bench.machine.attempt(), 2u);
  auto before = bench.logged.size();
  for (core::run_signal late :
       {core::run_signal{model_opened{1}}, core::run_signal{model_delta{1, delta_kind::text, "late"}},
        core::run_signal{model_done{1, "stop", {}, {}}}, core::run_signal{model_failed{1, {}, 500, "late", false, {}}},
        core::run_signal{model_closed{1}}, core::run_signal{sig::stream_lost{1}}, core::run_signal{model_closed{7}}}) {
    bench.step(late);
    CAF_CHECK_EQUAL(name(bench.machine.phase()), "connecting");
    CAF_CHECK(bench.last.empty());
  }
  CAF_CHECK_EQUAL(bench.logged.size(), before);
}

CAF_TEST(a normal run logs its story in order and closes when all is confirmed) {
  machine_bench bench;
  bench.go_to(streaming).confirm().step(bench.delta("upon ")).confirm().step(bench.done());
  CAF_CHECK_EQUAL(name(bench.machine.phase()), "ended");
  CAF_CHECK_EQUAL(bench.count<fx::finish>(), 1);
  CAF_CHECK(!bench.closed);
  bench.confirm();
  CAF_CHECK(!bench.closed);  // the socket is still open
  bench.step(model_closed{1});
  CAF_CHECK(bench.closed);
  CAF_CHECK_EQUAL(whole_log(bench.published), "");
  CAF_CHECK_EQUAL(text_of(bench.published), "Once upon ");
  CAF_CHECK(bench.published == bench.logged);
  CAF_CHECK_EQUAL(ending_of(bench.logged)->usage.output_tokens, 2u);
}

CAF_TEST(a cancel at any point of a run gives one ending and an honest answer) {
  // The steps of a normal run with a retry and a tool turn; the cancel is put after each of them.
  using script = std::vector<std::function<void(machine_bench&)>>;
  const script normal{
      [](auto& b) { b.step(sig::begin{}); },
      [](auto& b) { b.step(b.failure(true)); },
      [](auto& b) { b.step(model_closed{1}); },
      [](auto& b) { b.confirm(); },
      [](auto& b) { b.advance_ms(2000).step(sig::timer{}); },
      [](auto& b) { b.step(model_opened{2}); },
      [](auto& b) { b.step(b.delta("Once ")); },
      [](auto& b) { b.confirm(); },
      [](auto& b) { b.step(b.delta("upon ")); },
      [](auto& b) { b.step(b.calls({"a"})); },
      [](auto& b) { b.step(model_closed{2}); },
      [](auto& b) { b.confirm(); },
      [](auto& b) { b.step(b.result(1, "42")); },
      [](auto& b) { b.step(tool_closed{1}); },
      [](auto& b) { b.step(model_opened{3}); },
      [](auto& b) { b.step(b.delta("a time.")); },
      [](auto& b) { b.step(b.done()); },
      [](auto& b) { b.confirm(); },
      [](auto& b) { b.step(model_closed{3}); },
  };
  for (std::size_t at = 0; at <= normal.size(); ++at) {
    machine_bench bench;
    std::string expected_text;
    bool was_over = false;
    for (std::size_t i = 0; i <= normal.size(); ++i) {
      if (i == at) {
        was_over = bench.machine.decided().has_value();
        bench.cancel(1, 30'000);
        expected_text = bench.machine.text();
        if (!was_over) {
          // The socket and the tools come before the journal.
          CAF_CHECK_LESS(bench.position<fx::close_stream>(), bench.position<fx::finish>());
          CAF_CHECK_LESS(bench.position<fx::stop_tool>(), bench.position<fx::finish>());
        }
      }
      if (i < normal.size()) normal[i](bench);
    }
    bench.step(tool_closed{1}).step(model_closed{bench.machine.attempt()}).confirm();
    CAF_CHECK_EQUAL(whole_log(bench.logged), "");
    CAF_CHECK(bench.published == bench.logged);
    CAF_CHECK(bench.closed);
    CAF_CHECK_EQUAL(text_of(bench.logged), expected_text);
    CAF_REQUIRE_EQUAL(bench.answers.size(), 1u);
    const auto& reply = bench.answers[0].second;
    CAF_CHECK_EQUAL(to_string(reply.outcome), was_over ? "already_ended" : "cancelled");
    CAF_CHECK_EQUAL(to_string(*reply.status), was_over ? "COMPLETED" : "CANCELLED");
    CAF_CHECK(reply.durable);
    CAF_CHECK_EQUAL(*reply.index, bench.logged.back()->index);
    if (!was_over) {
      CAF_CHECK(reply.upstream_closed);
      CAF_CHECK_EQUAL(ending_of(bench.logged)->how.message, "enough");
      CAF_CHECK_EQUAL(ending_of(bench.logged)->how.by, "test");
    }
  }
}

CAF_TEST(after a cancel no model call and no tool starts) {
  for (auto phase : all_phases) {
    machine_bench bench;
    bench.go_to(phase).cancel();
    auto opened = bench.opened.size();
    auto refuse = [&](core::run_signal what) {
      bench.step(std::move(what));
      CAF_CHECK_EQUAL(bench.count<fx::open_stream>() + bench.count<fx::open_tool>() + bench.count<fx::start_child>(), 0);
    };
    refuse(sig::begin{});
    refuse(tool_result{1, false, "x"});
    refuse(tool_result{2, false, "x"});
    refuse(bench.calls({"z"}));
    bench.advance_ms(60'000);
    refuse(sig::timer{});
    CAF_CHECK_EQUAL(bench.opened.size(), opened);
  }
}

CAF_TEST(repeated cancels are one cancel and get the same answer) {
  machine_bench bench;
  bench.go_to(streaming).confirm().cancel(1).cancel(2);
  CAF_CHECK_EQUAL(bench.count<fx::finish>(), 0);
  bench.step(model_closed{1}).confirm().cancel(3);
  CAF_REQUIRE_EQUAL(bench.answers.size(), 3u);
  for (const auto& [ticket, reply] : bench.answers) {
    CAF_CHECK_EQUAL(to_string(reply.outcome), "cancelled");
    CAF_CHECK_EQUAL(to_string(*reply.phase_at_cancel), "streaming");
    CAF_CHECK_EQUAL(*reply.index, bench.logged.back()->index);
  }
  CAF_CHECK_EQUAL(whole_log(bench.logged), "");
}

CAF_TEST(a silent journal delays the answer by no more than the wait and never the stop) {
  machine_bench bench;
  bench.go_to(streaming).cancel(1, 50);
  CAF_CHECK_EQUAL(bench.count<fx::close_stream>(), 1);
  bench.step(model_closed{1}).advance_ms(49).step(sig::timer{});
  CAF_CHECK(bench.answers.empty());
  bench.advance_ms(1).step(sig::timer{});
  CAF_REQUIRE_EQUAL(bench.answers.size(), 1u);
  CAF_CHECK_EQUAL(to_string(bench.answers[0].second.outcome), "accepted");
  CAF_CHECK(!bench.answers[0].second.durable);
  CAF_CHECK(bench.answers[0].second.upstream_closed);
  CAF_CHECK_EQUAL(bench.answers[0].second.latency_us, 50'000u);
  // The journal comes back: the ending is offered again until it is taken.
  bench.step(journal_refused{{"r1"}, "disk full"});
  CAF_CHECK_EQUAL(bench.count<fx::arm_timer>(), 1);
  bench.advance_ms(1000).step(sig::timer{});
  CAF_CHECK_EQUAL(bench.count<fx::finish>(), 1);
  bench.confirm();
  CAF_CHECK(bench.closed);
  CAF_CHECK_EQUAL(whole_log(bench.published), "");
}

CAF_TEST(a completed run whose ending is not journalled yet does not claim to be cancelled) {
  machine_bench bench;
  bench.go_to(ended).cancel(1, 0);
  CAF_REQUIRE_EQUAL(bench.answers.size(), 1u);
  CAF_CHECK_EQUAL(to_string(bench.answers[0].second.outcome), "already_ended");
  CAF_CHECK_EQUAL(to_string(*bench.answers[0].second.status), "COMPLETED");
  CAF_CHECK(!bench.answers[0].second.durable);
}

CAF_TEST(each deadline fails the run by its own name) {
  struct deadline_row {
    run_phase phase;
    std::int64_t after_ms;
    const char* code;
  };
  for (auto [phase, after_ms, code] :
       {deadline_row{connecting, 1000, "deadline_first_token"}, deadline_row{waiting, 1000, "deadline_first_token"},
        deadline_row{streaming, 500, "deadline_idle"}, deadline_row{queued, 10'000, "deadline_total"}}) {
    machine_bench bench;
    bench.go_to(phase);
    bench.advance_ms(after_ms - 1).step(sig::timer{});
    CAF_CHECK_EQUAL(name(bench.machine.phase()), name(phase));
    bench.advance_ms(1).step(sig::timer{});
    CAF_REQUIRE(bench.machine.decided().has_value());
    CAF_CHECK_EQUAL(to_string(bench.machine.decided()->code), code);
    CAF_CHECK(is_deadline(bench.machine.decided()->code));
  }
}

CAF_TEST(a delta moves the idle deadline and costs no timer) {
  machine_bench bench;
  bench.go_to(streaming).confirm();
  for (int i = 0; i < 5; ++i) {
    bench.advance_ms(400).step(bench.delta("w "));
    CAF_CHECK_EQUAL(bench.count<fx::arm_timer>(), 0);
  }
  bench.step(sig::timer{});
  CAF_CHECK_EQUAL(name(bench.machine.phase()), "streaming");
  const auto* armed = bench.find<fx::arm_timer>();
  CAF_REQUIRE(armed != nullptr);
  CAF_CHECK_EQUAL(armed->at_us, bench.now_us + 500'000);
}

CAF_TEST(a failed attempt is tried again within attempts and time) {
  machine_bench bench;
  bench.step(sig::begin{}).step(bench.failure(true));
  auto first_wait_us = bench.find<fx::arm_timer>()->at_us - bench.now_us;
  CAF_CHECK(first_wait_us >= 250'000 && first_wait_us <= 500'000);
  bench.step(model_closed{1}).confirm().advance_ms(500).step(sig::timer{}).confirm();
  CAF_CHECK_EQUAL(bench.opened, (std::vector<attempt_no>{1, 2}));
  auto asked = bench.failure(true);
  asked.retry_after_ms = 2000;
  bench.step(asked).step(model_closed{2}).confirm().advance_ms(1999).step(sig::timer{});
  CAF_CHECK_EQUAL(bench.opened.size(), 2u);
  bench.advance_ms(1).step(sig::timer{}).confirm();
  CAF_CHECK_EQUAL(bench.opened.size(), 3u);
  bench.step(bench.failure(true));  // attempts_max is 3
  CAF_CHECK_EQUAL(to_string(bench.machine.decided()->code), "provider_refused");
  CAF_CHECK_EQUAL(bench.machine.decided()->provider_status, 503);
  CAF_CHECK_EQUAL(bench.machine.decided()->message, "busy");

  machine_bench late;
  late.step(sig::begin{});
  auto too_long = late.failure(true);
  too_long.retry_after_ms = 20'000;  // beyond the total deadline of 10 s
  late.step(too_long);
  CAF_CHECK_EQUAL(name(late.machine.phase()), "ended");
}

CAF_TEST(what does not say that it is closed is killed after the grace period) {
  machine_bench bench;
  bench.go_to(streaming).cancel(1, 30'000).confirm();
  CAF_CHECK(!bench.closed);
  bench.advance_ms(core::limits::close_grace.count()).step(sig::timer{});
  CAF_CHECK_EQUAL(bench.count<fx::kill_stream>(), 1);
  CAF_CHECK(bench.closed);
  CAF_REQUIRE_EQUAL(bench.answers.size(), 1u);
  CAF_CHECK_EQUAL(to_string(bench.answers[0].second.outcome), "cancelled");
  CAF_CHECK(!bench.answers[0].second.upstream_closed);  // nobody said so
}

CAF_TEST(deltas are merged only while an append is on its way) {
  machine_bench bench;
  bench.go_to(waiting).confirm().step(bench.delta("a")).step(bench.delta("b")).step(bench.delta("c"));
  CAF_CHECK_EQUAL(bench.logged.size(), 3u);  // started, request started, "a"
  bench.confirm();
  CAF_CHECK_EQUAL(get_if<content_delta>(*bench.logged.back())->text, "bc");
  bench.step({model_delta{1, delta_kind::reasoning, "hm"}}).step(bench.delta("d")).confirm().confirm();
  CAF_CHECK_EQUAL(text_of(bench.published), "abcd");
  CAF_CHECK_EQUAL(gapless(bench.published), "");
}

CAF_TEST(a lagging journal pauses the socket and paused time is not idle time) {
  machine_bench bench;
  bench.go_to(waiting).confirm();
  std::string kilobyte(1024, 'x');
  int sent = 0;
  do {
    bench.step(bench.delta(kilobyte));
    ++sent;
    CAF_REQUIRE(sent < 1000);
  } while (bench.count<fx::pause_stream>() == 0);
  CAF_CHECK(sent * 1024 >= static_cast<int>(core::limits::unjournalled_bytes_high) - 4096);
  bench.advance_ms(5000).step(sig::timer{});
  CAF_CHECK_EQUAL(name(bench.machine.phase()), "streaming");
  bench.confirm();
  CAF_CHECK_EQUAL(bench.count<fx::resume_stream>(), 0);  // what piled up is on its way now
  bench.confirm();
  CAF_CHECK_EQUAL(bench.count<fx::resume_stream>(), 1);
  for (const auto& event : bench.logged) CAF_CHECK(cost_bytes(*event) <= core::limits::event_text_bytes_max + 4096);
  bench.advance_ms(499).step(sig::timer{});
  CAF_CHECK_EQUAL(name(bench.machine.phase()), "streaming");
  bench.step(bench.done());
  CAF_CHECK_EQUAL(text_of(bench.logged).size(), static_cast<std::size_t>(sent) * 1024);
  CAF_CHECK_EQUAL(whole_log(bench.logged), "");
}

CAF_TEST(text above the limit fails the run and keeps the prefix at a character boundary) {
  auto entry = machine_bench::default_entry();
  entry.agent.run_text_bytes_max = 8;
  machine_bench bench{entry};
  bench.go_to(streaming).confirm().step(bench.delta("ab\u00e4\u00e4\u00e4"));  // 5 bytes are there, 3 fit, ä has two
  CAF_CHECK_EQUAL(to_string(bench.machine.decided()->code), "output_limit");
  CAF_CHECK_EQUAL(text_of(bench.logged), "Once ab");
  CAF_CHECK_EQUAL(bench.count<fx::close_stream>(), 1);
  CAF_CHECK_EQUAL(whole_log(bench.logged), "");
}

CAF_TEST(another ending in the journal stands and the run says so) {
  machine_bench bench;
  bench.go_to(streaming).confirm().cancel(1);
  event_ptr other{run_event{7, 0, run_ended{.how = {.kind = ending_kind::failed, .code = failure_code::node_lost}}}};
  bench.step(finished{{"r1"}, other});
  CAF_CHECK_EQUAL(bench.count<fx::defer_to_journal>(), 1);
  bench.step(model_closed{1});
  CAF_CHECK(bench.closed);
  CAF_CHECK_EQUAL(to_string(bench.answers.at(0).second.outcome), "already_ended");
  CAF_CHECK_EQUAL(*bench.answers.at(0).second.index, 7u);

  machine_bench with_tools;
  with_tools.go_to(tools).step(finished{{"r1"}, other});
  CAF_CHECK_EQUAL(with_tools.count<fx::stop_tool>(), 2);
  CAF_CHECK(!with_tools.closed);
  with_tools.step(tool_closed{1}).step(tool_closed{2});
  CAF_CHECK(with_tools.closed);
}

// Found by oncue_sim, seed 37242: a cancel that the journal had first has turned the ending round.
CAF_TEST(an ending is not shown before the journal has said that it stands) {
  machine_bench bench;
  bench.go_to(ended);
  // The late append's answer counts the ending that is in the journal by now: another one.
  bench.step(appended{{"r1"}, bench.logged.size()});
  CAF_CHECK_EQUAL(bench.count<fx::publish>(), 0);
  auto other = *bench.logged.back();
  other.body = boxed<run_ended>{run_ended{.how = {.kind = ending_kind::cancelled}}};
  bench.step(finished{{"r1"}, event_ptr{other}});
  CAF_CHECK_EQUAL(bench.count<fx::publish>(), 0);
  CAF_CHECK_EQUAL(bench.count<fx::defer_to_journal>(), 1);
}
