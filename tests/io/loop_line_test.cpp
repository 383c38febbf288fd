// Jobs in line for one loop: their order, and that nobody else on the loop waits for the whole line.
#define CAF_SUITE io.loop_line

#include "oncue/io/loop_line.hpp"

#include <sys/eventfd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <caf/test/unit_test.hpp>
#include <functional>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace oncue::io;

namespace {

template <class Job>
std::shared_ptr<loop_line<Job>> make_line(event_loop& loop, std::size_t slice_max, std::function<bool(Job)> work) {
  return std::make_shared<loop_line<Job>>(loop, slice_max, std::move(work));
}

/// Runs there, and waits until `last` is called.
void on_loop(event_loop& loop, const std::function<void()>& what, std::promise<void>& last) {
  loop.post(what);
  last.get_future().wait();
}

}  // namespace

CAF_TEST(jobs are done in their order and others have their turn between two slices) {
  event_loop loop;
  std::string done;
  std::promise<void> last;
  auto line = make_line<char>(loop, 3, [&](char job) {
    done += job;
    if (job == '7') last.set_value();
    return false;
  });
  on_loop(
      loop,
      [&] {
        for (char job = '0'; job <= '7'; ++job) line->add(job);
        done += '|';  // nothing was done from within add()
        loop.post([&] {
          done += 'a';
          loop.post([&] { done += 'b'; });
        });
      },
      last);
  CAF_CHECK_EQUAL(done, "|012a345b67");
}

CAF_TEST(a job that is not over goes to the end of the line and may add others) {
  event_loop loop;
  std::string done;
  std::promise<void> last;
  std::shared_ptr<loop_line<char>> line;
  line = make_line<char>(loop, 100, [&](char job) {
    done += job;
    if (job == 'A' && done.size() == 1) {
      line->add('C');
      done += '|';
      return true;
    }
    if (job == 'D') last.set_value();
    if (job == 'A') line->add('D');
    return false;
  });
  on_loop(
      loop,
      [&] {
        line->add('A');
        line->add('B');
      },
      last);
  CAF_CHECK_EQUAL(done, "A|BCAD");
}

CAF_TEST(a socket is looked at although the line is never empty) {
  event_loop loop;
  boost::asio::posix::stream_descriptor socket{loop.context(), ::eventfd(1, EFD_CLOEXEC)};
  bool seen = false;
  int rounds = 0;
  std::promise<void> last;
  auto line = make_line<int>(loop, 8, [&](int) {
    if (!seen && ++rounds < 1'000'000) return true;
    last.set_value();
    return false;
  });
  on_loop(
      loop,
      [&] {
        line->add(1);
        socket.async_wait(boost::asio::posix::descriptor_base::wait_read, [&](boost::system::error_code) { seen = true; });
      },
      last);
  CAF_CHECK(seen);
}

CAF_TEST(many threads add and each ones order is kept) {
  constexpr int threads = 6;
  constexpr int jobs = 5'000;
  event_loop loop;
  struct job {
    int thread = 0;
    int number = 0;
  };
  std::map<int, int> next;
  int done = 0;
  bool in_order = true;
  bool elsewhere = false;
  std::promise<void> last;
  auto line = make_line<job>(loop, 16, [&](job what) {
    elsewhere = elsewhere || !loop.on_this_thread();
    in_order = in_order && next[what.thread]++ == what.number;
    if (++done == threads * jobs) last.set_value();
    return false;
  });
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (int i = 0; i < jobs; ++i) line->add({t, i});
    });
  }
  for (auto& thread : all) thread.join();
  last.get_future().wait();
  CAF_CHECK(in_order);
  CAF_CHECK(!elsewhere);
}
