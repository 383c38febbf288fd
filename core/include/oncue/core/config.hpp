// What a person configures: models, agents, which agent is the default one, and the node. Decodes oncue.toml, makes up a
// configuration where there is no file, and applies what the command line says. Promises that a `config` that it returns is
// whole: ids are unique, agents point at models that exist, URLs have a scheme, numbers are within their limits.
// Reads no file and no environment, and never holds a secret: keys are named by their variable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oncue/core/catalog.hpp"
#include "oncue/core/settings.hpp"

namespace oncue::core {

inline constexpr std::string_view openai_base_url = "https://api.openai.com/v1";
inline constexpr std::string_view openai_key_variable = "OPENAI_API_KEY";
inline constexpr std::string_view openai_model_name = "gpt-4o-mini";
inline constexpr std::string_view default_agent_id = "story-writer-agent";

struct config {
  std::vector<model_spec> models;  ///< in the file's order, at least one
  std::vector<agent_spec> agents;  ///< in the file's order, at least one; `story-writer-agent` is always among them
  std::vector<tool_spec> tools;    ///< in the file's order
  std::vector<mcp_spec> mcp_servers;
  agent_id default_agent;
  server_settings server;
  store_settings store;
  cluster_settings cluster;
  roster_limits limits;

  friend bool operator==(const config&, const config&) = default;
};

/// Why there is no configuration.
struct config_error {
  std::string file;          ///< empty: the environment or the command line is to blame, and the message names what
  std::uint32_t line = 0;    ///< from 1; 0: the file as a whole
  std::uint32_t column = 0;  ///< from 1, in characters
  std::string message;       ///< which field, what was expected, what was there; holds no value that could be a secret

  friend bool operator==(const config_error&, const config_error&) = default;
};

/// "oncue.toml:12:3: models[0].base_url: expected …": editors can jump there.
std::string to_string(const config_error& error);

using config_result = std::variant<config, config_error>;

/// What the environment says. An empty variable counts as unset.
struct environment {
  bool openai_api_key_set = false;          ///< OPENAI_API_KEY is there; its value is none of our business
  std::string openai_base_url;              ///< OPENAI_BASE_URL
  std::string openai_model;                 ///< OPENAI_MODEL
  std::string agent_os_host;                ///< AGENT_OS_HOST
  std::string agent_os_port;                ///< AGENT_OS_PORT
  std::vector<std::string> function_tools;  ///< C++ functions of this program, which agents may name
};

/// Decodes the text of a configuration file; `commented_config()` is its documentation. `file_name` only shows in errors.
/// A file without models gets the model that `default_config(env)` would have.
config_result decode_config(std::string_view text, std::string_view file_name, const environment& env = {});

/// The configuration without a file: with a key or a base URL in the environment an OpenAI-compatible model "openai", else
/// the offline model "demo"; and the agent "story-writer-agent".
config_result default_config(const environment& env);

/// What the command line says; absent: not given.
struct config_overrides {
  std::optional<std::string> model;                ///< --model: a model's id, or a provider's name for a model
  std::optional<std::string> base_url;             ///< --base-url
  std::optional<std::string> timeout;              ///< --timeout: the whole run; a duration or "none"
  std::optional<std::string> first_token_timeout;  ///< --first-token-timeout: a duration or "none"
};

/// Changes what the one agent uses; other agents that share its model keep theirs. Returns what is wrong, naming the
/// option; then nothing has changed.
std::optional<std::string> apply_overrides(config& target, const agent_id& agent, const config_overrides& overrides,
                                           const environment& env);

/// Where the server listens: --host and --port, else AGENT_OS_HOST and AGENT_OS_PORT, else what the file or the default
/// says, host and port each by itself. A value that loses is not looked at. Port 0: any free one. Error: a sentence that
/// begins with the option or the variable.
std::variant<listen_address, std::string> resolve_listen(const server_settings& settings, const environment& env,
                                                         const std::optional<std::string>& host_option,
                                                         const std::optional<std::string>& port_option);

/// The tools of an agent but for those of its servers: what it names of `tools`, in its order, and the agents that it may
/// call. A name that is not among `tools` is left out: a function, which whoever has it adds. Error: a sentence.
std::variant<tool_set, std::string> tools_of(const agent_spec& agent, const std::vector<tool_spec>& tools,
                                             const std::vector<agent_spec>& agents);

/// The agents with their models and tools. A configuration that decode_config has made has none that cannot be used; of
/// one that was made by hand they throw std::invalid_argument.
catalog make_catalog(const config& source);

/// The catalog with C++ functions among the tools of the agents that name them. Throws std::invalid_argument: an agent
/// names a tool that is not there, or a function's spec cannot be used.
catalog with_functions(const catalog& source, const std::vector<tool_spec>& functions);

/// The text of a new configuration file: every key with its meaning, unit and default. A line that starts with "#" and no
/// space behind it is a setting that can be switched on.
std::string commented_config();

/// The deadlines of an agent that sets none.
deadlines default_deadlines();

}  // namespace oncue::core
