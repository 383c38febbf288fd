// A run that another node has, as its readers here see it: each pull is asked of that node while there is a link to it and
// it has the run, else of the journal, which has everything. Pure: takes what happened and the time, says what is to be
// done. Promises one answer a pull, with the events from where it asked, from whichever had them; that a reader is told at
// once when the node with its run cannot be heard, and when it can again; that the journal is asked by one reader at a
// time, and less and less often when nothing comes; and that no reader waits for ever for a frame that got lost: a question
// that is old is asked again, which changes nothing if it was heard. Readers are told apart by numbers that the caller
// gives.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/messages/archive.hpp"
#include "oncue/messages/cluster.hpp"
#include "oncue/messages/events.hpp"

namespace oncue::core {

namespace remote_effect {
/// To the reader: an answer, or a note besides it.
struct give {
  std::uint64_t reader = 0;
  event_batch batch;
};
/// Over the link; on_batch() or not_there() with this number answers.
struct ask_node {
  incarnation_no node = 0;
  std::uint64_t number = 0;
  pull_limits pull;
};
/// Nothing is read under this number any more.
struct leave_node {
  incarnation_no node = 0;
  std::uint64_t number = 0;
};
/// on_journal() answers.
struct ask_journal {
  pull_limits pull;
};
/// on_owner() answers.
struct find_owner {};
/// Nobody reads: over.
struct finish {};
}  // namespace remote_effect

using remote_order = std::variant<remote_effect::give, remote_effect::ask_node, remote_effect::leave_node,
                                  remote_effect::ask_journal, remote_effect::find_owner, remote_effect::finish>;
using remote_orders = std::vector<remote_order>;

class remote_source {
 public:
  /// Times are steady, in microseconds.
  using time_us = std::int64_t;

  /// `self` is this node, `owner` who has the run; 0: nobody yet.
  remote_source(run_id run, incarnation_no self, incarnation_no owner, time_us now);

  /// A reader's credit; a second one of the same reader replaces the first.
  remote_orders pulled(std::uint64_t reader, const pull_limits& pull, time_us now);
  /// The reader is gone.
  remote_orders gone(std::uint64_t reader);
  /// Over the link.
  remote_orders on_batch(std::uint64_t number, event_batch batch);
  /// The node does not have the run, or what it said makes no sense.
  remote_orders not_there(std::uint64_t number);
  remote_orders on_journal(event_batch batch, time_us now);
  /// Absent: the store could not be asked.
  remote_orders on_owner(const std::optional<run_owner>& found);
  /// A link's state, of any node.
  remote_orders on_link(incarnation_no node, link_state state);
  remote_orders tick(time_us now);

  /// When tick() is to be called; absent: not needed.
  std::optional<time_us> wake_at() const;
  /// True if a batch under this number is expected.
  bool waits_for(std::uint64_t number) const;
  std::size_t readers() const { return readers_.size(); }
  incarnation_no owner() const { return owner_; }

 private:
  enum class place : std::uint8_t {
    idle,     ///< it has not asked for more
    node,     ///< its pull is with the run's node
    line,     ///< its pull waits for its turn at the journal
    journal,  ///< and is there
    resting,  ///< the journal had nothing new
  };
  struct reader {
    pull_limits pull;
    place where = place::idle;
    std::uint64_t number = 0;  ///< of its question to the node
    time_us rest_until = 0;
    bool suspects = false;  ///< it was told that the node cannot be heard
    bool is_old = false;    ///< its question to the node was under way at the last repeat
  };
  using reader_at = std::map<std::uint64_t, reader>::iterator;

  bool can_ask_node() const;
  bool suspected() const;
  void put(std::uint64_t key, reader& x, remote_orders& out);
  void pump(remote_orders& out);
  void leave(reader& x, remote_orders& out);
  void answer(reader_at at, event_batch batch, remote_orders& out);
  void tell(std::uint64_t key, reader& x, remote_orders& out);
  void put_all(remote_orders& out);
  reader_at find(std::uint64_t number);
  void repeat(time_us now, remote_orders& out);

  run_id run_;
  incarnation_no self_;
  incarnation_no owner_;
  std::map<incarnation_no, link_state> links_;
  std::map<std::uint64_t, reader> readers_;
  std::deque<std::uint64_t> line_;           ///< for the journal
  std::optional<std::uint64_t> at_journal_;  ///< whose turn it is
  std::uint64_t last_number_ = 0;
  bool elsewhere_ = false;  ///< the owner said that it does not have it
  bool looking_ = false;    ///< a find_owner is under way
  std::int64_t pause_us_;
  time_us unused_until_;  ///< nobody has read yet; then it is over
  time_us repeat_at_;     ///< old questions are asked again
};

}  // namespace oncue::core
