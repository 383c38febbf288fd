#include "support/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

namespace oncue::test {

namespace {

constexpr std::chrono::seconds patience{10};

void require(bool good, const char* what) {
  if (!good) throw std::system_error{errno, std::generic_category(), what};
}

struct pipe_ends {
  int read = -1;
  int write = -1;
};

pipe_ends make_pipe() {
  int ends[2];
  require(::pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  return {ends[0], ends[1]};
}

/// A terminal that shows bytes as they are written: no "\r\n" for "\n".
pipe_ends make_terminal() {
  pipe_ends ends;
  require(::openpty(&ends.read, &ends.write, nullptr, nullptr, nullptr) == 0, "openpty");
  ::fcntl(ends.read, F_SETFD, FD_CLOEXEC);
  ::fcntl(ends.write, F_SETFD, FD_CLOEXEC);
  termios mode{};
  ::tcgetattr(ends.write, &mode);
  ::cfmakeraw(&mode);
  ::tcsetattr(ends.write, TCSANOW, &mode);
  return ends;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// Between fork and exec, in a process of many threads: nothing but system calls.
[[noreturn]] void become(char* const* arguments, char* const* environment, const char* folder, int in, int out, int err) {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number : {SIGINT, SIGTERM, SIGPIPE}) ::signal(number, SIG_DFL);
  auto ready = ::dup2(in, 0) == 0 && ::dup2(out, 1) == 1 && ::dup2(err, 2) == 2 && (!*folder || ::chdir(folder) == 0);
  if (ready) ::execve(arguments[0], arguments, environment);
  ::_exit(127);
}

}  // namespace

child_process::child_process(const child_options& options) : read_out_{options.read_out} {
  auto arguments = options.arguments;
  std::vector<std::string> variables;
  for (const auto& [name, value] : options.environment) variables.push_back(name + "=" + value);
  auto argument_pointers = pointers_to(arguments);
  auto variable_pointers = pointers_to(variables);

  auto in = make_pipe();
  auto out = options.terminal ? make_terminal() : make_pipe();
  auto err = options.terminal ? pipe_ends{-1, out.write} : make_pipe();
  if (options.out_pipe_bytes > 0) require(::fcntl(out.write, F_SETPIPE_SZ, options.out_pipe_bytes) > 0, "F_SETPIPE_SZ");
  require(::write(in.write, options.input.data(), options.input.size()) == static_cast<ssize_t>(options.input.size()),
          "the child's input");
  pid_ = ::fork();
  require(pid_ >= 0, "fork");
  if (pid_ == 0) {
    become(argument_pointers.data(), variable_pointers.data(), options.folder.c_str(), in.read, out.write, err.write);
  }
  pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));  // its header in glibc 2.36 is not for C++
  require(pid_fd_ >= 0, "pidfd_open");
  close(in.read);
  close(in.write);
  close(out.write);
  if (!options.terminal) close(err.write);
  out_.fd = out.read;
  err_.fd = err.read;
}

child_process::~child_process() {
  if (!exit_code_) {
    ::kill(pid_, SIGKILL);
    reap();
  }
  for (int* fd : {&pid_fd_, &out_.fd, &err_.fd}) close(*fd);
}

bool child_process::wait_for_out(std::string_view text) {
  return read_until([&] { return out_.text.find(text) != std::string::npos; });
}

bool child_process::wait_for_err(std::string_view text) {
  return read_until([&] { return err_.text.find(text) != std::string::npos; });
}

std::optional<int> child_process::wait() {
  read_until([] { return false; });
  return exit_code_;
}

void child_process::send(int signal_number) const {
  if (!exit_code_) ::kill(pid_, signal_number);
}

void child_process::close_out() { close(out_.fd); }

/// Reads what comes until that is enough, or the child has ended and everything is read, or the time is over.
bool child_process::read_until(const std::function<bool()>& enough) {
  auto give_up_at = std::chrono::steady_clock::now() + patience;
  while (!enough()) {
    auto out_fd = read_out_ || exit_code_ ? out_.fd : -1;
    pollfd watched[] = {{out_fd, POLLIN, 0}, {err_.fd, POLLIN, 0}, {exit_code_ ? -1 : pid_fd_, POLLIN, 0}};
    if (out_fd < 0 && err_.fd < 0 && exit_code_) return false;
    auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(give_up_at - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    if (::poll(watched, 3, static_cast<int>(left)) < 0 && errno != EINTR) return false;
    if (watched[0].revents != 0) read_some(out_);
    if (watched[1].revents != 0) read_some(err_);
    if (watched[2].revents != 0) reap();
  }
  return true;
}

void child_process::read_some(stream& from) {
  char buffer[16'384];
  auto got = ::read(from.fd, buffer, sizeof buffer);
  if (got > 0) {
    from.text.append(buffer, static_cast<std::size_t>(got));
  } else if (got == 0 || errno != EINTR) {
    close(from.fd);  // a terminal ends with EIO
  }
}

void child_process::close(int& fd) {
  if (fd >= 0) ::close(std::exchange(fd, -1));
}

void child_process::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace oncue::test
