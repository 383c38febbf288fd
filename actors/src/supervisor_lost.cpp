// A run whose actor is gone without its last word: the supervisor writes its ending, and offers it until the journal takes
// it. So no run stays "running", and none that was cancelled is begun again.
#include <algorithm>
#include <utility>

#include "oncue/actors/supervisor.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::actors {

void supervisor_state::on_down(const caf::down_msg& down) {
  auto found = by_actor_.find(down.source.id());
  if (found == by_actor_.end()) return;
  auto run = *found->second;
  by_actor_.erase(found);
  auto* row = roster_.find(run);
  auto was_pausing =
      membership_ && row && row->state != node_roster::row_state::closed && row->status == run_status::paused;
  if (fenced_.erase(run) > 0 || was_pausing) {
    // Nobody else may know of a cancel that its actor has granted.
    if (row && row->cancel_wanted && !was_pausing) keep_cancel(run, *row->cancel_wanted);
    // The journal has it, and nobody has been told when it expires. If its pause was not logged, the membership finds it.
    if (was_pausing) end_expired_runs();
    forget_lost(run);
    return;
  }
  auto result = roster_.down(run, to_string(down.reason));
  if (!result.lost || planted(mutant::lost_run_forgotten)) {
    wake(std::move(result.waiters));
    after_a_run_left();
    return;
  }
  stop_children_of(run);
  end_lost(run, std::move(result.how));
}

void supervisor_state::end_lost(const run_id& run, ending how, std::chrono::milliseconds again_after) {
  auto leave_to_others = [this, run, how] {
    fenced_.erase(run);
    if (how.kind == ending_kind::cancelled) keep_cancel(run, how);
    forget_lost(run);
  };
  // The node has lost its lease since: whoever finds that out ends the run.
  if (fenced_.contains(run)) return leave_to_others();
  end_orphan what{run, how, env_->unix_ms()};
  self_->request(env_->journal, local_answer, std::move(what))
      .then(
          [this, run, planned = status_of(how), leave_to_others](const end_orphan_reply& reply) {
            if (reply.fenced) return leave_to_others();
            fenced_.erase(run);
            // Its own ending may have been journalled before it died.
            const auto* stands = reply.ended && *reply.ended ? get_if<run_ended>(**reply.ended) : nullptr;
            count(stands ? status_of(stands->how) : planned);
            forget_lost(run);
          },
          [this, run, how, again_after](const caf::error&) {
            if (!planted(mutant::ending_offered_once)) owe(run, how, again_after);
          });
}

void supervisor_state::forget_lost(const run_id& run) {
  wake(roster_.forget(run));
  after_a_run_left();
}

/// The store takes nothing now. Whoever waits is told so, or waits on; its session stays taken, for the log goes on.
void supervisor_state::owe(const run_id& run, const ending& how, std::chrono::milliseconds again_after) {
  auto* row = roster_.find(run);
  if (row && !std::exchange(row->handle.is_owed, true)) wake(std::exchange(row->waiters, {}));
  self_->run_delayed(again_after, [this, run, how, again_after] {
    end_lost(run, how, std::min(2 * again_after, core::limits::finish_retry_max));
  });
}

/// A cancel was granted to a run that this node has lost: whoever has it then, or ends it, is to know.
void supervisor_state::keep_cancel(const run_id& run, const ending& how, std::chrono::milliseconds again_after) {
  cancel_request request{.run = run, .reason = how.message, .by = how.by};
  self_->request(env_->journal, local_answer, record_cancel{std::move(request), env_->unix_ms()})
      .then([](const record_cancel_reply&) {},
            [this, run, how, again_after](const caf::error&) {
              self_->run_delayed(again_after, [this, run, how, again_after] {
                keep_cancel(run, how, std::min(2 * again_after, core::limits::finish_retry_max));
              });
            });
}

/// Whoever started them cannot stop them any more.
void supervisor_state::stop_children_of(const run_id& parent) {
  using enum node_roster::row_state;
  for (const auto& [id, row] : roster_.rows()) {
    if (!row.is_child || row.parent != parent || row.state == closed || row.state == lost) continue;
    cancel_request request{.run = id, .reason = "", .by = "parent"};
    auto& child = *roster_.find(id);
    if (row.state == creating) {
      child.waiters.emplace_back([this, request] {
        if (auto* found = roster_.find(request.run)) stop(*found, request);
      });
    } else {
      stop(child, std::move(request));
    }
  }
}

}  // namespace oncue::actors
