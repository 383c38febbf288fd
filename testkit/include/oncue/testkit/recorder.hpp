// A subscriber that keeps all it reads of one run, and checks what a log promises. The checks say in a sentence what is
// broken, or return an empty string. It pulls at once and never blocks anybody; it only knows what has come: settle()
// first.
#pragma once

#include <caf/actor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "oncue/messages/actors.hpp"
#include "oncue/testkit/promises.hpp"

namespace caf {
class actor_system;
}

namespace oncue::testkit {

/// Says what a node is like and waits for, in lines of text; for as long as there is a node.
using node_story = std::weak_ptr<const std::function<std::string()>>;

/// Copies are the same recorder.
class recorder {
 public:
  recorder();

  const std::vector<event_ptr>& events() const { return seen_->events; }
  std::string text() const { return text_of(seen_->events); }
  /// Null until it has been read.
  const run_ended* ending() const { return ending_of(seen_->events); }
  /// The ending's status; absent: it has not been read.
  std::optional<run_status> status() const;
  bool ended() const { return seen_->ended; }
  bool paused() const { return seen_->paused; }
  /// Why there is nothing more although the ending was not read; else empty.
  const std::string& lost() const { return seen_->lost; }
  /// How many events of this sort, such as count<tool_call_ended>().
  template <class Event>
  std::size_t count() const {
    std::size_t n = 0;
    for (const auto& event : seen_->events) n += get_if<Event>(*event) ? 1 : 0;
    return n;
  }
  /// The last event of this sort, or null.
  template <class Event>
  const Event* find() const {
    const Event* found = nullptr;
    for (const auto& event : seen_->events) {
      if (const auto* body = get_if<Event>(*event)) found = body;
    }
    return found;
  }
  /// The events in a line of text each, without times: to compare two runs, or to look at one.
  std::string transcript() const;

  std::string gapless() const { return testkit::gapless(seen_->events, seen_->from); }
  std::string one_ending() const { return testkit::one_ending(seen_->events); }
  std::string exact_text() const { return testkit::exact_text(seen_->events); }
  /// All that the log of an ended run promises. For a recorder that has read from event 0 on. In the lines below what is
  /// broken: the last events, and if there is no ending, what the node waits for.
  std::string whole() const;

  /// What was seen so far: the actor writes it.
  struct recording {
    event_index from = 0;
    std::vector<event_ptr> events;
    bool ended = false;
    bool paused = false;
    std::string lost;
    node_story node;
  };

  /// Spawns the actor that reads. `source` null: the supervisor is asked who has the run.
  caf::actor open(caf::actor_system& system, const supervisor_actor& supervisor, run_id run, event_index from = 0,
                  event_source_actor source = {}) const;
  /// There will be nothing to read.
  void lose(std::string why) const { seen_->lost = std::move(why); }
  void belong_to(node_story node) const { seen_->node = std::move(node); }

 private:
  std::shared_ptr<recording> seen_;
};

}  // namespace oncue::testkit
