// The transport of a program that is started here: a message is a line, in both directions.
#include <algorithm>
#include <mutex>
#include <utility>

#include "oncue/core/limits.hpp"
#include "oncue/core/mcp_lines.hpp"
#include "oncue/io/child_process.hpp"
#include "oncue/io/mcp_transport.hpp"

namespace oncue::io {

namespace {

namespace limits = core::limits;

/// What the transport and its handler on the loop both know.
class program_link {
 public:
  /// The handler waits at the lock, so it finds the child's name however soon it runs.
  void start(event_loop& loop, child_options options, std::unique_ptr<child_handler> handler) {
    std::lock_guard lock(guard_);
    child_ = child_process::start(loop, std::move(options), std::move(handler));
  }

  void gave(std::size_t bytes) {
    std::lock_guard lock(guard_);
    waiting_bytes_ += bytes;
    if (waiting_bytes_ > limits::mcp_waiting_bytes_max && !std::exchange(paused_, true)) child_.pause();
  }

  void taken(std::size_t bytes) {
    std::lock_guard lock(guard_);
    waiting_bytes_ -= std::min(bytes, waiting_bytes_);
    if (waiting_bytes_ <= limits::mcp_waiting_bytes_max / 2 && std::exchange(paused_, false)) child_.resume();
  }

  child_process child() const {
    std::lock_guard lock(guard_);
    return child_;
  }

 private:
  mutable std::mutex guard_;
  child_process child_;
  std::size_t waiting_bytes_ = 0;
  bool paused_ = false;
};

/// "exit code 1", "signal 9"
std::string how_it_ended(const child_exit& exit) {
  switch (exit.end) {
    case child_end::exited: return "exit code " + std::to_string(exit.number);
    case child_end::signalled: return "signal " + std::to_string(exit.number);
    case child_end::not_started: break;
  }
  return exit.message;
}

/// Lives on the child's loop.
class program_handler final : public child_handler {
 public:
  program_handler(std::uint64_t connection, mcp_listener listener, std::shared_ptr<program_link> link)
      : connection_{connection}, listener_{std::move(listener)}, link_{std::move(link)} {}

  void on_output(std::string_view bytes) override {
    while (auto line = lines_.next(bytes)) {
      mcp_said said;
      said.connection = connection_;
      said.text = *line;
      link_->gave(said.text.size());
      listener_(std::move(said));
    }
  }

  void on_errors(std::string_view bytes) override {
    last_words_ += bytes.substr(bytes.size() - std::min(bytes.size(), limits::child_stderr_bytes_kept));
    if (last_words_.size() > limits::child_stderr_bytes_kept) {
      last_words_.erase(0, last_words_.size() - limits::child_stderr_bytes_kept);
    }
  }

  void on_exit(const child_exit& exit) override { exit_ = exit; }

  void on_gone() override {
    mcp_said said;
    said.connection = connection_;
    said.what = mcp_word::ended;
    said.text = how_it_ended(exit_);
    said.not_started = exit_.end == child_end::not_started;
    said.last_words = std::move(last_words_);
    listener_(std::move(said));
  }

 private:
  std::uint64_t connection_;
  mcp_listener listener_;
  std::shared_ptr<program_link> link_;
  core::mcp_line_decoder lines_;
  std::string last_words_;
  child_exit exit_;
};

class mcp_program final : public mcp_transport {
 public:
  mcp_program(event_loop& loop, const core::mcp_spec& spec, std::uint64_t connection, const std::string& guard,
              mcp_listener listener)
      : connection_{connection}, grace_{spec.grace}, listener_{std::move(listener)} {
    child_options options;
    options.command = spec.command;
    options.guard = guard;
    link_->start(loop, std::move(options), std::make_unique<program_handler>(connection, listener_, link_));
  }

  ~mcp_program() override { close(); }
  mcp_program(const mcp_program&) = delete;
  mcp_program& operator=(const mcp_program&) = delete;

  void send(core::mcp_message_out message) override {
    if (link_->child().write(std::move(message.json) + "\n") || message.request == 0) return;
    mcp_said said;
    said.connection = connection_;
    said.what = mcp_word::request_failed;
    said.request = message.request;
    said.text = "does not read what it is sent";
    listener_(std::move(said));
  }

  void forget(std::uint64_t) override {}

  void taken(std::size_t bytes) override { link_->taken(bytes); }

  void close() override {
    if (std::exchange(closed_, true)) return;
    // A server that has its manners ends when its input does; the others are told.
    const auto child = link_->child();
    child.close_input();
    child.stop(grace_);
    // What it still says is not looked at; a full pipe would keep it from hearing.
    child.resume();
  }

 private:
  std::uint64_t connection_;
  std::chrono::milliseconds grace_;
  mcp_listener listener_;
  std::shared_ptr<program_link> link_ = std::make_shared<program_link>();
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<mcp_transport> start_mcp_program(event_loop& loop, const core::mcp_spec& spec, std::uint64_t connection,
                                                 const std::string& guard, mcp_listener listener) {
  return std::make_unique<mcp_program>(loop, spec, connection, guard, std::move(listener));
}

}  // namespace oncue::io
