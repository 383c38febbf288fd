// Which models and agents there are, as the rest of the program sees them: checked values, no file format.
// A catalog never changes after start-up; runs share it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/core/tool_set.hpp"
#include "oncue/messages/ids.hpp"

namespace oncue::core {

using std::chrono::milliseconds;

/// Three separate deadlines; a failure names the one that was missed. 0 is not allowed; absent means none.
struct deadlines {
  std::optional<milliseconds> first_token;  ///< from opening an attempt to its first token
  std::optional<milliseconds> idle;         ///< between two tokens; time in which we paused the provider does not count
  std::optional<milliseconds> total;        ///< the whole run, retries and tools included

  friend bool operator==(const deadlines&, const deadlines&) = default;
};

/// How a call is tried again. Only before its first token, only for connect errors, 408, 429 and 5xx.
struct retry_policy {
  std::uint32_t attempts_max = 3;  ///< of one model call, the first included; 1: never again
  milliseconds base{500};          ///< before the second attempt; doubled each time, jittered between half and whole
  milliseconds delay_max{8000};

  friend bool operator==(const retry_policy&, const retry_policy&) = default;
};

/// Pace of the offline demo model.
struct scripted_spec {
  milliseconds first_token_delay{300};
  milliseconds token_delay{60};
  std::uint32_t tokens = 0;      ///< 0: the whole story
  bool silent = false;           ///< never says a word: for tests and benchmarks
  std::string text;              ///< empty: the built-in story; else this text, cut at spaces
  std::vector<tool_call> calls;  ///< what it asks for in a run's first turn; then it talks. Empty: it only talks

  friend bool operator==(const scripted_spec&, const scripted_spec&) = default;
};

enum class provider_kind : std::uint8_t {
  openai,    ///< any OpenAI-compatible /chat/completions endpoint
  scripted,  ///< the offline demo model
};

struct model_spec {
  std::string id;  ///< the name by which agents refer to it
  provider_kind provider = provider_kind::scripted;
  std::string name;         ///< the model's name as the provider knows it ("gpt-4o-mini")
  std::string base_url;     ///< "https://api.openai.com/v1"; with scheme, without a trailing slash
  std::string api_key_env;  ///< name of the environment variable that holds the key; empty: no key is sent
  std::optional<double> temperature;
  std::optional<std::uint32_t> max_tokens;
  std::vector<std::pair<std::string, std::string>> headers;  ///< sent with every call
  std::string extra_body;     ///< a JSON object whose members are added to the request body; empty: none
  bool include_usage = true;  ///< ask for stream_options.include_usage; some old servers refuse it
  scripted_spec scripted;

  friend bool operator==(const model_spec&, const model_spec&) = default;
};

/// "openai" or "scripted": AgentOS' model_provider.
std::string_view to_string(provider_kind kind);

/// What of a session's earlier runs the model is told.
struct history_policy {
  std::uint32_t runs_max = limits::history_runs_default;    ///< the newest ones; 0: none
  std::uint32_t bytes_max = limits::history_bytes_default;  ///< of text; what does not fit is left out a run at a time
  bool with_stopped = false;                                ///< cancelled and failed runs too, with their partial text

  friend bool operator==(const history_policy&, const history_policy&) = default;
};

struct agent_spec {
  agent_id id;
  std::string name;
  std::string description;   ///< for lists, and the beginning of the system message; empty: none
  std::string instructions;  ///< the rest of the system message; empty: none
  std::string model;         ///< a model_spec's id
  deadlines limits;
  retry_policy retry;
  history_policy history;
  std::uint32_t turns_max = 25;  ///< model calls in one run
  std::uint64_t run_text_bytes_max = 4u << 20;
  std::vector<std::string> tools;                                             ///< names of declared tools and functions
  std::vector<std::string> mcp_servers;                                       ///< ids of servers, whose tools it has too
  std::vector<agent_id> agents;                                               ///< other agents that it may call
  std::optional<milliseconds> pause_timeout = limits::pause_timeout_default;  ///< for a person's decision; absent: none

  friend bool operator==(const agent_spec&, const agent_spec&) = default;
};

/// An agent together with its model: all that a run needs to know.
struct agent_entry {
  agent_spec agent;
  model_spec model;
  std::shared_ptr<const tool_set> tools;  ///< all but those of its servers; null: none
};

/// The agents of a node.
struct catalog {
  std::map<agent_id, std::shared_ptr<const agent_entry>> agents;
  std::vector<mcp_spec> mcp_servers;  ///< that agents name

  /// The agent, or null.
  std::shared_ptr<const agent_entry> find(const agent_id& id) const {
    auto it = agents.find(id);
    return it == agents.end() ? nullptr : it->second;
  }
};

}  // namespace oncue::core
