#include "node_tools.hpp"

#include <caf/scoped_actor.hpp>
#include <utility>

#include "oncue/actors/function_tool.hpp"
#include "oncue/actors/mcp_server.hpp"
#include "oncue/actors/process_tool.hpp"

namespace oncue::actors {

node_tools::node_tools(caf::actor_system& system, node_tools_parts parts) : system_{system}, parts_{std::move(parts)} {
  for (auto& tool : parts_.functions) {
    functions_[tool.spec.name] = std::make_shared<const tool_function>(std::move(tool.run));
  }
  threads_ = std::make_shared<io::function_threads>();
}

void node_tools::serve(const core::catalog& catalog, node_env& env) {
  mcp_access access;
  access.loops = parts_.loops;
  access.client = parts_.client;
  access.alarms = parts_.alarms;
  access.read_secret = parts_.read_secret;
  access.client_version = ONCUE_VERSION;
  for (const auto& spec : catalog.mcp_servers) {
    auto actor = spawn_mcp_server(system_, spec, access);
    servers_[spec.id] = actor;
    env.tool_servers[spec.id] = {spec, actor};
  }
  parts_.client.reset();
  env.open_tool = [this](const core::tool_ptr& tool) { return open(tool); };
}

tool_server_actor node_tools::server(const std::string& id) const {
  auto found = servers_.find(id);
  return found == servers_.end() ? tool_server_actor{} : found->second;
}

tool_call_actor node_tools::open(const core::tool_ptr& tool) {
  switch (tool->kind) {
    case core::tool_kind::function: {
      auto found = functions_.find(tool->name);
      return found == functions_.end() ? tool_call_actor{} : spawn_function_tool(system_, tool, found->second, threads_);
    }
    case core::tool_kind::process: return spawn_process_tool(system_, tool, {parts_.loops});
    case core::tool_kind::mcp: {
      auto actor = server(tool->server);
      return actor ? spawn_mcp_call(system_, tool, actor) : tool_call_actor{};
    }
    case core::tool_kind::agent: break;  // a run of its own: the run that calls it sees to that
  }
  return {};
}

void node_tools::stop() {
  caf::scoped_actor self{system_, true};
  for (const auto& [id, actor] : servers_) self->send_exit(actor, caf::exit_reason::user_shutdown);
  for (const auto& [id, actor] : servers_) self->wait_for(actor);
  servers_.clear();
  threads_.reset();
  parts_.alarms = nullptr;
}

}  // namespace oncue::actors
