// A run's events as frames of a Server-Sent Events stream (WHATWG HTML, section 9.2), as AgentOS' clients expect them: the
// name on an `event:` line, one line of JSON on a `data:` line. After a run's RunCancelled comes the RunCompleted that
// those clients wait for. Also the frames that only a resumed stream has. Never decides what a stream begins with or when
// it ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "oncue/core/agentos_json.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/messages/ids.hpp"
#include "oncue/messages/run.hpp"

namespace oncue::core {

/// Appends `event: <name>\ndata: <json>\n\n`. Neither may hold a line break.
void append_sse_frame(std::string& out, std::string_view name, std::string_view json);

/// How one client wants a run's events.
struct frame_options {
  bool with_index = false;    ///< `event_index` as the last key: background and resumed streams
  bool with_id = false;       ///< an `id:` line with the same number: a browser's EventSource sends it back
  bool content_only = false;  ///< agno's stream_events=false: RunContent, and how the stream ends
  event_index from = 0;       ///< frames below it are left out
};

/// Appends the event's frame; after an ending by cancel also RunCompleted, whose index is the ending's plus one. So a
/// client that has RunCancelled but not RunCompleted resumes with the ending itself and `from` one above it. Behind the
/// RunCancelled of a child comes its RunCompleted too, but with neither index nor id: a resume cannot begin between them.
void append_event_frames(std::string& out, const agentos_renderer& renderer, const run_event& event,
                         const frame_options& options = {});

// -- frames of a resumed stream, written as Python's json.dumps does -----------------------

/// Before the events that a client of a live run has missed; none if it has missed nothing.
void append_catch_up_frame(std::string& out, const run_id& run, std::uint64_t missed_events, std::uint64_t events_total);

/// Before a live run's live events.
void append_subscribed_frame(std::string& out, const run_id& run, std::uint64_t events_total);

/// Before the events of a run that has ended. `last_index` is what the client asked with; absent: nothing.
void append_replay_frame(std::string& out, const run_id& run, run_status status, std::uint64_t missed_events,
                         std::uint64_t events_total, std::optional<event_index> last_index);

/// The stream ends with it: nothing follows.
void append_error_frame(std::string& out, std::string_view message);

/// "Run nope not found in buffer or database": what agno says for the frame above.
std::string run_not_found_message(const run_id& run);

/// The events from `wanted` on are asked for, and those below `kept_from` are not kept any more. For a stream that has
/// begun; before that it is a 410 with the same words: gone_document.
void append_gone_frame(std::string& out, const run_id& run, event_index wanted, event_index kept_from);

/// {"detail": …} with the same words.
std::string gone_document(const run_id& run, event_index wanted, event_index kept_from);

}  // namespace oncue::core
