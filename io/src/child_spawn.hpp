// Starts a child's guard, and the child with it: pipes, the socket to the guard, and the word that it is on its way.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <variant>

#include "oncue/io/child_process.hpp"

namespace oncue::io {

/// A descriptor that is closed.
class owned_fd {
 public:
  owned_fd() = default;
  explicit owned_fd(int fd) : fd_(fd) {}
  owned_fd(owned_fd&& other) noexcept : fd_(other.release()) {}
  owned_fd& operator=(owned_fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~owned_fd() { reset(); }

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// Our ends; they do not block.
struct spawned_child {
  owned_fd input;
  owned_fd output;
  owned_fd errors;
  owned_fd control;
  pid_t guard = -1;
};

/// Or one sentence about why not. Blocks until the guard's file is loaded, which is small.
std::variant<spawned_child, std::string> spawn_child(const child_options& options);

}  // namespace oncue::io
