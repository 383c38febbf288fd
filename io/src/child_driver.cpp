#include "child_driver.hpp"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "child_command.hpp"

namespace oncue::io {

namespace {

using boost::system::error_code;

// The guard has closed its socket and is about to end.
constexpr std::chrono::milliseconds look_again{1};

std::string start_failure(const std::string& name, const guard::word& said) {
  auto why = error_words(said.value);
  switch (said.where) {
    case guard::place::memory_limit: return "'" + name + "' cannot be started: its memory limit: " + why;
    case guard::place::folder: return "'" + name + "' cannot be started: its folder: " + why;
    case guard::place::program:
      if (said.value == ENOEXEC) why += " (a script needs a first line like #!/bin/sh)";
      if (said.value == ENOENT) why += " (a script's first line may name a program that does not exist)";
      break;
    case guard::place::none: break;
  }
  return "'" + name + "' cannot be started: " + why;
}

}  // namespace

child_driver::child_driver(event_loop& loop, child_options options, std::unique_ptr<child_handler> handler,
                           std::shared_ptr<detail::child_link> link)
    : link_(std::move(link)),
      options_(std::move(options)),
      handler_(std::move(handler)),
      input_(loop.context()),
      output_{pipe(loop.context()), &child_handler::on_output},
      errors_{pipe(loop.context()), &child_handler::on_errors},
      control_(loop.context()),
      deadline_(loop.context()),
      soon_(loop.context()) {}

child_driver::~child_driver() {
  {
    std::lock_guard lock(link_->guard);
    link_->loop = nullptr;
  }
  if (guard_ < 0) return;
  // The loop goes first. Without us at the other end the guard kills everything, and ends.
  error_code ignored;
  control_.close(ignored);
  output_.from.close(ignored);
  errors_.from.close(ignored);
  while (::waitpid(guard_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void child_driver::start() {
  auto spawned = spawn_child(options_);
  if (auto* problem = std::get_if<std::string>(&spawned)) {
    exit_ = child_exit{child_end::not_started, 0, std::move(*problem)};
    guard_gone_ = true;
    settle();
    return;
  }
  auto& child = std::get<spawned_child>(spawned);
  guard_ = child.guard;
  input_.assign(child.input.release());
  output_.from.assign(child.output.release());
  errors_.from.assign(child.errors.release());
  control_.assign(child.control.release());
  deadline_.expires_at(clock::time_point::max());
  wait_for_deadline();
  listen();
  read(output_);
  read(errors_);
  if (!options_.input.empty()) pieces_.push_back({std::exchange(options_.input, {}), false});
  input_ends_ = options_.input_ends;
  flush();
}

// -- the guard -------------------------------------------------------------------

void child_driver::listen() {
  control_.async_wait(pipe::wait_read, [self = shared_from_this()](error_code error) {
    if (!error) self->hear();
  });
}

void child_driver::hear() {
  for (;;) {
    guard::word said{};
    auto got = ::recv(control_.native_handle(), &said, sizeof said, MSG_DONTWAIT);
    if (got == static_cast<ssize_t>(sizeof said)) {
      note(said);
    } else if (got < 0 && errno == EINTR) {
      continue;
    } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      break;
    } else {
      collect_guard();
      return;
    }
  }
  listen();
  settle();
}

void child_driver::note(const guard::word& said) {
  switch (said.what) {
    case guard::news::started: break;
    case guard::news::not_started:
      exit_ = child_exit{child_end::not_started, 0, start_failure(options_.command.argv.front(), said)};
      break;
    case guard::news::exited: exit_ = child_exit{child_end::exited, said.value, {}}; break;
    case guard::news::signalled: exit_ = child_exit{child_end::signalled, said.value, {}}; break;
  }
}

void child_driver::order(guard::order what) {
  if (!control_.is_open()) return;
  // It reads as long as it lives; its socket never fills up with a few orders.
  (void)::send(control_.native_handle(), &what, sizeof what, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void child_driver::collect_guard() {
  if (::waitpid(guard_, nullptr, WNOHANG) == 0) {
    soon_.expires_after(look_again);
    soon_.async_wait([self = shared_from_this()](error_code) { self->collect_guard(); });
    return;
  }
  guard_ = -1;
  guard_gone_ = true;
  error_code ignored;
  control_.close(ignored);
  // Somebody killed the guard: its death is the program's.
  if (!exit_) exit_ = child_exit{child_end::signalled, SIGKILL, {}};
  settle();
}

void child_driver::wait_for_deadline() {
  deadline_.async_wait([self = shared_from_this()](error_code error) {
    if (self->gone_) return;
    if (!error) {
      self->deadline_.expires_at(clock::time_point::max());
      self->order(guard::order::kill_all);
    }
    self->wait_for_deadline();
  });
}

void child_driver::stop(std::chrono::milliseconds grace) {
  if (gone_ || grace.count() <= 0) {
    kill();
    return;
  }
  if (!std::exchange(stopping_, true)) order(guard::order::ask_all);
  auto at = clock::now() + grace;
  if (at < deadline_.expiry()) deadline_.expires_at(at);
  settle();
}

void child_driver::kill() {
  if (gone_) return;
  stopping_ = true;
  order(guard::order::kill_all);
  settle();
}

// -- its input -------------------------------------------------------------------

void child_driver::write(std::string bytes) {
  if (!input_.is_open() || input_ends_) {
    link_->bytes_waiting -= bytes.size();
    return;
  }
  pieces_.push_back({std::move(bytes), true});
  flush();
}

void child_driver::close_input() {
  input_ends_ = true;
  flush();
}

void child_driver::flush() {
  if (input_waited_for_ || !input_.is_open()) return;
  auto wrote = !pieces_.empty();
  while (!pieces_.empty()) {
    auto& first = pieces_.front();
    auto left = first.bytes.size() - offset_;
    auto taken = ::write(input_.native_handle(), first.bytes.data() + offset_, left);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      input_waited_for_ = true;
      input_.async_wait(pipe::wait_write, [self = shared_from_this()](error_code error) {
        self->input_waited_for_ = false;
        if (!error) self->flush();
      });
      return;
    }
    if (taken < 0) {
      drop_input();
      handler_->on_input_closed();
      return;
    }
    offset_ += static_cast<std::size_t>(taken);
    if (first.counted) link_->bytes_waiting -= static_cast<std::size_t>(taken);
    if (offset_ == first.bytes.size()) {
      pieces_.pop_front();
      offset_ = 0;
    }
  }
  if (input_ends_) {
    drop_input();
  } else if (wrote) {
    handler_->on_input_taken();
  }
}

void child_driver::drop_input() {
  for (const auto& one : pieces_) {
    if (one.counted) link_->bytes_waiting -= one.bytes.size() - std::exchange(offset_, 0);
    offset_ = 0;
  }
  pieces_.clear();
  error_code ignored;
  input_.close(ignored);
}

// -- its output --------------------------------------------------------------------

void child_driver::pause() { paused_ = true; }

void child_driver::resume() {
  if (gone_) return;
  paused_ = false;
  read(output_);
  read(errors_);
  settle();
}

void child_driver::read(source& from) {
  if (from.waited_for || paused_ || !from.from.is_open()) return;
  from.waited_for = true;
  from.from.async_wait(pipe::wait_read, [self = shared_from_this(), &from](error_code error) {
    from.waited_for = false;
    if (error || self->paused_ || !from.from.is_open()) return;
    self->read_some(from);
    self->read(from);
    self->settle();
  });
}

/// False when there is nothing now, or nothing any more.
bool child_driver::read_some(source& from) {
  // One for all children of a loop: what was read is handed over before the next one reads.
  thread_local std::array<char, core::limits::child_chunk_bytes> buffer;
  auto got = ::read(from.from.native_handle(), buffer.data(), buffer.size());
  if (got > 0) {
    (handler_.get()->*from.take)({buffer.data(), static_cast<std::size_t>(got)});
    return true;
  }
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return errno == EINTR;
  error_code ignored;
  from.from.close(ignored);
  return false;
}

// -- its end -------------------------------------------------------------------------

/// Looks whether something has come to its end, and tells.
void child_driver::settle() {
  if (gone_) return;
  if (guard_gone_) {
    for (auto* one : {&output_, &errors_}) {
      if (!one->from.is_open() || (paused_ && !stopping_)) continue;
      // Everybody who could write is dead, unless somebody outside was given the pipe: what it holds is all there is.
      while (!paused_ && one->from.is_open() && read_some(*one)) {
      }
      error_code ignored;
      one->from.close(ignored);
    }
  }
  if (exit_ && !output_.from.is_open() && !errors_.from.is_open()) tell_exit();
  if (!exit_told_ || !guard_gone_) return;
  gone_ = true;
  deadline_.cancel();
  {
    std::lock_guard lock(link_->guard);
    link_->loop = nullptr;
  }
  handler_->on_gone();
  handler_.reset();
}

void child_driver::tell_exit() {
  if (std::exchange(exit_told_, true)) return;
  drop_input();
  handler_->on_exit(*exit_);
}

}  // namespace oncue::io
