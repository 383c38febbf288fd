// A server of tools that speaks the Model Context Protocol, and the calls of its tools. One server actor is shared by all
// runs of a node: it is started when it is first asked, keeps one connection, and is started again when it has died and
// somebody asks. Each call is an actor of its own with the manners of every tool call. Promises one answer to each list
// and each call, that a stopped call is closed at once and told to the server, that calls do not wait for each other, and
// that a server actor that was told to exit goes when its program, and whatever that started, is gone. Keeps no time-out of
// a call: that is the run's. Decides nothing: see core/mcp_keeper.
#pragma once

#include <caf/actor_system.hpp>
#include <functional>
#include <memory>
#include <string>

#include "oncue/core/tool_spec.hpp"
#include "oncue/io/event_loop.hpp"
#include "oncue/io/http_client.hpp"
#include "oncue/io/mcp_transport.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

/// Begins one connection. Its number is what everything that is said to the listener is marked with.
using mcp_transport_factory =
    std::function<std::unique_ptr<io::mcp_transport>(std::uint64_t connection, io::mcp_listener listener)>;

/// What all servers of a node share.
struct mcp_access {
  io::event_loops* loops = nullptr;  ///< of programs; must outlive the actors
  std::shared_ptr<io::http_client> client;
  alarm_clock_actor alarms;
  std::function<std::string(const std::string&)> read_secret;  ///< value of an environment variable, empty if unset
  std::string client_version;                                  ///< of this program, which servers are told
  std::string guard = {};                                      ///< path of oncue-guard; empty: it is looked for
  mcp_transport_factory open = {};                             ///< instead of a program or HTTP: for tests
};

/// The actor of one server. Tell it to exit (caf::exit_reason::user_shutdown) and wait for it, and nothing of it is left;
/// killed, or forgotten by everybody, it closes its connection without waiting.
tool_server_actor spawn_mcp_server(caf::actor_system& system, core::mcp_spec spec, mcp_access access);

/// The actor of one call of the tool `tool`, which `server` has. `server` is one of spawn_mcp_server. It waits to be
/// started.
tool_call_actor spawn_mcp_call(caf::actor_system& system, std::shared_ptr<const core::tool_spec> tool,
                               tool_server_actor server);

}  // namespace oncue::actors
