// Runs the function tools of a testkit node: each has a stack of its own and moves on only when its turn comes, so that
// never two things run at the same time, and a test decides in which order. The stacks are those of threads, which nobody
// can notice. Promises that each has returned when this goes: a function that still waits then is unwound. One that does
// not come back in seconds of true time really blocks; that is an error which names it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "oncue/io/function_runner.hpp"
#include "oncue/testkit/turns.hpp"

namespace oncue::testkit {

class function_stage final : public io::function_runner, public turn_taker {
 public:
  using milliseconds = std::chrono::milliseconds;

  /// `patience`: the true time that a function may take from one wait to the next.
  function_stage(caf::actor_system& system, milliseconds patience) : system_{system}, patience_{patience} {}
  ~function_stage() override;
  function_stage(const function_stage&) = delete;
  function_stage& operator=(const function_stage&) = delete;

  io::function_job start(std::function<void()> work, std::function<void()> done) override;
  bool withdraw(const io::function_job& job) override;
  bool give_up(const io::function_job& job) override;

  std::size_t ready(time_point now) override;
  void move_on(std::size_t which) override;
  std::optional<time_point> due() const override;
  std::vector<std::string> waiting(time_point zero) const override;

  /// Called by a function: what to call it in an error.
  static void call_me(const std::string& name);

  struct call;

 private:
  time_point now() const { return turns{system_}.scheduler().clock().now(); }
  bool give_turn(call& which) const;
  void forget(const call& which);

  caf::actor_system& system_;
  milliseconds patience_;
  std::vector<std::shared_ptr<call>> calls_;  // those that have not returned, in the order in which they were started
};

}  // namespace oncue::testkit
