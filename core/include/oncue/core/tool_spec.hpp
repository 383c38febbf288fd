// Which tools there are and how each is called, as the rest of the program sees them: checked values, no file format.
// Never changes after start-up; agents and runs share it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/messages/ids.hpp"
#include "oncue/messages/tools.hpp"

namespace oncue::core {

using std::chrono::milliseconds;

enum class tool_kind : std::uint8_t {
  function,  ///< a C++ function of this program
  process,   ///< a program that is started for each call
  mcp,       ///< a tool of a server that speaks the Model Context Protocol
  agent,     ///< another agent of this node: the call is a run of its own
};

/// How a program is started: for a call, or as a server.
struct command_spec {
  std::vector<std::string> argv;  ///< a path, or a name that is looked for in PATH; then its arguments. No shell
  std::string folder;             ///< its working folder; empty: this process's
  std::vector<std::string> env;   ///< variables of this process that it is given, besides limits::child_variables
  std::vector<std::pair<std::string, std::string>> set_env;  ///< variables with their values; win over `env`
  std::uint64_t memory_bytes_max = 0;                        ///< of address space, each process of it; 0: no limit

  friend bool operator==(const command_spec&, const command_spec&) = default;
};

struct tool_spec {
  std::string name;                                                 ///< as the model knows it: 1 to 64 of A-Z a-z 0-9 _ -
  std::string description;                                          ///< what the model reads to decide
  std::string parameters = R"({"type":"object","properties":{}})";  ///< JSON schema of the arguments
  tool_kind kind = tool_kind::function;
  tool_need need = tool_need::nothing;
  std::vector<std::string> input_fields;                ///< user_input: the arguments that a person gives; empty: all
  milliseconds timeout = limits::tool_timeout_default;  ///< from its start to its answer
  milliseconds grace = limits::tool_grace_default;      ///< from being told to stop to being killed, or given up
  std::size_t result_bytes_max = limits::tool_result_bytes_default;
  command_spec command;  ///< process
  std::string server;    ///< mcp: the server's id
  std::string remote;    ///< mcp: the tool's name there
  agent_id agent;        ///< agent

  friend bool operator==(const tool_spec&, const tool_spec&) = default;
};

/// A server of tools that speaks the Model Context Protocol.
struct mcp_spec {
  std::string id;
  command_spec command;  ///< started here, spoken to over its standard input and output; or
  std::string url;       ///< spoken to over streamable HTTP
  std::vector<std::pair<std::string, std::string>> headers;  ///< of every request; may hold secrets, so never show them
  std::string bearer_env;                                    ///< variable that holds a token for it; empty: none
  std::string prefix;                                        ///< put before the names of its tools; empty: nothing
  std::vector<std::string> tools;                            ///< names there of those that agents get; empty: all
  std::vector<std::string> confirm;                          ///< names there of those that a person has to allow; "*": all
  bool required = true;                                      ///< false: without it, runs go on without its tools
  milliseconds start_timeout = limits::mcp_start_timeout_default;  ///< from its start to the list of its tools
  milliseconds call_timeout = limits::tool_timeout_default;
  milliseconds grace = limits::tool_grace_default;
  std::size_t result_bytes_max = limits::tool_result_bytes_default;

  friend bool operator==(const mcp_spec&, const mcp_spec&) = default;
};

}  // namespace oncue::core
