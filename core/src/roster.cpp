#include "oncue/core/roster.hpp"

namespace oncue::core {

std::optional<refusal> check_request(const run_request& request) {
  auto id_is_right = [](const run_id& id) { return id.empty() || is_valid_run_id(id.value); };
  constexpr auto id_rule = " must be 1 to 128 characters of A-Z a-z 0-9 . _ : -";
  if (!id_is_right(request.id)) return refusal{refusal_code::invalid_run_id, std::string{"run_id"} + id_rule};
  if (!id_is_right(request.parent)) return refusal{refusal_code::invalid_run_id, std::string{"parent_run_id"} + id_rule};
  if (!id_is_right(request.root)) return refusal{refusal_code::invalid_run_id, std::string{"root_run_id"} + id_rule};
  if (request.session.value.size() > limits::run_id_chars_max || !is_utf8(request.session.value)) {
    return refusal{refusal_code::invalid_input, "session_id must be UTF-8 of at most 128 bytes"};
  }
  if (request.user.value.size() > limits::run_id_chars_max || !is_utf8(request.user.value)) {
    return refusal{refusal_code::invalid_input, "user_id must be UTF-8 of at most 128 bytes"};
  }
  if (request.input.find_first_not_of(" \t\r\n") == std::string::npos) {
    return refusal{refusal_code::invalid_input, "the message is empty"};
  }
  if (request.input.size() > limits::input_bytes_max) {
    return refusal{refusal_code::invalid_input, "the message has " + std::to_string(request.input.size()) +
                                                    " bytes, at most " + std::to_string(limits::input_bytes_max) +
                                                    " are allowed"};
  }
  if (!is_utf8(request.input)) return refusal{refusal_code::invalid_input, "the message is not valid UTF-8"};
  if (request.idempotency_key.size() > limits::idempotency_key_bytes_max || !is_utf8(request.idempotency_key)) {
    return refusal{refusal_code::invalid_input, "the idempotency key must be UTF-8 of at most " +
                                                    std::to_string(limits::idempotency_key_bytes_max) + " bytes"};
  }
  return std::nullopt;
}

bool is_over(run_status status) {
  return status == run_status::completed || status == run_status::failed || status == run_status::cancelled;
}

cancel_reply reply_from_journal(const run_id& run, const record_cancel_reply& said) {
  cancel_reply reply{.run = run};
  if (said.ended && *said.ended) {
    const auto& event = *said.ended;
    const auto& how = get_if<run_ended>(*event)->how;
    reply.outcome = how.kind == ending_kind::cancelled ? cancel_outcome::cancelled : cancel_outcome::already_ended;
    reply.status = status_of(how);
    reply.index = event->index;
    reply.upstream_closed = true;
    reply.durable = true;
  } else if (said.accepted) {
    reply.outcome = cancel_outcome::accepted;
    reply.status = run_status::running;
  } else {
    reply.outcome = said.intent_stored ? cancel_outcome::intent_stored : cancel_outcome::unknown;
  }
  return reply;
}

}  // namespace oncue::core
