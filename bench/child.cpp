#include "child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace oncue::bench {

namespace {

std::array<std::atomic<pid_t>, 64> living{};  // for the signal handler, which may take no lock

void replace_living(pid_t from, pid_t to) {
  for (auto& slot : living) {
    auto expected = from;
    if (slot.compare_exchange_strong(expected, to)) return;
  }
}

void end_all(int number) {
  for (auto& slot : living) {
    if (auto id = slot.load(); id > 0) ::kill(id, SIGTERM);
  }
  ::_exit(128 + number);
}

}  // namespace

void end_children_with_me(unsigned seconds_max) {
  for (int number : {SIGALRM, SIGTERM, SIGINT, SIGHUP}) ::signal(number, end_all);
  ::alarm(seconds_max);
}

child::child(const std::vector<std::string>& argv, bool quiet) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "pipe"};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  if (quiet) posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> words;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  auto error = ::posix_spawn(&id_, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  output_ = ends[0];
  if (error != 0) {
    ::close(output_);
    throw std::system_error{error, std::generic_category(), argv[0]};
  }
  replace_living(0, id_);
}

child::~child() {
  ::close(output_);
  if (id_ > 0) {
    ::kill(id_, SIGTERM);
    wait();
  }
}

std::string child::read_some() {
  if (!rest_.empty()) return std::exchange(rest_, {});
  char buffer[4096];
  for (;;) {
    auto got = ::read(output_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    return got <= 0 ? std::string{} : std::string{buffer, static_cast<std::size_t>(got)};
  }
}

std::string child::read_line() {
  std::string line;
  for (;;) {
    if (auto end = line.find('\n'); end != std::string::npos) {
      rest_ = line.substr(end + 1);
      line.resize(end);
      return line;
    }
    auto more = read_some();
    if (more.empty()) return line;
    line += more;
  }
}

std::string child::read_all() {
  std::string all;
  for (auto more = read_some(); !more.empty(); more = read_some()) all += more;
  return all;
}

void child::send_signal(int number) const {
  if (id_ > 0) ::kill(id_, number);
}

int child::wait() {
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  replace_living(std::exchange(id_, 0), 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

provider_process::provider_process() : process_{{ONCUE_PROVIDER}} {
  auto line = process_.read_line();
  auto at = line.find("127.0.0.1:");
  if (at == std::string::npos) throw std::runtime_error{"the provider did not say where it listens: " + line};
  address_ = line.substr(at);
}

std::string provider_process::base_url(const std::string& scenario) const {
  return "http://" + address_ + "/" + scenario + "/v1";
}

}  // namespace oncue::bench
