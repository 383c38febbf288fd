// Which request is meant: a method and a path become one of a few small structs, each with the ids that stand in the path.
// One table holds every route; /openapi.json and the docs page are made from the same table (agentos_openapi.hpp), so that
// they cannot drift from what is served. Says who nobody serves, too: a wrong method, an unknown path, and the parts of
// AgentOS that oncue does not have. Checks no id, reads no query and no body.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "oncue/messages/ids.hpp"

namespace oncue::core {

namespace routes {

// -- agents and their runs ---------------------------------------------------------
struct list_agents {};
struct get_agent {
  agent_id agent;
};
struct start_run {
  agent_id agent;
};
struct agent_runs {
  agent_id agent;
};
struct get_run {
  agent_id agent;  ///< empty: of any agent (GET /runs/{run_id})
  run_id run;
};
struct cancel_run {
  agent_id agent;  ///< empty: of any agent (POST /runs/{run_id}/cancel)
  run_id run;
};
struct resume_run {
  agent_id agent;
  run_id run;
};
struct run_events {
  agent_id agent;  ///< empty: of any agent (GET /runs/{run_id}/events)
  run_id run;
};
struct continue_run {
  agent_id agent;
  run_id run;
};
/// GET /runs: live and recent runs of all agents.
struct list_runs {};

// -- sessions ----------------------------------------------------------------------
struct list_sessions {};
struct create_session {};
struct delete_sessions {};
struct get_session {
  session_id session;
};
struct patch_session {
  session_id session;
};
struct delete_session {
  session_id session;
};
struct rename_session {
  session_id session;
};
struct session_runs {
  session_id session;
};
struct session_run {
  session_id session;
  run_id run;
};

// -- the server itself ---------------------------------------------------------------
struct home {};
struct health {};
struct info {};
struct config {};
struct models {};
struct metrics {};
struct prometheus {};
/// GET /nodes: who is in the cluster.
struct nodes {};
struct openapi {};
struct docs {};

// -- what agno has and oncue has none of -----------------------------------------------
struct list_teams {};
struct list_workflows {};
struct no_team {};      ///< 404 "Team not found"
struct no_workflow {};  ///< 404 "Workflow not found"
struct not_served {
  std::string what;  ///< "memories", "checkpoints", …
};

// -- what is no route ----------------------------------------------------------------
/// OPTIONS on a path that there is.
struct options {
  std::string allow;  ///< for the Allow header: "GET, HEAD, OPTIONS"
};
struct method_not_allowed {
  std::string allow;
};
struct not_found {};

}  // namespace routes

using route =
    std::variant<routes::not_found, routes::method_not_allowed, routes::options, routes::list_agents, routes::get_agent,
                 routes::start_run, routes::agent_runs, routes::get_run, routes::cancel_run, routes::resume_run,
                 routes::run_events, routes::continue_run, routes::list_runs, routes::list_sessions, routes::create_session,
                 routes::delete_sessions, routes::get_session, routes::patch_session, routes::delete_session,
                 routes::rename_session, routes::session_runs, routes::session_run, routes::home, routes::health,
                 routes::info, routes::config, routes::models, routes::metrics, routes::prometheus, routes::nodes,
                 routes::openapi, routes::docs, routes::list_teams, routes::list_workflows, routes::no_team,
                 routes::no_workflow, routes::not_served>;

/// `method` is upper case; HEAD is answered as GET. `segments` are the decoded parts of the path between its slashes, none
/// for "/"; empty ones at the end (a trailing slash) do not count, and an empty one where an id should be matches nothing.
route match_route(std::string_view method, std::span<const std::string> segments);

/// False for what is answered without a key: /, /health, /info, /docs and /openapi.json, as in agno.
bool needs_key(const route& which);

}  // namespace oncue::core
