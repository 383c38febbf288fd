// A node's place in its cluster: when it enters, when it renews its lease, when it must stop, and what it does for nodes
// that are gone. Pure: takes what the shared store said and the time, returns what is to be done. Promises that a node
// whose lease cannot be renewed stops before anybody else may take its runs (`stop_at_us`, reckoned from before the renewal
// was asked for); that at most one question of a sort is under way; and that a run of this node without an actor is given
// back, or ended, only when it was missed twice in a row: in between it may just be coming or going.
//
//   outside ── entered ──▶ member ── renewed, each second ──▶ member
//      ▲                     │ not renewed in time, or found dead by others
//      └───── fence ◀────────┘      (and it enters again, as another incarnation)
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/messages/cluster.hpp"

namespace oncue::core {

/// What the membership's actor has to do.
namespace member_order {
struct enter {};  ///< ask to be let in: entered() answers
struct renew {};  ///< ask which runs are held, then renew with their load: renewed() answers
struct reap {};   ///< reaped() answers
struct look {};   ///< ask for this node's rows: looked() answers
struct claim {    ///< claimed() answers
  std::uint32_t runs_max = 0;
};
struct give_back {  ///< given_back() answers, with the same runs
  std::vector<run_id> runs;
};
struct end_lost {  ///< their actors are gone: the journal ends them
  std::vector<run_id> runs;
};
struct own {  ///< whom the journal writes as, from now on; 0: it may not write
  incarnation_no self = 0;
};
struct fence {};     ///< every run stops now, without an ending
struct announce {};  ///< tell the neighbours: known() has it
struct cancel {      ///< accepted for runs of this node, wherever that was
  std::vector<cancel_request> requests;
};
struct take {
  std::vector<claimed_run> runs;
};
struct look_for_expired {};  ///< somebody who saw to paused runs is gone
struct say {                 ///< for the log
  bool is_error = false;
  std::string what;  ///< a name, as all lines of the log have one
  std::string details;
};
}  // namespace member_order

using membership_order = std::variant<member_order::enter, member_order::renew, member_order::reap, member_order::look,
                                      member_order::claim, member_order::give_back, member_order::end_lost,
                                      member_order::own, member_order::fence, member_order::announce, member_order::cancel,
                                      member_order::take, member_order::look_for_expired, member_order::say>;
using membership_orders = std::vector<membership_order>;

class membership {
 public:
  /// Microseconds that also count while the machine sleeps: a lease does not wait for it.
  using time_us = std::int64_t;

  explicit membership(std::chrono::milliseconds lease) : lease_{lease} {}

  /// The time that was asked for by wake_at() has come.
  membership_orders tick(time_us now);

  /// `asked_at`: before the question was sent.
  membership_orders entered(enter_reply reply, time_us asked_at, time_us now);
  membership_orders renewed(lease_reply reply, held_runs held, time_us asked_at, time_us now);
  membership_orders reaped(const reap_reply& reply, time_us now);
  membership_orders looked(const my_runs& mine, time_us now);
  membership_orders claimed(take_runs reply, time_us now);
  membership_orders given_back(const std::vector<run_id>& asked, const released_runs& reply);

  /// Somebody says that runs wait which no node has.
  membership_orders work_waits();

  /// The node drains: it claims nothing more.
  void drain() { draining_ = true; }

  /// When tick() is wanted next; the largest number: not before some answer has come.
  time_us wake_at() const;

  incarnation_no self() const { return known_.self; }
  const nodes_known& known() const { return known_; }
  /// True if there is another node that could take a run.
  bool has_room_elsewhere() const;
  /// When this node stops unless it has renewed by then.
  time_us stop_at_us() const { return stop_at_; }

 private:
  time_us interval_us() const;
  void granted(time_us asked_at);
  void fence(membership_orders& out, std::string why, time_us now);
  void claim(membership_orders& out);

  std::chrono::milliseconds lease_;
  nodes_known known_;
  incarnation_no former_ = 0;  // the one before, whose lease was lost
  time_us stop_at_ = 0;
  time_us next_ask_ = 0;  // enter or renew
  bool asking_ = false;   // one of these is under way
  bool reaping_ = false;
  bool looking_ = false;
  bool claiming_ = false;
  bool draining_ = false;
  bool failing_ = false;  // the store could not be asked, and that was said
  bool is_taken_ = false;
  std::uint64_t room_ = 0;
  std::set<run_id> missed_;  // rows of ours without an actor, when it was looked last
  std::vector<run_id> held_;
};

}  // namespace oncue::core
