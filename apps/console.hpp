// The subscriber actor of `oncue run`: it starts the run and hands its events to the display. Runs on a thread of its own,
// because writing may block; it asks for more events only when the last ones are written, so a slow pipe holds back nobody
// but itself. It cancels nothing by itself: that is the cancel desk's, which does not hang when this does.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <optional>
#include <string>

#include "cancel_desk.hpp"
#include "oncue/actors/subscription.hpp"
#include "oncue/core/agentos_json.hpp"
#include "oncue/messages/type_ids.hpp"
#include "person.hpp"
#include "run_display.hpp"

namespace oncue::apps {

struct console_options {
  run_request request;  ///< with its id
  core::run_labels labels;
  bool demo_model = false;
  bool json = false;
  bool yes = false;  ///< calls that a person has to allow are allowed
  supervisor_actor supervisor;
  cancel_desk_actor cancels;
  /// Called once, with the exit code, when the console is done.
  std::function<void(int)> done;
};

class console_state {
 public:
  static constexpr const char* name = "console";

  console_state(subscriber_actor::pointer self, console_options options);
  subscriber_actor::behavior_type make_behavior();

 private:
  void start();
  void started(start_reply& reply);
  void on_batch(event_batch& batch);
  void show(const run_event& event);
  void show_waiting();
  void ask_person();
  void ask_again();
  void go_on();
  void ask_for_receipt();
  void conclude();
  void finish(int code);

  subscriber_actor::pointer self_;
  console_options options_;
  core::agentos_renderer renderer_;
  actors::subscription<subscriber_actor::base> events_;
  run_display display_;
  person person_;
  std::vector<tool_requirement> waiting_for_;  // since the last pause
  bool concluding_ = false;
  bool finished_ = false;
  std::optional<cancel_reply> receipt_;
  std::string json_;
};

}  // namespace oncue::apps
