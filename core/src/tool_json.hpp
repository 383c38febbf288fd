// How agno shows a tool call: the object with its twenty keys, the call as a line of text, and what a run waits for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "oncue/messages/events.hpp"
#include "oncue/messages/model.hpp"

namespace oncue::core {

/// What has come of a call so far.
struct tool_state {
  std::int64_t at_ms = 0;  ///< unix time of the event
  bool ended = false;      ///< the next three count only then
  bool failed = false;
  std::string_view result;
  std::uint64_t duration_ms = 0;
};

/// The arguments without the space between their parts, as they were written otherwise; nothing if they are not a JSON
/// object or nested deeper than limits::tool_call_depth_max. No arguments at all are an empty object.
std::optional<std::string> compact_arguments(std::string_view arguments);

/// Appends the tool object. Arguments that are not a JSON object become null.
void append_tool(std::string& out, const tool_call& call, const tool_facts& facts, const tool_state& state);

/// Adds the keys `tools` and `requirements` of a run that waits since `at_ms` (unix time). `tools` is a list for the first
/// one; empty: those that wait.
void add_requirements(std::string& members, const run_paused& pause, std::int64_t at_ms, std::string_view tools = {});

/// What agno says in the place of the text while a run waits: "I have tools to execute, but I need confirmation."
std::string_view paused_content(const run_paused& pause);

/// `name(a=1, b=text)`; values longer than limits::tool_call_value_bytes_shown become "...".
std::string call_line(const tool_call& call);

/// Appends `value / unit` as a JSON number with a decimal point: 2001 ms are 2.001, 2000 ms are 2.0. `unit` is a power of
/// ten.
void append_decimal(std::string& out, std::uint64_t value, std::uint64_t unit);

}  // namespace oncue::core
