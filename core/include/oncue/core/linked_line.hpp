// Things in a line, in the order in which they joined. They stand in it with links of their own, so that joining, leaving
// from anywhere and looking who is before costs a few pointers and no memory. Owns nothing: who stands in a line must stay
// where it is in memory, and leave before it goes.
#pragma once

namespace oncue::core {

/// What something needs to stand in one line. One member for each line that it can stand in at the same time.
template <class T>
struct line_links {
  T* before = nullptr;
  T* behind = nullptr;
  bool in_line = false;
};

template <class T>
class linked_line {
 public:
  /// Which of T's links are this line's.
  using place = line_links<T> T::*;

  T* first() const { return first_; }
  T* last() const { return last_; }
  bool empty() const { return first_ == nullptr; }

  /// Joins at the end. `x` does not stand in a line with these links.
  void join(T& x, place at) {
    (x.*at) = {last_, nullptr, true};
    (last_ ? (last_->*at).behind : first_) = &x;
    last_ = &x;
  }

  /// Joins before all others.
  void join_first(T& x, place at) {
    (x.*at) = {nullptr, first_, true};
    (first_ ? (first_->*at).before : last_) = &x;
    first_ = &x;
  }

  /// Leaves, from wherever it stands. Nothing happens if it stands in no line.
  void leave(T& x, place at) {
    auto& links = x.*at;
    if (!links.in_line) return;
    (links.before ? (links.before->*at).behind : first_) = links.behind;
    (links.behind ? (links.behind->*at).before : last_) = links.before;
    links = {};
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace oncue::core
