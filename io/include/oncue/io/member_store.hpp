// Who is in the cluster, as the shared store keeps it: nodes, their leases, and the runs that change hands because of them.
// All times are the store's own, so no node's clock decides anything. Promises that an incarnation is issued once, that a
// lease which somebody found over never comes back, that a run has one owner at a time (each change of it counts the run's
// epoch up), and that nothing leaves as an exception. Has a connection of its own: a long commit delays no renewal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "oncue/io/run_store.hpp"
#include "oncue/messages/cluster.hpp"

namespace oncue::io {

/// What a node says about itself when it enters.
struct node_facts {
  std::string name;
  std::string link_address;
  std::string url;
  std::string version;
  std::string process;        ///< see process_identity(): a later one of the same name may find out that it is gone
  std::int64_t lease_ms = 0;  ///< how long its lease is, each time
};

class member_store {
 public:
  virtual ~member_store() = default;

  /// Issues an incarnation with a lease from now on. A node of the same name is dead from now on if its lease is over, or
  /// if its process is known to be gone.
  virtual store_result<enter_reply> enter(const node_facts& facts) = 0;

  /// The lease anew, also if it is late and nobody has minded.
  virtual store_result<lease_reply> renew(incarnation_no self, const node_load& load) = 0;

  /// Finds leases that are over, and ends or requeues the runs of dead nodes, at most reaped_runs_max: cancelled if that
  /// was accepted, requeued if their policy says so, else failed with node_lost. Not for one lease after the store's own
  /// start: nobody could renew before.
  virtual store_result<reap_reply> reap(std::int64_t now_ms) = 0;

  /// This node's runs that are neither over nor paused.
  virtual store_result<std::vector<run_id>> open_runs(incarnation_no self) = 0;

  /// Takes some of the runs that no node has, the oldest first; none if the lease is over.
  virtual store_result<std::vector<claimed_run>> claim(incarnation_no self, std::uint32_t runs_max) = 0;

  /// Gives runs back that have not begun. Which of them: the others have begun, or are somebody else's.
  virtual store_result<std::vector<run_id>> release(incarnation_no self, const std::vector<run_id>& runs) = 0;

  /// The lease is given up: whoever reaps next ends what is left. What failed, or nothing.
  virtual std::string leave(incarnation_no self) = 0;
};

/// Which process this is: the boot of the machine, the process's name space, its number, and when it began. Empty if the
/// system does not tell.
std::string process_identity();

/// True if that process was of this machine and this name space, and is not there any more. Where nobody can tell: false.
bool is_process_gone(const std::string& identity);

}  // namespace oncue::io
