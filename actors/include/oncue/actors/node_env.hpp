// What every actor of a node is given when it is spawned: the neighbours it speaks to and the doors to chance and time.
// Made once, never changed, shared by all.
#pragma once

#include <caf/timespan.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "oncue/core/catalog.hpp"
#include "oncue/core/roster.hpp"
#include "oncue/core/run_machine.hpp"
#include "oncue/messages/actors.hpp"

namespace oncue::actors {

/// The time-out of requests between actors of one process: none. Whoever dies answers with an error, so nothing waits for
/// ever, and each time-out would be an entry in CAF's clock (docs/decisions/0004-alarm-clock.md). Not for other nodes.
inline constexpr auto local_answer = caf::infinite;

/// Makes the stream actor for one attempt at one call of this agent's model. It waits to be opened.
using model_stream_factory = std::function<model_stream_actor(std::shared_ptr<const core::agent_entry>)>;

/// Makes the actor for one call of this tool. It waits for its start_tool. Null: nobody here can do this.
using tool_factory = std::function<tool_call_actor(const core::tool_ptr&)>;

/// A server of tools, and how its tools are named here.
struct tool_server {
  core::mcp_spec spec;
  tool_server_actor actor;
};

struct node_env {
  std::shared_ptr<const core::catalog> catalog;
  core::roster_limits limits;
  journal_actor journal;
  archive_actor archive;  ///< null: the journal keeps nothing that can be searched
  alarm_clock_actor alarms;
  model_stream_factory open_model;
  tool_factory open_tool;                           ///< may be empty: no tools
  std::map<std::string, tool_server> tool_servers;  ///< by id
  std::function<std::int64_t()> unix_ms;            ///< wall clock
  std::function<std::uint64_t()> random;            ///< for ids and jitter
};

/// The actor clock's time in the unit that core/ counts in.
inline core::steady_us to_steady_us(std::chrono::steady_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
}

}  // namespace oncue::actors
