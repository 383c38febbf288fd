// One actor's look at another one's end. Owns the monitor, and takes it back when the look is turned elsewhere or ends: CAF
// does not when the watcher ends, so that an actor that lives long would keep a little of everybody who ever watched it.
// Promises: at most one monitor at a time. Never does: keep the watched actor alive for its own sake (it holds a handle, as
// whoever talks to it does).
#pragma once

#include <utility>

namespace oncue::actors {

/// `Self` is the watcher's class, `Handle` what it knows the other one by. A member of the watcher's state.
template <class Self, class Handle>
class watch {
 public:
  explicit watch(Self* self) : self_{self} {}
  ~watch() { stop(); }
  watch(watch&& other) noexcept : self_{other.self_}, who_{std::exchange(other.who_, Handle{})} {}
  watch& operator=(watch&& other) noexcept {
    if (this == &other) return *this;
    stop();
    self_ = other.self_;
    who_ = std::exchange(other.who_, Handle{});
    return *this;
  }

  /// Looks at this one from now on, and at none before. Its end comes as a down message.
  void on(Handle who) {
    stop();
    who_ = std::move(who);
    self_->monitor(who_);
  }

  /// Looks no more. A down message may be under way.
  void stop() {
    if (who_) self_->demonitor(std::exchange(who_, Handle{}));
  }

  const Handle& who() const { return who_; }
  explicit operator bool() const { return static_cast<bool>(who_); }

 private:
  Self* self_;
  Handle who_;
};

}  // namespace oncue::actors
