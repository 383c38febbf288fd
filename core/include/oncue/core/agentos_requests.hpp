// What an AgentOS request says: form fields, query parameters and JSON bodies become checked structs. Names, defaults and
// the bodies of errors are agno's (FastAPI's: the last of several fields of one name counts, booleans may be true, 1, on,
// yes, t, y, an empty form field is a missing one); unknown fields are passed over. What oncue adds is on_busy_session,
// on_disconnect, receipt, wait_ms, mode, grace and reason. Never throws; every wrong field is named in one answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "oncue/core/agentos_answers.hpp"
#include "oncue/messages/archive.hpp"
#include "oncue/messages/cancel.hpp"
#include "oncue/messages/run.hpp"
#include "oncue/messages/tools.hpp"

namespace oncue::core {

/// Names and values of a form or a query, decoded, in their order.
using field_pairs = std::vector<std::pair<std::string, std::string>>;

/// The request, or the 4xx or 501 that answers it.
template <class T>
using decoded = std::variant<T, http_answer>;

// -- runs --------------------------------------------------------------------------

/// What becomes of a run whose client leaves.
enum class disconnect_policy : std::uint8_t { cancel, go_on };

struct start_form {
  run_request request;  ///< without agent, traceparent and idempotency key: they are not in the form
  bool stream = true;
  bool background = false;
  bool stream_events = true;  ///< false: only the text and the ending
  std::optional<disconnect_policy> on_disconnect;

  /// As agno does it unless told otherwise: a plain stream's run is cancelled when its client leaves.
  bool cancel_when_gone() const {
    return on_disconnect ? *on_disconnect == disconnect_policy::cancel : stream && !background;
  }
};

/// `file_bytes` is the size of all uploaded files together: oncue takes no files and no media, and says so with 501; but an
/// empty file field is no file.
decoded<start_form> decode_start(const field_pairs& form, std::size_t file_bytes = 0);

struct cancel_form {
  cancel_request request;  ///< `by` is left empty: the caller knows who asks
  bool receipt = false;
};

/// Every place may say it; the query wins over the form, and that over the headers. Of these count cancel-mode and
/// cancel-grace: agno's clients can add headers to a cancel, and nothing else.
decoded<cancel_form> decode_cancel(const run_id& run, const field_pairs& query, const field_pairs& form = {},
                                   const field_pairs& headers = {});

struct continue_form {
  continue_run request;  ///< without its agent; `by` is the user_id, if there is one
  bool stream = true;
  bool background = false;
  bool stream_events = true;  ///< false: only the text and the ending
  std::optional<disconnect_policy> on_disconnect;

  /// As for a start.
  bool cancel_when_gone() const {
    return on_disconnect ? *on_disconnect == disconnect_policy::cancel : stream && !background;
  }
};

/// POST …/continue. The decisions are in `tools` (agno's ToolExecutions), in `requirements` (its RunRequirements), or in
/// both: what the first leaves open the second may say. Tools that have run already are passed over. What agno does
/// besides (fork, regenerate, another message) is answered with 501.
decoded<continue_form> decode_continue(const run_id& run, const field_pairs& form);

struct resume_form {
  std::optional<event_index> last_index;  ///< of the last event that the client has
  event_index from = 0;                   ///< the first one that it wants
};

/// POST …/resume. -1 and below mean: none yet, as in agno.
decoded<resume_form> decode_resume(const field_pairs& form);

/// GET …/events: the Last-Event-ID header (empty: not sent) before `last_event_index` before `from`.
decoded<resume_form> decode_events(std::string_view last_event_id, const field_pairs& query);

/// session_id, which is required.
decoded<session_id> decode_run_query(const field_pairs& query);

/// GET /agents/{id}/runs: session_id (required), status. Oldest first.
decoded<find_runs> decode_agent_runs(const agent_id& agent, const field_pairs& query);

/// GET /runs: status, limit (20), session_id, agent_id, user_id. Newest first.
decoded<find_runs> decode_list_runs(const field_pairs& query);

// -- sessions ------------------------------------------------------------------------

/// oncue's sessions are agents' sessions.
enum class session_type : std::uint8_t { agent, team, workflow };

struct sessions_query {
  find_sessions find;
  session_type type = session_type::agent;  ///< of another type there are none
};
decoded<sessions_query> decode_list_sessions(const field_pairs& query);

/// POST /sessions. `session.id` is empty if the server is to choose it; times are left 0.
decoded<create_session> decode_create_session(const field_pairs& query, std::string_view body);

/// `at_ms` is left 0 in both.
decoded<change_session> decode_patch_session(const session_id& session, std::string_view body);
decoded<change_session> decode_rename_session(const session_id& session, std::string_view body);

decoded<delete_sessions> decode_delete_sessions(std::string_view body);

/// GET /sessions/{id}/runs: user_id, created_after, created_before (seconds, both included). Oldest first.
decoded<find_runs> decode_session_runs(const session_id& session, const field_pairs& query);

}  // namespace oncue::core
