#include "console.hpp"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "exit_codes.hpp"

namespace oncue::apps {

console_state::console_state(subscriber_actor::pointer self, console_options options)
    : self_{self},
      options_{std::move(options)},
      renderer_{options_.labels},
      events_{self, options_.supervisor, options_.request.id},
      display_{options_.request.id, options_.json},
      person_{options_.yes, !options_.json} {}

subscriber_actor::behavior_type console_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& down) { events_.on_down(down); });
  start();
  return {[this](event_batch& batch) { on_batch(batch); }};
}

// -- start -----------------------------------------------------------------------

void console_state::start() {
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
  display_.begin(options_.labels.agent.value, options_.labels.model, options_.demo_model);
  if (options_.demo_model && !options_.json) {
    const auto& style = styles_for(STDERR_FILENO);
    std::string note{style.yellow};
    note.append("This is the built-in demo model, not a real one.").append(style.off);
    note.append(style.dim).append(" For a real one set OPENAI_API_KEY (and OPENAI_BASE_URL), or see 'oncue init'.");
    display_.say(note.append(style.off));
  }
  show_waiting();
  events_.open(std::move(reply.source));
}

void console_state::show_waiting() {
  if (!finished_ && display_.show_waiting()) self_->run_delayed(std::chrono::seconds{1}, [this] { show_waiting(); });
}

// -- events ----------------------------------------------------------------------

void console_state::on_batch(event_batch& batch) {
  for (const auto& event : events_.take(batch)) show(*event);
  display_.flush();
  // Also a second time: the desk cancels once.
  if (display_.output_gone()) {
    self_->send(options_.cancels, cancel_request{.reason = "the output was closed", .by = "output closed"});
  }
  using enum actors::subscription_state;
  if (events_.state() == reading) {
    events_.pull();
  } else if (events_.state() == lost) {
    display_.say_error("the run's events cannot be read any more: " + events_.why());
    finish(exit_failed);
  } else if (events_.state() == paused) {
    ask_person();
  } else {
    ask_for_receipt();
  }
}

void console_state::show(const run_event& event) {
  json_.clear();
  if (options_.json) renderer_.render(event, true, json_);
  display_.show(event, json_);
  if (const auto* pause = get_if<run_paused>(event)) {
    waiting_for_ = pause->waiting_for;
    person_.begin(waiting_for_);
  }
}

// -- a paused run ------------------------------------------------------------------

/// Asks while the run waits. Nobody tells a reader of a run that waits when somebody cancels it: it is looked at again.
void console_state::ask_person() {
  if (finished_) return;
  if (auto question = person_.take_question(); !question.empty()) display_.ask(question);
  while (!person_.done() && person_.read_answer()) {
    if (auto question = person_.take_question(); !question.empty()) display_.ask(question);
  }
  if (person_.done()) {
    go_on();
  } else {
    self_->run_delayed(std::chrono::milliseconds{100}, [this] { ask_again(); });
  }
}

void console_state::ask_again() {
  events_ = {self_, options_.supervisor, options_.request.id, events_.next()};
  events_.open();
}

void console_state::go_on() {
  if (auto why = person_.why_refused(); !why.empty() && !options_.json) display_.say("calls are refused: " + why);
  continue_run word;
  word.run = options_.request.id;
  word.decisions = person_.decisions();
  word.by = options_.yes ? "--yes" : "terminal";
  self_->request(options_.supervisor, std::chrono::seconds{60}, std::move(word))
      .then(
          [this](start_reply& reply) {
            if (reply.refused && reply.refused->code != refusal_code::not_paused) {
              display_.say_error(reply.refused->message);
              finish(exit_failed);
              return;
            }
            // Somebody else has continued or ended it: then that is what there is to see.
            ask_again();
          },
          [this](const caf::error& error) {
            display_.say_error("the run could not be continued: " + to_string(error));
            finish(exit_failed);
          });
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
  display_.conclude(receipt_);
  finish(exit_code_for(display_.ended()->how));
}

void console_state::finish(int code) {
  if (std::exchange(finished_, true)) return;
  options_.done(code);
  self_->quit();
}

}  // namespace oncue::apps
