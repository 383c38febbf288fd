#include "oncue/testkit/recorder.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <sstream>
#include <utility>

#include "oncue/actors/subscription.hpp"
#include "oncue/core/text.hpp"

namespace oncue::testkit {

namespace {

class recorder_state {
 public:
  static constexpr const char* name = "recorder";

  recorder_state(subscriber_actor::pointer self, const supervisor_actor& supervisor, run_id run,
                 std::shared_ptr<recorder::recording> out, event_source_actor source)
      : self_{self},
        events_{self, supervisor, std::move(run), out->from},
        out_{std::move(out)},
        source_{std::move(source)} {}

  subscriber_actor::behavior_type make_behavior() {
    self_->set_down_handler([this](const caf::down_msg& down) { events_.on_down(down); });
    if (source_) {
      events_.open(std::exchange(source_, nullptr));
    } else {
      events_.open();
    }
    return {[this](event_batch& batch) {
      for (auto& event : events_.take(batch)) out_->events.push_back(std::move(event));
      using enum actors::subscription_state;
      if (events_.state() == reading) {
        events_.pull();
        return;
      }
      out_->ended = events_.state() == ended;
      out_->paused = events_.state() == paused;
      out_->lost = events_.why();
      self_->quit();
    }};
  }

 private:
  subscriber_actor::pointer self_;
  actors::subscription<subscriber_actor::base> events_;
  std::shared_ptr<recorder::recording> out_;
  event_source_actor source_;
};

struct event_line {
  std::string operator()(const run_started& x) const { return "started " + x.agent_name; }
  std::string operator()(const model_request_started& x) const { return "model asked, " + std::to_string(x.attempt); }
  std::string operator()(const model_request_retrying& x) const { return "retrying after " + x.message; }
  std::string operator()(const content_delta& x) const { return "text " + x.text; }
  std::string operator()(const reasoning_delta& x) const { return "reasoning " + x.text; }
  std::string operator()(const model_request_completed& x) const { return "model done, " + x.finish_reason; }
  std::string operator()(const content_completed&) const { return "text complete"; }
  std::string operator()(const tool_call_started& x) const { return "tool " + x.call.name + " " + x.call.arguments; }
  std::string operator()(const tool_call_ended& x) const {
    return "tool " + x.call.name + (x.stopped ? " stopped" : x.failed ? " failed: " : " answered: ") + x.result;
  }
  std::string operator()(const run_paused& x) const { return "paused for " + std::to_string(x.waiting_for.size()); }
  std::string operator()(const run_continued& x) const { return "continued by " + x.by; }
  std::string operator()(const child_event& x) const { return "child " + x.agent.value; }
  std::string operator()(const run_ended& x) const {
    std::string line{to_string(status_of(x.how))};
    if (x.how.kind == ending_kind::failed) line.append(" ").append(to_string(x.how.code));
    return line;
  }
  template <class Event>
  std::string operator()(const boxed<Event>& x) const {
    return (*this)(*x);
  }
};

/// The last lines, each behind a line break and two spaces, and none too long to read.
std::string end_of(const std::string& lines) {
  constexpr std::size_t lines_shown = 12;
  constexpr std::size_t line_bytes_shown = 160;
  std::deque<std::string> kept;
  std::istringstream all{lines};
  for (std::string line; std::getline(all, line);) {
    if (line.size() > line_bytes_shown) line = line.substr(0, core::utf8_prefix(line, line_bytes_shown)) + " …";
    kept.push_back("\n  " + line);
    if (kept.size() > lines_shown) kept.pop_front();
  }
  std::string text;
  for (const auto& line : kept) text += line;
  return text;
}

}  // namespace

recorder::recorder() : seen_{std::make_shared<recording>()} {}

std::optional<run_status> recorder::status() const {
  const auto* end = ending();
  return end ? std::optional{status_of(end->how)} : std::nullopt;
}

std::string recorder::transcript() const {
  std::string lines;
  for (const auto& event : seen_->events) {
    lines += std::to_string(event->index) + " " + std::visit(event_line{}, event->body) + "\n";
  }
  return lines;
}

std::string recorder::whole() const {
  if (!lost().empty()) return lost();
  auto broken = whole_log(events());
  if (broken.empty()) return {};
  broken += end_of(transcript());
  auto node = seen_->node.lock();
  return node && !ended() ? broken + "\n" + (*node)() : broken;
}

caf::actor recorder::open(caf::actor_system& system, const supervisor_actor& supervisor, run_id run, event_index from,
                          event_source_actor source) const {
  seen_->from = from;
  return caf::actor_cast<caf::actor>(
      system.spawn<subscriber_actor::stateful_impl<recorder_state>>(supervisor, std::move(run), seen_, std::move(source)));
}

}  // namespace oncue::testkit
