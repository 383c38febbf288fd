// The JSON documents of AgentOS (agno 2.9): agents, the server's own, runs and sessions. Compact, keys in agno's order,
// what is null left out as agno leaves it out; what oncue adds comes last and is passed over by agno's clients. Everything
// is made from what the journal and the catalog hold; nothing is looked up or guessed here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "oncue/core/agentos_answers.hpp"
#include "oncue/core/agentos_json.hpp"
#include "oncue/core/catalog.hpp"
#include "oncue/core/tool_spec.hpp"
#include "oncue/messages/archive.hpp"
#include "oncue/messages/cluster.hpp"
#include "oncue/messages/run.hpp"

namespace oncue::core {

/// The version of agno whose wire this is.
inline constexpr std::string_view agno_wire_version = "2.9.0";

/// Who this server says it is.
struct os_facts {
  std::string id = "oncue";
  std::string name = "oncue";
  std::string description;
  std::string version;            ///< oncue's own
  std::string db_id = "journal";  ///< by which clients name the store; one server has one
  std::int64_t started_at_ms = 0;
  bool with_key = false;  ///< a bearer key is needed
};

// -- the server ----------------------------------------------------------------------

std::string home_document(const os_facts& facts);
std::string health_document(const os_facts& facts);
/// `cluster`: what its node knows of the others; null on a node that is alone. Everybody may read this document: why the
/// shared store cannot be asked stands in nodes_document() only.
std::string info_document(const catalog& agents, const os_facts& facts, const node_list* cluster = nullptr);
std::string config_document(const catalog& agents, const os_facts& facts);
std::string models_document(const catalog& agents);
/// agno's daily numbers: none are collected, as on a server of agno's before its first refresh.
std::string metrics_document();

/// GET /nodes, oncue's own.
std::string nodes_document(const node_list& nodes);

// -- agents ----------------------------------------------------------------------------

/// What each agent may call; one that is not in it has no tools.
using tools_of_agents = std::map<agent_id, std::vector<tool_spec>>;

std::string agents_document(const catalog& agents, const os_facts& facts, const tools_of_agents& tools = {});
std::string agent_document(const agent_entry& entry, const os_facts& facts, const std::vector<tool_spec>& tools = {});

// -- runs --------------------------------------------------------------------------------

/// What the events of a kept run have in common.
run_labels labels_of(const run_record& run);

/// What a RunOutput is for: agno's answers to a start have no events, but always `tools`.
enum class output_kind : std::uint8_t { kept, answer };

/// agno's RunOutput: the answer to a start that does not stream, and GET …/runs/{run_id}. With the record's events, if it
/// has any. A live run shows the text that it has so far; only one that is over, or paused, has
/// metrics. What a paused run waits for is in its events.
std::string run_output_document(const run_record& run, output_kind kind = output_kind::kept);

/// agno's RunSchema: a run in the lists of a session's runs.
std::string run_document(const run_record& run);
std::string runs_document(const std::vector<run_record>& runs);

/// GET /runs, oncue's own: one short object a run, without its text.
std::string run_list_document(const std::vector<run_record>& runs);

/// 202: the run goes on in the background.
http_answer pending_answer(const run_id& run, const session_id& session);

// -- sessions --------------------------------------------------------------------------------

/// A page of the list, as `asked` for. With the catalog a session's metrics say which model used the tokens.
std::string sessions_document(const sessions_found& found, const find_sessions& asked, const catalog* agents = nullptr);

/// A session with what was said in it: `runs` are all its runs, oldest first; `entry` is its agent, null if there is none.
std::string session_document(const session_record& session, const agent_entry* entry, const std::vector<run_record>& runs);

}  // namespace oncue::core
