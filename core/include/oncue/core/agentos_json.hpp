// A run's events as the JSON objects that AgentOS' clients expect (agno 2.9): names, fields and key order are theirs, one
// compact line for each event, without the line's end. What we add are keys and one event name that their clients skip:
// ModelRequestRetrying; finish_reason, cancelled_by, provider_status, partial_content, stopped and expires_at. A child's
// event is the child's own line, as agno shows the members of a team; only its index is that of the run that is read. Never
// adds a frame, a header or a line break: that is the SSE writer's and the console's work.
#pragma once

#include <string>
#include <string_view>

#include "oncue/messages/events.hpp"
#include "oncue/messages/ids.hpp"

namespace oncue::core {

/// What all events of a run have in common.
struct run_labels {
  run_id run;
  agent_id agent;
  std::string agent_name;
  session_id session;
  std::string model;           ///< the model's name as the provider knows it
  std::string model_provider;  ///< openai, scripted, …
  run_id parent;               ///< empty: not sent
};

/// The name for the event's `event` key and for the `event:` line of its SSE frame.
std::string_view agentos_event_name(const run_event& event);

/// Writes one run's events. Cheap for text deltas: what a run's events share is put together once.
class agentos_renderer {
 public:
  explicit agentos_renderer(run_labels labels);

  /// Appends the event's object to `out`. `with_index` adds `event_index` as the last key, which AgentOS' background
  /// streams have. Any text is written as valid UTF-8.
  void render(const run_event& event, bool with_index, std::string& out) const;

  /// Appends the RunCompleted that AgentOS' clients wait for after a RunCancelled, with the index after the ending's, which
  /// the log never uses; a child's has none. Writes nothing and returns false unless the event is a run's ending by cancel.
  bool render_trailing_completed(const run_event& event, bool with_index, std::string& out) const;

 private:
  void begin(const run_event& event, std::string_view name, std::string& out) const;

  run_labels labels_;
  std::string common_;            ///< from agent_id to nested_depth
  std::string content_prefix_;    ///< of RunContent, up to the text
  std::string reasoning_prefix_;  ///< the same for reasoning
};

}  // namespace oncue::core
