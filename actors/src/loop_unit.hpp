// An event loop as a place where actors run: what a loop reads from a socket is worked off on the same thread, by the run
// whose delta it is and by the call that writes it to the client, instead of waking a worker for each step. Only actors
// that say so (on_loops) run here: they are ours, never block, and do little at a time. All others, a user's subscribers
// among them, go to CAF's workers as ever. A turn is bounded, so that sockets are looked at in between. Never runs an actor
// from within another one, nor from within a handler of the loop.
#pragma once

#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <caf/send.hpp>
#include <memory>
#include <utility>

#include "oncue/io/loop_line.hpp"

namespace oncue::actors {

/// What an actor is marked with that may run on event loops.
class loop_runnable {
 public:
  virtual ~loop_runnable() = default;
};

/// `Impl`, an actor's class, with the mark: spawn this instead.
template <class Impl>
class on_loops final : public Impl, public loop_runnable {
 public:
  using Impl::Impl;
};

class loop_unit final : public caf::execution_unit {
 public:
  /// From then on actors run on this loop, which must outlive the actor system. The unit must outlive it too.
  static std::shared_ptr<loop_unit> make(io::event_loop& loop, caf::actor_system& system);

  /// Before the loop, or the system, goes: waits until what the loop was told to run has run.
  void leave();

  /// From any thread: the actor runs soon, here or on a worker.
  void exec_later(caf::resumable* job) override;

  /// The unit of the calling thread, or null: then CAF's workers it is.
  static caf::execution_unit* current();

 private:
  loop_unit(io::event_loop& loop, caf::actor_system& system);
  bool run(caf::resumable* job);

  io::event_loop& loop_;
  std::shared_ptr<io::loop_line<caf::resumable*>> jobs_;  // each with the reference that CAF counts for a scheduled actor
};

/// Sends from a handler of an event loop, without a sender: as caf::anon_send does, but to be run on the same loop.
template <class Handle, class Message>
void send_from_loop(const Handle& receiver, Message&& what) {
  using accepted = caf::response_type_unbox<caf::signatures_of_t<Handle>,
                                            caf::detail::type_list<caf::detail::strip_and_convert_t<Message>>>;
  static_assert(accepted::valid, "the receiver does not take this message");
  if (!receiver) return;
  receiver->eq_impl(caf::make_message_id(), nullptr, loop_unit::current(), std::forward<Message>(what));
}

}  // namespace oncue::actors
