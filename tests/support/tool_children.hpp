// What tests of children share: a handler that notes what it is told, waits with a deadline for it, and looks at processes
// that are not ours.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "oncue/io/child_process.hpp"

namespace oncue::test {

/// What one child told its handler; shared with the test.
struct child_told {
  std::mutex guard;
  std::condition_variable changed;
  std::string output;
  std::string errors;
  std::vector<io::child_exit> exits;
  int gone = 0;
  int input_taken = 0;
  int input_closed = 0;
  bool in_order = true;  // output before exit before gone

  /// False if `seen` does not become true in time. It is asked under the lock.
  bool wait(const std::function<bool(const child_told&)>& seen) {
    std::unique_lock lock(guard);
    return changed.wait_for(lock, std::chrono::seconds{20}, [&] { return seen(*this); });
  }
  bool wait_for_gone() {
    return wait([](const child_told& t) { return t.gone > 0; });
  }
  bool wait_for_output(const std::string& text) {
    return wait([&](const child_told& t) { return t.output.find(text) != std::string::npos; });
  }
};

class child_recorder final : public io::child_handler {
 public:
  explicit child_recorder(std::shared_ptr<child_told> to) : to_{std::move(to)} {}

  void on_output(std::string_view bytes) override {
    note([&] {
      to_->in_order = to_->in_order && to_->exits.empty() && bytes.size() <= core::limits::child_chunk_bytes;
      to_->output += bytes;
    });
    if (when_output) when_output();
  }
  void on_errors(std::string_view bytes) override {
    note([&] {
      to_->in_order = to_->in_order && to_->exits.empty();
      to_->errors += bytes;
    });
  }
  void on_input_taken() override {
    note([&] { ++to_->input_taken; });
  }
  void on_input_closed() override {
    note([&] { ++to_->input_closed; });
  }
  void on_exit(const io::child_exit& exit) override {
    note([&] {
      to_->in_order = to_->in_order && to_->gone == 0;
      to_->exits.push_back(exit);
    });
  }
  void on_gone() override {
    note([&] {
      to_->in_order = to_->in_order && to_->exits.size() == 1;
      ++to_->gone;
    });
  }

  std::function<void()> when_output;

 private:
  template <class F>
  void note(F change) {
    std::lock_guard lock(to_->guard);
    change();
    to_->changed.notify_all();
  }

  std::shared_ptr<child_told> to_;
};

/// False also for one that has ended and was not waited for.
inline bool is_gone(pid_t pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }

/// Waits until a process that is not our child has ended.
inline bool ends_in_time(pid_t pid) {
  int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return errno == ESRCH;
  pollfd waited{fd, POLLIN, 0};
  auto ended = poll(&waited, 1, 20'000) == 1;
  ::close(fd);
  return ended;
}

inline bool has_children() { return waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD; }

inline std::ptrdiff_t open_descriptors() {
  using iterator = std::filesystem::directory_iterator;
  return std::distance(iterator{"/proc/self/fd"}, iterator{});
}

}  // namespace oncue::test
