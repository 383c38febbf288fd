// The names by which codes show, and the few facts that follow from a message alone.
#include "oncue/messages/cancel.hpp"
#include "oncue/messages/cluster.hpp"
#include "oncue/messages/errors.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/messages/run.hpp"

namespace oncue {

std::string_view to_string(refusal_code code) {
  switch (code) {
    case refusal_code::invalid_run_id: return "invalid_run_id";
    case refusal_code::run_id_used: return "run_id_used";
    case refusal_code::unknown_agent: return "unknown_agent";
    case refusal_code::invalid_input: return "invalid_input";
    case refusal_code::too_many_runs: return "too_many_runs";
    case refusal_code::draining: return "draining";
    case refusal_code::journal_unavailable: return "journal_unavailable";
    case refusal_code::session_busy: return "session_busy";
    case refusal_code::idempotency_reused: return "idempotency_reused";
    case refusal_code::unknown_run: return "unknown_run";
    case refusal_code::not_paused: return "not_paused";
  }
  return "?";
}

std::string_view to_string(failure_code code) {
  switch (code) {
    case failure_code::deadline_first_token: return "deadline_first_token";
    case failure_code::deadline_idle: return "deadline_idle";
    case failure_code::deadline_total: return "deadline_total";
    case failure_code::provider_unreachable: return "provider_unreachable";
    case failure_code::provider_refused: return "provider_refused";
    case failure_code::provider_rate_limited: return "provider_rate_limited";
    case failure_code::provider_protocol: return "provider_protocol";
    case failure_code::output_limit: return "output_limit";
    case failure_code::turn_limit: return "turn_limit";
    case failure_code::journal_failed: return "journal_failed";
    case failure_code::actor_lost: return "actor_lost";
    case failure_code::node_lost: return "node_lost";
    case failure_code::deadline_pause: return "deadline_pause";
    case failure_code::tools_unavailable: return "tools_unavailable";
  }
  return "?";
}

bool is_deadline(failure_code code) {
  return code == failure_code::deadline_first_token || code == failure_code::deadline_idle ||
         code == failure_code::deadline_total || code == failure_code::deadline_pause;
}

std::string_view to_string(cancel_mode mode) {
  switch (mode) {
    case cancel_mode::immediate: return "immediate";
    case cancel_mode::after_tools: return "after_tools";
    case cancel_mode::after_turn: return "after_turn";
  }
  return "?";
}

std::string_view to_string(tool_need need) {
  switch (need) {
    case tool_need::nothing: return "";
    case tool_need::confirmation: return "confirmation";
    case tool_need::user_input: return "user_input";
    case tool_need::result: return "external_execution";
  }
  return "?";
}

std::string_view to_string(session_policy policy) {
  switch (policy) {
    case session_policy::enqueue: return "enqueue";
    case session_policy::reject: return "reject";
    case session_policy::interrupt: return "interrupt";
  }
  return "?";
}

std::string_view to_string(loss_policy policy) {
  switch (policy) {
    case loss_policy::fail: return "fail";
    case loss_policy::restart: return "restart";
  }
  return "?";
}

std::string_view to_string(batch_note note) {
  switch (note) {
    case batch_note::none: return "none";
    case batch_note::owner_suspected: return "owner_suspected";
    case batch_note::owner_back: return "owner_back";
  }
  return "?";
}

std::string_view to_string(link_state state) {
  switch (state) {
    case link_state::none: return "none";
    case link_state::connecting: return "connecting";
    case link_state::up: return "up";
    case link_state::down: return "down";
    case link_state::foreign: return "foreign";
  }
  return "?";
}

std::string_view to_string(run_phase phase) {
  switch (phase) {
    case run_phase::queued: return "queued";
    case run_phase::connecting: return "connecting";
    case run_phase::waiting: return "waiting";
    case run_phase::streaming: return "streaming";
    case run_phase::backing_off: return "backing_off";
    case run_phase::tools: return "tools";
    case run_phase::paused: return "paused";
    case run_phase::ended: return "ended";
  }
  return "?";
}

std::string_view to_string(run_status status) {
  switch (status) {
    case run_status::pending: return "PENDING";
    case run_status::running: return "RUNNING";
    case run_status::paused: return "PAUSED";
    case run_status::completed: return "COMPLETED";
    case run_status::failed: return "ERROR";
    case run_status::cancelled: return "CANCELLED";
  }
  return "?";
}

std::string_view to_string(cancel_outcome outcome) {
  switch (outcome) {
    case cancel_outcome::cancelled: return "cancelled";
    case cancel_outcome::accepted: return "accepted";
    case cancel_outcome::already_ended: return "already_ended";
    case cancel_outcome::intent_stored: return "intent_stored";
    case cancel_outcome::unknown: return "unknown";
  }
  return "?";
}

run_status status_of(const ending& x) {
  switch (x.kind) {
    case ending_kind::completed: return run_status::completed;
    case ending_kind::failed: return run_status::failed;
    case ending_kind::cancelled: return run_status::cancelled;
  }
  return run_status::failed;
}

token_usage& token_usage::operator+=(const token_usage& other) {
  input_tokens += other.input_tokens;
  output_tokens += other.output_tokens;
  reasoning_tokens += other.reasoning_tokens;
  cache_read_tokens += other.cache_read_tokens;
  return *this;
}

std::size_t cost_bytes(const run_event& event) {
  constexpr std::size_t flat_bytes = sizeof(run_event) + 64;  // the shared block and its place in two containers
  if (const auto* delta = get_if<content_delta>(event)) return flat_bytes + delta->text.size();
  if (const auto* delta = get_if<reasoning_delta>(event)) return flat_bytes + delta->text.size();
  if (const auto* ended = get_if<run_ended>(event)) {
    return flat_bytes + sizeof(run_ended) + ended->content.size() + ended->how.message.size() + ended->how.by.size();
  }
  if (const auto* started = get_if<run_started>(event)) {
    return flat_bytes + sizeof(run_started) + started->agent_name.size() + started->model.size();
  }
  if (const auto* retrying = get_if<model_request_retrying>(event)) {
    return flat_bytes + sizeof(model_request_retrying) + retrying->message.size();
  }
  auto bytes_of = [](const tool_call& call) { return call.id.size() + call.name.size() + call.arguments.size(); };
  if (const auto* call = get_if<tool_call_started>(event)) {
    return flat_bytes + sizeof(tool_call_started) + bytes_of(call->call);
  }
  if (const auto* call = get_if<tool_call_ended>(event)) {
    return flat_bytes + sizeof(tool_call_ended) + bytes_of(call->call) + call->result.size();
  }
  if (const auto* answer = get_if<model_request_completed>(event)) {
    auto sum = flat_bytes + sizeof(model_request_completed);
    for (const auto& call : answer->tool_calls) sum += sizeof(tool_call) + bytes_of(call);
    return sum;
  }
  if (const auto* paused = get_if<run_paused>(event)) {
    auto sum = flat_bytes + sizeof(run_paused);
    for (const auto& x : paused->waiting_for) sum += sizeof(tool_requirement) + bytes_of(x.call);
    return sum;
  }
  if (const auto* continued = get_if<run_continued>(event)) {
    auto sum = flat_bytes + sizeof(run_continued);
    for (const auto& x : continued->decisions) sum += sizeof(tool_decision) + x.result.value_or("").size();
    return sum;
  }
  if (const auto* child = get_if<child_event>(event)) return flat_bytes + sizeof(child_event) + cost_bytes(*child->event);
  return flat_bytes;
}

}  // namespace oncue
