#include "child_spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "child_command.hpp"
#include "guard_words.hpp"

namespace oncue::io {

void owned_fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

namespace {

// The guard is given 0 to 3: no end may sit where another one is to go.
constexpr int first_free_fd = 10;

struct channel {
  owned_fd ours;
  owned_fd theirs;
};

/// Out of the way, if this process was started without its standard streams.
bool keep_clear(owned_fd& fd) {
  if (fd.get() >= first_free_fd) return true;
  fd = owned_fd{fcntl(fd.get(), F_DUPFD_CLOEXEC, first_free_fd)};
  return fd.get() >= 0;
}

bool open_pipe(channel& out, bool we_write) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  out.ours = owned_fd{ends[we_write ? 1 : 0]};
  out.theirs = owned_fd{ends[we_write ? 0 : 1]};
  return fcntl(out.ours.get(), F_SETFL, O_NONBLOCK) == 0 && keep_clear(out.theirs);
}

bool open_control(channel& out) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return false;
  out.ours = owned_fd{ends[0]};
  out.theirs = owned_fd{ends[1]};
  return fcntl(out.ours.get(), F_SETFL, O_NONBLOCK) == 0 && keep_clear(out.theirs);
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// posix_spawn's two parameters, which have to be given back.
class spawn_setup {
 public:
  spawn_setup() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  }
  ~spawn_setup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  spawn_setup(const spawn_setup&) = delete;
  spawn_setup& operator=(const spawn_setup&) = delete;

  void give(const owned_fd& fd, int number) { posix_spawn_file_actions_adddup2(&actions_, fd.get(), number); }

  int start(pid_t& pid, const std::string& path, std::vector<std::string> arguments, std::vector<std::string> environment) {
    return posix_spawn(&pid, path.c_str(), &actions_, &attributes_, pointers_to(arguments).data(),
                       pointers_to(environment).data());
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

std::variant<spawned_child, std::string> spawn_child(const child_options& options) {
  const auto& command = options.command;
  auto program = find_program(command);
  if (!program.problem.empty()) return std::move(program.problem);
  auto helper = find_child_guard(options.guard);
  if (!helper.problem.empty()) return std::move(helper.problem);

  channel input;
  channel output;
  channel errors;
  channel control;
  if (!open_pipe(input, true) || !open_pipe(output, false) || !open_pipe(errors, false) || !open_control(control)) {
    return "no pipes for '" + command.argv.front() + "': " + error_words(errno);
  }
  std::vector<std::string> arguments{"oncue-guard", std::to_string(command.memory_bytes_max), command.folder, program.path};
  arguments.insert(arguments.end(), command.argv.begin(), command.argv.end());
  spawn_setup setup;
  setup.give(input.theirs, STDIN_FILENO);
  setup.give(output.theirs, STDOUT_FILENO);
  setup.give(errors.theirs, STDERR_FILENO);
  setup.give(control.theirs, guard::control_fd);
  spawned_child child;
  if (auto error = setup.start(child.guard, helper.path, std::move(arguments), child_environment(command)); error != 0) {
    auto too_long = error == E2BIG ? ": its arguments and environment are too long" : ": " + error_words(error);
    return "'" + command.argv.front() + "' cannot be started" + too_long;
  }
  child.input = std::move(input.ours);
  child.output = std::move(output.ours);
  child.errors = std::move(errors.ours);
  child.control = std::move(control.ours);
  return child;
}

}  // namespace oncue::io
