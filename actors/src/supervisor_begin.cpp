// A run whose turn it is: what was said in its session before, whoever it must wait for, and whom it interrupts.
#include <utility>

#include "error_words.hpp"
#include "oncue/actors/supervisor.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::actors {

void supervisor_state::begin_next() {
  while (auto* row = roster_.next_to_begin()) begin(*row);
}

void supervisor_state::begin(node_roster::row& row) {
  const auto& run = row.handle.actor;
  const auto& wanted = row.handle.entry->agent.history;
  if (row.new_session || (wanted.runs_max == 0 && !neighbours_)) {
    self_->send(run, begin_run{});
    return;
  }
  load_history what{row.session->first, wanted.runs_max, wanted.bytes_max, wanted.with_stopped, {}};
  if (neighbours_) what.before = *row.id;
  self_->request(env_->journal, local_answer, std::move(what))
      .then(
          [this, id = *row.id, run](history& said) {
            auto* found = roster_.find(id);
            auto is_still_it = found && found->handle.actor == run;
            // A drain that came meanwhile has found this run begun; it has not.
            if (is_still_it && roster_.draining()) {
              stop_for_drain(*found);
            } else if (is_still_it && !said.behind.empty()) {
              wait_behind(*found, said.behind);
            } else {
              self_->send(run, begin_run{std::move(said.messages), {}});
            }
          },
          [this, run](const caf::error& error) {
            self_->send(run, begin_run{{}, "what was said in the session before could not be read: " + words_of(error)});
          });
}

void supervisor_state::interrupt_those_before(const node_roster::row& row) {
  using enum node_roster::row_state;
  for (auto* other : roster_.before(row)) {
    cancel_request request{.run = *other->id, .reason = "interrupted by run " + row.id->value, .by = "interrupt"};
    if (other->state == creating) {
      other->waiters.emplace_back([this, request] {
        if (auto* found = roster_.find(request.run)) stop(*found, request);
      });
    } else if (other->state != lost && !planted(mutant::interrupt_ignored)) {
      stop(*other, std::move(request));
    }
  }
}

}  // namespace oncue::actors
