// A program as a child of this process: pipes for its input, output and errors, and an end that leaves nothing behind. It
// is started through a small guard program (oncue-guard), which collects whatever the child starts, also a daemon, and
// kills it when the child has ended, when it is told to, and when this process dies. Owns the pipes, promises one on_exit
// and, when no process of the tree and no pipe is left, one on_gone. Each child lives on one event loop; there is no thread
// a child. Never uses a shell, never passes on a variable that was not named, never touches the host's signal handlers or
// other children.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/core/tool_spec.hpp"
#include "oncue/io/event_loop.hpp"

namespace oncue::io {

struct child_options {
  core::command_spec command;
  std::string input;        ///< written to its standard input first
  bool input_ends = false;  ///< nothing follows: its standard input is closed behind `input`
  /// Written and not read by the child yet: a write beyond it is refused. `input` does not count.
  std::size_t input_bytes_max = core::limits::child_input_bytes_max;
  std::string guard = {};  ///< path of oncue-guard; empty: it is looked for, see find_child_guard
};

enum class child_end : std::uint8_t {
  exited,       ///< by itself: `number` is its exit code
  signalled,    ///< `number` is the signal that ended it, whoever sent it
  not_started,  ///< `message` says why; there never was a process of it
};

struct child_exit {
  child_end end = child_end::exited;
  int number = 0;
  std::string message;  ///< not_started: one sentence for a person
};

/// "exited with code 3", "was ended by signal 9 (Killed)", or the message.
std::string to_string(const child_exit& exit);

/// Takes what one child says. Called on its loop only; must not block. An exception ends the process.
class child_handler {
 public:
  virtual ~child_handler() = default;

  /// Some bytes of its standard output or standard error, at most limits::child_chunk_bytes, cut anywhere. Between the two
  /// there is no order.
  virtual void on_output(std::string_view bytes) = 0;
  virtual void on_errors(std::string_view bytes) = 0;

  /// Everything that was written has been taken by the pipe: there is room for more.
  virtual void on_input_taken() {}

  /// The child reads no more. What was written and not read is lost, and so is what is written from now on.
  virtual void on_input_closed() {}

  /// Exactly once: the program has ended, and its output was read to the end. When it was told to stop while reading was
  /// paused, what was not read is given up.
  virtual void on_exit(const child_exit& exit) = 0;

  /// Exactly once, last: no process of the child's whole tree is alive, and nothing of it is open. The handler is destroyed
  /// next. When the loop is destroyed before, the child is killed and the handler destroyed without a word.
  virtual void on_gone() = 0;
};

namespace detail {
struct child_link;
}

/// Names one child. Cheap to copy; every call is safe from any thread, at any time: also when the child, or its loop, has
/// long gone, and then does nothing. Calls of one thread take effect in order. Letting go of it does not stop the child.
class child_process {
 public:
  /// Names nothing.
  child_process() = default;

  /// Begins at once, on the loop. Every outcome goes to the handler, also a program that does not exist.
  static child_process start(event_loop& loop, child_options options, std::unique_ptr<child_handler> handler);

  /// Writes to its standard input, behind what was written before. False when too much waits already (input_bytes_max), or
  /// there is no child any more: then nothing of it is written. True does not say that the child reads it.
  bool write(std::string bytes) const;

  /// Closes its standard input behind what was written.
  void close_input() const;

  /// SIGTERM to every process of its tree, and after `grace` SIGKILL to what is left.
  void stop(std::chrono::milliseconds grace) const;

  /// SIGKILL to every process of its tree.
  void kill() const;

  /// Reads neither output nor errors. Each of on_output and on_errors may come once more if it is under way. The child is
  /// held back by its pipes.
  void pause() const;
  void resume() const;

 private:
  explicit child_process(std::shared_ptr<detail::child_link> link) : link_(std::move(link)) {}

  std::shared_ptr<detail::child_link> link_;
};

/// Why this command could not be started here and now, in one sentence that names what is wrong: the program is not found
/// or is not executable, the folder does not exist. Empty: nothing is known to be wrong.
std::string command_problem(const core::command_spec& command);

/// The environment that a child with this command is given, as NAME=value.
std::vector<std::string> child_environment(const core::command_spec& command);

struct guard_place {
  std::string path;     ///< empty: not found
  std::string problem;  ///< then: one sentence that says where it was looked for
};

/// Looks for oncue-guard: at `named` only, if that is not empty; else beside the running program, in ../libexec/oncue from
/// there, and where it was installed and built.
guard_place find_child_guard(const std::string& named = {});

}  // namespace oncue::io
