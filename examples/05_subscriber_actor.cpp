// For people who write actors: an actor of your own that reads a run. It asks for more only when it is done with the last
// events, and sees the whole log in order, even if the run's own actor goes away meanwhile. This one counts words, and
// cancels the run when it has read enough.
//
//   build/dev/examples/05_subscriber_actor
#include <caf/actor_system.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <future>
#include <iostream>

#include "oncue/actors/subscription.hpp"
#include "oncue/runtime.hpp"

using oncue::subscriber_actor;

// An actor's state: the first member is its `self`, and it is made from it.
struct word_counter_state {
  static constexpr const char* name = "word-counter";

  word_counter_state(subscriber_actor::pointer me, oncue::supervisor_actor the_supervisor, oncue::run_id run,
                     std::promise<int>* result)
      : self{me}, supervisor{the_supervisor}, events{me, the_supervisor, std::move(run)}, done{result} {}

  subscriber_actor::behavior_type make_behavior() {
    self->set_down_handler([this](const caf::down_msg& down) { events.on_down(down); });
    events.open();
    return {[this](oncue::event_batch& batch) {
      for (const auto& event : events.take(batch)) {
        if (oncue::get_if<oncue::content_delta>(*event) && ++words == 25) stop();
      }
      if (events.state() == oncue::actors::subscription_state::reading) {
        events.pull();
      } else {
        done->set_value(words);
        self->quit();
      }
    }};
  }

  void stop() {
    self->request(supervisor, std::chrono::seconds{5}, oncue::cancel_request{.run = events.run(), .by = "word-counter"})
        .then([](const oncue::cancel_reply& reply) { std::cout << "cancel: " << to_string(reply.outcome) << "\n"; },
              [](const caf::error& error) { std::cout << "cancel: " << to_string(error) << "\n"; });
  }

  subscriber_actor::pointer self;
  oncue::supervisor_actor supervisor;
  oncue::actors::subscription<subscriber_actor::base> events;
  std::promise<int>* done;
  int words = 0;
};

int main() {
  oncue::runtime runtime;
  auto run = runtime.start({.agent = {"story-writer-agent"}, .input = "write a story"});
  if (run.refused) return 1;

  std::promise<int> words;
  runtime.system().spawn<subscriber_actor::stateful_impl<word_counter_state>>(runtime.supervisor(), run.id, &words);
  std::cout << "the actor read " << words.get_future().get() << " words\n";
}
