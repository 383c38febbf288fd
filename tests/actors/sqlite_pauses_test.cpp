// What waits to be written and what is asked meanwhile: a pause, its continuation and a cancel keep their order with the
// events of their run, in the journal's two lanes.
#define CAF_SUITE actors.sqlite_pauses

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "oncue/actors/memory_journal.hpp"
#include "oncue/actors/store_journal.hpp"
#include "support/promises.hpp"
#include "support/store.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

event_ptr pause_at(event_index index, std::int64_t expires_at_ms = 0) {
  return event_at(index, boxed<run_paused>{{{{{"c", "f", "{}"}, {tool_need::confirmation}}}, expires_at_ms}}, 2000);
}
event_ptr continued_at(event_index index) { return event_at(index, boxed<run_continued>{}); }

journal_client_actor::behavior_type listener(journal_client_actor::pointer, std::vector<std::string>* told) {
  return {
      [told](const appended& x) { told->push_back(x.run.value + "<" + std::to_string(x.next)); },
      [told](const finished& x) { told->push_back(x.run.value + " ended"); },
      [told](const journal_refused& x) { told->push_back(x.run.value + " refused: " + x.message); },
  };
}

caf::actor_system_config& configure(caf::actor_system_config& config) {
  config.set("caf.scheduler.policy", "testing");
  return config;
}

/// A journal by itself. Whatever is sent before settle() waits in its mailbox together.
struct bench {
  explicit bench(bool on_disk) : system{configure(config)}, self{system}, client{system.spawn(listener, &told)} {
    if (on_disk) {
      store = open_store(":memory:");
      auto archive = actors::spawn_store_archive(system, {store, &store->reads()}, false);
      journal = actors::spawn_store_journal(
          system, store, archive, [] { return std::int64_t{0}; }, false);
    } else {
      journal = actors::spawn_memory_journal(system);
    }
  }
  ~bench() {
    caf::anon_send_exit(client, caf::exit_reason::kill);
    caf::anon_send_exit(journal, caf::exit_reason::kill);
    client = nullptr;
    journal = nullptr;
    settle();
  }

  caf::scheduler::test_coordinator& jobs() { return static_cast<caf::scheduler::test_coordinator&>(system.scheduler()); }
  void settle() {
    while (jobs().has_job()) jobs().run_once();
  }

  /// Asks at once; the answer is what the returned function gives after settle().
  template <class Reply, class Message>
  std::function<Reply()> ask(Message message) {
    auto waiting = std::make_shared<decltype(self->request(journal, caf::infinite, message))>(
        self->request(journal, caf::infinite, message));
    return [waiting] {
      Reply answer;
      waiting->receive([&](Reply& reply) { answer = std::move(reply); },
                       [](const caf::error& error) { CAF_FAIL(to_string(error)); });
      return answer;
    };
  }
  void create(const std::string& id) {
    auto made = ask<create_reply>(creation(id));
    settle();
    CAF_CHECK(!made().refused);
  }
  void append(const std::string& id, std::vector<event_ptr> events, run_epoch epoch = 1) {
    auto from = events.front()->index;
    caf::anon_send(journal, append_events{{id}, from, std::move(events), epoch}, client);
  }

  caf::actor_system_config config;
  caf::actor_system system;
  caf::scoped_actor self;
  std::vector<std::string> told;
  journal_client_actor client;
  std::shared_ptr<io::sqlite_store> store;
  journal_actor journal;
};

}  // namespace

CAF_TEST(what is asked about a pause comes behind the pause) {
  for (bool on_disk : {true, false}) {
    bench x{on_disk};
    x.create("r");
    x.append("r", {delta(1, "half"), pause_at(2)});
    auto found = x.ask<paused_run>(find_paused{{"r"}});
    x.settle();
    auto paused = found();
    CAF_CHECK_EQUAL(paused.events.size(), 3u);
    CAF_CHECK(paused.summary && paused.summary->status == run_status::paused);
    CAF_CHECK(x.told == std::vector<std::string>{"r<3"});
  }
}

CAF_TEST(a cancel does not overtake the pause that it ends) {
  for (bool on_disk : {true, false}) {
    bench x{on_disk};
    x.create("r");
    x.append("r", {delta(1, "half"), pause_at(2)});
    auto cancelled = x.ask<record_cancel_reply>(record_cancel{{.run = {"r"}, .by = "ann"}, 5000});
    auto late = x.ask<reopen_reply>(reopen_run{{"r"}, continued_at(3)});
    x.settle();
    auto receipt = cancelled();
    CAF_REQUIRE(receipt.ended.has_value());
    CAF_CHECK_EQUAL((*receipt.ended)->index, 3u);
    auto refused = late().refused;
    CAF_CHECK(refused && refused->code == refusal_code::not_paused);
  }
}

CAF_TEST(of two who continue a run one does and a cancel behind it finds it running) {
  for (bool on_disk : {true, false}) {
    bench x{on_disk};
    x.create("r");
    x.append("r", {pause_at(1)});
    auto one = x.ask<reopen_reply>(reopen_run{{"r"}, continued_at(2)});
    auto two = x.ask<reopen_reply>(reopen_run{{"r"}, continued_at(2)});
    auto cancelled = x.ask<record_cancel_reply>(record_cancel{{.run = {"r"}}, 5000});
    x.settle();
    auto first = one();
    CAF_CHECK(!first.refused && first.epoch == 2);
    CAF_CHECK(two().refused.has_value());
    auto receipt = cancelled();
    CAF_CHECK(receipt.accepted && !receipt.ended);
    x.append("r", {delta(3)}, 1);
    x.append("r", {delta(3)}, 2);
    x.settle();
    CAF_REQUIRE_EQUAL(x.told.size(), 3u);
    CAF_CHECK(x.told[1].starts_with("r refused: the run has another owner now"));
    CAF_CHECK_EQUAL(x.told[2], "r<4");
  }
}

CAF_TEST(both journals say when the next pause expires) {
  for (bool on_disk : {true, false}) {
    bench x{on_disk};
    for (auto id : {"a", "b"}) x.create(id);
    x.append("a", {pause_at(1, 5000)});
    x.append("b", {pause_at(1, 7000)});
    auto expired = x.ask<expired_runs>(end_expired{5000, 10});
    x.settle();
    auto reply = expired();
    CAF_REQUIRE_EQUAL(reply.ended.size(), 1u);
    CAF_CHECK_EQUAL(reply.ended[0].value, "a");
    CAF_CHECK_EQUAL(reply.next_at_ms, 7000);
  }
}
