// Actors on event loops: those that are marked run where their messages come from, never twice at once; all others stay
// with CAF's workers.
#define CAF_SUITE actors.loop_unit

#include "loop_unit.hpp"

#include <algorithm>
#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/test/unit_test.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "oncue/runtime.hpp"

using namespace oncue;

namespace {

using number_actor = caf::typed_actor<caf::result<void>(std::int32_t)>;

/// Does what the test says with each number.
class number_state {
 public:
  using action = std::function<void(number_actor::pointer, std::int32_t)>;

  number_state(number_actor::pointer self, action act) : self_{self}, act_{std::move(act)} {}
  number_actor::behavior_type make_behavior() {
    return {[this](std::int32_t number) { act_(self_, number); }};
  }

 private:
  number_actor::pointer self_;
  action act_;
};
using anybodys = number_actor::stateful_impl<number_state>;
using ours = actors::on_loops<anybodys>;

struct fixture {
  fixture() {
    for (std::size_t i = 0; i < loops.size(); ++i) units.push_back(actors::loop_unit::make(loops.at(i), system));
  }
  ~fixture() {
    system.await_all_actors_done();
    for (auto& unit : units) unit->leave();
  }

  template <class F>
  void on_loop(std::size_t which, F what) {
    std::promise<void> done;
    loops.at(which).post([&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }

  bool on_a_loop() { return loops.at(0).on_this_thread() || loops.at(1).on_this_thread(); }

  /// Where an actor that was sent this number from the first loop has handled it.
  enum class place { first_loop, elsewhere };
  place handled(std::shared_ptr<std::promise<place>>& next, const number_actor& who, std::int32_t number) {
    auto answer = next = std::make_shared<std::promise<place>>();
    on_loop(0, [&] { actors::send_from_loop(who, number); });
    return answer->get_future().get();
  }

  io::event_loops loops{2};
  std::vector<std::shared_ptr<actors::loop_unit>> units;
  caf::actor_system_config config;
  caf::actor_system system{config};
};

template <class Handle>
bool is_marked(const Handle& handle) {
  return dynamic_cast<actors::loop_runnable*>(caf::actor_cast<caf::abstract_actor*>(handle)) != nullptr;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(loop_unit_tests, fixture)

CAF_TEST(a marked actor runs on the loop that its message comes from until the loop is left) {
  std::shared_ptr<std::promise<place>> next;
  auto act = [&](number_actor::pointer, std::int32_t) {
    next->set_value(loops.at(0).on_this_thread() ? place::first_loop : place::elsewhere);
  };
  auto who = system.spawn<ours>(act);
  // It begins on a worker, and may still be there when the first ones come.
  int tries = 0;
  while (handled(next, who, 1) != place::first_loop && tries < 100'000) ++tries;
  CAF_CHECK_LESS(tries, 100'000);
  CAF_CHECK(handled(next, who, 2) == place::first_loop || handled(next, who, 3) == place::first_loop);

  units[0]->leave();
  on_loop(0, [] { CAF_CHECK(!actors::loop_unit::current()); });
  CAF_CHECK(handled(next, who, 4) == place::elsewhere);
}

CAF_TEST(an actor of somebody elses never runs on a loop) {
  constexpr std::int32_t numbers = 2'000;
  std::atomic<int> sent_from_loop = 0;
  std::atomic<int> handled_on_loop = 0;
  std::atomic<int> left = 2 * numbers;
  std::promise<void> last;
  auto note = [&](number_actor::pointer, std::int32_t) {
    if (on_a_loop()) ++handled_on_loop;
    if (--left == 0) last.set_value();
  };
  auto known = system.spawn<anybodys>(note);
  // One is sent to, and one is spawned there for each number.
  auto who = system.spawn<ours>([&, known](number_actor::pointer self, std::int32_t number) {
    if (on_a_loop()) ++sent_from_loop;
    self->send(known, number);
    self->send(self->spawn<anybodys>(note), number);
  });
  for (std::int32_t i = 0; i < numbers; ++i) {
    on_loop(0, [&] { actors::send_from_loop(who, i); });
  }
  last.get_future().wait();
  CAF_CHECK_GREATER(sent_from_loop.load(), 0);
  CAF_CHECK_EQUAL(handled_on_loop.load(), 0);
}

CAF_TEST(no actor runs twice at once whoever wakes it and no order is lost) {
  constexpr std::int32_t senders = 4;  // two loops and two other threads
  constexpr std::int32_t numbers = 5'000;
  std::atomic<bool> inside = false;
  std::atomic<bool> twice = false;
  std::vector<std::int32_t> next(senders);
  bool in_order = true;
  std::int32_t left = senders * numbers;
  std::promise<void> last;
  auto who = system.spawn<ours>([&](number_actor::pointer, std::int32_t number) {
    if (inside.exchange(true)) twice = true;
    in_order = in_order && next[static_cast<std::size_t>(number % senders)]++ == number / senders;
    auto is_last = --left == 0;
    inside = false;
    if (is_last) last.set_value();
  });
  std::vector<std::thread> threads;
  for (std::int32_t sender = 0; sender < senders; ++sender) {
    threads.emplace_back([&, sender] {
      for (std::int32_t i = 0; i < numbers; ++i) {
        auto number = i * senders + sender;
        if (sender < 2) {
          loops.at(static_cast<std::size_t>(sender)).post([&who, number] { actors::send_from_loop(who, number); });
        } else {
          caf::anon_send(who, number);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  last.get_future().wait();
  CAF_CHECK(!twice);
  CAF_CHECK(in_order);
}

CAF_TEST(runs and the journal in memory are marked and the supervisor is not ) {
  auto entry = std::make_shared<core::agent_entry>();
  entry->agent.id = {"writer"};
  entry->model.scripted = {.silent = true};
  runtime_options options;
  options.catalog.agents[entry->agent.id] = entry;
  runtime node{std::move(options)};
  auto run = node.start({.agent = {"writer"}, .input = "tell"});
  CAF_REQUIRE(!run.refused);
  event_source_actor source;
  {
    caf::scoped_actor self{node.system(), true};
    self->request(node.supervisor(), caf::infinite, subscribe_run{run.id})
        .receive([&](subscribe_reply& reply) { source = std::move(reply.source); },
                 [](const caf::error& error) { CAF_FAIL(error); });
  }
  CAF_CHECK(is_marked(source));
  CAF_CHECK(is_marked(node.journal()));
  CAF_CHECK(!is_marked(node.supervisor()));
  source = nullptr;
}

CAF_TEST_FIXTURE_SCOPE_END()
