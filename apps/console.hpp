// A run on a terminal: the subscriber actor of `oncue run`. The model's text goes to standard output, everything said about
// the run to standard error, so that a pipe gets the text alone. Runs on a thread of its own, because writing may block; it
// asks for more events only when the last ones are written, so a slow pipe holds back nobody but itself. It cancels nothing
// by itself: that is the cancel desk's, which does not hang when this does.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "cancel_desk.hpp"
#include "oncue/actors/subscription.hpp"
#include "oncue/core/agentos_json.hpp"
#include "oncue/messages/type_ids.hpp"
#include "terminal.hpp"

namespace oncue::apps {

struct console_options {
  run_request request;  ///< with its id
  core::run_labels labels;
  bool demo_model = false;
  bool json = false;
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
  using clock = std::chrono::steady_clock;

  void start();
  void started(start_reply& reply);
  void on_batch(event_batch& batch);
  void show(const run_event& event);
  void show_text(const std::string& text);
  void show_reasoning(const std::string& text);
  void show_ending(const run_ended& ended);
  void show_waiting();
  void clear_status_line();
  void say(std::string_view line);
  void out(std::string_view text);
  void ask_for_receipt();
  void conclude();
  void finish(int code);

  subscriber_actor::pointer self_;
  console_options options_;
  core::agentos_renderer renderer_;
  actors::subscription<subscriber_actor::base> events_;
  const styles& style_;
  bool err_is_terminal_;
  bool at_line_start_ = true;
  bool in_reasoning_ = false;
  bool status_line_ = false;
  bool any_token_ = false;
  bool output_gone_ = false;
  bool concluding_ = false;
  bool finished_ = false;
  std::size_t characters_ = 0;
  clock::time_point started_at_{};
  std::optional<cancel_reply> receipt_;
  std::optional<run_ended> ended_;
  std::string line_;
};

}  // namespace oncue::apps
