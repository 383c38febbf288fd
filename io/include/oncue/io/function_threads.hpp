// Threads for functions that may block. Owns them: one is started when there is work and none is idle, is used again, and
// ends when it has had no work for a while. Promises that at most so many are busy, that what waits can be withdrawn, and
// that a function which does not return is given up: its thread goes on alone, counts no more, and can touch nothing but
// what the function itself holds. Never interrupts a function: nobody can.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "oncue/core/limits.hpp"
#include "oncue/io/function_runner.hpp"

namespace oncue::io {

namespace detail {
struct function_crew;
}  // namespace detail

class function_threads : public function_runner {
 public:
  /// At most `busy_max` functions run at the same time, at least one; those given up do not count.
  explicit function_threads(std::size_t busy_max = core::limits::tool_threads_max);

  /// Withdraws what waits, and waits for what runs: give it up before if that may take long. Does not wait for functions
  /// that were given up. Not from a job.
  ~function_threads() override;

  function_threads(const function_threads&) = delete;
  function_threads& operator=(const function_threads&) = delete;

  /// Runs `work` on one of the threads, as soon as one is free. Throws when there is no thread and none can be started.
  /// From any thread, as the two others.
  function_job start(std::function<void()> work, std::function<void()> done) override;

  bool withdraw(const function_job& job) override;
  bool give_up(const function_job& job) override;

  /// Threads that run a function which was not given up, and all threads that were not given up.
  struct count {
    std::size_t busy = 0;
    std::size_t threads = 0;
  };
  count counted() const;

 private:
  std::shared_ptr<detail::function_crew> crew_;  // those given up hold it too
};

}  // namespace oncue::io
