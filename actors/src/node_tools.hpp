// What a node has for its tools: the threads of functions, the loops of programs, one actor for each server of tools.
// Promises that after stop() no server is left, and that functions which do not return hold nothing up.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "oncue/actors/node_env.hpp"
#include "oncue/io/event_loop.hpp"
#include "oncue/io/function_threads.hpp"
#include "oncue/io/http_client.hpp"
#include "oncue/runtime.hpp"

namespace oncue::actors {

struct node_tools_parts {
  io::event_loops* loops = nullptr;
  std::shared_ptr<io::http_client> client;
  alarm_clock_actor alarms;
  std::function<std::string(const std::string&)> read_secret;
  std::vector<function_tool> functions;
};

class node_tools {
 public:
  node_tools(caf::actor_system& system, node_tools_parts parts);

  /// Fills in what a node's actors need of it, for the agents of `catalog`.
  void serve(const core::catalog& catalog, node_env& env);

  /// The actor of a server, or null.
  tool_server_actor server(const std::string& id) const;

  /// Ends the servers and waits for them.
  void stop();

 private:
  /// What calls are made with: never changed, shared with the runs, which may outlive this for a moment.
  struct desk;

  caf::actor_system& system_;
  node_tools_parts parts_;
  std::map<std::string, tool_server_actor> servers_;
};

}  // namespace oncue::actors
