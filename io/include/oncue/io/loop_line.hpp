// Jobs that stand in line for one event loop: anybody adds one, the loop's thread does them in their order, a slice at a
// time, and looks at its sockets in between. A line that is empty costs nothing; however many jobs are added, the loop is
// woken once. Never does a job from within add(). Jobs are small values; what is still in line when the line goes is
// dropped.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "oncue/io/event_loop.hpp"

namespace oncue::io {

template <class Job>
class loop_line : public std::enable_shared_from_this<loop_line<Job>> {
 public:
  /// Does a job, on the loop's thread. True: it goes to the end of the line once more.
  using worker = std::function<bool(Job)>;

  /// `loop` must outlive the jobs; `slice_max` of them are done at a time.
  loop_line(event_loop& loop, std::size_t slice_max, worker work)
      : loop_{loop}, slice_max_{slice_max}, work_{std::move(work)} {}

  /// From any thread, and from within a job.
  void add(Job job) {
    {
      std::lock_guard lock(guard_);
      jobs_.push_back(std::move(job));
      if (std::exchange(posted_, true)) return;
    }
    post();
  }

 private:
  void post() {
    loop_.post([self = this->shared_from_this()] { self->turn(); });
  }

  void turn() {
    for (std::size_t i = 0; i < slice_max_; ++i) {
      Job job;
      {
        std::lock_guard lock(guard_);
        if (jobs_.empty()) {
          posted_ = false;
          return;
        }
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      if (work_(job)) {
        std::lock_guard lock(guard_);
        jobs_.push_back(std::move(job));
      }
    }
    post();
  }

  event_loop& loop_;
  const std::size_t slice_max_;
  worker work_;
  std::mutex guard_;
  std::deque<Job> jobs_;  // under guard_, as is posted_
  bool posted_ = false;   // a turn is on its way
};

}  // namespace oncue::io
