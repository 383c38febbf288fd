#include "function_stage.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "oncue/testkit/wait.hpp"

namespace oncue::testkit {

namespace {

/// Thrown out of a wait when the node goes.
struct unwound {};

}  // namespace

struct function_stage::call {
  std::function<void()> work;
  std::function<void()> done;
  std::string name = "a function tool";
  std::thread thread;
  bool was_chosen = false;  // it has begun
  std::mutex guard;         // for all that follows
  std::condition_variable turn_changed;
  bool has_turn = false;
  bool leaves = false;
  bool has_returned = false;
  std::optional<time_point> until;  // absent: for stop only
  std::stop_token stop;
  time_point now;  // when its turn came

  bool can_move(time_point at) const { return !was_chosen || stop.stop_requested() || (until && *until <= at); }

  bool wait(const std::stop_token& for_stop, std::optional<std::chrono::milliseconds> time) {
    std::unique_lock lock{guard};
    if (leaves) throw unwound{};
    if (for_stop.stop_requested()) return false;
    stop = for_stop;
    until.reset();
    if (time) until = now + *time;
    has_turn = false;
    turn_changed.notify_all();
    turn_changed.wait(lock, [this] { return has_turn; });
    if (leaves) throw unwound{};
    return !stop.stop_requested();
  }

  void leave() {
    std::unique_lock lock{guard};
    leaves = true;
  }

  void run() {
    std::unique_lock lock{guard};
    turn_changed.wait(lock, [this] { return has_turn; });
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
    has_returned = true;
    has_turn = false;
    turn_changed.notify_all();
  }
};

namespace {

thread_local function_stage::call* this_call = nullptr;

function_stage::call& caller() {
  if (!this_call) throw std::logic_error{"testkit: wait(): only for functions that are tools of a testkit::node"};
  return *this_call;
}

}  // namespace

bool wait(const std::stop_token& stop, std::chrono::milliseconds time) { return caller().wait(stop, time); }
void wait(const std::stop_token& stop) { caller().wait(stop, {}); }

void function_stage::call_me(const std::string& name) {
  if (this_call) this_call->name = "the function tool '" + name + "'";
}

function_stage::~function_stage() {
  for (const auto& which : calls_) {
    if (!which->was_chosen) continue;
    which->leave();
    if (give_turn(*which)) {
      which->thread.join();
    } else {
      std::fprintf(stderr, "testkit: %s does not return, although it was asked to stop\n", which->name.c_str());
      which->thread.detach();
    }
  }
}

io::function_job function_stage::start(std::function<void()> work, std::function<void()> done) {
  auto made = std::make_shared<call>();
  made->work = std::move(work);
  made->done = std::move(done);
  calls_.push_back(made);
  return made;
}

bool function_stage::withdraw(const io::function_job& job) {
  auto* which = static_cast<call*>(job.get());
  if (!which || which->was_chosen) return false;
  forget(*which);
  return true;
}

bool function_stage::give_up(const io::function_job& job) {
  auto* which = static_cast<call*>(job.get());
  if (!which || !which->done) return false;  // it was called
  if (!which->was_chosen) forget(*which);
  which->done = nullptr;
  return true;
}

std::size_t function_stage::ready(time_point at) {
  return static_cast<std::size_t>(
      std::count_if(calls_.begin(), calls_.end(), [at](const auto& x) { return x->can_move(at); }));
}

void function_stage::move_on(std::size_t which) {
  auto at = now();
  auto found = std::find_if(calls_.begin(), calls_.end(), [&](const auto& x) { return x->can_move(at) && which-- == 0; });
  if (found == calls_.end()) return;
  auto chosen = *found;
  if (!std::exchange(chosen->was_chosen, true)) {
    chosen->thread = std::thread{[chosen] {
      this_call = chosen.get();
      chosen->run();
    }};
  }
  chosen->now = at;
  if (!give_turn(*chosen)) {
    chosen->leave();
    chosen->thread.detach();
    forget(*chosen);
    throw std::logic_error{"testkit: " + chosen->name + " blocks: let it wait with testkit::wait()"};
  }
  if (!chosen->has_returned) return;
  chosen->thread.join();
  forget(*chosen);
  // Given up: then nobody is told.
  if (auto done = std::exchange(chosen->done, nullptr)) done();
}

std::optional<turn_taker::time_point> function_stage::due() const {
  std::optional<time_point> first;
  for (const auto& which : calls_) {
    if (which->was_chosen && which->until && (!first || *which->until < *first)) first = which->until;
  }
  return first;
}

std::vector<std::string> function_stage::waiting(time_point zero) const {
  std::vector<std::string> lines;
  for (const auto& which : calls_) {
    auto line = which->name;
    if (!which->was_chosen) {
      line += " has not begun: settle()";
    } else if (which->until) {
      auto at = std::chrono::duration_cast<milliseconds>(*which->until - zero);
      line += " waits until " + std::to_string(at.count()) + " ms";
    } else {
      line += " waits until it is asked to stop";
    }
    if (!which->done) line += ", and was given up";
    lines.push_back(std::move(line));
  }
  return lines;
}

/// Until it waits, or has returned. False: it does neither.
bool function_stage::give_turn(call& which) const {
  std::unique_lock lock{which.guard};
  which.has_turn = true;
  which.turn_changed.notify_all();
  return which.turn_changed.wait_for(lock, patience_, [&] { return !which.has_turn; });
}

void function_stage::forget(const call& which) {
  std::erase_if(calls_, [&](const auto& x) { return x.get() == &which; });
}

}  // namespace oncue::testkit
