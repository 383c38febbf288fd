// Answers that are not documents: AgentOS' error bodies with their status (FastAPI's shapes, to the byte), what a refused
// start becomes over HTTP, and the answer to a cancel. Holds no secret: what it quotes from a request is short, and not a
// key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oncue/core/agentos_routes.hpp"
#include "oncue/messages/cancel.hpp"
#include "oncue/messages/errors.hpp"

namespace oncue::core {

/// A whole answer. `headers` are those beyond content-type (application/json unless the body is empty) and length.
struct http_answer {
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< lower-case names

  friend bool operator==(const http_answer&, const http_answer&) = default;
};

/// {"detail": "…"}
http_answer error_answer(int status, std::string_view detail);

http_answer agent_not_found();                                        ///< 404 "Agent not found"
http_answer run_not_found();                                          ///< 404 "Run not found"
http_answer session_not_found(const session_id& session);             ///< 404, as GET /sessions/{id} says it
http_answer session_of_runs_not_found(const session_id& session);     ///< 404, as GET /sessions/{id}/runs says it
http_answer session_run_not_found(const session_id&, const run_id&);  ///< 404, as GET /sessions/{id}/runs/{run_id} says it
http_answer session_exists(const session_id& session);                ///< 409
http_answer key_missing();                                            ///< 401, with WWW-Authenticate
http_answer key_wrong();                                              ///< 401, with WWW-Authenticate

/// 501: `what` names a part of AgentOS: "memories: not served by oncue".
http_answer not_served_answer(std::string_view what);

/// The answer for a route that needs nobody's answer: not found, method not allowed, no team or workflow, not served,
/// OPTIONS (204 with Allow), empty lists. Nothing for every other route.
std::optional<http_answer> answer_at_once(const route& which);

/// A field that is wrong, as FastAPI tells it (pydantic's error codes).
struct field_error {
  std::string type;                    ///< "missing", "bool_parsing", …
  std::vector<std::string> loc;        ///< "body" or "query" or "header", then the field, then the item's number
  std::string msg;                     ///< "Field required"
  std::optional<std::string> input;    ///< JSON of what was there; absent: null
  std::optional<std::string> context;  ///< JSON object `ctx`
};

/// 422 {"detail":[{"type":…,"loc":[…],"msg":…,"input":…}]}. A `loc` that is a number is written as one.
http_answer fields_answer(const std::vector<field_error>& errors);

/// Why a run did not start, or did not go on. Fields that the caller can mend are 422 in the shape above; a node that
/// cannot take it now says when to come again (Retry-After).
http_answer refusal_answer(const refusal& refused);

/// … or did not go on: what cannot be decided so is 422, at the field `tools`.
http_answer continue_refusal_answer(const refusal& refused);

/// The cancel's answer. Without a receipt always 200 {}, as agno says it for any run; with one {outcome, status,
/// phase_at_cancel, run_id, event_index, tools_stopped, tools_abandoned, children, children_stopped, upstream_closed,
/// durable, latency_us} and a status that tells: 200 cancelled, 202 accepted and intent_stored, 409 already_ended, 404
/// unknown. What is not known is null.
http_answer cancel_answer(const cancel_reply& reply, bool receipt);

}  // namespace oncue::core
