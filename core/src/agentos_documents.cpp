// The server's own documents and its agents; runs and sessions are in agentos_records.cpp.
#include "oncue/core/agentos_documents.hpp"

#include <set>
#include <utility>

#include "json_keys.hpp"
#include "oncue/core/json_text.hpp"
#include "oncue/core/node_view.hpp"
#include "tool_json.hpp"

namespace oncue::core {
namespace {

/// A part of /config that is kept in the one store: {"dbs":[{"db_id":…,"domain_config":{"display_name":…},"tables":[…]}]}.
std::string in_store(const os_facts& facts, std::string_view table) {
  std::string name;
  add(name, "display_name", facts.db_id);
  std::string members;
  add(members, "db_id", facts.db_id);
  add_raw(members, "domain_config", object_of(name));
  std::string tables;
  append_json_string(tables, table);
  add_raw(members, "tables", "[" + tables + "]");
  return R"({"dbs":[)" + object_of(members) + "]}";
}

std::string model_object(const model_spec& model) {
  std::string members;
  add(members, "id", model.name);
  add(members, "provider", to_string(model.provider));
  return object_of(members);
}

std::string cluster_object(const node_list& cluster) {
  const auto counts = count_nodes(cluster);
  std::string members;
  add(members, "self", cluster.self);
  add(members, "nodes_up", counts.up);
  add(members, "links_up", counts.links_up);
  if (cluster.problem.empty()) {
    add_raw(members, "problem", "null");
  } else {
    add(members, "problem", "the shared store cannot be asked: see /nodes");
  }
  return object_of(members);
}

/// A tool as agno describes its functions.
std::string tool_object(const tool_spec& tool) {
  std::string members;
  add(members, "name", tool.name);
  if (!tool.description.empty()) add(members, "description", tool.description);
  add_raw(members, "parameters", compact_arguments(tool.parameters).value_or("{}"));
  if (tool.need == tool_need::confirmation) add_bool(members, "requires_confirmation", true);
  if (tool.need == tool_need::user_input) add_bool(members, "requires_user_input", true);
  if (tool.need == tool_need::result) add_bool(members, "external_execution", true);
  return object_of(members);
}

}  // namespace

std::string home_document(const os_facts& facts) {
  std::string members;
  add(members, "name", facts.name);
  add(members, "id", facts.id);
  add(members, "version", facts.version);
  return object_of(members);
}

std::string health_document(const os_facts& facts) {
  std::string members;
  add(members, "status", "ok");
  add(members, "instantiated_at", iso_time_z(facts.started_at_ms));
  return object_of(members);
}

std::string info_document(const catalog& agents, const os_facts& facts, const node_list* cluster) {
  std::string members;
  add(members, "os_id", facts.id);
  add(members, "name", facts.name);
  add(members, "agno_version", agno_wire_version);
  add(members, "agent_count", agents.agents.size());
  members += R"(,"team_count":0,"workflow_count":0,"mcp":{"enabled":false,"path":null,"oauth":null})";
  add(members, "auth_mode", facts.with_key ? "security_key" : "none");
  add(members, "os_version", facts.version);  // agno 3's clients want it
  add(members, "oncue_version", facts.version);
  if (cluster) add_raw(members, "cluster", cluster_object(*cluster));
  return object_of(members);
}

std::string config_document(const catalog& agents, const os_facts& facts) {
  std::string members;
  add(members, "os_id", facts.id);
  add(members, "name", facts.name);
  if (!facts.description.empty()) add(members, "description", facts.description);
  std::string database;
  append_json_string(database, facts.db_id);
  add_raw(members, "available_models", "[]");
  add_raw(members, "databases", "[" + database + "]");
  add_raw(members, "session", in_store(facts, "sessions"));
  members += R"(,"metrics":{"dbs":[]},"memory":{"dbs":[]},"learning":{"dbs":[]})"
             R"(,"knowledge":{"dbs":[],"knowledge_instances":[]},"evals":{"dbs":[]},"traces":{"dbs":[]})";
  std::string list;
  for (const auto& [id, entry] : agents.agents) {
    std::string agent;
    add(agent, "id", id.value);
    add(agent, "name", entry->agent.name);
    if (!entry->agent.description.empty()) add(agent, "description", entry->agent.description);
    add(agent, "db_id", facts.db_id);
    add_raw(agent, "model", model_object(entry->model));
    list += "," + object_of(agent);
  }
  add_raw(members, "agents", list_of(list));
  members += R"(,"teams":[],"workflows":[],"interfaces":[])";
  return object_of(members);
}

std::string models_document(const catalog& agents) {
  std::set<std::string> models;  // in one order, each once
  for (const auto& [id, entry] : agents.agents) models.insert(model_object(entry->model));
  std::string list;
  for (const auto& model : models) list += "," + model;
  return list_of(list);
}

std::string metrics_document() { return R"({"metrics":[],"updated_at":null})"; }

std::string agent_document(const agent_entry& entry, const os_facts& facts, const std::vector<tool_spec>& tools) {
  std::string members;
  add(members, "id", entry.agent.id.value);
  add(members, "name", entry.agent.name);
  add(members, "db_id", facts.db_id);
  if (!entry.agent.description.empty()) add(members, "description", entry.agent.description);
  add_bool(members, "is_factory", false);
  std::string model;
  add(model, "name", entry.model.id);
  add(model, "model", entry.model.name);
  add(model, "provider", to_string(entry.model.provider));
  add_raw(members, "model", object_of(model));
  if (!tools.empty()) {
    std::string list;
    for (const auto& tool : tools) list += "," + tool_object(tool);
    add_raw(members, "tools", R"({"tools":)" + list_of(list) + "}");
  }
  members += R"(,"sessions":{"session_table":"sessions"},"is_component":false)";
  return object_of(members);
}

std::string agents_document(const catalog& agents, const os_facts& facts, const tools_of_agents& tools) {
  std::string list;
  for (const auto& [id, entry] : agents.agents) {
    const auto found = tools.find(id);
    list += "," + (found == tools.end() ? agent_document(*entry, facts) : agent_document(*entry, facts, found->second));
  }
  return list_of(list);
}

}  // namespace oncue::core
