#include "remote_run.hpp"

#include <algorithm>
#include <utility>

#include "exit_codes.hpp"
#include "oncue/core/agentos_client.hpp"
#include "oncue/core/duration.hpp"

namespace oncue::apps {

namespace limits = core::limits;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

remote_run::remote_run(server_client& server, run_display& display, remote_run_options options)
    : server_{server},
      display_{display},
      options_{std::move(options)},
      next_{options_.from},
      person_{options_.yes, options_.decides && !display.json()} {}

server_request remote_run::events_request() const {
  server_request request{.path = "/runs/" + core::percent_encoded(options_.run.value) + "/events"};
  if (next_ > options_.from) {
    request.last_event = next_ - 1;
  } else if (next_ > 0) {
    request.query = {{"from", std::to_string(next_)}};
  }
  return request;
}

// -- the streams -----------------------------------------------------------------------

int remote_run::follow(const server_request& first) {
  if (first.method == "POST") started_here_ = clock::now();
  auto request = first;
  auto delay = 100ms;
  for (;;) {
    auto stream = server_.start(request);
    {
      std::lock_guard lock{guard_};
      if (detached_) stream.close();
      stream_ = stream;
    }
    event_feed feed{stream};
    auto result = read(feed);
    stream.close();
    if (const auto* code = std::get_if<int>(&result)) return *code;
    if (auto* next = std::get_if<server_request>(&result)) {
      request = std::move(*next);
      continue;
    }
    const auto& [why, again] = std::get<broken>(result);
    // The server may have seen a request that it did not answer: then the run is there by its id.
    auto may_be_there = connected_ || (first.method == "POST" && !feed.unreached());
    if (!again || !may_be_there) {
      display_.say_error(why);
      return exit_failed;
    }
    if (!std::exchange(reconnecting_, true)) {
      lost_at_ = clock::now();
      delay = 100ms;
      const auto& style = styles_for(STDERR_FILENO);
      display_.say(std::string{style.yellow} + "connection lost" + std::string{style.off} + ": " + why +
                   "; trying again for " + core::format_duration(limits::client_reconnect_max));
    } else if (clock::now() - lost_at_ > limits::client_reconnect_max) {
      display_.say_error("the server could not be reached again: " + why + "; 'oncue attach " + options_.run.value +
                         "' tries once more");
      return exit_failed;
    }
    if (!pause(delay)) return exit_detached;
    delay = std::min(delay * 2, limits::client_reconnect_pause_max);
    request = events_request();
  }
}

remote_run::outcome remote_run::read(event_feed& feed) {
  for (;;) {
    display_.flush();
    if (display_.output_gone()) {
      if (!options_.cancel_when_output_gone) return exit_detached;
      cancel("the output was closed");
    }
    // What waits is taken at once; text that came together is written together.
    auto got = feed.next(clock::now() + 1s);
    if (feed.open()) connected_ = true;
    if (feed.open() && got != event_feed::got::over && std::exchange(reconnecting_, false)) {
      display_.say("connected again");
    }
    while (got == event_feed::got::event || got == event_feed::got::note) {
      say_notes(feed.take_notes());
      if (got == event_feed::got::event) {
        if (auto done = take(feed)) return std::move(*done);
      }
      got = feed.next(clock::now());
    }
    switch (got) {
      case event_feed::got::event:
      case event_feed::got::note: break;
      case event_feed::got::quiet: {
        display_.show_waiting();
        std::lock_guard lock{guard_};
        if (!cancelled_at_ || clock::now() - *cancelled_at_ < limits::client_ending_max) break;
        return broken{"the cancel was sent, but the server does not tell how the run ended", false};
      }
      case event_feed::got::refused: return refused(feed.answer());
      case event_feed::got::over: return over(feed);
    }
  }
}

remote_run::outcome remote_run::over(const event_feed& feed) {
  if (detached_) return exit_detached;
  if (cancelled_) {
    display_.show(*cancelled_, cancelled_json_);
    return conclude();
  }
  if (feed.broken()) return broken{feed.failure(), false};
  if (!feed.failure().empty()) return broken{feed.failure()};
  if (feed.open() && paused_ && options_.decides) return decide();
  if (feed.open() && paused_) {
    display_.say("paused: the run waits for a person's decision");
    return exit_completed;
  }
  return broken{"the server ended the stream before the run"};
}

/// Asks while the run waits; a cancel meanwhile ends it on the server, and its ending is read.
remote_run::outcome remote_run::decide() {
  person_.begin(waiting_for_);
  while (!person_.done()) {
    if (auto question = person_.take_question(); !question.empty()) display_.ask(question);
    if (person_.read_answer()) continue;
    if (!pause(100ms)) return exit_detached;
    bool is_cancelled = false;
    {
      std::lock_guard lock{guard_};
      is_cancelled = cancelled_at_.has_value();
    }
    if (!is_cancelled) continue;
    (void)receipt();  // then its ending is there to be read
    return events_request();
  }
  if (auto why = person_.why_refused(); !why.empty()) display_.say("calls are refused: " + why);
  paused_ = false;
  return server_request{
      .method = "POST",
      .path =
          "/agents/" + core::percent_encoded(agent_) + "/runs/" + core::percent_encoded(options_.run.value) + "/continue",
      .form = {
          {"tools", core::decided_tools(waiting_for_, person_.decisions())}, {"session_id", session_}, {"stream", "true"}}};
}

remote_run::outcome remote_run::refused(const server_answer& answer) {
  if (answer.status == 204) {
    return broken{"run " + options_.run.value + " has ended before event " + std::to_string(next_), false};
  }
  if (answer.good()) return broken{server_.url() + " does not answer with a stream: is it an AgentOS server?", false};
  auto busy = answer.status == 429 || answer.status == 502 || answer.status == 503 || answer.status == 504;
  auto why = server_.refusal(answer);
  if (connected_ || reconnecting_) return broken{why, busy};
  display_.say_error(why);
  return answer.status == 400 || answer.status == 409 || answer.status == 422 ? exit_usage : exit_failed;
}

/// What the server says about the node that has the run. Other comments are no business of a person's.
void remote_run::say_notes(std::string_view notes) {
  for (std::size_t end = 0; (end = notes.find('\n')) != notes.npos; notes.remove_prefix(end + 1)) {
    say_note(notes.substr(0, end));
  }
}

void remote_run::say_note(std::string_view note) {
  std::string_view words;
  if (note == to_string(batch_note::owner_suspected)) {
    words = "the node that runs this cannot be heard; reading from the journal";
  } else if (note == to_string(batch_note::owner_back)) {
    words = "the node that runs this is heard again";
  } else {
    return;
  }
  const auto& style = styles_for(STDERR_FILENO);
  display_.say(std::string{style.dim} + std::string{words} + std::string{style.off});
}

// -- events ----------------------------------------------------------------------------

std::optional<remote_run::outcome> remote_run::take(event_feed& feed) {
  auto& came = feed.event();
  if (!came.error.empty()) return broken{came.error, false};
  if (cancelled_) {
    core::take_trailing_completed(*std::get<boxed<run_ended>>(cancelled_->body), came);
    display_.show(*cancelled_, cancelled_json_);
    return conclude();
  }
  // Frames about the stream, and the RunCompleted behind a child's RunCancelled.
  if (!came.event && !came.index) return {};
  if (came.name == "RunCompleted" && !child_cancelled_.empty() && came.labels.run.value == child_cancelled_) {
    child_cancelled_.clear();
    return {};
  }
  auto is_child = core::make_child_event(came, options_.run);
  if (is_child && came.name == "RunCancelled") child_cancelled_ = came.labels.run.value;
  if (!is_child && !came.labels.session.empty()) session_ = came.labels.session.value;
  if (!is_child && !came.labels.agent.empty()) agent_ = came.labels.agent.value;
  // A plain stream's events have no index: they are all there, in their order.
  const auto index = came.index.value_or(next_);
  if (index < next_) return {};
  next_ = index + 1;
  if (!std::exchange(begun_, true)) {
    display_.begin(came.labels.agent.value, came.labels.model, came.labels.model_provider == "scripted");
  }
  std::string json;
  if (display_.json()) {
    json = feed.json();
    if (!came.index) json.insert(json.size() - 1, ",\"event_index\":" + std::to_string(index));
  }
  // An event that oncue does not have is shown where everything is shown.
  auto event = came.event ? std::move(*came.event) : run_event{.at_ms = 0, .body = run_continued{}};
  event.index = index;
  if (get_if<run_started>(event)) started_at_ms_ = event.at_ms;
  const auto* pause = get_if<run_paused>(event);
  paused_ = pause != nullptr;
  if (pause) waiting_for_ = pause->waiting_for;
  if (get_if<run_ended>(event)) return take_ending(std::move(event), std::move(json));
  display_.show(event, json);
  return {};
}

std::optional<remote_run::outcome> remote_run::take_ending(run_event event, std::string json) {
  auto& ended = *std::get<boxed<run_ended>>(event.body);
  if (ended.duration_us == 0 && started_here_) {
    auto took = clock::now() - *started_here_;
    ended.duration_us = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  } else if (ended.duration_us == 0 && started_at_ms_ != 0 && event.at_ms > started_at_ms_) {
    ended.duration_us = static_cast<std::uint64_t>(event.at_ms - started_at_ms_) * 1000;
  }
  if (ended.how.kind == ending_kind::cancelled) {
    cancelled_ = std::move(event);
    cancelled_json_ = std::move(json);
    return {};
  }
  display_.show(event, json);
  return conclude();
}

int remote_run::conclude() {
  display_.conclude(receipt());
  return exit_code_for(display_.ended()->how);
}

// -- cancel and detach -------------------------------------------------------------------

void remote_run::cancel(std::string_view reason) {
  std::lock_guard lock{guard_};
  if (cancel_) return;
  auto run = "/runs/" + core::percent_encoded(options_.run.value) + "/cancel";
  // By the agent's path, which a server of agno's has as well.
  server_request request{.method = "POST",
                         .path = options_.agent.empty() ? run : "/agents/" + core::percent_encoded(options_.agent) + run,
                         .query = {{"receipt", "true"}, {"reason", std::string{reason}}}};
  cancel_ = server_.start(request);
  cancelled_at_ = clock::now();
}

std::optional<cancel_reply> remote_run::receipt() {
  std::optional<answer_stream> answer;
  {
    std::lock_guard lock{guard_};
    answer = cancel_;
  }
  if (!answer) return {};
  auto whole = server_.whole(*answer, clock::now() + limits::client_ending_max);
  const auto* got = std::get_if<server_answer>(&whole);
  if (!got) {
    display_.say_error("the cancel was not answered: " + std::get<std::string>(whole));
    return {};
  }
  auto read = core::read_receipt(got->body);
  if (auto* reply = std::get_if<cancel_reply>(&read)) return *reply;
  return {};
}

void remote_run::detach() {
  std::lock_guard lock{guard_};
  detached_ = true;
  if (stream_) stream_->close();
  changed_.notify_all();
}

/// False if somebody wants to leave meanwhile.
bool remote_run::pause(std::chrono::milliseconds delay) {
  std::unique_lock lock{guard_};
  return !changed_.wait_for(lock, delay, [this] { return detached_.load(); });
}

cancel_timer::cancel_timer(remote_run& run, std::chrono::milliseconds after)
    : thread_{[this, &run, after](const std::stop_token& stop) {
        std::unique_lock lock{guard_};
        never_.wait_for(lock, stop, after, [] { return false; });
        if (!stop.stop_requested()) run.cancel("--cancel-after " + core::format_duration(after));
      }} {}

}  // namespace oncue::apps
