// How enums and boxed values go through an inspector, for every message. Needs no CAF: an inspector is a template argument.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace oncue {

/// An enum of ours states its largest value in `enum_max(Enum)`; a number above it is refused when a message is read.
template <class Inspector, class Enum>
requires std::is_enum_v<Enum>
bool inspect(Inspector& f, Enum& x) {
  using number = std::underlying_type_t<Enum>;
  auto get = [&x] { return static_cast<number>(x); };
  auto set = [&x](number value) {
    if (value > static_cast<number>(enum_max(Enum{}))) return false;
    x = static_cast<Enum>(value);
    return true;
  };
  return f.apply(get, set);
}

/// A value on the heap with the manners of a value: it keeps a variant small whose rare alternatives are large. One that
/// was moved from may only be assigned to, or destroyed.
template <class T>
class boxed {
 public:
  boxed() : value_(std::make_unique<T>()) {}
  // NOLINTNEXTLINE(google-explicit-constructor): a box is its value
  boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}
  boxed(const boxed& other) : value_(std::make_unique<T>(*other.value_)) {}
  boxed(boxed&&) noexcept = default;
  boxed& operator=(const boxed& other) {
    value_ = std::make_unique<T>(*other.value_);
    return *this;
  }
  boxed& operator=(boxed&&) noexcept = default;
  ~boxed() = default;

  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  friend bool operator==(const boxed& a, const boxed& b) { return *a == *b; }

 private:
  std::unique_ptr<T> value_;
};

template <class Inspector, class T>
bool inspect(Inspector& f, boxed<T>& x) {
  return f.object(x).fields(f.field("value", *x));
}

}  // namespace oncue
