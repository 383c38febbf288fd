// A server's tools as tools of this node: which of them agents get, under which names, and who has to allow a call.
#pragma once

#include <vector>

#include "oncue/core/tool_spec.hpp"

namespace oncue::core {

/// The tools of `server` that its spec lets through, in the server's order. `listed` has the server's own names. A name
/// becomes the prefix and the server's name, with '_' for what providers do not take, cut to
/// limits::tool_name_chars_max; of names that are the same then, the later ones get "_2", "_3", ….
std::vector<tool_spec> mcp_tools(const mcp_spec& server, const std::vector<tool_definition>& listed);

}  // namespace oncue::core
