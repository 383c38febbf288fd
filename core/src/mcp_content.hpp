// What a server of tools says, as a model reads it: the content of a tool's result as one text, a list of tools as
// definitions. Looks into JSON values that may have any shape.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "oncue/messages/model.hpp"

namespace oncue::core {

/// The member of that name, or null: also when `object` is no object, or the member is JSON's null.
const nlohmann::json* mcp_member(const nlohmann::json& object, const char* name);

/// The member if it is a string, else "".
std::string mcp_text_member(const nlohmann::json& object, const char* name);

struct mcp_outcome {
  bool failed = false;
  std::string text;  ///< valid UTF-8, at most `bytes_max` bytes
};

/// The outcome that the `result` of a tools/call stands for.
mcp_outcome mcp_outcome_of(const nlohmann::json& result, std::string_view server, std::size_t bytes_max);

/// At most `bytes_max` bytes of `text`, with a note at its end if something was cut.
std::string mcp_cut(std::string text, std::size_t bytes_max);

/// Adds the tools of one page to `tools`. False if there are more than limits::tools_max. What is no tool, or cannot be
/// offered to a model, or has the name of one that is there already, is counted in `left_out`.
bool mcp_add_tools(const nlohmann::json& page, std::vector<tool_definition>& tools, std::uint64_t& left_out);

}  // namespace oncue::core
