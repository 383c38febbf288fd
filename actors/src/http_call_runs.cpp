// The routes of runs: start, cancel, read, resume.
#include "http_call.hpp"
#include "oncue/core/agentos_frames.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/core/text.hpp"
#include "oncue/io/log.hpp"

namespace oncue::actors {

// -- start -----------------------------------------------------------------------------

void http_call_state::serve(core::routes::start_run& route) {
  auto entry = find_agent(route.agent);
  if (!entry) return;
  auto form = core::read_form(header("content-type"), request_.http.body);
  if (!form) return answer(core::error_answer(400, form.error));
  auto decoded = core::decode_start(form.fields, form.file_bytes());
  auto* wanted = right(decoded);
  if (!wanted) return;
  auto& request = wanted->request;
  request.agent = route.agent;
  request.idempotency_key = header("idempotency-key");
  // A trace context that is not one is passed over, as the standard asks (W3C Trace Context, 3.2).
  if (core::is_traceparent(header("traceparent"))) request.traceparent = header("traceparent");
  request_.http.body.clear();

  cancel_when_gone_ = wanted->cancel_when_gone();
  if (!(wanted->background && !wanted->stream)) {
    auto call = caf::actor_cast<http_call_actor>(self_);
    answer_.on_gone([call] { caf::anon_send(call, client_gone{}); });
  }
  ask(env_->supervisor, request, [this, form = *wanted, entry](start_reply& reply) { started(form, *entry, reply); });
}

void http_call_state::started(const core::start_form& form, const core::agent_entry& entry, start_reply& reply) {
  if (reply.refused) {
    io::log(io::log_level::info, "run_refused",
            {{"agent", entry.agent.id.value}, {"code", to_string(reply.refused->code)}});
    return answer(core::refusal_answer(*reply.refused));
  }
  run_ = reply.run;
  io::log(io::log_level::info, reply.existing ? "run_found_by_key" : "run_accepted",
          {{"run", reply.run.value},
           {"agent", entry.agent.id.value},
           {"session", reply.session.value},
           {"traceparent", form.request.traceparent}});
  if (form.background && !form.stream) {
    answer(core::pending_answer(reply.run, reply.session));
    return;
  }
  if (gone_) return leave_run();
  run_started names{entry.agent.name, entry.model.name, std::string{core::to_string(entry.model.provider)}};
  if (form.stream) {
    stream_plan plan{.labels = {reply.run, entry.agent.id, names.agent_name, reply.session, names.model,
                                names.model_provider, form.request.parent},
                     .with_index = form.background,
                     .content_only = !form.stream_events,
                     .kept_unknown = reply.existing};
    return stream(std::move(plan), std::move(reply.source));
  }
  run_record record{.summary = {reply.run, entry.agent.id, reply.session, run_status::pending, env_->unix_ms(), {}},
                    .user = form.request.user,
                    .parent = form.request.parent,
                    .input = form.request.input,
                    .started = std::move(names)};
  await_ending(std::move(record), std::move(reply.source));
}

// -- continue --------------------------------------------------------------------------

void http_call_state::serve(core::routes::continue_run& route) {
  if (!find_agent(route.agent)) return;
  auto form = core::read_form(header("content-type"), request_.http.body);
  if (!form) return answer(core::error_answer(400, form.error));
  auto decoded = core::decode_continue(route.run, form.fields);
  auto* wanted = right(decoded);
  if (!wanted) return;
  wanted->request.agent = route.agent;
  if (wanted->request.by.empty()) wanted->request.by = "http";
  request_.http.body.clear();

  cancel_when_gone_ = wanted->cancel_when_gone();
  if (!(wanted->background && !wanted->stream)) {
    auto call = caf::actor_cast<http_call_actor>(self_);
    answer_.on_gone([call] { caf::anon_send(call, client_gone{}); });
  }
  // What is known of the run so far is a part of the answer: nobody else writes to it while it waits.
  ask(env_->archive, find_run{route.run, true}, [this, form = *wanted](run_found& found) {
    if (!found.run || found.run->summary.agent != form.request.agent) return answer(core::run_not_found());
    ask(env_->supervisor, form.request,
        [this, form, record = std::move(*found.run)](start_reply& reply) { continued(form, record, reply); });
  });
}

void http_call_state::continued(const core::continue_form& form, const run_record& record, start_reply& reply) {
  const auto& run = record.summary.id;
  if (reply.refused) {
    io::log(io::log_level::info, "continue_refused", {{"run", run.value}, {"code", to_string(reply.refused->code)}});
    return answer(core::continue_refusal_answer(*reply.refused));
  }
  run_ = run;
  io::log(io::log_level::info, "run_continued", {{"run", run.value}, {"by", form.request.by}});
  if (form.background && !form.stream) return answer(core::pending_answer(run, record.summary.session));
  if (gone_) return leave_run();
  if (form.stream) {
    stream_plan plan{.labels = core::labels_of(record),
                     .from = reply.from,
                     .with_index = form.background,
                     .content_only = !form.stream_events};
    return stream(std::move(plan), std::move(reply.source));
  }
  // From where the record ends: somebody else may have continued the run in between, up to its next pause.
  await_ending(record, std::move(reply.source), record.next);
}

// -- cancel ----------------------------------------------------------------------------

void http_call_state::serve(core::routes::cancel_run& route) {
  if (!route.agent.empty() && !find_agent(route.agent)) return;
  auto form = core::read_form(header("content-type"), request_.http.body);
  core::field_pairs headers;
  for (const auto* which : {"cancel-mode", "cancel-grace"}) {
    if (auto value = header(which); !value.empty()) headers.emplace_back(which, value);
  }
  auto decoded = core::decode_cancel(route.run, request_.query, form ? form.fields : core::field_pairs{}, headers);
  auto* wanted = right(decoded);
  if (!wanted) return;
  wanted->request.by = "http";
  // No run can have this id: nothing is to be kept for it.
  if (!core::is_valid_run_id(route.run.value)) return answer(core::cancel_answer({.run = route.run}, wanted->receipt));
  ask(env_->supervisor, wanted->request, [this, form = *wanted](const cancel_reply& reply) { cancelled(form, reply); });
}

void http_call_state::cancelled(const core::cancel_form& form, const cancel_reply& reply) {
  io::log(io::log_level::info, "cancel",
          {{"run", reply.run.value},
           {"outcome", to_string(reply.outcome)},
           {"phase", reply.phase_at_cancel ? to_string(*reply.phase_at_cancel) : ""},
           {"latency_us", std::to_string(reply.latency_us)}});
  answer(core::cancel_answer(reply, form.receipt));
}

// -- resume ------------------------------------------------------------------------------

void http_call_state::serve(core::routes::resume_run& route) {
  if (!find_agent(route.agent)) return;
  auto form = core::read_form(header("content-type"), request_.http.body);
  if (!form) return answer(core::error_answer(400, form.error));
  auto decoded = core::decode_resume(form.fields);
  auto* wanted = right(decoded);
  if (!wanted) return;
  ask(env_->archive, find_run{route.run}, [this, form = *wanted, route](run_found& found) {
    if (found.run && found.run->summary.agent == route.agent) return resume(form, *found.run);
    // agno says it inside of a stream.
    std::string frame;
    core::append_error_frame(frame, core::run_not_found_message(route.run));
    answer_text("text/event-stream; charset=utf-8", std::move(frame));
  });
}

/// What is missing first, then, if the run is live, whatever comes; agno's frames tell the one from the other.
void http_call_state::resume(const core::resume_form& form, const run_record& record) {
  const auto& run = record.summary.id;
  auto missed = record.next > form.from ? record.next - form.from : 0;
  stream_plan plan{.labels = core::labels_of(record), .from = form.from, .with_index = true};
  if (record.ended || record.summary.status == run_status::paused) {
    // The RunCompleted behind a RunCancelled is a frame of its own, with an index that the log does not have.
    auto trailing = record.summary.status == run_status::cancelled ? 1u : 0u;
    auto frames = record.next + trailing;
    missed = frames > form.from ? frames - form.from : 0;
    core::append_replay_frame(plan.opening, run, record.summary.status, missed, frames, form.last_index);
    plan.kept_unknown = true;
    if (record.ended) plan.ended_at = record.next - 1;
  } else {
    if (missed > 0) core::append_catch_up_frame(plan.opening, run, missed, record.next);
    std::string subscribed;
    core::append_subscribed_frame(subscribed, run, record.next);
    plan.caught_up = {record.next, std::move(subscribed)};
  }
  stream(std::move(plan), {});
}

void http_call_state::serve(core::routes::run_events& route) {
  auto decoded = core::decode_events(header("last-event-id"), request_.query);
  auto* wanted = right(decoded);
  if (!wanted) return;
  ask(env_->archive, find_run{route.run}, [this, form = *wanted, route](run_found& found) {
    if (!found.run || (!route.agent.empty() && found.run->summary.agent != route.agent)) {
      return answer(core::run_not_found());
    }
    follow(form, *found.run);
  });
}

void http_call_state::follow(const core::resume_form& form, const run_record& record) {
  stream_plan plan{.labels = core::labels_of(record), .from = form.from, .with_index = true, .with_id = true};
  if (record.ended || record.summary.status == run_status::paused) {
    auto frames = record.next + (record.summary.status == run_status::cancelled ? 1 : 0);
    // A browser's EventSource comes again until it is told that there is nothing more (WHATWG HTML, 9.2.3: 204).
    if (form.from >= frames) return answer({204, {}, {}});
    plan.kept_unknown = true;
    if (record.ended) plan.ended_at = record.next - 1;
  }
  stream(std::move(plan), {});
}

// -- read ----------------------------------------------------------------------------------

void http_call_state::serve(core::routes::get_run& route) {
  session_id session;
  if (!route.agent.empty()) {
    if (!find_agent(route.agent)) return;
    auto decoded = core::decode_run_query(request_.query);
    auto* wanted = right(decoded);
    if (!wanted) return;
    session = *wanted;
  }
  ask(env_->archive, find_run{route.run, true}, [this, route, session](run_found& found) {
    const auto& run = found.run;
    if (!run || (!route.agent.empty() && (run->summary.agent != route.agent || run->summary.session != session))) {
      return answer(core::run_not_found());
    }
    answer_json(core::run_output_document(*run));
  });
}

void http_call_state::serve(core::routes::agent_runs& route) {
  if (!find_agent(route.agent)) return;
  auto decoded = core::decode_agent_runs(route.agent, request_.query);
  auto* wanted = right(decoded);
  if (!wanted) return;
  ask(env_->archive, *wanted, [this](const runs_found& found) {
    if (!found.session_known) return answer(core::error_answer(404, "Session not found"));
    answer_json(core::runs_document(found.runs));
  });
}

void http_call_state::serve(core::routes::list_runs&) {
  auto decoded = core::decode_list_runs(request_.query);
  auto* wanted = right(decoded);
  if (!wanted) return;
  ask(env_->archive, *wanted, [this](const runs_found& found) { answer_json(core::run_list_document(found.runs)); });
}

}  // namespace oncue::actors
