// Who may say what to whom: every typed actor interface, in the order of the path. Small roles come first, because whole
// actors appear in signatures only where a role is not enough. This header and type_ids.hpp are the only ones in messages/
// that know CAF.
#pragma once

#include <caf/typed_actor.hpp>
#include <string>
#include <vector>

#include "oncue/messages/archive.hpp"
#include "oncue/messages/cancel.hpp"
#include "oncue/messages/cluster.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/messages/journal.hpp"
#include "oncue/messages/model.hpp"
#include "oncue/messages/run.hpp"
#include "oncue/messages/stats.hpp"
#include "oncue/messages/tools.hpp"

namespace oncue {

// -- time ----------------------------------------------------------------------

/// The time that was asked for has come.
struct alarm {};

/// Wake me at `at_us` (steady time, microseconds). One alarm a client: the latest replaces the one before.
struct set_alarm {
  std::int64_t at_us = 0;
};

struct clear_alarm {};

// -- roles -------------------------------------------------------------------

/// Reads one run's events: a console, a connection, a test's recorder. Asks with `pull`, is answered with batches.
using subscriber_actor = caf::typed_actor<caf::result<void>(event_batch)>;

/// Has a run's events: the live run, or the journal. One batch answers one pull.
using event_source_actor = caf::typed_actor<caf::result<void>(pull_limits, subscriber_actor)>;

/// Takes what a model says: a run.
using delta_sink_actor =
    caf::typed_actor<caf::result<void>(model_opened), caf::result<void>(model_delta), caf::result<void>(model_done),
                     caf::result<void>(model_failed), caf::result<void>(model_closed)>;

/// Takes what a tool says: a run.
using tool_sink_actor = caf::typed_actor<caf::result<void>(tool_result), caf::result<void>(tool_closed)>;

/// Takes the journal's word on what is logged: a run.
using journal_client_actor =
    caf::typed_actor<caf::result<void>(appended), caf::result<void>(finished), caf::result<void>(journal_refused)>;

/// Wants to be woken at some time: a run with deadlines, a paced model stream.
using alarm_client_actor = caf::typed_actor<caf::result<void>(alarm)>;

// -- messages that carry a handle ----------------------------------------------

struct start_reply {
  std::optional<refusal> refused;
  run_id run;
  session_id session;
  event_source_actor source;  ///< where to pull from; null when refused
  bool existing = false;      ///< the idempotency key made this run before: nothing was started
  event_index from = 0;       ///< the first event of what was asked for: of a run that goes on, its run_continued
};

struct subscribe_run {
  run_id run;
};

struct subscribe_reply {
  bool known = false;
  event_source_actor source;  ///< the live run, or the journal when it has ended
};

/// Begin to wait for the model: a place is free, and it is this run's turn in its session.
struct begin_run {
  std::vector<chat_message> history;  ///< what was said in the session before
  std::string problem;                ///< not empty: the history could not be read, and the run fails
};

/// The run's ending is journalled and everything of it is closed; it quits now. Or it is paused: then the journal keeps it.
struct run_closed {
  run_id run;
  run_status status = run_status::completed;
  std::int64_t expires_at_ms = 0;  ///< of a paused one; 0: never
};

/// The run's visible status changed.
struct run_changed {
  run_id run;
  run_status status = run_status::running;
};

/// The run has another owner now: its actor has stopped everything and goes, and this node writes no ending for it.
struct run_left {
  run_id run;
};

/// Stop intake, let live runs end for `grace_ms`, then cancel them and wait for that at most `cancel_grace_ms`.
struct drain_node {
  std::uint64_t grace_ms = 0;
  std::uint64_t cancel_grace_ms = 5000;
};

struct drain_reply {
  std::uint64_t ended = 0;      ///< runs that ended by themselves in the grace period
  std::uint64_t cancelled = 0;  ///< runs that were cancelled
  std::vector<run_id> left;     ///< runs that were still there at the end
};

// -- many nodes ----------------------------------------------------------------

/// What crosses between nodes arrives here: the one actor of a node that others can reach.
using door_actor = caf::typed_actor<caf::result<void>(link_frame)>;

/// What came of a dial_link.
struct link_dialled {
  incarnation_no node = 0;
  door_actor door;      ///< null: there is no link
  std::string problem;  ///< why not, in a sentence
};

/// What a node knows of the others: one a node, if the node has any. Routes what is not live here to where it is, over
/// links that may lose anything; what they lose the journal has.
using neighbours_actor =
    caf::typed_actor<caf::result<cancel_reply>(cancel_request),    // whoever has it: outcome unknown if nobody said so
                     caf::result<subscribe_reply>(subscribe_run),  // where to pull a run from that is not live here
                     caf::result<void>(nodes_known),               // from the membership, each time it has asked
                     caf::result<void>(work_waits),                // from the supervisor: the others should look
                     caf::result<node_list>(list_nodes)>;

/// Keeps this node's lease, and does what the lease is for. One a node that has a shared store.
using membership_actor = caf::typed_actor<caf::result<void>(work_waits),             // runs wait that no node has
                                          caf::result<released_runs>(release_runs),  // from the supervisor that drains
                                          caf::result<my_runs>(leave_cluster)>;      // the last word: gives the lease up

/// Asks the shared store about leases, and waits for its answer: a database may take its time. A port.
using lease_keeper_actor = caf::typed_actor<caf::result<enter_reply>(enter_node), caf::result<lease_reply>(renew_lease),
                                            caf::result<reap_reply>(reap_nodes), caf::result<my_runs>(find_mine),
                                            caf::result<take_runs>(claim_runs), caf::result<released_runs>(give_back),
                                            caf::result<my_runs>(leave_node)>;  // with the problem, if there was one

/// To the supervisor of a node that is not alone, once at its start.
struct join_cluster {
  neighbours_actor neighbours;
  membership_actor membership;
};

// -- the path ----------------------------------------------------------------

/// One a node: admits or refuses, spawns and monitors runs, the only router of cancel. Never sees a token.
using supervisor_actor =
    caf::typed_actor<caf::result<start_reply>(run_request),        // start
                     caf::result<cancel_reply>(cancel_request),    // cancel: answered by the run, or by the journal
                     caf::result<subscribe_reply>(subscribe_run),  // where to pull a run's events from
                     caf::result<run_list>(list_runs),             // live runs and, behind them, ended ones
                     caf::result<drain_reply>(drain_node),         // shut down in order
                     caf::result<node_stats>(get_stats),
                     caf::result<start_reply>(continue_run),        // a person has decided on a paused run's calls
                     caf::result<void>(run_changed),                // from a run
                     caf::result<void>(run_closed),                 // from a run, its last word
                     caf::result<void>(run_left),                   // from a run that is another node's now
                     caf::result<void>(alarm),                      // paused runs may have expired
                     caf::result<cancel_reply>(cancel_here),        // from another node: outcome unknown if not live here
                     caf::result<subscribe_reply>(subscribe_here),  // from another node: known only if live here
                     caf::result<void>(take_runs),                  // from the membership: runs that were claimed
                     caf::result<held_runs>(list_held),             // from the membership: which runs have an actor
                     caf::result<void>(fence_runs),                 // from the membership: the lease is lost
                     caf::result<void>(join_cluster)>;

/// One a run: owns one run machine and the live tail of its log. Quits after its ending.
using run_actor = event_source_actor::extend_with<delta_sink_actor>::extend_with<tool_sink_actor>::
    extend_with<subscriber_actor>::extend_with<journal_client_actor>::extend_with<alarm_client_actor>::extend<
        caf::result<void>(begin_run),                // from the supervisor: a place is free
        caf::result<cancel_reply>(cancel_request)>;  // high priority, idempotent

/// One attempt at one provider call. Reports to its sink; ends when told, when done, or when the sink dies.
using model_stream_actor =
    caf::typed_actor<caf::result<void>(model_request, attempt_no, delta_sink_actor),  // open
                     caf::result<void>(deltas_taken),  // now and then: how far the sink has come
                     caf::result<void>(close_stream), caf::result<void>(pause_stream), caf::result<void>(resume_stream)>;

/// One call of one tool. Reports to its sink; ends when it has answered and closed, when told to stop, or when the sink
/// dies.
using tool_call_actor = caf::typed_actor<caf::result<void>(start_tool, tool_sink_actor), caf::result<void>(stop_tool)>;

/// One server of tools (MCP), shared by all runs of a node: started when it is first asked, and again when it dies.
using tool_server_actor = caf::typed_actor<caf::result<tools_listed>(list_tools)>;

/// The store's single writer, and the source of events that no live run holds any more.
using journal_actor = event_source_actor::extend<
    caf::result<create_reply>(create_run), caf::result<void>(append_events, journal_client_actor),
    caf::result<void>(finish_run, journal_client_actor),  // high priority
    caf::result<end_orphan_reply>(end_orphan),            // from the supervisor: the run's actor is gone
    caf::result<record_cancel_reply>(record_cancel),      // from the supervisor: the run is not live here
    caf::result<history>(load_history),                   // from the supervisor: a run of this session begins
    caf::result<paused_run>(find_paused),                 // from the supervisor: somebody wants to go on with it
    caf::result<reopen_reply>(reopen_run), caf::result<expired_runs>(end_expired), caf::result<run_list>(list_runs),
    caf::result<session_reply>(create_session), caf::result<session_reply>(change_session),
    caf::result<sessions_deleted>(delete_sessions)>;

/// Reads what the journal keeps, beside its writer: a long list or a replay delays no ending.
using archive_actor =
    event_source_actor::extend<caf::result<run_found>(find_run), caf::result<runs_found>(find_runs),
                               caf::result<session_reply>(find_session), caf::result<sessions_found>(find_sessions),
                               caf::result<run_owner>(find_owner)>;

/// The one place where runs and streams wait for time. Ten thousand waiting clients cost one timer.
using alarm_clock_actor =
    caf::typed_actor<caf::result<void>(set_alarm, alarm_client_actor), caf::result<void>(clear_alarm, alarm_client_actor)>;

// -- the edge ----------------------------------------------------------------

/// The client of an HTTP call has left before it had its whole answer.
struct client_gone {};

/// The client has taken what was written to it; there is room for more.
struct client_ready {};

/// One HTTP request, from its head to the last byte of its answer. A stream's call is the run's subscriber.
using http_call_actor = subscriber_actor::extend<caf::result<void>(client_gone), caf::result<void>(client_ready)>;

// -- inspection --------------------------------------------------------------

template <class Inspector>
bool inspect(Inspector& f, alarm& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, set_alarm& x) {
  return f.object(x).fields(f.field("at_us", x.at_us));
}
template <class Inspector>
bool inspect(Inspector& f, clear_alarm& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, start_reply& x) {
  return f.object(x).fields(f.field("refused", x.refused), f.field("run", x.run), f.field("session", x.session),
                            f.field("source", x.source), f.field("existing", x.existing), f.field("from", x.from));
}
template <class Inspector>
bool inspect(Inspector& f, subscribe_run& x) {
  return f.object(x).fields(f.field("run", x.run));
}
template <class Inspector>
bool inspect(Inspector& f, subscribe_reply& x) {
  return f.object(x).fields(f.field("known", x.known), f.field("source", x.source));
}
template <class Inspector>
bool inspect(Inspector& f, begin_run& x) {
  return f.object(x).fields(f.field("history", x.history), f.field("problem", x.problem));
}
template <class Inspector>
bool inspect(Inspector& f, run_closed& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("status", x.status), f.field("expires_at_ms", x.expires_at_ms));
}
template <class Inspector>
bool inspect(Inspector& f, run_left& x) {
  return f.object(x).fields(f.field("run", x.run));
}
template <class Inspector>
bool inspect(Inspector& f, run_changed& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("status", x.status));
}
template <class Inspector>
bool inspect(Inspector& f, drain_node& x) {
  return f.object(x).fields(f.field("grace_ms", x.grace_ms), f.field("cancel_grace_ms", x.cancel_grace_ms));
}
template <class Inspector>
bool inspect(Inspector& f, client_gone& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, client_ready& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, join_cluster& x) {
  return f.object(x).fields(f.field("neighbours", x.neighbours), f.field("membership", x.membership));
}
template <class Inspector>
bool inspect(Inspector& f, link_dialled& x) {
  return f.object(x).fields(f.field("node", x.node), f.field("door", x.door), f.field("problem", x.problem));
}
template <class Inspector>
bool inspect(Inspector& f, drain_reply& x) {
  return f.object(x).fields(f.field("ended", x.ended), f.field("cancelled", x.cancelled), f.field("left", x.left));
}

}  // namespace oncue
