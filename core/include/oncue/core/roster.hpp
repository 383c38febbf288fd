// The supervisor's table: which runs are live on this node, and what follows from a start, a cancel, a run's last word and
// its death. It decides; the supervisor sends. It never sees a token, and a row is closed only when the run's actor is
// gone.
//
//   admit ─▶ creating ─created─▶ queued ─place free─▶ running ─closed─▶ closed ─down─▶ (gone)
//                                      └──────────── down without closed ─▶ lost ─ended by us─▶ (gone)
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"
#include "oncue/messages/cancel.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/messages/run.hpp"

namespace oncue::core {

struct roster_limits {
  std::size_t live_max = limits::runs_live_max;
  std::size_t running_max = limits::runs_running_max;
};

/// What is wrong with a request, whatever the node's state: the fields a caller can mend.
std::optional<refusal> check_request(const run_request& request);

/// `Handle` is the run's actor, `Waiter` whatever waits until a lost or not yet created run can be asked about.
template <class Handle, class Waiter>
class roster {
 public:
  enum class row_state : std::uint8_t { creating, queued, running, closed, lost };

  struct row {
    Handle handle{};
    row_state state = row_state::creating;
    run_status status = run_status::pending;
    std::int64_t created_at_ms = 0;
    std::optional<ending> cancel_wanted;  // a cancel was passed on: if the actor dies, the run counts as cancelled (I2)
    std::vector<Waiter> waiters;          // until the row leaves `creating` or `lost`
  };

  explicit roster(roster_limits limits = {}) : limits_{limits} {}

  /// Reserves a row for a request whose fields are right, or says why not.
  std::optional<refusal> admit(const run_request& request, std::int64_t now_ms) {
    if (draining_) return refusal{refusal_code::draining, "this node is shutting down and takes no new run"};
    if (rows_.contains(request.id)) {
      return refusal{refusal_code::run_id_used, "run_id: '" + request.id.value + "' is used already, choose another"};
    }
    if (rows_.size() >= limits_.live_max) {
      return refusal{refusal_code::too_many_runs,
                     "this node has " + std::to_string(rows_.size()) + " live runs, which is its limit; try again later"};
    }
    auto& entry = rows_[request.id];
    entry.created_at_ms = now_ms;
    return std::nullopt;
  }

  /// The journal has the run: it has an actor now. True if a place is free and the run may begin.
  bool created(const run_id& id, Handle handle) {
    auto& entry = rows_.at(id);
    entry.handle = std::move(handle);
    if (running_ >= limits_.running_max) {
      entry.state = row_state::queued;
      queue_.push_back(id);
      return false;
    }
    take_place(entry);
    return true;
  }

  /// The journal refused it: there never was such a run. Returns who waited for it.
  std::vector<Waiter> not_created(const run_id& id) { return forget(id); }

  /// The row, or null. `closed` rows are still there until the actor is gone.
  row* find(const run_id& id) {
    auto found = rows_.find(id);
    return found == rows_.end() ? nullptr : &found->second;
  }

  /// The id as the table has it: stays where it is as long as the row.
  const run_id* key(const run_id& id) const { return &rows_.find(id)->first; }

  /// A cancel was passed on to the run's actor.
  void cancel_passed_on(row& which, const cancel_request& request) {
    if (which.cancel_wanted) return;
    which.cancel_wanted = ending{.kind = ending_kind::cancelled, .message = request.reason, .by = request.by};
    if (request.reason.empty()) which.cancel_wanted->message = "Run " + request.run.value + " was cancelled";
  }

  void changed(const run_id& id, run_status status) {
    if (auto* entry = find(id); entry && entry->state == row_state::running) entry->status = status;
  }

  /// The run's last word: its ending is journalled.
  void closed(const run_id& id, run_status status) {
    auto* entry = find(id);
    if (!entry || entry->state == row_state::lost) return;
    entry->status = status;
    leave_place(*entry);
    entry->state = row_state::closed;
  }

  struct down_result {
    bool lost = false;  ///< it died without its last word: `how` is the ending to journal, then call forget()
    ending how;
  };

  /// The run's actor is gone. `why` is for the ending's message.
  down_result down(const run_id& id, const std::string& why) {
    auto* entry = find(id);
    if (!entry) return {};
    if (entry->state == row_state::closed) {
      forget(id);
      return {};
    }
    leave_place(*entry);
    entry->state = row_state::lost;
    if (entry->cancel_wanted) return {true, *entry->cancel_wanted};
    return {true, ending{.kind = ending_kind::failed,
                         .code = failure_code::actor_lost,
                         .message = "the run's actor died (" + why + ")"}};
  }

  /// Removes the row; returns who waited.
  std::vector<Waiter> forget(const run_id& id) {
    auto found = rows_.find(id);
    if (found == rows_.end()) return {};
    leave_place(found->second);
    auto waiters = std::move(found->second.waiters);
    rows_.erase(found);
    return waiters;
  }

  /// The next queued run that may begin now, if a place is free.
  std::optional<Handle> next_to_begin() {
    while (running_ < limits_.running_max && !queue_.empty()) {
      auto id = std::move(queue_.front());
      queue_.pop_front();
      auto* entry = find(id);
      if (!entry || entry->state != row_state::queued) continue;  // ended while it was queued
      take_place(*entry);
      return entry->handle;
    }
    return std::nullopt;
  }

  void drain() { draining_ = true; }
  bool draining() const { return draining_; }

  std::size_t size() const { return rows_.size(); }
  std::size_t running() const { return running_; }
  const std::unordered_map<run_id, row>& rows() const { return rows_; }

 private:
  void take_place(row& entry) {
    entry.state = row_state::running;
    entry.status = run_status::running;
    ++running_;
  }
  void leave_place(row& entry) {
    if (entry.state == row_state::running) --running_;
    if (entry.state == row_state::running || entry.state == row_state::queued) entry.state = row_state::closed;
  }

  roster_limits limits_;
  std::unordered_map<run_id, row> rows_;
  std::deque<run_id> queue_;
  std::size_t running_ = 0;
  bool draining_ = false;
};

/// The journal's word on a cancel for a run that is not live, in the one vocabulary.
cancel_reply reply_from_journal(const run_id& run, const std::optional<event_ptr>& ended, bool intent_stored);

}  // namespace oncue::core
