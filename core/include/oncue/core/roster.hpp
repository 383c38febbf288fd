// The supervisor's table: which runs are live on this node, and what follows from a start, a cancel, a run's last word and
// its death. It decides; the supervisor sends. It never sees a token, and a row is closed only when the run's actor is
// gone.
//
//   admit ─▶ creating ─created─▶ queued ─turn and place─▶ running ─closed─▶ closed ─down─▶ (gone)
//                                      └────────────── down without closed ─▶ lost ─ended by us─▶ (gone)
//
// A session has one run at a time: its runs stand in a line, in the order in which they were admitted, and leave it when
// their ending is journalled. Only the first one has the turn. In a cluster an older run can come later, from another node
// or out of a pause: it goes first if the journal says so. Those that have their turn wait for a free place, again
// first come, first served. A run that works for another one stands in no line: whoever it works for waits for it. A paused
// run has no row: it comes back like a new one when somebody continues it. Everything is bounded by the number of rows, and
// costs the same however many there are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/core/linked_line.hpp"
#include "oncue/core/settings.hpp"
#include "oncue/core/text.hpp"
#include "oncue/messages/cancel.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/messages/journal.hpp"
#include "oncue/messages/mutants.hpp"
#include "oncue/messages/run.hpp"

namespace oncue::core {

/// What is wrong with a request, whatever the node's state: the fields a caller can mend.
std::optional<refusal> check_request(const run_request& request);

/// True for the three statuses that a run does not leave.
bool is_over(run_status status);

/// `Handle` is the run's actor, `Waiter` whatever waits until a lost or not yet created run can be asked about.
template <class Handle, class Waiter>
class roster {
 public:
  enum class row_state : std::uint8_t { creating, queued, running, closed, lost };

  struct row;
  using session_entry = std::pair<const session_id, linked_line<row>>;

  struct row {
    const run_id* id = nullptr;  // as the table has it
    Handle handle{};
    row_state state = row_state::creating;
    run_status status = run_status::pending;
    bool new_session = false;  // the session was made for this run: nothing was said in it before
    run_id parent;             // of a child
    bool is_child = false;  // works for a run of this node: it shares that one's place and session, and waits for neither
    std::int64_t created_at_ms = 0;
    std::optional<ending> cancel_wanted;  // a cancel was passed on: if the actor dies, the run counts as cancelled (I2)
    std::vector<Waiter> waiters;          // until the row leaves `creating` or `lost`, or a closed one is gone
    session_entry* session = nullptr;     // null once the run has ended
    line_links<row> in_session;
    line_links<row> for_place;

    bool waits_elsewhere = false;  // has its turn here, and a run of its session on another node comes first
    bool has_turn() const { return in_session.in_line && !in_session.before; }
    bool has_begun() const { return state != row_state::creating && state != row_state::queued; }
  };

  explicit roster(roster_limits limits = {}) : limits_{limits} {}

  /// Reserves a row for a request whose fields are right, or says why not. `new_session`: nobody named the session.
  /// `was_admitted`: by another node, once. It may wait here: one of its session may be waiting for it.
  std::optional<refusal> admit(const run_request& request, std::int64_t now_ms, bool new_session = false,
                               bool was_admitted = false) {
    auto is_child = request.depth > 0;
    // A run that may still end by itself may still call an agent.
    if (draining_ && !is_child) return refusal{refusal_code::draining, "this node is shutting down and takes no new run"};
    if (rows_.contains(request.id)) {
      return refusal{refusal_code::run_id_used, "run_id: '" + request.id.value + "' is used already, choose another"};
    }
    auto busy = !is_child && !new_session && sessions_.contains(request.session);
    if (busy && request.on_busy_session == session_policy::reject) {
      return refusal{refusal_code::session_busy,
                     "session_id: '" + request.session.value + "' has a run that is not over; wait for it or cancel it"};
    }
    if (rows_.size() >= limits_.live_max) {
      return refusal{refusal_code::too_many_runs,
                     "this node has " + std::to_string(rows_.size()) + " live runs, which is its limit; try again later"};
    }
    if (is_child) {
      auto& [id, entry] = *rows_.try_emplace(request.id).first;
      entry.id = &id;
      entry.created_at_ms = now_ms;
      entry.is_child = entry.new_session = true;
      entry.parent = request.parent;
      return std::nullopt;
    }
    auto must_wait = busy || heads_ >= free_places();
    if (must_wait && !was_admitted && waiting() >= limits_.queued_max) {
      return refusal{refusal_code::too_many_runs,
                     "this node has " + std::to_string(waiting()) + " waiting runs, which is its limit; try again later"};
    }
    auto& [id, entry] = *rows_.try_emplace(request.id).first;
    entry.id = &id;
    entry.created_at_ms = now_ms;
    entry.new_session = new_session;
    entry.session = &*sessions_.try_emplace(request.session).first;
    entry.session->second.join(entry, &row::in_session);
    ++(entry.has_turn() ? heads_ : behind_);
    return std::nullopt;
  }

  /// The journal has the run: it has an actor now. It waits: see next_to_begin.
  row& created(const run_id& id, Handle handle) {
    auto& entry = rows_.at(id);
    entry.handle = std::move(handle);
    entry.state = row_state::queued;
    if (entry.has_turn()) for_place_.join(entry, &row::for_place);
    return entry;
  }

  /// A child begins as soon as it is there, unless it was cancelled before. False: it does not.
  bool begin_child(row& which) {
    if (!which.is_child || which.state != row_state::queued || which.cancel_wanted) return false;
    which.state = row_state::running;
    which.status = run_status::running;
    return true;
  }

  /// The journal refused it: there never was such a run. Returns who waited for it.
  std::vector<Waiter> not_created(const run_id& id) { return forget(id); }

  /// The row, or null. `closed` rows are still there until the actor is gone.
  row* find(const run_id& id) {
    auto found = rows_.find(id);
    return found == rows_.end() ? nullptr : &found->second;
  }

  /// The runs that stand before this one in its session, the next one first: whom an interrupting run cancels.
  std::vector<row*> before(const row& which) {
    std::vector<row*> result;
    for (auto* other = which.in_session.before; other; other = other->in_session.before) result.push_back(other);
    return result;
  }

  /// A cancel was passed on to the run's actor. One that has not begun never will.
  void cancel_passed_on(row& which, const cancel_request& request) {
    if (which.cancel_wanted) return;
    which.cancel_wanted = ending{.kind = ending_kind::cancelled, .message = request.reason, .by = request.by};
    if (request.reason.empty()) which.cancel_wanted->message = "Run " + request.run.value + " was cancelled";
    for_place_.leave(which, &row::for_place);
  }

  /// The run's visible status is another one. Over means: its ending is journalled, and the session's next has its turn.
  void changed(const run_id& id, run_status status) {
    auto* entry = find(id);
    if (!entry || entry->state == row_state::closed || entry->state == row_state::lost) return;
    if (is_over(status)) {
      entry->status = status;
      leave_session(*entry);
    } else if (entry->state == row_state::running && (entry->session || entry->is_child)) {
      entry->status = status;
    }
  }

  /// The run's last word: its ending, or its pause, is journalled and nothing of it is open. False if nothing follows from
  /// it.
  bool closed(const run_id& id, run_status status) {
    auto* entry = find(id);
    if (!entry || entry->state == row_state::closed || entry->state == row_state::lost) return false;
    entry->status = status;
    leave_session(*entry);
    leave_place(*entry, row_state::closed);
    return true;
  }

  struct down_result {
    bool lost = false;  ///< it died without its last word: `how` is the ending to journal, then call forget()
    ending how;
    std::vector<Waiter> waiters;  ///< whoever waited until it was gone
  };

  /// The run's actor is gone. `why` is for the ending's message.
  down_result down(const run_id& id, const std::string& why) {
    auto* entry = find(id);
    if (!entry) return {};
    down_result result;
    if (entry->state == row_state::closed) {
      result.waiters = forget(id);
      return result;
    }
    leave_place(*entry, row_state::lost);
    result.lost = true;
    if (entry->cancel_wanted && !planted(mutant::cancel_lost_with_actor)) {
      result.how = *entry->cancel_wanted;
    } else {
      result.how.kind = ending_kind::failed;
      result.how.code = failure_code::actor_lost;
      result.how.message = "the run's actor died (" + why + ")";
    }
    return result;
  }

  /// Removes the row; returns who waited.
  std::vector<Waiter> forget(const run_id& id) {
    auto found = rows_.find(id);
    if (found == rows_.end()) return {};
    leave_session(found->second);
    leave_place(found->second, row_state::closed);
    auto waiters = std::move(found->second.waiters);
    rows_.erase(found);
    return waiters;
  }

  /// The next run that begins now, or null: it has its turn, a place was free, and it takes it. A draining node begins
  /// nothing.
  row* next_to_begin() {
    if (draining_ || free_places() == 0 || for_place_.empty()) return nullptr;
    auto& entry = *(planted(mutant::last_come_first_served) ? for_place_.last() : for_place_.first());
    for_place_.leave(entry, &row::for_place);
    --heads_;
    ++running_;
    entry.state = row_state::running;
    entry.status = run_status::running;
    return &entry;
  }

  /// It has its turn and a place, and has not begun: a run of its session on another node comes first. It gives its place
  /// back, which that one may need, and waits until it is asked again. False, and nothing has changed: it is not like this.
  bool wait_elsewhere(row& which) {
    if (planted(mutant::place_held_in_vain) || !give_place_back(which)) return false;
    which.waits_elsewhere = true;
    return true;
  }

  /// It may be its turn now on all nodes: it wants a place.
  void ask_again(row& which) {
    if (!which.waits_elsewhere || which.state != row_state::queued) return;
    which.waits_elsewhere = false;
    take_turn(which);
  }

  /// Like wait_elsewhere(), but the one that comes first stands behind it here: it is older, and has come later, from
  /// another node or out of a pause. So that one has the turn now. False, and nothing has changed: they do not stand in one
  /// line, or not like this.
  bool let_pass(row& which, row& first) {
    auto in_one_line = which.session && which.session == first.session && &which != &first;
    if (!in_one_line || planted(mutant::circle_of_waiting) || !give_place_back(which)) return false;
    auto& line = which.session->second;
    line.leave(first, &row::in_session);
    line.join_first(first, &row::in_session);
    take_turn(first);
    return true;
  }

  void drain() { draining_ = true; }
  bool draining() const { return draining_; }

  std::size_t size() const { return rows_.size(); }
  std::size_t running() const { return running_; }
  /// Admitted and not begun.
  std::size_t queued() const { return behind_ + heads_; }
  /// So many more runs could begin at once.
  std::size_t room() const {
    auto places = free_places() - std::min(heads_, free_places());
    return draining_ ? 0 : std::min(places, limits_.live_max - std::min(rows_.size(), limits_.live_max));
  }
  /// Sessions that have a run which is not over.
  std::size_t sessions() const { return sessions_.size(); }
  const std::unordered_map<run_id, row>& rows() const { return rows_; }

 private:
  std::size_t free_places() const { return limits_.running_max - std::min(running_, limits_.running_max); }

  /// Those that would not begin even if all of them were created now.
  std::size_t waiting() const { return behind_ + heads_ - std::min(heads_, free_places()); }

  void leave_session(row& entry) {
    if (!entry.session) return;
    auto& line = entry.session->second;
    auto was_first = entry.has_turn();
    for_place_.leave(entry, &row::for_place);
    line.leave(entry, &row::in_session);
    if (!was_first) {
      --behind_;
    } else {
      if (!entry.has_begun()) uncount_first(entry);
      if (auto* next = line.first(); next && !planted(mutant::session_not_freed)) take_turn(*next);
    }
    if (line.empty()) sessions_.erase(sessions_.find(entry.session->first));
    entry.session = nullptr;
  }

  void take_turn(row& entry) {
    --behind_;
    if (entry.has_begun()) return;  // lost: its ending is on its way to the journal
    ++heads_;
    if (entry.state == row_state::queued && !entry.cancel_wanted) for_place_.join(entry, &row::for_place);
  }

  void leave_place(row& entry, row_state to) {
    for_place_.leave(entry, &row::for_place);
    if (entry.state == row_state::running && !entry.is_child) --running_;
    if (!entry.has_begun() && entry.has_turn()) uncount_first(entry);
    entry.state = to;
  }

  /// The first of a session, which has not begun, is no longer one that waits.
  void uncount_first(row& entry) { --(std::exchange(entry.waits_elsewhere, false) ? behind_ : heads_); }

  bool give_place_back(row& which) {
    if (!which.has_turn() || which.state != row_state::running) return false;
    which.state = row_state::queued;
    which.status = run_status::pending;
    --running_;
    ++behind_;
    return true;
  }

  roster_limits limits_;
  std::unordered_map<run_id, row> rows_;
  std::unordered_map<session_id, linked_line<row>> sessions_;  // those with a run that is not over
  linked_line<row> for_place_;
  std::size_t running_ = 0;
  std::size_t heads_ = 0;   // have their turn, or will have it when they are created; not begun
  std::size_t behind_ = 0;  // wait for their session
  bool draining_ = false;
};

/// The journal's word on a cancel for a run that is not live, in the one vocabulary.
cancel_reply reply_from_journal(const run_id& run, const record_cancel_reply& said);

}  // namespace oncue::core
