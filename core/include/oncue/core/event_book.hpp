// The journal's memory: runs, their events, what was said in their sessions, and cancels for runs not seen yet, within a
// fixed number of bytes. Promises: writes are idempotent by run and index; an ending is written once and whoever comes
// second is told what stands; a cancel that it accepted is the ending, and of a paused run at once; whoever continued a
// run is the only one who writes to it from then on; an idempotency key makes one run for as long as that run is known; the
// events of a live or paused run are never dropped. When space is short, ended runs lose their events, oldest
// first, then are forgotten. Never grows past its bound, but for the endings of runs that are already in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/core/linked_line.hpp"
#include "oncue/messages/journal.hpp"

namespace oncue::core {

struct event_book_limits {
  std::size_t bytes_max = limits::memory_journal_bytes_max;
  std::size_t intents_max = limits::intents_max;
  std::int64_t intent_age_ms_max = limits::intent_age_max.count();
};

class event_book {
 public:
  explicit event_book(event_book_limits limits = {}) : limits_{limits} {}

  /// Reserves the run's id. Refused when the id is in the book, when the idempotency key made another sort of run, or when
  /// there is no room. What the key made before is the answer if there is such a run; with `only_existing` and without
  /// such a run the answer says nothing.
  create_reply create(const create_run& what);

  std::variant<appended, journal_refused> append(const append_events& what);

  /// The last of the events is the ending. Always has room.
  std::variant<finished, journal_refused> finish(const finish_run& what);

  /// Ends a run whose actor is gone: content and index come from what is in the book.
  end_orphan_reply end(const end_orphan& what);

  /// Notes a cancel for a run that is not live: the ending if it has one, or gets one because it is paused; accepted if it
  /// is open, and then it ends as cancelled whoever ends it; else an intent if there is room.
  record_cancel_reply record(const record_cancel& what);

  /// A paused run with its whole log; of another one only what it is.
  paused_run find(const find_paused& what) const;

  /// Logs that a paused run goes on, if it is paused and this is its next event. Always has room.
  reopen_reply reopen(const reopen_run& what);

  /// Ends the paused runs whose time is over, the longest expired first.
  expired_runs expire(const end_expired& what);

  /// What was said in a session: the newest runs that have ended and fit, the oldest of them first.
  history history_of(const load_history& what) const;

  /// Answers a pull; never waits.
  event_batch read(const pull_limits& pull) const;

  /// Newest first.
  run_list list(std::uint32_t runs_max) const;

  std::size_t bytes() const { return bytes_; }
  std::size_t intent_count() const { return intents_.size(); }

 private:
  struct row;
  using session_entry = std::pair<const session_id, linked_line<row>>;
  using key = std::pair<user_id, std::string>;

  struct row {
    run_request request;  // without its session: see `session`
    std::int64_t created_at_ms = 0;
    run_epoch epoch = 1;
    std::int64_t expires_at_ms = 0;  // while it is in expiring_; else 0
    std::uint64_t number = 0;        // order of creation
    event_index first = 0;           // index of events.front()
    std::vector<event_ptr> events;
    bool ended = false;
    std::optional<ending> cancel_accepted;
    session_entry* session = nullptr;
    line_links<row> in_session;

    event_index next() const { return first + events.size(); }
    const event_ptr* stands() const { return ended ? &events.back() : nullptr; }
  };
  struct intent {
    cancel_request request;
    std::int64_t at_ms = 0;
  };

  std::optional<std::string> add(row& to, event_index from, const std::vector<event_ptr>& events);
  void note_pause(const run_id& id, row& which);
  event_ptr end_as(const run_id& id, row& which, ending how, std::int64_t at_ms);
  void close(const run_id& id, row& which);
  void cancel_wins(row& which);
  bool make_room(std::size_t bytes_wanted);
  void strip_oldest();
  void forget_oldest();
  static std::size_t cost_of(const row& which);
  static run_summary summary_of(const run_id& id, const row& which);
  create_reply made_before(const create_run& what) const;
  void drop_old_intents(std::int64_t now_ms);

  event_book_limits limits_;
  std::unordered_map<run_id, row> rows_;
  std::unordered_map<session_id, linked_line<row>> sessions_;  // their runs in the book, in the order of creation
  std::map<key, run_id> made_by_key_;
  std::map<std::pair<std::int64_t, std::uint64_t>, run_id> expiring_;  // paused, by their time and their number
  std::deque<run_id> ended_whole_;                                     // oldest first; still have their events
  std::deque<run_id> ended_stripped_;                                  // have only their ending
  std::unordered_map<run_id, intent> intents_;
  std::deque<std::pair<std::int64_t, run_id>> intents_by_age_;  // may name intents that are gone
  std::size_t bytes_ = 0;
  std::size_t stripped_bytes_ = 0;  // part of bytes_
  std::uint64_t created_ = 0;
};

}  // namespace oncue::core
