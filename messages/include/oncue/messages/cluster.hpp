// What the nodes of one cluster say about each other: who is there, which runs change hands, and the one message that
// crosses a link. Values only; nothing here is needed by a node that is alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oncue/messages/cancel.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/messages/ids.hpp"
#include "oncue/messages/inspection.hpp"
#include "oncue/messages/run.hpp"

namespace oncue {

/// How much a node has to do, as it said last.
struct node_load {
  std::uint64_t queued = 0;
  std::uint64_t running = 0;
  std::uint64_t room = 0;  ///< so many more runs could begin now
  bool draining = false;   ///< it takes no new run

  friend bool operator==(const node_load&, const node_load&) = default;
};

/// A node, as the shared store knows it.
struct node_record {
  incarnation_no incarnation = 0;
  std::string name;
  std::string link_address;  ///< "host:port" where other nodes link to; empty: it takes no links
  std::string url;           ///< of its HTTP server, for people; may be empty
  std::string version;
  bool dead = false;  ///< its lease ran out, or it has left
  std::int64_t started_at_ms = 0;
  std::int64_t lease_left_ms = 0;  ///< when this was read; below 0: late, but nobody has said that it is dead
  node_load load;

  friend bool operator==(const node_record&, const node_record&) = default;
};

/// From the membership: all nodes that are up, this one among them, and the ones that died not long ago.
struct nodes_known {
  incarnation_no self = 0;  ///< 0: this node has no lease now
  std::vector<node_record> nodes;
  std::string problem;  ///< not empty: the shared store could not be asked; `nodes` are those of the last time
};

/// How the connection to another node is.
enum class link_state : std::uint8_t {
  none,        ///< this node itself, or one that takes no links
  connecting,  ///< being tried
  up,
  down,     ///< lost, or refused; it is tried again
  foreign,  ///< there, but it speaks another version: reads and cancels go by the store
};
constexpr link_state enum_max(link_state) { return link_state::foreign; }

std::string_view to_string(link_state state);

struct list_nodes {};

struct node_line {
  node_record node;
  link_state link = link_state::none;
  std::string link_problem;         ///< why it is not up, in a sentence; empty: it is, or nobody knows
  std::uint64_t round_trip_us = 0;  ///< of the last heartbeat; 0: none yet
};

/// The cluster as this node sees it.
struct node_list {
  incarnation_no self = 0;
  std::vector<node_line> nodes;
  std::string problem;  ///< as in nodes_known
};

/// Runs wait that no node has: whoever has room may claim some.
struct work_waits {};

// -- between two supervisors -----------------------------------------------------

/// Another node's supervisor asks: only this node's live runs are meant, nobody is asked further.
struct cancel_here {
  cancel_request request;
};

struct subscribe_here {
  run_id run;
};

// -- membership and supervisor ---------------------------------------------------

/// A run that this node has claimed: it has been created, and waits.
struct claimed_run {
  run_request request;
  run_epoch epoch = 1;
  std::int64_t created_at_ms = 0;
  std::vector<event_ptr> events;  ///< its log so far
};

struct take_runs {
  std::vector<claimed_run> runs;
  std::string problem;  ///< not empty: the store could not be asked
};

struct list_held {};

/// Every run that has an actor here, or is just getting or losing one.
struct held_runs {
  std::vector<run_id> runs;
  node_load load;
};

/// The lease is lost, or will be before it can be renewed: everything stops now, without an ending. Whoever has the lease
/// then writes those.
struct fence_runs {};

/// Runs that have not begun: another node should have them.
struct release_runs {
  std::vector<run_id> runs;
};

struct released_runs {
  std::vector<run_id> runs;  ///< those that were given back; the others are still this node's
};

/// To the membership: this node stops in order.
struct leave_cluster {};

/// To the journal: from now on it writes as this incarnation. 0: it may not write at all.
struct own_as {
  incarnation_no self = 0;
};

// -- membership and the keeper of leases -------------------------------------------

/// Enter the cluster as a new incarnation.
struct enter_node {};

struct enter_reply {
  incarnation_no self = 0;              ///< 0: it has not entered
  std::optional<node_record> taken_by;  ///< because a node of this name has a lease
  std::string problem;                  ///< not empty: the store could not be asked
};

struct renew_lease {
  incarnation_no self = 0;
  node_load load;
};

struct lease_reply {
  bool alive = false;                   ///< false: somebody found the lease over; this incarnation is dead for ever
  std::vector<cancel_request> cancels;  ///< accepted for this node's runs, which are not over; at most pending_cancels_max
  std::vector<node_record> nodes;       ///< all that are up, and the last that died; at most nodes_told_max
  bool work_waits = false;              ///< there are runs that no node has
  std::string problem;                  ///< not empty: the store could not be asked, and nothing is known
};

struct reap_nodes {
  std::int64_t now_ms = 0;  ///< unix time, for the endings
};

struct reap_reply {
  std::vector<incarnation_no> dead;  ///< found over by this call
  std::vector<run_id> ended;         ///< runs of dead nodes
  std::vector<run_id> requeued;      ///< that may be restarted
  bool more = false;                 ///< ask again soon
  std::string problem;
};

/// Which runs are this node's that are neither over nor paused.
struct find_mine {
  incarnation_no self = 0;
};

struct my_runs {
  std::vector<run_id> runs;
  std::string problem;
};

struct claim_runs {
  incarnation_no self = 0;
  std::uint32_t runs_max = 0;
};

struct give_back {
  incarnation_no self = 0;
  std::vector<run_id> runs;
};

struct leave_node {
  incarnation_no self = 0;
};

// -- links -------------------------------------------------------------------------

/// The one message that crosses a link: bytes of ours, see core/link_frames.hpp. At most limits::link_frame_bytes_max.
struct link_frame {
  std::string bytes;
};

/// To the links: these go to that node, in this order, when it has room for them.
struct frames_out {
  incarnation_no node = 0;
  std::vector<std::string> frames;
};

/// The links' word to themselves: time for heartbeats, and for lost links to be tried again.
struct link_tick {};

/// To the dialler, which may block: connect to that node.
struct dial_link {
  incarnation_no node = 0;
  std::string address;  ///< "host:port"
};

/// From the links to whoever reads over them: how the connection to that node is now.
struct link_changed {
  incarnation_no node = 0;
  link_state link = link_state::none;
};

/// To the links: what came from that node makes no sense.
struct link_broken {
  incarnation_no node = 0;
  std::string problem;
};

// -- inspection --------------------------------------------------------------

template <class Inspector>
bool inspect(Inspector& f, node_load& x) {
  return f.object(x).fields(f.field("queued", x.queued), f.field("running", x.running), f.field("room", x.room),
                            f.field("draining", x.draining));
}
template <class Inspector>
bool inspect(Inspector& f, node_record& x) {
  return f.object(x).fields(f.field("incarnation", x.incarnation), f.field("name", x.name),
                            f.field("link_address", x.link_address), f.field("url", x.url), f.field("version", x.version),
                            f.field("dead", x.dead), f.field("started_at_ms", x.started_at_ms),
                            f.field("lease_left_ms", x.lease_left_ms), f.field("load", x.load));
}
template <class Inspector>
bool inspect(Inspector& f, nodes_known& x) {
  return f.object(x).fields(f.field("self", x.self), f.field("nodes", x.nodes), f.field("problem", x.problem));
}
template <class Inspector>
bool inspect(Inspector& f, list_nodes& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, node_line& x) {
  return f.object(x).fields(f.field("node", x.node), f.field("link", x.link), f.field("link_problem", x.link_problem),
                            f.field("round_trip_us", x.round_trip_us));
}
template <class Inspector>
bool inspect(Inspector& f, node_list& x) {
  return f.object(x).fields(f.field("self", x.self), f.field("nodes", x.nodes), f.field("problem", x.problem));
}
template <class Inspector>
bool inspect(Inspector& f, work_waits& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, cancel_here& x) {
  return f.object(x).fields(f.field("request", x.request));
}
template <class Inspector>
bool inspect(Inspector& f, subscribe_here& x) {
  return f.object(x).fields(f.field("run", x.run));
}
template <class Inspector>
bool inspect(Inspector& f, claimed_run& x) {
  return f.object(x).fields(f.field("request", x.request), f.field("epoch", x.epoch),
                            f.field("created_at_ms", x.created_at_ms), f.field("events", x.events));
}
template <class Inspector>
bool inspect(Inspector& f, take_runs& x) {
  return f.object(x).fields(f.field("runs", x.runs), f.field("problem", x.problem));
}
template <class Inspector>
bool inspect(Inspector& f, list_held& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, held_runs& x) {
  return f.object(x).fields(f.field("runs", x.runs), f.field("load", x.load));
}
template <class Inspector>
bool inspect(Inspector& f, fence_runs& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, release_runs& x) {
  return f.object(x).fields(f.field("runs", x.runs));
}
template <class Inspector>
bool inspect(Inspector& f, released_runs& x) {
  return f.object(x).fields(f.field("runs", x.runs));
}
template <class Inspector>
bool inspect(Inspector& f, leave_cluster& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, own_as& x) {
  return f.object(x).fields(f.field("self", x.self));
}
template <class Inspector>
bool inspect(Inspector& f, enter_node& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, enter_reply& x) {
  return f.object(x).fields(f.field("self", x.self), f.field("taken_by", x.taken_by), f.field("problem", x.problem));
}
template <class Inspector>
bool inspect(Inspector& f, renew_lease& x) {
  return f.object(x).fields(f.field("self", x.self), f.field("load", x.load));
}
template <class Inspector>
bool inspect(Inspector& f, lease_reply& x) {
  return f.object(x).fields(f.field("alive", x.alive), f.field("cancels", x.cancels), f.field("nodes", x.nodes),
                            f.field("work_waits", x.work_waits), f.field("problem", x.problem));
}
template <class Inspector>
bool inspect(Inspector& f, reap_nodes& x) {
  return f.object(x).fields(f.field("now_ms", x.now_ms));
}
template <class Inspector>
bool inspect(Inspector& f, reap_reply& x) {
  return f.object(x).fields(f.field("dead", x.dead), f.field("ended", x.ended), f.field("requeued", x.requeued),
                            f.field("more", x.more), f.field("problem", x.problem));
}
template <class Inspector>
bool inspect(Inspector& f, find_mine& x) {
  return f.object(x).fields(f.field("self", x.self));
}
template <class Inspector>
bool inspect(Inspector& f, my_runs& x) {
  return f.object(x).fields(f.field("runs", x.runs), f.field("problem", x.problem));
}
template <class Inspector>
bool inspect(Inspector& f, claim_runs& x) {
  return f.object(x).fields(f.field("self", x.self), f.field("runs_max", x.runs_max));
}
template <class Inspector>
bool inspect(Inspector& f, give_back& x) {
  return f.object(x).fields(f.field("self", x.self), f.field("runs", x.runs));
}
template <class Inspector>
bool inspect(Inspector& f, leave_node& x) {
  return f.object(x).fields(f.field("self", x.self));
}
template <class Inspector>
bool inspect(Inspector& f, frames_out& x) {
  return f.object(x).fields(f.field("node", x.node), f.field("frames", x.frames));
}
template <class Inspector>
bool inspect(Inspector& f, link_tick& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, dial_link& x) {
  return f.object(x).fields(f.field("node", x.node), f.field("address", x.address));
}
template <class Inspector>
bool inspect(Inspector& f, link_changed& x) {
  return f.object(x).fields(f.field("node", x.node), f.field("link", x.link));
}
template <class Inspector>
bool inspect(Inspector& f, link_broken& x) {
  return f.object(x).fields(f.field("node", x.node), f.field("problem", x.problem));
}
template <class Inspector>
bool inspect(Inspector& f, link_frame& x) {
  return f.object(x).fields(f.field("bytes", x.bytes));
}

}  // namespace oncue
