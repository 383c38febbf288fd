#include "oncue/io/function_threads.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace oncue::io {

namespace detail {

enum class job_state { waiting, running, finishing, over };

struct function_job {
  std::function<void()> work;  // touched by its thread only, once it runs
  std::function<void()> done;
  job_state state = job_state::waiting;
  bool given_up = false;
  std::list<std::shared_ptr<function_job>>::iterator place;  // while it waits
  std::list<std::thread>::iterator its_thread;               // while it runs
};

struct function_crew {
  explicit function_crew(std::size_t most) : busy_max(std::max<std::size_t>(most, 1)) {}

  const std::size_t busy_max;
  std::mutex guard;  // for all that follows, and for the jobs' states
  std::condition_variable work_came;
  std::condition_variable job_over;
  std::list<std::shared_ptr<function_job>> waiting;
  std::list<std::thread> threads;  // those not given up
  std::size_t busy = 0;            // of these
  std::size_t lost = 0;            // given up, and not returned yet
  bool stopping = false;
};

}  // namespace detail

using detail::function_crew;
using detail::job_state;

namespace {

using lock_type = std::unique_lock<std::mutex>;
using thread_place = std::list<std::thread>::iterator;

/// Runs one job, without the lock. False when it was given up, and its thread with it.
bool run(function_crew& crew, lock_type& lock, detail::function_job& job) {
  lock.unlock();
  job.work();
  // What it held is let go of by the thread that it ran on, before anybody hears that it is over.
  job.work = nullptr;
  lock.lock();
  if (job.given_up) {
    --crew.lost;
    return false;
  }
  job.state = job_state::finishing;
  auto done = std::exchange(job.done, nullptr);
  lock.unlock();
  done();
  done = nullptr;
  lock.lock();
  job.state = job_state::over;
  --crew.busy;
  crew.job_over.notify_all();
  return true;
}

void serve(const std::shared_ptr<function_crew>& crew, thread_place me) {
  // A write to a closed connection is an error code, not the end of the process.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  lock_type lock(crew->guard);
  for (;;) {
    while (!crew->waiting.empty()) {
      auto job = std::move(crew->waiting.front());
      crew->waiting.pop_front();
      ++crew->busy;
      job->state = job_state::running;
      job->its_thread = me;
      if (!run(*crew, lock, *job)) return;
    }
    if (crew->stopping) return;
    auto until = std::chrono::steady_clock::now() + core::limits::tool_thread_idle;
    if (!crew->work_came.wait_until(lock, until, [&] { return crew->stopping || !crew->waiting.empty(); })) {
      me->detach();
      crew->threads.erase(me);
      return;
    }
  }
}

/// Sees to it that what waits has a thread, unless all are busy. False when there is no thread at all.
bool staff(const std::shared_ptr<function_crew>& crew) {
  auto free = crew->threads.size() - crew->busy;
  if (crew->waiting.size() <= free || crew->threads.size() >= crew->busy_max) {
    crew->work_came.notify_one();
    return true;
  }
  crew->threads.emplace_back();
  auto place = std::prev(crew->threads.end());
  try {
    *place = std::thread(serve, crew, place);
    pthread_setname_np(place->native_handle(), "oncue.function");
  } catch (const std::system_error&) {
    crew->threads.erase(place);
  }
  return !crew->threads.empty();
}

/// What the caller destroys when it has let go of the lock.
struct remains {
  std::function<void()> work;
  std::function<void()> done;
};

remains take_out(function_crew& crew, detail::function_job& job) {
  crew.waiting.erase(job.place);
  job.state = job_state::over;
  job.given_up = true;
  return {std::move(job.work), std::move(job.done)};
}

}  // namespace

function_threads::function_threads(std::size_t busy_max) : crew_(std::make_shared<function_crew>(busy_max)) {}

function_threads::~function_threads() {
  std::list<std::shared_ptr<detail::function_job>> withdrawn;
  {
    lock_type lock(crew_->guard);
    crew_->stopping = true;
    withdrawn.swap(crew_->waiting);
    for (const auto& job : withdrawn) job->state = job_state::over;
    crew_->work_came.notify_all();
  }
  withdrawn.clear();
  for (auto& thread : crew_->threads) thread.join();
}

function_job function_threads::start(std::function<void()> work, std::function<void()> done) {
  auto job = std::make_shared<detail::function_job>();
  job->work = std::move(work);
  job->done = std::move(done);
  lock_type lock(crew_->guard);
  job->place = crew_->waiting.insert(crew_->waiting.end(), job);
  if (crew_->lost >= core::limits::tool_threads_lost_max || !staff(crew_)) {
    crew_->waiting.erase(job->place);
    lock.unlock();
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again), "no thread for a function");
  }
  return job;
}

bool function_threads::withdraw(const function_job& which) {
  remains held;
  auto* job = static_cast<detail::function_job*>(which.get());
  lock_type lock(crew_->guard);
  if (!job || job->state != job_state::waiting) return false;
  held = take_out(*crew_, *job);
  lock.unlock();
  return true;
}

bool function_threads::give_up(const function_job& which) {
  remains held;
  auto* job = static_cast<detail::function_job*>(which.get());
  if (!job) return false;
  lock_type lock(crew_->guard);
  switch (job->state) {
    case job_state::waiting: held = take_out(*crew_, *job); break;
    case job_state::running:
      job->given_up = true;
      job->state = job_state::over;
      held.done = std::move(job->done);
      job->its_thread->detach();
      ++crew_->lost;
      crew_->threads.erase(job->its_thread);
      --crew_->busy;
      // Without a thread to be had, what waits goes on waiting until the next start.
      if (!crew_->waiting.empty()) (void)staff(crew_);
      break;
    case job_state::finishing:
      // From `done` itself, or what it let go of: waiting would never end.
      if (job->its_thread->get_id() == std::this_thread::get_id()) return false;
      crew_->job_over.wait(lock, [&] { return job->state == job_state::over; });
      return false;
    case job_state::over: return job->given_up;
  }
  lock.unlock();
  return true;
}

function_threads::count function_threads::counted() const {
  lock_type lock(crew_->guard);
  return {crew_->busy, crew_->threads.size()};
}

}  // namespace oncue::io
