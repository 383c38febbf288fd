// What is asked of the journal by people: one run, the runs and the sessions that are kept. Reads, and the few writes that
// concern sessions as such; a run's own events are in journal.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oncue/messages/events.hpp"
#include "oncue/messages/ids.hpp"
#include "oncue/messages/inspection.hpp"
#include "oncue/messages/run.hpp"

namespace oncue {

/// A run as it is kept, live or ended.
struct run_record {
  run_summary summary;
  user_id user;
  run_id parent;  ///< empty: a run of its own
  std::string input;
  run_started started;             ///< the agent's and the model's names
  std::string content;             ///< the text so far, or the whole of it
  std::optional<run_ended> ended;  ///< with its content moved into `content`
  std::int64_t updated_at_ms = 0;  ///< when its last event was logged
  event_index next = 0;            ///< events logged so far
  std::vector<event_ptr> events;   ///< without the deltas; when asked for, in a list of runs that used tools or are paused

  friend bool operator==(const run_record&, const run_record&) = default;
};

struct find_run {
  run_id run;
  bool with_events = false;
};

struct run_found {
  std::optional<run_record> run;
};

/// Which node has a run.
struct find_owner {
  run_id run;
};

struct run_owner {
  std::optional<run_status> status;  ///< absent: no such run
  incarnation_no owner = 0;          ///< of a run that is pending or running; 0: nobody yet
};

struct find_runs {
  session_id session;  ///< empty: of any
  agent_id agent;      ///< empty: of any
  user_id user;        ///< empty: of any
  std::optional<run_status> status;
  std::int64_t created_from_ms = 0;   ///< 0: from the beginning
  std::int64_t created_until_ms = 0;  ///< 0: until now
  std::uint32_t runs_max = 0;
  bool newest_first = true;
};

struct runs_found {
  bool session_known = false;  ///< there is such a session; false if none was asked for
  std::vector<run_record> runs;
};

/// A conversation: the runs that share a session id.
struct session_record {
  session_id id;
  agent_id agent;
  user_id user;
  std::string name;      ///< given, or the first message's beginning
  std::string state;     ///< a JSON object; empty: none
  std::string metadata;  ///< a JSON object; empty: none
  std::string summary;   ///< JSON; empty: none
  std::int64_t created_at_ms = 0;
  std::int64_t updated_at_ms = 0;
  token_usage usage;  ///< of all its runs

  friend bool operator==(const session_record&, const session_record&) = default;
};

/// Makes a session before its first run. Refused if there is one with this id.
struct create_session {
  session_record session;
};

/// Changes what is given.
struct change_session {
  session_id session;
  std::optional<std::string> name;
  std::optional<std::string> state;
  std::optional<std::string> metadata;
  std::optional<std::string> summary;
  std::int64_t at_ms = 0;
};

struct find_session {
  session_id session;
};

struct session_reply {
  std::optional<session_record> session;  ///< as it is now; absent: no such session, or refused
  std::string refused;                    ///< why it could not be made or changed; empty: it was, or there is none
  bool duplicate = false;                 ///< refused because there is one already
};

/// Forgets sessions and their ended runs. Runs that are not over stay until they are.
struct delete_sessions {
  std::vector<session_id> sessions;
};

struct sessions_deleted {
  std::uint32_t count = 0;
  std::string refused;  ///< why nothing was deleted; empty: all that exist were
};

enum class session_order : std::uint8_t { created, updated, name };
constexpr session_order enum_max(session_order) { return session_order::name; }

struct find_sessions {
  agent_id agent;             ///< empty: of any
  user_id user;               ///< empty: of any
  std::string name_contains;  ///< empty: any
  session_order order = session_order::created;
  bool descending = true;
  std::uint32_t page = 1;  ///< from 1
  std::uint32_t sessions_max = 0;
};

struct sessions_found {
  std::vector<session_record> sessions;  ///< of the page
  std::uint64_t total = 0;               ///< on all pages
};

// -- inspection --------------------------------------------------------------

template <class Inspector>
bool inspect(Inspector& f, run_record& x) {
  return f.object(x).fields(f.field("summary", x.summary), f.field("user", x.user), f.field("parent", x.parent),
                            f.field("input", x.input), f.field("started", x.started), f.field("content", x.content),
                            f.field("ended", x.ended), f.field("updated_at_ms", x.updated_at_ms), f.field("next", x.next),
                            f.field("events", x.events));
}
template <class Inspector>
bool inspect(Inspector& f, find_run& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("with_events", x.with_events));
}
template <class Inspector>
bool inspect(Inspector& f, run_found& x) {
  return f.object(x).fields(f.field("run", x.run));
}
template <class Inspector>
bool inspect(Inspector& f, find_owner& x) {
  return f.object(x).fields(f.field("run", x.run));
}
template <class Inspector>
bool inspect(Inspector& f, run_owner& x) {
  return f.object(x).fields(f.field("status", x.status), f.field("owner", x.owner));
}
template <class Inspector>
bool inspect(Inspector& f, find_runs& x) {
  return f.object(x).fields(f.field("session", x.session), f.field("agent", x.agent), f.field("user", x.user),
                            f.field("status", x.status), f.field("created_from_ms", x.created_from_ms),
                            f.field("created_until_ms", x.created_until_ms), f.field("runs_max", x.runs_max),
                            f.field("newest_first", x.newest_first));
}
template <class Inspector>
bool inspect(Inspector& f, runs_found& x) {
  return f.object(x).fields(f.field("session_known", x.session_known), f.field("runs", x.runs));
}
template <class Inspector>
bool inspect(Inspector& f, session_record& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("agent", x.agent), f.field("user", x.user),
                            f.field("name", x.name), f.field("state", x.state), f.field("metadata", x.metadata),
                            f.field("summary", x.summary), f.field("created_at_ms", x.created_at_ms),
                            f.field("updated_at_ms", x.updated_at_ms), f.field("usage", x.usage));
}
template <class Inspector>
bool inspect(Inspector& f, create_session& x) {
  return f.object(x).fields(f.field("session", x.session));
}
template <class Inspector>
bool inspect(Inspector& f, change_session& x) {
  return f.object(x).fields(f.field("session", x.session), f.field("name", x.name), f.field("state", x.state),
                            f.field("metadata", x.metadata), f.field("summary", x.summary), f.field("at_ms", x.at_ms));
}
template <class Inspector>
bool inspect(Inspector& f, find_session& x) {
  return f.object(x).fields(f.field("session", x.session));
}
template <class Inspector>
bool inspect(Inspector& f, session_reply& x) {
  return f.object(x).fields(f.field("session", x.session), f.field("refused", x.refused),
                            f.field("duplicate", x.duplicate));
}
template <class Inspector>
bool inspect(Inspector& f, delete_sessions& x) {
  return f.object(x).fields(f.field("sessions", x.sessions));
}
template <class Inspector>
bool inspect(Inspector& f, sessions_deleted& x) {
  return f.object(x).fields(f.field("count", x.count), f.field("refused", x.refused));
}
template <class Inspector>
bool inspect(Inspector& f, find_sessions& x) {
  return f.object(x).fields(f.field("agent", x.agent), f.field("user", x.user), f.field("name_contains", x.name_contains),
                            f.field("order", x.order), f.field("descending", x.descending), f.field("page", x.page),
                            f.field("sessions_max", x.sessions_max));
}
template <class Inspector>
bool inspect(Inspector& f, sessions_found& x) {
  return f.object(x).fields(f.field("sessions", x.sessions), f.field("total", x.total));
}

}  // namespace oncue
