// The journal port on memory: an event book behind a mailbox. For one process's life; nothing survives it. Promises what
// the port promises: one writer, every write confirmed or refused, log before publish.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <functional>

#include "oncue/core/event_book.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

class memory_journal_state {
 public:
  static constexpr const char* name = "memory-journal";

  memory_journal_state(journal_actor::pointer self, core::event_book_limits limits) : self_{self}, book_{limits} {}
  journal_actor::behavior_type make_behavior();

 private:
  journal_actor::pointer self_;
  core::event_book book_;
};

journal_actor spawn_memory_journal(caf::actor_system& system, core::event_book_limits limits = {});

}  // namespace oncue::actors
