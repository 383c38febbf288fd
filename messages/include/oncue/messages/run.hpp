// A run from outside: how it is asked for, which phase and status it has, how it ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "oncue/messages/errors.hpp"
#include "oncue/messages/ids.hpp"
#include "oncue/messages/inspection.hpp"

namespace oncue {

/// Where a run is. Cancel is a second dimension, not a phase.
enum class run_phase : std::uint8_t {
  queued,       ///< admitted, waiting for a free place
  connecting,   ///< an attempt was opened, the provider has not answered yet
  waiting,      ///< the provider took the request; no token of this attempt yet
  streaming,    ///< tokens come
  backing_off,  ///< an attempt failed before its first token; the next one waits
  tools,        ///< the model asked for tools
  paused,       ///< waiting for a person
  ended,        ///< the ending is decided; nothing changes it any more
};
constexpr run_phase enum_max(run_phase) { return run_phase::ended; }

/// AgentOS' status strings are made of these: PENDING RUNNING PAUSED COMPLETED ERROR CANCELLED.
enum class run_status : std::uint8_t { pending, running, paused, completed, failed, cancelled };
constexpr run_status enum_max(run_status) { return run_status::cancelled; }

std::string_view to_string(run_phase phase);
/// AgentOS' spelling, upper case.
std::string_view to_string(run_status status);

/// What happens to a run whose session already has one. A session has one run at a time.
enum class session_policy : std::uint8_t {
  enqueue,    ///< it waits for its turn
  reject,     ///< it is refused (session_busy)
  interrupt,  ///< the session's runs before it are cancelled, then it begins
};
constexpr session_policy enum_max(session_policy) { return session_policy::interrupt; }

std::string_view to_string(session_policy policy);

/// What becomes of a run when its node is lost.
enum class loss_policy : std::uint8_t {
  fail,     ///< it ends as failed, node_lost
  restart,  ///< another node begins it anew, if nothing was said yet and no tool was called; else as `fail`
};
constexpr loss_policy enum_max(loss_policy) { return loss_policy::restart; }

std::string_view to_string(loss_policy policy);

/// What the caller wants to run. Empty ids are filled in by the supervisor.
struct run_request {
  run_id id;                ///< empty: a UUIDv7 is made; else 1–128 of A-Za-z0-9._:-, never used before
  agent_id agent;           ///< which agent runs
  std::string input;        ///< the user's message, UTF-8, not empty
  session_id session;       ///< empty: a new session
  user_id user;             ///< on whose behalf; empty: nobody in particular
  run_id parent;            ///< the run that started this one, if any
  run_id root;              ///< the topmost run; empty: the parent, or this one
  std::uint32_t depth = 0;  ///< how many runs are above this one on this node: a child shares its root's place
  std::string traceparent;  ///< W3C trace context, carried as it is
  session_policy on_busy_session = session_policy::enqueue;
  loss_policy on_node_loss = loss_policy::fail;
  std::string
      idempotency_key;  ///< the same key again (of the same user) is answered with the run that it made; empty: none

  friend bool operator==(const run_request&, const run_request&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, run_request& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("agent", x.agent), f.field("input", x.input),
                            f.field("session", x.session), f.field("user", x.user), f.field("parent", x.parent),
                            f.field("root", x.root), f.field("depth", x.depth), f.field("traceparent", x.traceparent),
                            f.field("on_busy_session", x.on_busy_session), f.field("on_node_loss", x.on_node_loss),
                            f.field("idempotency_key", x.idempotency_key));
}

enum class ending_kind : std::uint8_t { completed, failed, cancelled };
constexpr ending_kind enum_max(ending_kind) { return ending_kind::cancelled; }

/// The one ending of a run.
struct ending {
  ending_kind kind = ending_kind::completed;
  failure_code code = failure_code::provider_protocol;  ///< only when failed
  std::uint16_t provider_status = 0;                    ///< HTTP status when the provider answered with one; else 0
  std::string message;                                  ///< failed: what happened; cancelled: the reason given
  std::string by;                                       ///< cancelled: who asked

  friend bool operator==(const ending&, const ending&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, ending& x) {
  return f.object(x).fields(f.field("kind", x.kind), f.field("code", x.code), f.field("provider_status", x.provider_status),
                            f.field("message", x.message), f.field("by", x.by));
}

run_status status_of(const ending& x);

/// Tokens as the provider counted them. A provider that does not count leaves zeros.
struct token_usage {
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t reasoning_tokens = 0;
  std::uint64_t cache_read_tokens = 0;

  token_usage& operator+=(const token_usage& other);
  friend bool operator==(const token_usage&, const token_usage&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, token_usage& x) {
  return f.object(x).fields(f.field("input_tokens", x.input_tokens), f.field("output_tokens", x.output_tokens),
                            f.field("reasoning_tokens", x.reasoning_tokens),
                            f.field("cache_read_tokens", x.cache_read_tokens));
}

/// One line of a list of runs.
struct run_summary {
  run_id id;
  agent_id agent;
  session_id session;
  run_status status = run_status::pending;
  std::int64_t created_at_ms = 0;  ///< unix time
  std::optional<ending> ended;     ///< when it has ended and the ending is journalled

  friend bool operator==(const run_summary&, const run_summary&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, run_summary& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("agent", x.agent), f.field("session", x.session),
                            f.field("status", x.status), f.field("created_at_ms", x.created_at_ms),
                            f.field("ended", x.ended));
}

}  // namespace oncue
