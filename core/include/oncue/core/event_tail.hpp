// The live end of one run's log, and the readers that wait at it. A reader is a cursor and a credit, never a queue: what it
// has not asked for is not kept for it (I8). Older events than the tail holds are the journal's to give.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/core/pauses.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::core {

/// True if the batch can be the answer to a pull from there. Any other is late: it was asked for before, of somebody who
/// may have lost the run since, and must not take the reader back. A note answers no pull.
inline bool is_answer(const event_batch& batch, event_index from) {
  if (batch.note != batch_note::none) return false;
  if (batch.end == batch_end::gone) return batch.next > from;
  return (batch.events.empty() ? batch.next : batch.events.front()->index) == from;
}

/// The events of `all` from index `from` on, within the pull's limits: at least one if there is one.
/// `all` has consecutive indices up to the log's last, the first of them is at or below `from`. Behind the last event of a
/// paused run there is nothing, and the batch says so.
inline event_batch cut_batch(const std::vector<event_ptr>& all, const pull_limits& pull) {
  event_batch batch{.run = pull.run, .events = {}, .next = pull.from, .end = batch_end::more};
  auto is_paused = pause_at_end(all) != nullptr;
  if (all.empty() || pull.from > all.back()->index) {
    if (is_paused) batch.end = batch_end::paused;
    return batch;
  }
  std::size_t bytes = 0;
  for (auto i = static_cast<std::size_t>(pull.from - all.front()->index); i < all.size(); ++i) {
    bytes += cost_bytes(*all[i]);
    auto is_full = batch.events.size() >= pull.events_max || bytes > pull.bytes_max;
    if (!batch.events.empty() && is_full && !planted(mutant::credit_ignored)) break;
    batch.events.push_back(all[i]);
  }
  batch.next = batch.events.back()->index + (planted(mutant::cursor_jumps) ? 2 : 1);
  if (get_if<run_ended>(*batch.events.back())) batch.end = batch_end::ended;
  if (is_paused && batch.next > all.back()->index) batch.end = batch_end::paused;
  return batch;
}

/// `Reader` is whatever the caller sends batches to; readers are told apart by a number that the caller gives.
template <class Reader>
class event_tail {
 public:
  enum class verdict {
    serve,         ///< send `batch` to the reader
    wait,          ///< the reader waits here; publish() will give it its batch
    from_journal,  ///< older than the tail: the journal answers this pull
  };
  struct pull_result {
    verdict what = verdict::wait;
    event_batch batch;
  };

  /// `first` is the index of the first event that publish() will bring.
  explicit event_tail(event_index first) : first_{first} {}

  /// A reader's credit. A second pull of the same reader replaces its first.
  pull_result pull(std::uint64_t reader_key, const Reader& reader, const pull_limits& limits) {
    if (deferred_ || limits.from < first_) return {verdict::from_journal, {}};
    if (limits.from < first_ + events_.size() || pause_at_end(events_)) {
      readers_.erase(reader_key);
      return {verdict::serve, cut_batch(events_, limits)};
    }
    if (readers_.size() >= limits::pulls_max && !readers_.contains(reader_key)) return {verdict::from_journal, {}};
    if (!planted(mutant::pull_forgotten)) readers_.insert_or_assign(reader_key, waiting{reader, limits});
    return {verdict::wait, {}};
  }

  /// Takes journalled events and calls `send(reader, batch)` for every reader that waits for one of them.
  template <class Send>
  void publish(const std::vector<event_ptr>& events, Send&& send) {
    events_.insert(events_.end(), events.begin(), events.end());
    for (const auto& event : events) bytes_ += cost_bytes(*event);
    for (auto it = readers_.begin(); it != readers_.end();) {
      if (it->second.limits.from < first_ + events_.size()) {
        send(it->second.reader, cut_batch(events_, it->second.limits));
        it = readers_.erase(it);
      } else {
        ++it;
      }
    }
    trim();
  }

  /// From now on the journal answers: calls `forward(reader, limits)` for whoever waits.
  template <class Forward>
  void defer(Forward&& forward) {
    deferred_ = true;
    for (auto& [key, reader] : readers_) forward(reader.reader, reader.limits);
    readers_.clear();
    events_.clear();
  }

  std::size_t bytes() const { return bytes_; }
  std::size_t waiting_count() const { return readers_.size(); }
  event_index first() const { return first_; }

 private:
  struct waiting {
    Reader reader;
    pull_limits limits;
  };

  /// Drops the older half when there is too much, so that the cost of dropping is shared by many events.
  void trim() {
    if (bytes_ <= limits::tail_bytes_max && events_.size() <= limits::tail_events_max) return;
    std::size_t dropped = 0;
    while (dropped < events_.size() && (bytes_ > limits::tail_bytes_max / 2 || dropped < events_.size() / 2)) {
      bytes_ -= cost_bytes(*events_[dropped++]);
    }
    events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(dropped));
    if (!planted(mutant::tail_miscounts)) first_ += dropped;
  }

  event_index first_;
  std::vector<event_ptr> events_;
  std::size_t bytes_ = 0;
  bool deferred_ = false;
  std::unordered_map<std::uint64_t, waiting> readers_;
};

}  // namespace oncue::core
