// A program under test as a child: arguments, a clean environment, pipes or a terminal for its output, signals, and waits
// with a deadline. What it says is read while a test waits for something, never in between, so a test can also leave it
// alone with a full pipe. The child is killed and reaped when this goes away. For one thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oncue::test {

struct child_options {
  std::vector<std::string> arguments;                            ///< the first is the program's path
  std::vector<std::pair<std::string, std::string>> environment;  ///< all of it
  std::string folder;                                            ///< where it runs
  std::string input;                                             ///< its standard input, at most a pipe's worth (64 KiB)
  bool terminal = false;                                         ///< output and errors are a terminal, both in out()
  int out_pipe_bytes = 0;                                        ///< size of the pipe for its output; 0: the system's
  bool read_out = true;                                          ///< false: its output is left alone until it has ended
};

class child_process {
 public:
  /// Starts it. Throws std::system_error if there is no process or no pipe to be had.
  explicit child_process(const child_options& options);
  ~child_process();

  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// Reads until the text is in out(), or in err(). False if it ends before, or does not say it in time.
  bool wait_for_out(std::string_view text);
  bool wait_for_err(std::string_view text);

  /// Reads until it has ended. Its exit code; 128 + n if signal n ended it; nothing if it does not end in time.
  std::optional<int> wait();

  void send(int signal_number) const;

  /// From now on its output is read while a test waits, whatever the options said.
  void read_out_from_now_on() { read_out_ = true; }

  /// Nobody will read its output any more: as when `head` has seen enough.
  void close_out();

  const std::string& out() const { return out_.text; }
  const std::string& err() const { return err_.text; }

 private:
  struct stream {
    int fd = -1;
    std::string text;
  };

  bool read_until(const std::function<bool()>& enough);
  static void read_some(stream& from);
  static void close(int& fd);
  void reap();

  pid_t pid_ = -1;
  int pid_fd_ = -1;  // readable when the child has ended
  bool read_out_ = true;
  stream out_;
  stream err_;
  std::optional<int> exit_code_;
};

}  // namespace oncue::test
