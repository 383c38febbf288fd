// Two nodes in one process: a run begins on one, an actor of your own reads it on the other, and is cancelled there. In
// real life they are two machines with `oncue serve`, or your programs with a runtime each; all that they share is the
// database. Whoever has none at hand gets one, with three nodes, from scripts/cluster.
//
//   build/dev/examples/03_two_nodes postgresql://oncue@localhost/oncue     (or ONCUE_STORE_URL)
#include <caf/actor_system.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdlib>
#include <exception>
#include <future>
#include <iostream>
#include <stdexcept>
#include <string>

#include "oncue/actors/subscription.hpp"
#include "oncue/runtime.hpp"

using oncue::subscriber_actor;

// Reads a run, wherever it is: the same actor as for a run of its own node (see 05_subscriber_actor.cpp).
struct reader_state {
  static constexpr const char* name = "reader";

  reader_state(subscriber_actor::pointer me, oncue::supervisor_actor supervisor, oncue::run_id run,
               std::promise<void>* enough, std::promise<std::string>* result)
      : self{me}, events{me, std::move(supervisor), std::move(run)}, read_enough{enough}, how_it_ended{result} {}

  subscriber_actor::behavior_type make_behavior() {
    self->set_down_handler([this](const caf::down_msg& down) { events.on_down(down); });
    events.open();
    return {[this](oncue::event_batch& batch) {
      const bool is_note = batch.note != oncue::batch_note::none;
      for (const auto& event : events.take(batch)) take(*event);
      if (is_note) {
        std::cout << "B is told: " << to_string(events.note()) << "\n";  // the answer to the pull is still to come
      } else if (events.state() == oncue::actors::subscription_state::reading) {
        events.pull();
      } else {
        finish(events.why());
      }
    }};
  }

  void take(const oncue::run_event& event) {
    if (oncue::get_if<oncue::content_delta>(event) && ++words == 15) read_enough->set_value();
    if (const auto* ended = oncue::get_if<oncue::run_ended>(event))
      ending = std::string{to_string(oncue::status_of(ended->how))} + ", " + std::to_string(ended->content.size()) +
               " bytes of text kept";
  }

  void finish(const std::string& problem) {
    if (words < 15) read_enough->set_value();
    how_it_ended->set_value(problem.empty() ? ending : problem);
    self->quit();
  }

  subscriber_actor::pointer self;
  oncue::actors::subscription<subscriber_actor::base> events;
  std::promise<void>* read_enough;
  std::promise<std::string>* how_it_ended;
  std::string ending;
  int words = 0;
};

oncue::runtime_options node(const std::string& name, const std::string& url) {
  oncue::runtime_options options;
  options.store.emplace().url = url;
  options.cluster.node_name = name;  // it takes links at 127.0.0.1, at a port of its choice
  options.version = "example";
  return options;
}

int main(int argc, char** argv) {
  const char* from_environment = std::getenv("ONCUE_STORE_URL");
  const std::string url = argc > 1 ? argv[1] : from_environment ? from_environment : "";
  if (url.empty()) {
    std::cout << "Two nodes need a database that they share: give its URL, postgresql://user@host/database, or set\n"
                 "ONCUE_STORE_URL. On Debian: apt-get install postgresql, then\n"
                 "  sudo -u postgres createuser oncue && sudo -u postgres createdb -O oncue oncue\n"
                 "scripts/cluster starts a database and three nodes by itself.\n";
    return 0;
  }
  try {
    oncue::runtime a{node("A", url)};
    oncue::runtime b{node("B", url)};

    auto run = a.start({.agent = {"story-writer-agent"}, .input = "write a story"});
    if (run.refused) throw std::runtime_error{run.refused->message};
    std::cout << "A runs " << run.id.value << "\n";

    std::promise<void> enough;
    std::promise<std::string> ending;
    b.system().spawn<subscriber_actor::stateful_impl<reader_state>>(b.supervisor(), run.id, &enough, &ending);
    enough.get_future().get();
    std::cout << "B has read 15 words of it, and cancels\n";

    const auto reply = b.cancel(run.id);
    std::cout << "B's cancel: " << to_string(reply.outcome) << ", after " << reply.latency_us << " us on its node\n";
    std::cout << "B has read the ending: " << ending.get_future().get() << "\n";
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
