// A node that stops: no new runs, a grace for those that have begun, then a cancel for all that are left.
#include <chrono>

#include "oncue/actors/supervisor.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::actors {

/// Not one that another node may have by now: there it goes on.
void supervisor_state::stop_for_drain(node_roster::row& row) {
  if (fenced_.contains(*row.id)) return;
  stop(row, {.run = *row.id, .reason = "the node is shutting down", .by = "drain"});
}

caf::result<drain_reply> supervisor_state::drain(drain_node request) {
  auto promise = self_->make_response_promise<drain_reply>();
  roster_.drain();
  auto is_first = !drain_;
  if (is_first) drain_.emplace();
  drain_->promises.push_back(promise);
  if (is_first) {
    self_->run_delayed(std::chrono::milliseconds{request.grace_ms}, [this, request] {
      if (!drain_) return;
      stop_all(true);
      self_->run_delayed(std::chrono::milliseconds{request.cancel_grace_ms}, [this] {
        if (drain_) finish_drain();
      });
    });
    hand_over([this] { stop_all(false); });
  }
  if (roster_.size() == 0) finish_drain();
  return promise;
}

/// Those that have not begun are stopped when the drain begins: what they could still do would only be cut.
void supervisor_state::stop_all(bool also_begun) {
  using enum node_roster::row_state;
  for (const auto& [run, row] : roster_.rows()) {
    if (row.status == run_status::paused) continue;  // it is leaving: the journal keeps it
    if (row.state == queued && planted(mutant::drain_forgets_queued)) continue;
    if (row.state == queued || (also_begun && row.state == running)) stop_for_drain(*roster_.find(run));
  }
}

void supervisor_state::finish_drain() {
  for (const auto& [run, row] : roster_.rows()) {
    if (row.state != node_roster::row_state::closed) drain_->reply.left.push_back(run);  // else it is counted already
  }
  for (auto& promise : drain_->promises) promise.deliver(drain_->reply);
  drain_.reset();
}

}  // namespace oncue::actors
