// Threads for functions that may block. The functions here block until the test lets them go on, so nothing sleeps.
#define CAF_SUITE io.function_threads

#include "oncue/io/function_threads.hpp"

#include <atomic>
#include <caf/test/unit_test.hpp>
#include <future>
#include <set>
#include <thread>
#include <vector>

using namespace oncue::io;
using namespace std::chrono_literals;

namespace {

/// Shared by a function that blocks and the test.
struct gate {
  std::promise<void> entered;
  std::promise<void> let_go;
  std::promise<void> left;
  std::atomic<int> done{0};

  bool is_entered() { return seen(entered_seen_); }
  bool is_left() { return seen(left_seen_); }

  std::function<void()> work(const std::shared_ptr<gate>& me) {
    return [me, go = std::make_shared<std::future<void>>(let_go.get_future())] {
      me->entered.set_value();
      go->wait();
      me->left.set_value();
    };
  }

 private:
  static bool seen(std::future<void>& what) { return what.wait_for(20s) == std::future_status::ready; }
  std::future<void> entered_seen_ = entered.get_future();
  std::future<void> left_seen_ = left.get_future();
};

struct blocked {
  std::shared_ptr<gate> at = std::make_shared<gate>();
  function_job job;
};

blocked start_blocked(function_threads& threads) {
  blocked one;
  one.job = threads.start(one.at->work(one.at), [at = one.at] { ++at->done; });
  return one;
}

/// Runs something and waits for it: whatever was started before on the same thread is over then.
std::thread::id run_one(function_threads& threads) {
  std::promise<std::thread::id> ran;
  threads.start([] {}, [&] { ran.set_value(std::this_thread::get_id()); });
  return ran.get_future().get();
}

}  // namespace

CAF_TEST(a function runs and what is done behind it runs on the same thread) {
  function_threads threads;
  std::promise<std::pair<std::thread::id, std::thread::id>> ran;
  auto at_work = std::make_shared<std::thread::id>();
  threads.start([at_work] { *at_work = std::this_thread::get_id(); },
                [&, at_work] {
                  ran.set_value({*at_work, std::this_thread::get_id()});
                });
  auto [work, done] = ran.get_future().get();
  CAF_CHECK_EQUAL(work, done);
  CAF_CHECK(work != std::this_thread::get_id());
}

CAF_TEST(threads are used again) {
  function_threads threads;
  for (int i = 0; i < 50; ++i) run_one(threads);
  // The one that has just called `done` may not be free yet when the next job comes.
  CAF_CHECK(threads.counted().threads <= 2);
}

CAF_TEST(functions that block do not hold up others until all threads are busy) {
  function_threads threads(3);
  auto a = start_blocked(threads);
  auto b = start_blocked(threads);
  CAF_CHECK(a.at->is_entered());
  CAF_CHECK(b.at->is_entered());
  run_one(threads);
  auto c = start_blocked(threads);
  CAF_CHECK(c.at->is_entered());
  auto waiting = start_blocked(threads);
  CAF_CHECK_EQUAL(threads.counted().busy, 3u);
  CAF_CHECK_EQUAL(threads.counted().threads, 3u);
  a.at->let_go.set_value();
  CAF_CHECK(waiting.at->is_entered());
  for (auto* one : {&b, &c, &waiting}) one->at->let_go.set_value();
  for (auto* one : {&a, &b, &c, &waiting}) CAF_CHECK(one->at->is_left());
}

CAF_TEST(a job that waits can be withdrawn and one that runs cannot) {
  function_threads threads(1);
  auto running = start_blocked(threads);
  CAF_CHECK(running.at->is_entered());
  auto waiting = start_blocked(threads);
  std::weak_ptr<gate> held = waiting.at;
  CAF_CHECK(!threads.withdraw(running.job));
  CAF_CHECK(threads.withdraw(waiting.job));
  CAF_CHECK(!threads.withdraw(waiting.job));
  waiting.at = nullptr;
  CAF_CHECK(held.expired());
  running.at->let_go.set_value();
  run_one(threads);
  CAF_CHECK_EQUAL(running.at->done, 1);
  CAF_CHECK(!threads.give_up(running.job));
}

CAF_TEST(a function that is given up keeps its thread and others take its place) {
  auto threads = std::make_unique<function_threads>(1);
  auto stuck = start_blocked(*threads);
  CAF_CHECK(stuck.at->is_entered());
  auto waiting = start_blocked(*threads);
  CAF_CHECK(threads->give_up(stuck.job));
  CAF_CHECK(threads->give_up(stuck.job));
  CAF_CHECK(waiting.at->is_entered());
  CAF_CHECK_EQUAL(threads->counted().busy, 1u);
  CAF_CHECK_EQUAL(threads->counted().threads, 1u);
  waiting.at->let_go.set_value();
  run_one(*threads);
  CAF_CHECK_EQUAL(waiting.at->done, 1);
  // The end does not wait for it, and it may still come to its own.
  threads.reset();
  stuck.at->let_go.set_value();
  CAF_CHECK(stuck.at->is_left());
  CAF_CHECK_EQUAL(stuck.at->done, 0);
}

CAF_TEST(a job that waits is given up by being withdrawn) {
  function_threads threads(1);
  auto running = start_blocked(threads);
  CAF_CHECK(running.at->is_entered());
  auto waiting = start_blocked(threads);
  CAF_CHECK(threads.give_up(waiting.job));
  CAF_CHECK(threads.give_up(waiting.job));
  running.at->let_go.set_value();
  run_one(threads);
  CAF_CHECK_EQUAL(waiting.at->done, 0);
}

CAF_TEST(what is to be done behind a function that is given up is let go of at once) {
  function_threads threads;
  auto at = std::make_shared<gate>();
  auto held = std::make_shared<int>(0);
  std::weak_ptr<int> seen = held;
  auto job = threads.start(at->work(at), [held = std::move(held)] { ++*held; });
  CAF_CHECK(at->is_entered());
  CAF_CHECK(threads.give_up(job));
  CAF_CHECK(seen.expired());
  at->let_go.set_value();
  CAF_CHECK(at->is_left());
}

CAF_TEST(giving up comes before or after what is done and never between) {
  function_threads threads(8);
  int given_up = 0;
  int done_before = 0;
  for (int i = 0; i < 2000; ++i) {
    auto calls = std::make_shared<std::atomic<int>>(0);
    auto job = threads.start([] {}, [calls] { ++*calls; });
    if (i % 3 == 0) std::this_thread::yield();
    if (threads.give_up(job)) {
      ++given_up;
      CAF_REQUIRE_EQUAL(*calls, 0);
      CAF_REQUIRE_EQUAL(calls.use_count(), 1);
    } else {
      ++done_before;
      CAF_REQUIRE_EQUAL(*calls, 1);
      CAF_REQUIRE_EQUAL(calls.use_count(), 1);
    }
  }
  CAF_MESSAGE(given_up << " given up, " << done_before << " done before");
}

CAF_TEST(the end withdraws what waits and waits for what runs) {
  auto threads = std::make_unique<function_threads>(1);
  auto running = start_blocked(*threads);
  CAF_CHECK(running.at->is_entered());
  auto waiting = start_blocked(*threads);
  std::thread helper{[&] { running.at->let_go.set_value(); }};
  threads.reset();
  CAF_CHECK_EQUAL(running.at->done, 1);
  CAF_CHECK_EQUAL(waiting.at->done, 0);
  helper.join();
}
