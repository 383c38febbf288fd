// The bridge from the HTTP server to the node: each request that the doors let in becomes an actor of its own (http_call),
// which asks the supervisor, the journal or the archive and writes the answer. It keeps nothing between two requests, so no
// request waits for another one, and a cancel is never behind a long list. What AgentOS says on the wire is decided in
// core/; what is done about it, by the supervisor.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "oncue/actors/node_env.hpp"
#include "oncue/core/agentos_documents.hpp"
#include "oncue/core/doors.hpp"
#include "oncue/io/http_server.hpp"
#include "oncue/messages/actors.hpp"

namespace oncue::actors {

/// What every call is given. Made once, never changed, shared by all.
struct gateway_env {
  supervisor_actor supervisor;
  journal_actor journal;
  archive_actor archive;
  neighbours_actor neighbours;  ///< null on a node that is alone
  std::shared_ptr<const core::catalog> catalog;
  core::door_settings doors;
  core::os_facts facts;   ///< who this server says it is
  std::string node_name;  ///< of a node that is alone, for the list of nodes
  std::string url;        ///< likewise
  std::uint64_t running_max = core::limits::runs_running_max;
  core::tools_of_agents tools;  ///< what its agents may call
  std::chrono::milliseconds heartbeat = core::limits::heartbeat_interval;
  std::function<std::int64_t()> unix_ms;
  std::function<std::uint64_t()> random;
};

/// What to give to an http_server. `system` must outlive it.
io::http_server::handler make_gateway(caf::actor_system& system, std::shared_ptr<const gateway_env> env);

}  // namespace oncue::actors
