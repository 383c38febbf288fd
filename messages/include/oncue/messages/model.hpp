// The conversation with a model: what is asked, what comes back piece by piece. Everything that comes back carries its
// attempt, so that a late message of an old attempt changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oncue/messages/errors.hpp"
#include "oncue/messages/ids.hpp"
#include "oncue/messages/inspection.hpp"
#include "oncue/messages/run.hpp"

namespace oncue {

/// A tool that the model wants called, complete. `arguments` is the JSON text as the model wrote it, unchecked.
struct tool_call {
  std::string id;
  std::string name;
  std::string arguments;

  friend bool operator==(const tool_call&, const tool_call&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, tool_call& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("name", x.name), f.field("arguments", x.arguments));
}

enum class chat_role : std::uint8_t { system, user, assistant, tool };
constexpr chat_role enum_max(chat_role) { return chat_role::tool; }

/// One message of the history that a model is given.
struct chat_message {
  chat_role role = chat_role::user;
  std::string content;
  std::vector<tool_call> tool_calls;  ///< assistant only
  std::string tool_call_id;           ///< tool only: which call this answers

  friend bool operator==(const chat_message&, const chat_message&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, chat_message& x) {
  return f.object(x).fields(f.field("role", x.role), f.field("content", x.content), f.field("tool_calls", x.tool_calls),
                            f.field("tool_call_id", x.tool_call_id));
}

/// A tool as a model is told of it.
struct tool_definition {
  std::string name;
  std::string description;
  std::string parameters;  ///< JSON schema of an object, as JSON text

  friend bool operator==(const tool_definition&, const tool_definition&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, tool_definition& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("description", x.description),
                            f.field("parameters", x.parameters));
}

/// One call to a model. Parameters that belong to the model (temperature, …) are in its spec, not here.
struct model_request {
  std::vector<chat_message> messages;
  std::vector<tool_definition> tools;  ///< what the model may call; empty: nothing
  std::string traceparent;             ///< W3C trace context for the provider; empty: not sent

  friend bool operator==(const model_request&, const model_request&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, model_request& x) {
  return f.object(x).fields(f.field("messages", x.messages), f.field("tools", x.tools),
                            f.field("traceparent", x.traceparent));
}

/// The provider took the request (its headers came); tokens will follow.
struct model_opened {
  attempt_no attempt = 0;
};

template <class Inspector>
bool inspect(Inspector& f, model_opened& x) {
  return f.object(x).fields(f.field("attempt", x.attempt));
}

enum class delta_kind : std::uint8_t { text, reasoning };
constexpr delta_kind enum_max(delta_kind) { return delta_kind::reasoning; }

/// A piece of the answer, valid UTF-8, not empty.
struct model_delta {
  attempt_no attempt = 0;
  delta_kind kind = delta_kind::text;
  std::string text;
};

template <class Inspector>
bool inspect(Inspector& f, model_delta& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("kind", x.kind), f.field("text", x.text));
}

/// The call ended as it should.
struct model_done {
  attempt_no attempt = 0;
  std::string finish_reason;  ///< the provider's word: stop, length, tool_calls, …; empty if it gave none
  token_usage usage;
  std::vector<tool_call> tool_calls;  ///< in the provider's order
};

template <class Inspector>
bool inspect(Inspector& f, model_done& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("finish_reason", x.finish_reason),
                            f.field("usage", x.usage), f.field("tool_calls", x.tool_calls));
}

/// The call ended badly. Whether it is tried again is the run's decision.
struct model_failed {
  attempt_no attempt = 0;
  failure_code code = failure_code::provider_protocol;
  std::uint16_t provider_status = 0;            ///< HTTP status, 0 if none came
  std::string message;                          ///< the provider's own words where it had any; never holds a secret
  bool retryable = false;                       ///< connect errors, 408, 429, 5xx
  std::optional<std::uint64_t> retry_after_ms;  ///< what the provider asked for
};

template <class Inspector>
bool inspect(Inspector& f, model_failed& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("code", x.code),
                            f.field("provider_status", x.provider_status), f.field("message", x.message),
                            f.field("retryable", x.retryable), f.field("retry_after_ms", x.retry_after_ms));
}

/// Nothing of this attempt is open any more: no socket, no timer. Sent once, after everything else of the attempt.
struct model_closed {
  attempt_no attempt = 0;
};

template <class Inspector>
bool inspect(Inspector& f, model_closed& x) {
  return f.object(x).fields(f.field("attempt", x.attempt));
}

/// How much of what the stream said the run has taken out of its mailbox: the sum since the attempt began, as both count
/// it (core/stream_credit.hpp). A stream that is too far ahead of it waits.
struct deltas_taken {
  std::uint64_t bytes = 0;
};

/// Close the provider's socket now. Answered by `model_closed`.
struct close_stream {};
/// Read no more from the provider until `resume_stream`.
struct pause_stream {};
struct resume_stream {};

template <class Inspector>
bool inspect(Inspector& f, deltas_taken& x) {
  return f.object(x).fields(f.field("bytes", x.bytes));
}
template <class Inspector>
bool inspect(Inspector& f, close_stream& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, pause_stream& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, resume_stream& x) {
  return f.object(x).fields();
}

}  // namespace oncue
