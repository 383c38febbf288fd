#include "run_display.hpp"

#include <unistd.h>

#include <utility>

#include "oncue/core/duration.hpp"
#include "run_words.hpp"

namespace oncue::apps {

run_display::run_display(run_id run, bool json)
    : run_{std::move(run)},
      json_{json},
      style_{styles_for(STDERR_FILENO)},
      out_is_terminal_{is_terminal(STDOUT_FILENO)},
      err_is_terminal_{is_terminal(STDERR_FILENO)} {}

void run_display::begin(std::string_view agent, std::string_view model, bool demo_model) {
  demo_model_ = demo_model;
  if (json_) return;
  std::string line{style_.dim};
  line += "run " + run_.value;
  for (auto part : {agent, model}) {
    if (!part.empty()) line.append(" · ").append(part);
  }
  line += style_.off;
  say(line);
}

// -- events ----------------------------------------------------------------------

void run_display::show(const run_event& event, std::string_view json) {
  if (const auto* ended = get_if<run_ended>(event)) ended_ = *ended;
  if (json_) {
    line_.append(json).append("\n");
    return;
  }
  if (const auto* text = get_if<content_delta>(event)) {
    show_text(text->text);
  } else if (const auto* thought = get_if<reasoning_delta>(event)) {
    show_reasoning(thought->text);
  } else if (const auto* retrying = get_if<model_request_retrying>(event)) {
    std::string line{style_.yellow};
    line += "trying again in " + core::format_duration(std::chrono::milliseconds{retrying->delay_ms}) + ": ";
    line += style_.off;
    line += retrying->message;
    say(line);
  } else if (const auto* child = get_if<child_event>(event)) {
    if (const auto* said = get_if<content_delta>(*child->event)) {
      show_reasoning(said->text);
    } else {
      show_tool(*child->event);
    }
  } else {
    show_tool(event);
  }
}

/// A line when a tool starts, and one when it has answered, with its time.
void run_display::show_tool(const run_event& event) {
  any_token_ = any_token_ || get_if<tool_call_started>(event);
  if (const auto* started = get_if<tool_call_started>(event)) {
    say(std::string{style_.dim} + "→ " + without_controls(tool_line(started->call)) + std::string{style_.off});
  } else if (const auto* ended = get_if<tool_call_ended>(event)) {
    auto took = core::format_duration(std::chrono::milliseconds{ended->duration_ms});
    std::string line{ended->failed ? style_.red : style_.green};
    line += ended->stopped ? "■ " : ended->failed ? "✗ " : "✓ ";
    line.append(style_.off).append(style_.dim).append(ended->call.name).append(" · ").append(took);
    if (ended->failed) line += " · " + without_controls(first_line(ended->result));
    say(line.append(style_.off));
  }
}

void run_display::ask(std::string_view question) {
  any_token_ = true;
  flush();
  clear_status_line();
  std::string text;
  if (!std::exchange(at_line_start_, true) && out_is_terminal_) text += '\n';
  text.append(style_.yellow).append(question).append(style_.off);
  write_all(STDERR_FILENO, text);
}

void run_display::show_text(const std::string& text) {
  any_token_ = true;
  clear_status_line();
  if (std::exchange(in_reasoning_, false)) {
    write_all(STDERR_FILENO, std::string{style_.off} + "\n");
  }
  characters_ += count_characters(text);
  at_line_start_ = text.ends_with('\n');
  line_ += text;
}

/// What the model thinks is for a person who looks on; a file or a pipe wants the answer.
void run_display::show_reasoning(const std::string& text) {
  any_token_ = true;
  clear_status_line();
  if (!err_is_terminal_) return;
  in_reasoning_ = true;
  at_line_start_ = text.ends_with('\n');
  write_all(STDERR_FILENO, std::string{style_.dim} + without_controls(text) + std::string{style_.off});
}

void run_display::flush() {
  if (line_.empty()) return;
  auto text = std::exchange(line_, {});
  if (out_is_terminal_) text = without_controls(text);
  output_gone_ = output_gone_ || !write_all(STDOUT_FILENO, text);
}

bool run_display::show_waiting() {
  constexpr auto shown_after = std::chrono::seconds{1};
  if (json_ || !err_is_terminal_ || any_token_ || ended_) return false;
  auto waited = std::chrono::duration_cast<std::chrono::seconds>(clock::now() - started_at_);
  if (waited >= shown_after) {
    std::string line = "\r\033[K";
    line += style_.dim;
    line += "waiting for the first token … " + core::format_duration(waited);
    line += style_.off;
    write_all(STDERR_FILENO, line);
    status_line_ = true;
  }
  return true;
}

void run_display::clear_status_line() {
  if (std::exchange(status_line_, false)) write_all(STDERR_FILENO, "\r\033[K");
}

// -- lines -----------------------------------------------------------------------

void run_display::say(std::string_view line) {
  flush();
  clear_status_line();
  std::string text;
  // A terminal shows both streams: the model's unfinished line is ended first. A pipe gets the text as it is.
  if (!std::exchange(at_line_start_, true) && (out_is_terminal_ || in_reasoning_)) text += '\n';
  text += line;
  text += '\n';
  write_all(STDERR_FILENO, text);
}

void run_display::say_error(std::string_view message) { say(error_line(message)); }

void run_display::conclude(const std::optional<cancel_reply>& receipt) {
  flush();
  if (json_ || !ended_) return;
  clear_status_line();
  if (std::exchange(in_reasoning_, false)) at_line_start_ = false;
  say(ending_words(*ended_, characters_, style_));
  std::string facts{style_.dim};
  facts += "run " + run_.value + " · status " + std::string{to_string(status_of(ended_->how))};
  if (receipt) facts += receipt_words(*receipt, demo_model_);
  if (ended_->how.kind == ending_kind::failed) facts += " · " + std::string{to_string(ended_->how.code)};
  facts += style_.off;
  say(facts);
}

}  // namespace oncue::apps
