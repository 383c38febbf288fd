#include "console.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "exit_codes.hpp"
#include "oncue/core/duration.hpp"

namespace oncue::apps {

namespace {

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

constexpr auto waiting_line_every = std::chrono::seconds{1};

}  // namespace

console_state::console_state(subscriber_actor::pointer self, console_options options)
    : self_{self},
      options_{std::move(options)},
      renderer_{options_.labels},
      events_{self, options_.supervisor, options_.request.id},
      style_{styles_for(STDERR_FILENO)},
      err_is_terminal_{is_terminal(STDERR_FILENO)} {}

subscriber_actor::behavior_type console_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& down) { events_.on_down(down); });
  start();
  return {[this](event_batch& batch) { on_batch(batch); }};
}

// -- start -----------------------------------------------------------------------

void console_state::start() {
  started_at_ = clock::now();
  self_->request(options_.supervisor, std::chrono::seconds{60}, options_.request)
      .then([this](start_reply& reply) { started(reply); },
            [this](const caf::error& error) {
              print_error("the run could not be started: " + to_string(error));
              finish(exit_failed);
            });
}

void console_state::started(start_reply& reply) {
  if (reply.refused) {
    print_error(reply.refused->message);
    using enum refusal_code;
    auto code = reply.refused->code;
    finish(code == too_many_runs || code == draining || code == journal_unavailable ? exit_failed : exit_usage);
    return;
  }
  if (!options_.json) {
    std::string line{style_.dim};
    line += "run " + options_.request.id.value + " · " + options_.labels.agent.value + " · " + options_.labels.model;
    line += style_.off;
    say(line);
    if (options_.demo_model) {
      std::string note{style_.yellow};
      note += "This is the built-in demo model, not a real one.";
      note += style_.off;
      note += style_.dim;
      note += " For a real one set OPENAI_API_KEY (and OPENAI_BASE_URL), or see 'oncue init'.";
      note += style_.off;
      say(note);
    }
    show_waiting();
  }
  events_.open(std::move(reply.source));
}

// -- events ----------------------------------------------------------------------

void console_state::on_batch(event_batch& batch) {
  for (const auto& event : events_.take(batch)) show(*event);
  if (!line_.empty()) out(std::exchange(line_, {}));
  using enum actors::subscription_state;
  if (events_.state() == reading) {
    events_.pull();
  } else if (events_.state() == lost) {
    clear_status_line();
    print_error("the run's events cannot be read any more: " + events_.why());
    finish(exit_failed);
  } else {
    ask_for_receipt();
  }
}

void console_state::show(const run_event& event) {
  if (const auto* ended = get_if<run_ended>(event)) ended_ = *ended;
  if (options_.json) {
    renderer_.render(event, true, line_);
    line_ += '\n';
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
  }
}

void console_state::show_text(const std::string& text) {
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
void console_state::show_reasoning(const std::string& text) {
  any_token_ = true;
  clear_status_line();
  if (!err_is_terminal_) return;
  in_reasoning_ = true;
  at_line_start_ = text.ends_with('\n');
  write_all(STDERR_FILENO, std::string{style_.dim} + text + std::string{style_.off});
}

void console_state::show_waiting() {
  if (!err_is_terminal_ || any_token_ || ended_ || finished_) return;
  auto waited = std::chrono::duration_cast<std::chrono::seconds>(clock::now() - started_at_);
  if (waited >= waiting_line_every) {
    std::string line = "\r\033[K";
    line += style_.dim;
    line += "waiting for the first token … " + core::format_duration(waited);
    line += style_.off;
    write_all(STDERR_FILENO, line);
    status_line_ = true;
  }
  self_->run_delayed(waiting_line_every, [this] { show_waiting(); });
}

void console_state::clear_status_line() {
  if (std::exchange(status_line_, false)) write_all(STDERR_FILENO, "\r\033[K");
}

// -- the end ---------------------------------------------------------------------

/// A cancel that came too late has a receipt as well.
void console_state::ask_for_receipt() {
  if (std::exchange(concluding_, true)) return;
  self_->request(options_.cancels, std::chrono::seconds{20}, caf::get_atom_v)
      .then(
          [this](const cancel_reply& reply) {
            receipt_ = reply;
            conclude();
          },
          [this](const caf::error&) { conclude(); });
}

void console_state::conclude() {
  if (!options_.json) show_ending(*ended_);
  finish(exit_code_for(ended_->how));
}

void console_state::show_ending(const run_ended& ended) {
  clear_status_line();
  if (std::exchange(in_reasoning_, false)) at_line_start_ = false;
  auto kept = std::to_string(characters_) + (characters_ == 1 ? " character" : " characters");
  auto took = core::format_microseconds(ended.duration_us);
  std::string line;
  switch (ended.how.kind) {
    case ending_kind::completed:
      line.append(style_.green).append("completed").append(style_.off).append(" in " + took + " · " + kept);
      break;
    case ending_kind::cancelled:
      line.append(style_.yellow).append("cancelled").append(style_.off);
      line += " after " + took + " (" + ended.how.message + ") · " + (characters_ == 0 ? "no text yet" : kept + " kept");
      break;
    case ending_kind::failed:
      line.append(style_.red).append("failed").append(style_.off).append(" after " + took + ": " + ended.how.message);
      if (ended.how.provider_status != 0) line += " (HTTP " + std::to_string(ended.how.provider_status) + ")";
      if (characters_ != 0) line += " · " + kept + " kept";
      break;
  }
  if (ended.usage.output_tokens != 0) line += " · " + std::to_string(ended.usage.output_tokens) + " tokens";
  say(line);
  std::string facts{style_.dim};
  facts += "run " + options_.request.id.value + " · status " + std::string{to_string(status_of(ended.how))};
  if (receipt_ && receipt_->outcome == cancel_outcome::cancelled) {
    facts += " · the cancel took " + core::format_microseconds(receipt_->latency_us);
    facts += receipt_->upstream_closed && !options_.demo_model ? ", the provider's connection is closed" : "";
    if (receipt_->phase_at_cancel) facts += " (it was " + std::string{to_string(*receipt_->phase_at_cancel)} + ")";
  } else if (receipt_ && receipt_->outcome == cancel_outcome::already_ended) {
    facts += " · the cancel came too late";
  }
  if (ended.how.kind == ending_kind::failed) facts += " · " + std::string{to_string(ended.how.code)};
  facts += style_.off;
  say(facts);
}

/// A whole line on standard error, below whatever the text has reached.
void console_state::say(std::string_view line) {
  if (!line_.empty()) out(std::exchange(line_, {}));
  clear_status_line();
  std::string text;
  // A terminal shows both streams: the model's unfinished line is ended first. A pipe gets the text as it is.
  if (!std::exchange(at_line_start_, true) && (is_terminal(STDOUT_FILENO) || in_reasoning_)) text += '\n';
  text += line;
  text += '\n';
  write_all(STDERR_FILENO, text);
}

void console_state::out(std::string_view text) {
  if (output_gone_ || write_all(STDOUT_FILENO, text)) return;
  output_gone_ = true;
  self_->send(options_.cancels, cancel_request{.reason = "the output was closed", .by = "output closed"});
}

void console_state::finish(int code) {
  if (std::exchange(finished_, true)) return;
  options_.done(code);
  self_->quit();
}

}  // namespace oncue::apps
