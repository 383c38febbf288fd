// The conversation with a tool: what it is asked, what comes back, and what a person may have to say first. Everything that
// comes back carries the call's number, so that a late answer of a call that was given up changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oncue/messages/errors.hpp"
#include "oncue/messages/ids.hpp"
#include "oncue/messages/inspection.hpp"
#include "oncue/messages/model.hpp"

namespace oncue {

/// One call of a tool, counted through the whole run from 1. A provider's call ids may repeat; these do not.
using tool_no = std::uint32_t;

// -- a call ----------------------------------------------------------------------

/// Do it. The arguments are a JSON object that fits the tool's schema.
struct start_tool {
  tool_no number = 0;
  run_id run;
  tool_call call;
};

/// Stop it at once: kill the process, tell the server, ask the function. `tool_closed` answers.
struct stop_tool {};

/// The tool's answer. At most one a call, and none after `tool_closed`.
struct tool_result {
  tool_no number = 0;
  bool failed = false;
  std::string text;  ///< valid UTF-8, bounded by the tool's result_bytes_max; or what went wrong, for the model to read
};

/// Nothing of this call is open any more: no process, no socket, no timer. Sent once, the call's last word.
struct tool_closed {
  tool_no number = 0;
  bool abandoned = false;  ///< it could not be stopped within its grace and was given up: a function that does not return
};

// -- a person's part ---------------------------------------------------------------

/// Why a call does not run by itself.
enum class tool_need : std::uint8_t {
  nothing,       ///< it does
  confirmation,  ///< a person has to allow it
  user_input,    ///< a person has to give some of its arguments
  result,        ///< somebody outside runs it and brings its result (agno: external execution)
};
constexpr tool_need enum_max(tool_need) { return tool_need::result; }

/// "", "confirmation", "user_input", "external_execution"
std::string_view to_string(tool_need need);

/// One argument that a person gives.
struct input_field {
  std::string name;
  std::string type;         ///< as in the tool's schema: string, number, …; empty: any
  std::string description;  ///< empty: none
  std::string value;        ///< as JSON text; empty: not given yet

  friend bool operator==(const input_field&, const input_field&) = default;
};

/// What is known of a call besides itself.
struct tool_facts {
  tool_need need = tool_need::nothing;
  std::optional<bool> confirmed;    ///< once a person has decided
  std::string note;                 ///< what the person said to it
  std::vector<input_field> inputs;  ///< only when need is user_input
  run_id child;                     ///< the run that does the call's work, when the tool is an agent
  std::string source;               ///< who does the work: a person's yes is for this tool, not for one of the same name

  friend bool operator==(const tool_facts&, const tool_facts&) = default;
};

/// A call that waits for a person.
struct tool_requirement {
  tool_call call;
  tool_facts facts;

  friend bool operator==(const tool_requirement&, const tool_requirement&) = default;
};

/// A person's word on one call that waits.
struct tool_decision {
  std::string call_id;
  std::optional<bool> confirmed;      ///< confirmation: yes or no. A no also answers the two other needs
  std::string note;                   ///< goes to the model with a no
  std::vector<input_field> inputs;    ///< user_input: name and value
  std::optional<std::string> result;  ///< result: what the call came to
  friend bool operator==(const tool_decision&, const tool_decision&) = default;
};

/// Go on with a paused run. Every call that waits must be decided.
struct continue_run {
  run_id run;
  session_id session;  ///< empty: whichever it is; else it must be the run's
  agent_id agent;      ///< empty: whichever it is; else it must be the run's
  std::vector<tool_decision> decisions;
  std::string by;  ///< who decided; for the log
};

// -- what tools there are ------------------------------------------------------------

/// Which tools does this server have? Answered when it has started, or could not be.
struct list_tools {};

struct tools_listed {
  std::string problem;  ///< not empty: one sentence about why there are none
  std::vector<tool_definition> tools;
};

// -- inspection --------------------------------------------------------------

template <class Inspector>
bool inspect(Inspector& f, start_tool& x) {
  return f.object(x).fields(f.field("number", x.number), f.field("run", x.run), f.field("call", x.call));
}
template <class Inspector>
bool inspect(Inspector& f, stop_tool& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, tool_result& x) {
  return f.object(x).fields(f.field("number", x.number), f.field("failed", x.failed), f.field("text", x.text));
}
template <class Inspector>
bool inspect(Inspector& f, tool_closed& x) {
  return f.object(x).fields(f.field("number", x.number), f.field("abandoned", x.abandoned));
}
template <class Inspector>
bool inspect(Inspector& f, input_field& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("type", x.type), f.field("description", x.description),
                            f.field("value", x.value));
}
template <class Inspector>
bool inspect(Inspector& f, tool_facts& x) {
  return f.object(x).fields(f.field("need", x.need), f.field("confirmed", x.confirmed), f.field("note", x.note),
                            f.field("inputs", x.inputs), f.field("child", x.child), f.field("source", x.source));
}
template <class Inspector>
bool inspect(Inspector& f, tool_requirement& x) {
  return f.object(x).fields(f.field("call", x.call), f.field("facts", x.facts));
}
template <class Inspector>
bool inspect(Inspector& f, tool_decision& x) {
  return f.object(x).fields(f.field("call_id", x.call_id), f.field("confirmed", x.confirmed), f.field("note", x.note),
                            f.field("inputs", x.inputs), f.field("result", x.result));
}
template <class Inspector>
bool inspect(Inspector& f, continue_run& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("session", x.session), f.field("agent", x.agent),
                            f.field("decisions", x.decisions), f.field("by", x.by));
}
template <class Inspector>
bool inspect(Inspector& f, list_tools& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, tools_listed& x) {
  return f.object(x).fields(f.field("problem", x.problem), f.field("tools", x.tools));
}

}  // namespace oncue
