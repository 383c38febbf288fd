// A run on its way to the client: as a stream, or as one answer when it has ended or waits for a person; and what becomes
// of it when the client leaves.
#include "http_call.hpp"
#include "oncue/io/log.hpp"

namespace oncue::actors {

namespace {

/// A piece of text, the run's own or a child's: what it says is in what follows.
bool is_delta(const run_event& event) {
  if (const auto* child = get_if<child_event>(event)) return is_delta(*child->event);
  return get_if<content_delta>(event) || get_if<reasoning_delta>(event);
}

}  // namespace

void http_call_state::stream(stream_plan plan, event_source_actor source) {
  run_ = plan.labels.run;
  stream_.emplace(self_, answer_, request_.headers, env_->heartbeat, env_->supervisor, std::move(plan));
  if (source) {
    stream_->open(std::move(source));
  } else {
    stream_->open();
  }
}

/// The whole answer at once, from what the run says: it needs no look into the store.
void http_call_state::await_ending(run_record record, event_source_actor source, event_index from) {
  run_ = record.summary.id;
  awaited_.emplace(std::move(record), self_, env_->supervisor, from);
  awaited_->events.open(std::move(source));
}

void http_call_state::on_batch(event_batch& batch) {
  if (stream_) {
    stream_->on_batch(batch);
    if (stream_->done()) self_->quit();
    return;
  }
  if (!awaited_) return;
  auto& [record, events] = *awaited_;
  for (auto& event : events.take(batch)) {
    record.updated_at_ms = event->at_ms;
    record.next = event->index + 1;
    if (const auto* begun = get_if<run_started>(*event)) record.started = *begun;
    if (const auto* said = get_if<content_delta>(*event)) record.content += said->text;
    if (get_if<run_continued>(*event)) record.summary.status = run_status::running;
    if (const auto* ended = get_if<run_ended>(*event)) {
      record.summary.status = status_of(ended->how);
      record.summary.ended = ended->how;
      record.content = ended->content;
      record.ended = *ended;
      record.ended->content.clear();
    }
    if (!is_delta(*event)) record.events.push_back(std::move(event));
  }
  using enum subscription_state;
  if (events.state() == reading) {
    events.pull();
  } else if (events.state() == ended) {
    answer_json(core::run_output_document(record, core::output_kind::answer));
  } else if (events.state() == paused) {
    record.summary.status = run_status::paused;
    answer_json(core::run_output_document(record, core::output_kind::answer));
  } else {
    answer(core::error_answer(500, events.why()));
  }
}

void http_call_state::on_down(const caf::down_msg& down) {
  if (stream_) stream_->on_down(down);
  if (awaited_) awaited_->events.on_down(down);
}

void http_call_state::on_client_gone() {
  gone_ = true;
  if (!run_.empty()) leave_run();  // else its start is still being answered: started() sees to it
}

void http_call_state::leave_run() {
  io::log(io::log_level::info, "client_gone", {{"run", run_.value}, {"cancel", cancel_when_gone_ ? "yes" : "no"}});
  // agno's words for a client that left: its own clients look for them.
  if (cancel_when_gone_) {
    caf::anon_send(env_->supervisor,
                   cancel_request{.run = run_, .reason = "Operation cancelled by user", .by = "client_gone"});
  }
  self_->quit();
}

}  // namespace oncue::actors
