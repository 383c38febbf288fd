// oncue-guard: starts one program and stands between it and oncue. Whatever the program starts, also a daemon in a session
// of its own, becomes a child of the guard when its parent dies, so that the guard can find all of it and end it: when the
// program has ended, when oncue says so, and when oncue dies. It reports over a socket, and ends when nothing is left. It
// has no part in the program's input and output, and hears no signal of a terminal. Not meant to be started by hand.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/guard_words.hpp"
#include "processes.hpp"

using namespace oncue::guard;

namespace {

constexpr int look_again_ms = 10;  // after the first look; doubled each time
constexpr int look_again_ms_most = 200;

struct exec_failure {
  int error;
  place where;
};

pid_t program = -1;
bool program_ended = false;
bool killing = false;

void tell(news what, int value = 0, place where = place::none) {
  word said{what, value, where};
  // Whoever should hear it may have gone; then the end of the socket says what to do.
  (void)!send(control_fd, &said, sizeof said, MSG_NOSIGNAL);
}

[[noreturn]] void become_program(char** argv, int failure_fd, pid_t guard) {
  exec_failure failure{0, place::none};
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A program with more rights than ours could not be killed.
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (getppid() != guard) _exit(127);
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  auto memory = strtoull(argv[1], nullptr, 10);
  rlimit limit{memory, memory};
  if (memory > 0 && setrlimit(RLIMIT_AS, &limit) != 0) {
    failure = {errno, place::memory_limit};
  } else if (argv[2][0] != '\0' && chdir(argv[2]) != 0) {
    failure = {errno, place::folder};
  } else {
    sigset_t no_signals;
    sigemptyset(&no_signals);
    sigprocmask(SIG_SETMASK, &no_signals, nullptr);
    execv(argv[3], argv + arguments_before_argv);
    failure = {errno, place::program};
  }
  (void)!write(failure_fd, &failure, sizeof failure);
  _exit(127);
}

/// The pipe's other end is closed by a successful exec.
void report_start(int& failure_fd) {
  if (failure_fd < 0) return;
  exec_failure failure{0, place::none};
  auto got = read(failure_fd, &failure, sizeof failure);
  close(failure_fd);
  failure_fd = -1;
  if (got == static_cast<ssize_t>(sizeof failure)) {
    tell(news::not_started, failure.error, failure.where);
    program_ended = true;
  } else {
    tell(news::started);
  }
}

/// False when no child is left.
bool reap(int& failure_fd) {
  for (;;) {
    int status = 0;
    auto pid = waitpid(-1, &status, WNOHANG);
    if (pid == 0) return true;
    if (pid < 0) return errno == EINTR;
    if (pid != program) continue;
    report_start(failure_fd);
    if (!program_ended) {
      auto by_itself = WIFEXITED(status);
      tell(by_itself ? news::exited : news::signalled, by_itself ? WEXITSTATUS(status) : WTERMSIG(status));
    }
    program_ended = true;
  }
}

void ask_all() {
  auto count = for_each_descendant([](pid_t pid) {
    kill(pid, SIGTERM);
    kill(pid, SIGCONT);
  });
  if (count == 0) kill(-program, SIGTERM);
}

void kill_all() {
  auto count = for_each_descendant([](pid_t pid) { kill(pid, SIGKILL); });
  if (count == 0 && !program_ended) kill(-program, SIGKILL);
}

void take_orders(bool& open) {
  for (;;) {
    unsigned char said = 0;
    auto got = recv(control_fd, &said, sizeof said, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got <= 0) {
      open = false;
      killing = true;
      return;
    }
    if (said == static_cast<unsigned char>(order::kill_all)) killing = true;
    if (said == static_cast<unsigned char>(order::ask_all) && !killing) ask_all();
  }
}

int watch(int child_ended_fd, int failure_fd) {
  bool open = true;
  int pause_ms = look_again_ms;
  while (reap(failure_fd)) {
    if (program_ended) killing = true;
    if (killing) kill_all();
    pollfd waited[3] = {{child_ended_fd, POLLIN, 0}, {open ? control_fd : -1, POLLIN, 0}, {failure_fd, POLLIN, 0}};
    // What forks while it is looked for has to be looked for again.
    auto ready = poll(waited, 3, killing ? pause_ms : -1);
    if (ready < 0 && errno != EINTR) killing = true;
    if (ready == 0 && pause_ms < look_again_ms_most) pause_ms *= 2;
    if (waited[0].revents != 0) {
      signalfd_siginfo ignored;
      (void)!read(child_ended_fd, &ignored, sizeof ignored);
    }
    if (waited[1].revents != 0) take_orders(open);
    if (waited[2].revents != 0) report_start(failure_fd);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc <= arguments_before_argv || fcntl(control_fd, F_SETFD, FD_CLOEXEC) != 0) {
    fputs("oncue-guard is started by oncue, for tools that are programs; there is nothing to start by hand\n", stderr);
    return 2;
  }
  close_range(control_fd + 1, ~0U, 0);
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  auto child_ended_fd = signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
  int failure[2] = {-1, -1};
  auto guard = getpid();
  if (child_ended_fd < 0 || pipe2(failure, O_CLOEXEC) != 0 || (program = fork()) < 0) {
    tell(news::not_started, errno, place::none);
    return 1;
  }
  if (program == 0) become_program(argv, failure[1], guard);
  close(failure[1]);
  close(STDIN_FILENO);
  close(STDOUT_FILENO);
  close(STDERR_FILENO);
  (void)!chdir("/");
  return watch(child_ended_fd, failure[0]);
}
