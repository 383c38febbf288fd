// What a client of an AgentOS server writes into its requests and reads in the answers; events apart
// (agentos_events_in.hpp). Reads oncue's answers and agno's, which have fewer keys: a text that is not there is empty.
// Whatever a server sends is a value or one sentence, never an exception, and bounded in depth. Knows no socket, and holds
// no key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oncue/core/http_text.hpp"
#include "oncue/messages/cancel.hpp"
#include "oncue/messages/tools.hpp"

namespace oncue::core {

// -- requests ------------------------------------------------------------------------

/// A server's address as a person writes it: "http://127.0.0.1:7777", "localhost:7777" (http then), "https://host/below".
struct server_url {
  std::string base;   ///< with its scheme, without a slash at its end
  std::string error;  ///< one sentence; empty: it is one. Never quotes what may be a password
};
server_url parse_server_url(std::string_view text);

/// For a part of a path: all bytes but A-Za-z0-9-._~ as %XX (RFC 3986, 2.3).
std::string percent_encoded(std::string_view text);

/// application/x-www-form-urlencoded, a query as well: "a=b&c=d%20e". Fields with an empty value are left out.
std::string form_encoded(const field_pairs& fields);

/// The field `tools` of a continue: each call that waits, with what was decided on it. Calls without a decision are left
/// out: the server says which are missing. What is decided on a call that does not wait is passed over.
std::string decided_tools(const std::vector<tool_requirement>& waiting_for, const std::vector<tool_decision>& decisions);

// -- answers ---------------------------------------------------------------------------

/// Why a request was refused, as the server says it in `detail`; of several wrong fields each, with its place. A body that
/// says nothing is "the server answered with status 502".
std::string read_refusal(int status, std::string_view body);

/// A cancel's receipt. agno's answer, {}, is accepted: the cancel is on its way and more is not said.
std::variant<cancel_reply, std::string> read_receipt(std::string_view json);

/// Ids of the agents, in the server's order: the first one is its default.
std::variant<std::vector<std::string>, std::string> read_agents(std::string_view json);

/// A run in a list, or by itself.
struct listed_run {
  std::string id;
  std::string agent;
  std::string session;
  std::string status;  ///< AgentOS' word: RUNNING, …
  std::int64_t created_at_ms = 0;
  std::string input;    ///< what was said to the agent
  std::string content;  ///< what it answered, so far
  std::string json;     ///< the object as it came, on one line
};
/// An array of runs, or an object with it under `data`.
std::variant<std::vector<listed_run>, std::string> read_runs(std::string_view json);
std::variant<listed_run, std::string> read_run(std::string_view json);

/// True for PENDING, RUNNING and PAUSED.
bool is_live_status(std::string_view status);

struct listed_session {
  std::string id;
  std::string name;
  std::string agent;
  std::string user;
  std::int64_t updated_at_ms = 0;
  std::string json;
};
struct listed_sessions {
  std::vector<listed_session> sessions;
  std::uint64_t total = 0;  ///< on all pages
};
std::variant<listed_sessions, std::string> read_sessions(std::string_view json);
std::variant<listed_session, std::string> read_session(std::string_view json);

/// A node in a server's list of them.
struct listed_node {
  std::uint64_t incarnation = 0;
  std::string name;
  std::string state;  ///< up, late, dead
  std::string url;
  std::string version;
  std::string link;  ///< none, connecting, up, down, foreign
  std::string link_problem;
  std::uint64_t round_trip_us = 0;
  std::optional<std::int64_t> lease_left_ms;  ///< absent: it has no use for one
  std::uint64_t running = 0;
  std::uint64_t queued = 0;
  std::uint64_t room = 0;
  bool draining = false;
};
struct listed_nodes {
  std::uint64_t self = 0;  ///< the node that was asked; 0: it has no lease
  std::vector<listed_node> nodes;
  std::string problem;
  std::string json;  ///< the document as it came, on one line
};
std::variant<listed_nodes, std::string> read_nodes(std::string_view json);

/// Unix milliseconds of "2026-11-22T07:02:02Z", "2026-11-22T07:02:45.906000+00:00" or of one without a zone (UTC then).
std::optional<std::int64_t> parse_iso_time(std::string_view text);

}  // namespace oncue::core
