// The cursor of a subscriber of yours: put one into your actor's state and it reads a run's whole log for you, live or
// ended, with no gap and no duplicate, also when the run's actor goes away in between. It asks for more only when you call
// pull(): a slow actor is never flooded (I4, I8). It also stops at a pause: whoever wants to read on when somebody has
// continued the run opens another one from next() on. What it does not do: keep events.
//
//   struct my_state {
//     subscription<subscriber_actor::base> events;
//     subscriber_actor::behavior_type make_behavior() {
//       self->set_down_handler([this](const caf::down_msg& down) { events.on_down(down); });
//       return {[this](event_batch& batch) {
//         for (const auto& event : events.take(batch)) use(*event);
//         if (events.state() == subscription_state::reading) events.pull(); else self->quit();
//       }};
//     }
//   };
#pragma once

#include <caf/system_messages.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "oncue/actors/node_env.hpp"
#include "oncue/actors/watch.hpp"
#include "oncue/core/event_tail.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/messages/mutants.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

enum class subscription_state : std::uint8_t {
  reading,  ///< call pull() for more
  ended,    ///< the run's ending has been taken
  paused,   ///< the run waits for a person: nothing more comes until somebody continues or ends it
  lost,     ///< nothing more can be had: see why()
};

/// `Self` is the actor class that owns it and is (or extends) a subscriber_actor.
template <class Self>
class subscription {
 public:
  subscription(Self* self, supervisor_actor supervisor, run_id run, event_index from = 0)
      : self_{self}, supervisor_{std::move(supervisor)}, run_{std::move(run)}, next_{from}, source_{self} {}

  /// Asks for less at a time than limits::pull_*_max: for a reader that keeps what it was sent until it has passed it on.
  void take_at_most(std::uint32_t events_max, std::uint32_t bytes_max) {
    events_max_ = events_max;
    bytes_max_ = bytes_max;
  }

  /// Starts to read from `source`, as a start_reply gave it; the first pull is sent.
  void open(event_source_actor source) {
    // A monitor alone does not keep an actor: without this, one that nobody holds would vanish when its run ends before
    // its pull has arrived, and never see the end.
    keep_ = caf::actor_cast<caf::strong_actor_ptr>(self_);
    source_.on(std::move(source));
    pull();
  }

  /// Starts to read a run of which only the id is known.
  void open() {
    self_->request(supervisor_, local_answer, subscribe_run{run_})
        .then(
            [this](const subscribe_reply& reply) {
              if (reply.known) {
                open(reply.source);
              } else {
                lose("there is no run '" + run_.value + "'");
              }
            },
            [this](const caf::error& error) { lose("the supervisor did not answer: " + to_string(error)); });
  }

  /// Asks for the next events. Call it when the last ones are dealt with; it does nothing unless there may be more.
  void pull() {
    if (state_ != subscription_state::reading) return;
    self_->send(source_.who(), pull_limits{run_, next_, events_max_, bytes_max_}, caf::actor_cast<subscriber_actor>(self_));
  }

  /// The new events of a batch, in order. Stale or foreign batches give none.
  std::vector<event_ptr> take(event_batch& batch) {
    if (batch.run != run_ || state_ != subscription_state::reading) return {};
    if (batch.note != batch_note::none) {
      note_ = batch.note;
      return {};
    }
    if (!core::is_answer(batch, next_) && !planted(mutant::old_batch_taken)) return {};
    if (batch.end == batch_end::unknown) {
      lose("there is no run '" + run_.value + "'");
    } else if (batch.end == batch_end::gone) {
      lose("events below " + std::to_string(batch.next) + " of run '" + run_.value + "' are no longer kept");
      kept_from_ = batch.next;
    } else {
      next_ = batch.next;
      if (batch.end == batch_end::ended || batch.end == batch_end::paused) {
        state_ = batch.end == batch_end::ended ? subscription_state::ended : subscription_state::paused;
        keep_ = nullptr;
      }
    }
    if (batch.events.empty() && state_ == subscription_state::reading) open();  // nothing here: ask who has it
    return std::move(batch.events);
  }

  /// For your down handler: the run's actor is gone, the journal has the rest.
  void on_down(const caf::down_msg& down) {
    if (source_ && down.source == source_.who().address() && state_ == subscription_state::reading) open();
  }

  subscription_state state() const { return state_; }
  const std::string& why() const { return why_; }
  const run_id& run() const { return run_; }
  event_index next() const { return next_; }
  /// The last word about the node that has the run; empty: the run is here, or nothing was said.
  batch_note note() const { return note_; }
  /// Lost because events are no longer kept: where they begin. Else absent.
  std::optional<event_index> kept_from() const { return kept_from_; }

 private:
  void lose(std::string why) {
    state_ = subscription_state::lost;
    keep_ = nullptr;
    why_ = std::move(why);
  }

  Self* self_;
  supervisor_actor supervisor_;
  run_id run_;
  event_index next_;
  std::uint32_t events_max_ = core::limits::pull_events_max;
  std::uint32_t bytes_max_ = core::limits::pull_bytes_max;
  watch<Self, event_source_actor> source_;
  caf::strong_actor_ptr keep_;  // its own actor, while there is something to read
  subscription_state state_ = subscription_state::reading;
  std::string why_;
  batch_note note_ = batch_note::none;
  std::optional<event_index> kept_from_;
};

}  // namespace oncue::actors
