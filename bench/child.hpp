// A child process whose standard output is read through a pipe. Ends it when it goes out of scope.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace oncue::bench {

class child {
 public:
  /// argv[0] is the program's path. With `quiet`, standard error goes nowhere.
  explicit child(const std::vector<std::string>& argv, bool quiet = false);
  ~child();

  child(const child&) = delete;
  child& operator=(const child&) = delete;

  pid_t id() const { return id_; }

  /// Waits for some output; empty at its end.
  std::string read_some();

  /// Waits for a line; without its line end.
  std::string read_line();

  /// All that is still to come.
  std::string read_all();

  void send_signal(int number) const;

  /// Waits for the end. The exit status; 128 and the signal's number if a signal ended it.
  int wait();

 private:
  pid_t id_ = 0;
  int output_ = -1;
  std::string rest_;
};

/// From here on a signal that ends this process, or the time limit, ends its children too.
void end_children_with_me(unsigned seconds_max);

/// The misbehaving provider of the tests, in a process of its own: its CPU time is not ours.
class provider_process {
 public:
  provider_process();

  /// What a model_spec wants, for a scenario such as "words;n=20".
  std::string base_url(const std::string& scenario) const;

 private:
  child process_;
  std::string address_;
};

}  // namespace oncue::bench
