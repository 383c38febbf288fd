#include "oncue/actors/run_stream.hpp"

#include <algorithm>
#include <caf/actor_cast.hpp>
#include <utility>

#include "loop_unit.hpp"
#include "oncue/core/agentos_documents.hpp"
#include "oncue/core/agentos_frames.hpp"

namespace oncue::actors {

run_stream::run_stream(http_call_actor::pointer self, io::exchange answer, io::http_headers headers,
                       std::chrono::milliseconds heartbeat, supervisor_actor supervisor, stream_plan plan)
    : self_{self},
      answer_{std::move(answer)},
      headers_{std::move(headers)},
      heartbeat_{heartbeat},
      plan_{std::move(plan)},
      renderer_{plan_.labels},
      events_{self, std::move(supervisor), plan_.labels.run, std::min(plan_.from, plan_.ended_at.value_or(plan_.from))} {
  events_.take_at_most(core::limits::stream_pull_events_max, core::limits::stream_pull_bytes_max);
}

void run_stream::open(event_source_actor source) {
  if (!plan_.kept_unknown) open_answer();
  events_.open(std::move(source));
}

void run_stream::open() {
  if (!plan_.kept_unknown) open_answer();
  events_.open();
}

void run_stream::open_answer() {
  if (std::exchange(open_, true)) return;
  headers_.insert(headers_.end(), {{"content-type", "text/event-stream; charset=utf-8"},
                                   {"cache-control", "no-cache"},
                                   {"x-accel-buffering", "no"}});  // nginx in front would hold tokens back
  auto call = caf::actor_cast<http_call_actor>(self_);
  answer_.open_stream({200, std::move(headers_), {}},
                      {.on_room = [call] { send_from_loop(call, client_ready{}); },
                       .on_gone = [call] { caf::anon_send(call, client_gone{}); }},
                      heartbeat_, ": heartbeat\n\n");
  frames_ = std::move(plan_.opening);
  if (plan_.caught_up && plan_.caught_up->first <= plan_.from) {
    frames_ += plan_.caught_up->second;
    plan_.caught_up.reset();
  }
  if (!frames_.empty()) answer_.write(std::exchange(frames_, {}));
}

void run_stream::on_batch(event_batch& batch) {
  if (done_) return;
  if (batch.note != batch_note::none) return show_note(batch);
  auto events = events_.take(batch);
  if (!events.empty()) open_answer();
  for (const auto& event : events) show(*event);
  using enum subscription_state;
  if (events_.state() == lost) {
    lose();
  } else {
    write();
  }
}

/// A comment, which parsers of streams pass over. It answers no pull: the batch that does is still to come.
void run_stream::show_note(event_batch& batch) {
  const auto before = events_.note();
  events_.take(batch);
  if (!open_ || events_.note() == before) return;
  answer_.write(": " + std::string{to_string(events_.note())} + "\n\n");
}

void run_stream::show(const run_event& event) {
  core::append_event_frames(frames_, renderer_, event, {plan_.with_index, plan_.with_id, plan_.content_only, plan_.from});
  if (plan_.caught_up && event.index + 1 >= plan_.caught_up->first) {
    frames_ += plan_.caught_up->second;
    plan_.caught_up.reset();
  }
}

/// Credit: the next pull goes out only while the client takes what it is sent.
void run_stream::write() {
  std::size_t waiting = 0;
  if (!frames_.empty()) waiting = answer_.write(std::exchange(frames_, {}));
  if (events_.state() == subscription_state::ended || events_.state() == subscription_state::paused) {
    open_answer();  // a cursor behind the last event: there is nothing more
    answer_.end();
    done_ = true;
  } else if (waiting > core::limits::stream_buffer_bytes_low) {
    answer_.call_when_room();
  } else {
    events_.pull();
  }
}

void run_stream::on_ready() {
  if (!done_ && events_.state() == subscription_state::reading) events_.pull();
}

void run_stream::lose() {
  if (!open_ && events_.kept_from()) {
    auto gone = core::gone_document(plan_.labels.run, plan_.from, *events_.kept_from());
    headers_.emplace_back("content-type", "application/json");
    answer_.reply({410, std::move(headers_), std::move(gone)});
  } else {
    open_answer();
    core::append_error_frame(frames_, events_.why());
    answer_.write(std::exchange(frames_, {}));
    answer_.end();
  }
  done_ = true;
}

}  // namespace oncue::actors
