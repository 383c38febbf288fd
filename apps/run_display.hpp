// One run on a terminal, or in a pipe: the model's text goes to standard output, everything said about the run to standard
// error, so that a pipe gets the text alone. Shows a run of this process and one of a server alike: whoever has the events
// hands them in, in their order. Writes may block; not for two threads at once. Cancels nothing, and asks for nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "oncue/messages/cancel.hpp"
#include "oncue/messages/events.hpp"
#include "terminal.hpp"

namespace oncue::apps {

class run_display {
 public:
  /// `json`: only the events are shown, each as a line of JSON.
  run_display(run_id run, bool json);

  /// The run has begun: who it is, and that it is waited for.
  void begin(std::string_view agent, std::string_view model, bool demo_model);

  /// `json`: the event's object, if that is what is shown. Text is kept back until `flush`.
  void show(const run_event& event, std::string_view json);
  void flush();

  /// "waiting for the first token …", on a terminal: to be called once a second. False when it is not wanted any more.
  bool show_waiting();

  /// A whole line on standard error, below whatever the text has reached.
  void say(std::string_view line);
  /// The same without its end: what is typed behind it is on the same line.
  void ask(std::string_view question);
  /// "error: …" in the same place.
  void say_error(std::string_view message);

  /// How the run ended and what became of its cancel, once the ending was shown.
  void conclude(const std::optional<cancel_reply>& receipt);

  /// The ending, once it was shown.
  const std::optional<run_ended>& ended() const { return ended_; }
  /// Nobody reads standard output any more.
  bool output_gone() const { return output_gone_; }
  bool json() const { return json_; }

 private:
  using clock = std::chrono::steady_clock;

  void show_text(const std::string& text);
  void show_reasoning(const std::string& text);
  void show_tool(const run_event& event);
  void clear_status_line();

  run_id run_;
  bool json_;
  bool demo_model_ = false;
  const styles& style_;
  bool out_is_terminal_;
  bool err_is_terminal_;
  bool at_line_start_ = true;
  bool in_reasoning_ = false;
  bool status_line_ = false;
  bool any_token_ = false;  // or a tool, or a question: it is not the first token that is waited for
  bool output_gone_ = false;
  std::size_t characters_ = 0;
  clock::time_point started_at_ = clock::now();
  std::optional<run_ended> ended_;
  std::string line_;  // not written yet
};

}  // namespace oncue::apps
