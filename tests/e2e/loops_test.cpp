// Runs on the loops that read their sockets: what must stay away from a loop does, and a node goes away while they are
// live.
#define CAF_SUITE e2e.loops

#include <pthread.h>

#include <array>
#include <caf/test/unit_test.hpp>
#include <future>
#include <set>
#include <thread>

#include "oncue/actors/subscription.hpp"
#include "support/live_node.hpp"
#include "support/store.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

/// What a reader has seen, and on which threads.
struct heard {
  event_log log;
  std::set<std::string> threads;
};

class reader_state {
 public:
  reader_state(subscriber_actor::pointer self, supervisor_actor supervisor, run_id run, std::promise<heard>* out)
      : self_{self}, events_{self, std::move(supervisor), std::move(run)}, out_{out} {}

  subscriber_actor::behavior_type make_behavior() {
    self_->set_down_handler([this](const caf::down_msg& down) {
      note_thread();
      events_.on_down(down);
    });
    events_.open();
    return {[this](event_batch& batch) {
      note_thread();
      for (auto& event : events_.take(batch)) heard_.log.push_back(std::move(event));
      if (events_.state() == actors::subscription_state::reading) {
        events_.pull();
      } else {
        out_->set_value(std::move(heard_));
        self_->quit();
      }
    }};
  }

 private:
  void note_thread() {
    std::array<char, 16> name{};
    ::pthread_getname_np(::pthread_self(), name.data(), name.size());
    heard_.threads.emplace(name.data());
  }

  subscriber_actor::pointer self_;
  actors::subscription<subscriber_actor::base> events_;
  heard heard_;
  std::promise<heard>* out_;
};

runtime_options options_for(const provider& server, const std::vector<std::string>& scenarios) {
  runtime_options options;
  options.read_secret = [](const std::string&) { return std::string{"sk-test"}; };
  for (const auto& scenario : scenarios) {
    auto entry = std::make_shared<core::agent_entry>(agent_for(scenario, server.base_url(scenario)));
    options.catalog.agents[entry->agent.id] = std::move(entry);
  }
  return options;
}

}  // namespace

CAF_TEST(a subscriber of somebody elses is not run on the loop that its run is on) {
  provider server;
  const std::string scenario = "words;n=2000";
  live_node live{server, {scenario}};
  auto& node = *live.node;
  for (int i = 0; i < 5; ++i) {
    auto run = live.start(scenario);
    CAF_REQUIRE(!run.refused);
    std::promise<heard> promise;
    node.system().spawn<subscriber_actor::stateful_impl<reader_state>>(node.supervisor(), run.id, &promise);
    auto seen = promise.get_future().get();
    CAF_CHECK_EQUAL(live.broken(run.id, seen.log), "");
    CAF_CHECK(text_of(seen.log) == expected_text(scenario));
    for (const auto& thread : seen.threads) CAF_CHECK(!thread.starts_with("oncue.io"));
  }
}

CAF_TEST(a node goes away while its runs are read on several loops) {
  const std::vector<std::string> scenarios = {"endless;gap_ms=0", "endless;gap_ms=1", "silence"};
  constexpr std::size_t runs = 12;
  for (bool on_disk : {false, true}) {
    for (std::size_t io_threads : {1u, 3u}) {
      CAF_MESSAGE("on disk: " << on_disk << ", loops: " << io_threads);
      provider server;
      temporary_directory directory;
      auto options = options_for(server, scenarios);
      options.io_threads = io_threads;
      if (on_disk) options.store = core::store_settings{.path = directory / "x.db"};
      auto node = std::make_unique<runtime>(std::move(options));
      std::vector<run_events> left(runs);
      for (std::size_t i = 0; i < runs; ++i) {
        auto run = node->start({.agent = {scenarios[i % scenarios.size()]}, .input = "tell me"});
        CAF_REQUIRE(!run.refused);
        left[i] = std::move(run.events);
      }
      CAF_REQUIRE(server.wait_until([](const auto& all) { return count_requests(all) == runs; }));
      std::vector<std::thread> readers;
      std::vector<event_log> logs(runs);
      for (std::size_t i = 0; i < runs; i += 2) {
        CAF_REQUIRE(left[i].next(patience));
        readers.emplace_back([&, i] { live_node::read_to_end(left[i], logs[i]); });
      }
      node.reset();
      // The readers hold what is left of the node, until the last one lets go of it.
      for (auto& reader : readers) reader.join();
      for (std::size_t i = 0; i < runs; i += 2) CAF_CHECK(left[i].ended() || !left[i].error().empty());
      CAF_CHECK_EQUAL(closes_all(server), "");
      left.clear();
      if (!on_disk) continue;
      auto store = open_store(directory / "x.db");
      CAF_CHECK_EQUAL(store->stats().orphans, 0u);
      for (const auto& run : must(store->reads().list({100})).runs) {
        CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), run.id.value)), "");
      }
    }
  }
}

CAF_TEST(a node whose store cannot be opened is not made and leaves nothing) {
  provider server;
  temporary_directory directory;
  auto in_use = open_store(directory / "x.db");
  for (int i = 0; i < 3; ++i) {
    auto options = options_for(server, {"words"});
    options.io_threads = 2;
    options.store = core::store_settings{.path = directory / "x.db"};
    std::string problem;
    try {
      runtime node{std::move(options)};
    } catch (const std::exception& error) {
      problem = error.what();
    }
    CAF_CHECK(contains(problem, "in use by another process"));
  }
}
