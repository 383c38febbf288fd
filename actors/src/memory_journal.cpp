#include "oncue/actors/memory_journal.hpp"

#include <variant>

#include "loop_unit.hpp"

namespace oncue::actors {

namespace {

constexpr auto no_sessions = "the in-memory journal keeps no sessions";

}  // namespace

journal_actor::behavior_type memory_journal_state::make_behavior() {
  return {
      [this](const pull_limits& pull, const subscriber_actor& reader) { self_->send(reader, book_.read(pull)); },
      [this](const create_run& what) { return book_.create(what); },
      [this](const append_events& what, const journal_client_actor& client) {
        std::visit([&](auto&& answer) { self_->send(client, std::move(answer)); }, book_.append(what));
      },
      [this](const finish_run& what, const journal_client_actor& client) {
        // The confirmation overtakes what a fast model has put into the run's mailbox: the readers wait for it.
        std::visit([&](auto&& answer) { self_->send<caf::message_priority::high>(client, std::move(answer)); },
                   book_.finish(what));
      },
      [this](const end_orphan& what) { return book_.end(what); },
      [this](const record_cancel& what) { return book_.record(what); },
      [this](const find_paused& what) { return book_.find(what); },
      [this](const reopen_run& what) { return book_.reopen(what); },
      [this](const end_expired& what) { return book_.expire(what); },
      [this](const load_history& what) { return book_.history_of(what); },
      [this](const list_runs& what) { return book_.list(what.runs_max); },
      [](const create_session&) { return session_reply{.refused = no_sessions}; },
      [](const change_session&) { return session_reply{.refused = no_sessions}; },
      [](const delete_sessions&) { return sessions_deleted{.refused = no_sessions}; },
  };
}

journal_actor spawn_memory_journal(caf::actor_system& system, core::event_book_limits limits) {
  return system.spawn<on_loops<journal_actor::stateful_impl<memory_journal_state>>>(limits);
}

}  // namespace oncue::actors
