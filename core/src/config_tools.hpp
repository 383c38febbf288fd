// The tables of the configuration file that concern tools: [[tools]], [[mcp_servers]], and what an agent names of them.
#pragma once

#include "config_section.hpp"

namespace oncue::core {

/// Rejects what is wrong by throwing.
tool_spec decode_tool(const section& source);
mcp_spec decode_mcp_server(const section& source);

/// `agent`'s tools, servers and agents, each of which must be known: declared in `file`, or among `functions`.
void decode_agent_tools(const section& source, const config& file, const std::vector<std::string>& functions,
                        agent_spec& agent);

/// Agents may name agents that come behind them: looked at when all are there.
void check_agents_of_agents(const section& source, const config& file, const agent_spec& agent);

}  // namespace oncue::core
