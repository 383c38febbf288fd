// Runs and sessions as documents: the rest of agentos_documents.hpp.
#include <algorithm>

#include "agentos_messages.hpp"
#include "json_keys.hpp"
#include "oncue/core/agentos_documents.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/pauses.hpp"
#include "oncue/core/text.hpp"
#include "tool_json.hpp"

namespace oncue::core {
namespace {

/// agno's sessions and runs are dated in whole seconds.
std::string iso_second(std::int64_t at_ms) { return iso_time_z(static_cast<std::int64_t>(whole_seconds(at_ms)) * 1000); }

/// The pause that a record of a paused run ends in; null if it is not paused, or has no events.
const run_event* pause_of(const run_record& run) {
  if (run.summary.status != run_status::paused || !pause_at_end(run.events)) return nullptr;
  return &*run.events.back();
}

/// What agno shows as the run's content: what a paused run waits for, an error's message, and the reason of a cancel that
/// came before the first token stand in for the text.
std::string content_of(const run_record& run) {
  if (const auto* event = pause_of(run)) return std::string{paused_content(*get_if<run_paused>(*event))};
  if (!run.ended) return run.content;
  const auto& how = run.ended->how;
  if (how.kind == ending_kind::failed) return how.message;
  if (how.kind == ending_kind::cancelled && run.content.empty()) return cancel_reason(how, run.summary.id);
  return run.content;
}

/// Only a run that is over, or waits, has them.
std::string metrics_of(const run_record& run) {
  if (run.ended) return run_metrics(*run.ended, run.started.model, run.started.model_provider);
  const auto* pause = pause_of(run);
  if (!pause) return {};
  run_ended so_far;
  for (const auto& event : run.events) {
    const auto* call = get_if<model_request_completed>(*event);
    if (!call) continue;
    so_far.usage += call->usage;
    if (so_far.first_token_us == 0) so_far.first_token_us = call->first_token_us;
  }
  const auto duration_ms = std::max<std::int64_t>(pause->at_ms - run.summary.created_at_ms, 0);
  so_far.duration_us = static_cast<std::uint64_t>(duration_ms) * 1000;
  return run_metrics(so_far, run.started.model, run.started.model_provider);
}

std::string events_of(const run_record& run) {
  const agentos_renderer renderer{labels_of(run)};
  std::string list;
  for (const auto& event : run.events) {
    list += ',';
    renderer.render(*event, false, list);
    std::string trailing;
    if (renderer.render_trailing_completed(*event, false, trailing)) list += "," + trailing;
  }
  return list_of(list);
}

/// What oncue adds about an ending, under the names that it has in the events.
void add_ending(std::string& members, const run_record& run) {
  if (!run.ended) return;
  const auto& how = run.ended->how;
  if (how.kind == ending_kind::failed) {
    add(members, "error_type", to_string(how.code));
    if (how.provider_status) add(members, "provider_status", how.provider_status);
    if (!run.content.empty()) add(members, "partial_content", run.content);
  } else if (how.kind == ending_kind::cancelled) {
    add(members, "reason", cancel_reason(how, run.summary.id));
    if (!how.by.empty()) add(members, "cancelled_by", how.by);
  }
}

std::string session_metrics(const session_record& session, const agent_entry* entry) {
  auto metrics = tokens_not_zero(session.usage);
  if (!metrics.empty() && entry) {
    add_raw(metrics, "details", model_details(session.usage, entry->model.name, to_string(entry->model.provider)));
  }
  return object_of(metrics);
}

std::uint64_t total_tokens(const session_record& session) {
  return session.usage.input_tokens + session.usage.output_tokens;
}

void add_state(std::string& members, const session_record& session) {
  add_raw(members, "session_state", session.state.empty() ? "{}" : session.state);
}

std::string session_line(const session_record& session, const agent_entry* entry) {
  std::string members;
  add(members, "session_id", session.id.value);
  add(members, "session_name", session.name);
  add_state(members, session);
  add(members, "created_at", iso_second(session.created_at_ms));
  add(members, "updated_at", iso_second(session.updated_at_ms));
  add(members, "session_type", "agent");
  if (!session.user.empty()) add(members, "user_id", session.user.value);
  if (!session.agent.empty()) add(members, "agent_id", session.agent.value);
  if (!session.summary.empty()) add_raw(members, "session_summary", session.summary);
  add_raw(members, "metrics", session_metrics(session, entry));
  if (total_tokens(session)) add(members, "total_tokens", total_tokens(session));
  if (!session.metadata.empty()) add_raw(members, "metadata", session.metadata);
  return object_of(members);
}

std::string agent_data(const agent_entry& entry) {
  std::string model;
  add(model, "name", entry.model.id);
  add(model, "provider", to_string(entry.model.provider));
  add(model, "id", entry.model.name);
  std::string members;
  add(members, "name", entry.agent.name);
  add(members, "agent_id", entry.agent.id.value);
  add_raw(members, "model", object_of(model));
  return object_of(members);
}

}  // namespace

run_labels labels_of(const run_record& run) {
  return {run.summary.id,      run.summary.agent, run.started.agent_name,
          run.summary.session, run.started.model, run.started.model_provider,
          run.parent};
}

std::string run_output_document(const run_record& run, output_kind kind) {
  const bool with_events = kind == output_kind::kept && !run.events.empty();
  const auto& summary = run.summary;
  std::string members;
  add(members, "run_id", summary.id.value);
  add(members, "agent_id", summary.agent.value);
  add(members, "agent_name", run.started.agent_name);
  add(members, "session_id", summary.session.value);
  if (!run.parent.empty()) add(members, "parent_run_id", run.parent.value);
  if (!run.user.empty()) add(members, "user_id", run.user.value);
  if (const auto content = content_of(run); run.ended || !content.empty()) add(members, "content", content);
  add(members, "content_type", "str");
  add(members, "model", run.started.model);
  add(members, "model_provider", run.started.model_provider);
  add_raw(members, "session_state", "{}");
  add(members, "created_at", whole_seconds(summary.created_at_ms));
  add(members, "status", to_string(summary.status));
  if (const auto metrics = metrics_of(run); !metrics.empty()) add_raw(members, "metrics", metrics);
  if (with_events) add_raw(members, "events", events_of(run));
  add_raw(members, "messages", list_of(messages_of(run)));
  // agno's answer to a start has the key always, its kept runs only if there were calls.
  if (const auto* event = pause_of(run)) {
    add_requirements(members, *get_if<run_paused>(*event), event->at_ms, list_of(tools_of(run)));
  } else if (const auto tools = tools_of(run); !with_events || !tools.empty()) {
    add_raw(members, "tools", list_of(tools));
  }
  std::string input;
  add(input, "input_content", run.input);
  add_raw(members, "input", object_of(input));
  add_ending(members, run);
  return object_of(members);
}

std::string run_document(const run_record& run) {
  const auto& summary = run.summary;
  std::string members;
  add(members, "run_id", summary.id.value);
  add(members, "parent_run_id", run.parent.value);
  add(members, "agent_id", summary.agent.value);
  add(members, "user_id", run.user.value);
  add(members, "status", to_string(summary.status));
  add(members, "run_input", run.input);
  add(members, "content", content_of(run));
  members += R"(,"run_response_format":"text","reasoning_content":"","reasoning_steps":[])";
  const auto metrics = metrics_of(run);
  add_raw(members, "metrics", metrics.empty() ? "{}" : metrics);
  add_raw(members, "messages", list_of(messages_of(run)));
  if (const auto tools = tools_of(run); !tools.empty()) add_raw(members, "tools", list_of(tools));
  if (!run.events.empty()) add_raw(members, "events", events_of(run));
  add(members, "created_at", iso_second(summary.created_at_ms));
  members += R"(,"references":[],"reasoning_messages":[],"session_state":{},"images":[],"videos":[],"audio":[],"files":[])"
             R"(,"input_media":{"images":[],"videos":[],"audios":[],"files":[]})";
  add_ending(members, run);
  return object_of(members);
}

std::string runs_document(const std::vector<run_record>& runs) {
  std::string list;
  for (const auto& run : runs) list += "," + run_document(run);
  return list_of(list);
}

std::string run_list_document(const std::vector<run_record>& runs) {
  std::string list;
  for (const auto& run : runs) {
    std::string members;
    add(members, "run_id", run.summary.id.value);
    add(members, "agent_id", run.summary.agent.value);
    add(members, "session_id", run.summary.session.value);
    if (!run.user.empty()) add(members, "user_id", run.user.value);
    if (!run.parent.empty()) add(members, "parent_run_id", run.parent.value);
    add(members, "status", to_string(run.summary.status));
    add(members, "created_at", whole_seconds(run.summary.created_at_ms));
    add(members, "updated_at", whole_seconds(run.updated_at_ms));
    add(members, "event_count", run.next);
    add(members, "input_preview", std::string_view{run.input}.substr(0, utf8_prefix(run.input, limits::quoted_bytes_max)));
    if (run.ended && run.ended->how.kind == ending_kind::failed) {
      add(members, "error_type", to_string(run.ended->how.code));
      add(members, "error", run.ended->how.message);
    }
    if (run.ended && run.ended->how.kind == ending_kind::cancelled) {
      add(members, "reason", cancel_reason(run.ended->how, run.summary.id));
    }
    list += "," + object_of(members);
  }
  return list_of(list);
}

http_answer pending_answer(const run_id& run, const session_id& session) {
  std::string members;
  add(members, "run_id", run.value);
  add(members, "session_id", session.value);
  add(members, "status", to_string(run_status::pending));
  return {202, object_of(members), {}};
}

std::string sessions_document(const sessions_found& found, const find_sessions& asked, const catalog* agents) {
  std::string list;
  for (const auto& session : found.sessions) {
    const auto entry = agents ? agents->find(session.agent) : nullptr;
    list += "," + session_line(session, entry.get());
  }
  const std::uint64_t limit = std::max<std::uint32_t>(asked.sessions_max, 1);
  std::string meta;
  add(meta, "page", asked.page);
  add(meta, "limit", limit);
  add(meta, "total_pages", (found.total + limit - 1) / limit);
  add(meta, "total_count", found.total);
  add_raw(meta, "search_time_ms", "0.0");
  std::string members;
  add_raw(members, "data", list_of(list));
  add_raw(members, "meta", object_of(meta));
  return object_of(members);
}

std::string session_document(const session_record& session, const agent_entry* entry, const std::vector<run_record>& runs) {
  std::string members;
  if (!session.user.empty()) add(members, "user_id", session.user.value);
  add(members, "agent_session_id", session.id.value);
  add(members, "session_id", session.id.value);
  add(members, "session_name", session.name);
  if (!session.summary.empty()) add_raw(members, "session_summary", session.summary);
  add_state(members, session);
  if (!session.agent.empty()) add(members, "agent_id", session.agent.value);
  if (total_tokens(session)) add(members, "total_tokens", total_tokens(session));
  if (entry) add_raw(members, "agent_data", agent_data(*entry));
  add_raw(members, "metrics", session_metrics(session, entry));
  if (!session.metadata.empty()) add_raw(members, "metadata", session.metadata);
  std::string messages;
  for (const auto& run : runs) {
    // What a child run did is told by its parent.
    if (run.parent.empty()) messages += said_of(run);
  }
  add_raw(members, "chat_history", list_of(messages));
  add(members, "created_at", iso_second(session.created_at_ms));
  add(members, "updated_at", iso_second(session.updated_at_ms));
  return object_of(members);
}

}  // namespace oncue::core
