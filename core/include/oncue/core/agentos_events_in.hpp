// AgentOS' events as a client gets them: the reverse of agentos_json.hpp, one JSON object (the data of one SSE frame)
// becomes an event of a run's log again. Reads what oncue sends and what a server of agno's sends; keys and names that are
// nobody's here are passed over. Whatever comes is a value or one sentence that says what is wrong: never an exception,
// bounded in depth and size. Follows no stream: what is a duplicate or missing is the caller's to see, by the index.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "oncue/core/agentos_json.hpp"
#include "oncue/messages/events.hpp"

namespace oncue::core {

/// One object. What a server left out is empty.
struct incoming_event {
  std::string name;                  ///< the `event` key: RunContent, subscribed, …
  std::optional<event_index> index;  ///< background and resumed streams have it
  run_labels labels;                 ///< the model only where the event says it
  /// Absent: not an event of a run's log (a frame about the stream, a part of agno that oncue does not have, an empty
  /// piece). Its index is `index`, or 0. Times are whole seconds. What is not on the wire is left as it is made: attempts
  /// but in ModelRequestRetrying, and how long a run took unless it completed.
  std::optional<run_event> event;
  std::string error;  ///< of the frame `error`, with which a resumed stream ends early: its sentence
};

/// `json`: at most limits::client_event_bytes_max bytes, nested at most limits::client_event_depth_max deep. The sentence
/// names the key that is wrong, and quotes nothing.
std::variant<incoming_event, std::string> read_agentos_event(std::string_view json);

/// An event of another run than the one that is read is that of a child, at work for it: it becomes a child_event with the
/// index that the reader's stream has. True if it did; false for the run's own, and for what is no event of a log.
bool make_child_event(incoming_event& incoming, const run_id& run);

/// After a run's RunCancelled comes a RunCompleted, which the log does not have: it says how long the run took and which
/// tokens were counted. True if `next` is that one; then its numbers are in `ended`.
bool take_trailing_completed(run_ended& ended, const incoming_event& next);

}  // namespace oncue::core
