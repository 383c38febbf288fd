#include "loop_unit.hpp"

#include <caf/actor_system.hpp>
#include <caf/logger.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <future>
#include <typeinfo>
#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"

namespace oncue::actors {

namespace {

thread_local caf::execution_unit* unit_of_this_thread = nullptr;

/// As a dynamic_cast to the mark, which costs as much as all the rest of a message.
bool is_loop_runnable(caf::resumable& job) {
  thread_local std::vector<std::pair<const std::type_info*, bool>> known;
  const auto* type = &typeid(job);
  for (const auto& [one, answer] : known) {
    if (one == type) return answer;
  }
  return known.emplace_back(type, dynamic_cast<loop_runnable*>(&job) != nullptr).second;
}

void run_and_wait(io::event_loop& loop, const std::function<void()>& what) {
  std::promise<void> done;
  loop.post([&] {
    what();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace

loop_unit::loop_unit(io::event_loop& loop, caf::actor_system& system)
    : loop_{loop},
      jobs_{std::make_shared<io::loop_line<caf::resumable*>>(loop, core::limits::loop_actors_slice_max,
                                                             [this](caf::resumable* job) { return run(job); })} {
  system_ = &system;
}

std::shared_ptr<loop_unit> loop_unit::make(io::event_loop& loop, caf::actor_system& system) {
  std::shared_ptr<loop_unit> unit{new loop_unit{loop, system}};
  run_and_wait(loop, [&] { unit_of_this_thread = unit.get(); });
  return unit;
}

void loop_unit::leave() {
  run_and_wait(loop_, [] {
    unit_of_this_thread = nullptr;
    // Whoever spawns leaves a reference to the system's logger in his thread, and the system's end waits for the last one.
    caf::logger::set_current_actor_system(nullptr);
  });
}

caf::execution_unit* loop_unit::current() { return unit_of_this_thread; }

void loop_unit::exec_later(caf::resumable* job) {
  if (is_loop_runnable(*job)) {
    jobs_->add(job);
  } else {
    system().scheduler().enqueue(job);
  }
}

/// True if there is more to do for it.
bool loop_unit::run(caf::resumable* job) {
  auto state = job->resume(this, core::limits::loop_messages_max);
  if (state == caf::resumable::resume_later) return true;
  caf::intrusive_ptr_release(job);
  return false;
}

}  // namespace oncue::actors
