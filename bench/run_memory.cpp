// What a run that waits for its model keeps in memory, and what is left of it after its ending.
#include <caf/stateful_actor.hpp>

#include "bench.hpp"
#include "crowd.hpp"
#include "oncue/actors/run.hpp"
#include "oncue/actors/scripted_model_stream.hpp"

namespace oncue::bench {

namespace {

struct memory {
  double resident = 0;
  double heap = 0;
};

memory look() {
  trim_heap();
  return {resident_bytes(), heap_bytes()};
}

}  // namespace

void run_memory(const options& how, results& out) {
  const auto runs = how.pick(10'000, 1'000);
  runtime node{node_with({silent_agent("silent")})};
  auto add = [&](std::size_t count) {
    send_crowd(node, {.agent = {"silent"}, .runs = count, .in_flight = 64, .read = false})->wait_for_started();
    rest(std::chrono::milliseconds{200});  // until each has opened its stream and armed its timer
    return look();
  };
  auto per_run = [&](double from, double to) { return (to - from) / static_cast<double>(runs); };
  auto empty = add(200);
  auto full = add(runs);
  expect(node.runs(1000).size() == std::min<std::size_t>(runs + 200, 1000), "the runs to be live");
  out.add("resident memory a waiting run", per_run(empty.resident, full.resident), "B", 4096);
  out.add("  of it handed out by malloc", per_run(empty.heap, full.heap), "B");

  auto begin = steady::now();
  auto left = node.drain(std::chrono::milliseconds{0});
  out.add("all of them cancelled and gone after", us_between(begin, steady::now()) / 1e3, "ms");
  expect(left.cancelled == runs + 200 && left.left.empty(), "every run to be cancelled");
  rest(std::chrono::milliseconds{100});
  auto after = look();
  out.add("resident memory of an ended run", per_run(empty.resident, after.resident), "B");
  out.add("  of it handed out by malloc", per_run(empty.heap, after.heap), "B");

  using run = caf::stateful_actor<actors::run_state, run_actor::base>;
  using stream = caf::stateful_actor<actors::scripted_model_stream_state, actors::scripted_model_stream_actor::base>;
  out.add("sizeof: a typed actor without state", static_cast<double>(sizeof(run_actor::base)), "B");
  out.add("sizeof: a run's actor", static_cast<double>(sizeof(run)), "B");
  out.add("  its run_machine", static_cast<double>(sizeof(core::run_machine)), "B");
  out.add("    its request", static_cast<double>(sizeof(run_request)), "B");
  out.add("  its event_tail", static_cast<double>(sizeof(core::event_tail<subscriber_actor>)), "B");
  out.add("sizeof: a demo stream's actor", static_cast<double>(sizeof(stream)), "B");
  out.add("sizeof: an event", static_cast<double>(sizeof(run_event)), "B");
  out.add("sizeof: a run_signal", static_cast<double>(sizeof(core::run_signal)), "B");
  out.add("sizeof: a run_effect", static_cast<double>(sizeof(core::run_effect)), "B");
}

}  // namespace oncue::bench
