// A run on a terminal: the subscriber actor of `oncue run`. The model's text goes to standard output, everything said about
// the run to standard error, so that a pipe gets the text alone. Runs on a thread of its own, because writing may block; it
// asks for more events only when the last ones are written, so a slow pipe holds back nobody but itself. Ctrl-C and
// --cancel-after are messages to it.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

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
  std::optional<std::chrono::milliseconds> cancel_after;
  supervisor_actor supervisor;
  /// Called once, with the exit code, when the console is done.
  std::function<void(int)> done;
};

/// Besides a subscriber: a cancel_request from outside (a signal) makes it cancel its run and say so.
using console_actor = subscriber_actor::extend<caf::result<void>(cancel_request)>;

class console_state {
 public:
  static constexpr const char* name = "console";

  console_state(console_actor::pointer self, console_options options);
  console_actor::behavior_type make_behavior();

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
  void cancel(std::string reason, std::string by);
  void cancelled(const cancel_reply& reply);
  void say(std::string_view line);
  void out(std::string_view text);
  void finish_if_done();
  void finish(int code);

  console_actor::pointer self_;
  console_options options_;
  core::agentos_renderer renderer_;
  actors::subscription<console_actor::base> events_;
  const styles& style_;
  bool err_is_terminal_;
  bool at_line_start_ = true;
  bool in_reasoning_ = false;
  bool status_line_ = false;
  bool any_token_ = false;
  bool output_gone_ = false;
  bool finished_ = false;
  std::size_t characters_ = 0;
  clock::time_point started_at_{};
  std::optional<clock::time_point> cancel_asked_at_;
  std::optional<cancel_reply> receipt_;
  std::optional<run_ended> ended_;
  std::string line_;
};

}  // namespace oncue::apps
