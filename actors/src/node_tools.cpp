#include "node_tools.hpp"

#include <caf/scoped_actor.hpp>
#include <utility>

#include "oncue/actors/function_tool.hpp"
#include "oncue/actors/mcp_server.hpp"
#include "oncue/actors/process_tool.hpp"

namespace oncue::actors {

struct node_tools::desk {
  caf::actor_system& system;
  io::event_loops* loops = nullptr;
  std::map<std::string, std::shared_ptr<const tool_function>> functions;
  std::shared_ptr<io::function_threads> threads;
  std::map<std::string, tool_server_actor> servers;

  tool_call_actor open(const core::tool_ptr& tool) const {
    switch (tool->kind) {
      case core::tool_kind::function: {
        auto found = functions.find(tool->name);
        return found == functions.end() ? tool_call_actor{} : spawn_function_tool(system, tool, found->second, threads);
      }
      case core::tool_kind::process: return spawn_process_tool(system, tool, {loops});
      case core::tool_kind::mcp: {
        auto found = servers.find(tool->server);
        return found == servers.end() ? tool_call_actor{} : spawn_mcp_call(system, tool, found->second);
      }
      case core::tool_kind::agent: break;  // a run of its own: the run that calls it sees to that
    }
    return {};
  }
};

node_tools::node_tools(caf::actor_system& system, node_tools_parts parts) : system_{system}, parts_{std::move(parts)} {}

void node_tools::serve(const core::catalog& catalog, node_env& env) {
  mcp_access access;
  access.loops = parts_.loops;
  access.client = std::exchange(parts_.client, {});
  access.alarms = std::exchange(parts_.alarms, {});
  access.read_secret = parts_.read_secret;
  access.client_version = ONCUE_VERSION;
  for (const auto& spec : catalog.mcp_servers) {
    auto actor = spawn_mcp_server(system_, spec, access);
    servers_[spec.id] = actor;
    env.tool_servers[spec.id] = {spec, actor};
  }
  auto made = std::make_shared<desk>(desk{system_, parts_.loops, {}, std::make_shared<io::function_threads>(), servers_});
  for (auto& tool : parts_.functions) {
    made->functions[tool.spec.name] = std::make_shared<const tool_function>(std::move(tool.run));
  }
  env.open_tool = [made = std::shared_ptr<const desk>{std::move(made)}](const core::tool_ptr& tool) {
    return made->open(tool);
  };
}

tool_server_actor node_tools::server(const std::string& id) const {
  auto found = servers_.find(id);
  return found == servers_.end() ? tool_server_actor{} : found->second;
}

void node_tools::stop() {
  caf::scoped_actor self{system_, true};
  for (const auto& [id, actor] : servers_) self->send_exit(actor, caf::exit_reason::user_shutdown);
  for (const auto& [id, actor] : servers_) self->wait_for(actor);
}

}  // namespace oncue::actors
