// Where functions run that may block: a port, so that a test decides when each of them moves on. Whoever implements it owns
// the functions; whoever uses it is told of a return once, or never again. In a node these are threads
// (io/function_threads.hpp).
#pragma once

#include <functional>
#include <memory>

namespace oncue::io {

/// Names one job of the runner that made it. Cheap to copy; may outlive everything.
using function_job = std::shared_ptr<void>;

class function_runner {
 public:
  virtual ~function_runner() = default;

  /// Runs `work` soon, and behind it, at the same place, `done`. `work` may block. It may be given up, and then lives on
  /// after everything else has ended, so it must hold nothing that does not: `done` is for that, which must not block. An
  /// exception of either ends the process. Throws std::system_error when it cannot be run. Never calls them itself.
  virtual function_job start(std::function<void()> work, std::function<void()> done) = 0;

  /// True: `work` had not begun and never will, nor will `done`.
  virtual bool withdraw(const function_job& job) = 0;

  /// True: `done` was not called and never will be, and what it held has been let go of; `work` may still be running.
  /// False: `done` has been called and has returned.
  virtual bool give_up(const function_job& job) = 0;

 protected:
  function_runner() = default;
  function_runner(const function_runner&) = default;
  function_runner& operator=(const function_runner&) = default;
};

}  // namespace oncue::io
