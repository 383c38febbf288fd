// The database that the simulated nodes share: the real statements of the stores on SQLite in memory, nodes and leases on
// the virtual clock. Can be away, full, slow to answer (an answer is lost although the work is done), cut off from one
// node. Every write that it takes is shown to a ledger, which knows at any time what is durable.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "chance.hpp"
#include "oncue/io/member_store.hpp"
#include "oncue/io/run_store.hpp"
#include "shared_sql.hpp"

namespace oncue::sim {

/// One node's way to the database.
struct database_line {
  int node = 0;
  int life = 0;       ///< 0: not begun yet
  bool dead = false;  ///< its process is gone: nothing of it arrives any more
  bool cut = false;
};

/// Told of what the database has taken, before whoever asked is answered.
class ledger {
 public:
  virtual ~ledger() = default;
  virtual void created(const run_request& request, incarnation_no owner, const std::vector<event_ptr>& events) = 0;
  /// Logged by its owner.
  virtual void appended(const run_id& run, incarnation_no writer, std::span<const event_ptr> events) = 0;
  /// The ending that stands, as a write or the reaper was told. `in_its_place`: not by the run itself.
  virtual void ended(const run_id& run, const event_ptr& ending, bool in_its_place) = 0;
  virtual void owned(const run_id& run, incarnation_no owner) = 0;
  virtual void died(incarnation_no node) = 0;
  /// A life of a node has this number now.
  virtual void entered(incarnation_no node, int life) = 0;
};

struct node_row {
  node_record facts;
  std::int64_t lease_us = 0;
  std::int64_t until_us = 0;
  std::int64_t dead_at_us = 0;
};

class database {
 public:
  database(chance& luck, ledger& books) : luck_{luck}, books_{books} {}

  std::shared_ptr<io::run_store> store_for(std::shared_ptr<database_line> line);
  std::shared_ptr<io::run_archive> archive_for(std::shared_ptr<database_line> line);
  std::shared_ptr<io::member_store> members_for(std::shared_ptr<database_line> line);

  /// Faults.
  bool away = false;
  bool full = false;
  std::uint64_t lost_replies = 0;  ///< of a thousand
  bool knows_gone = false;         ///< a process that is gone is known to be gone: its name is free at once

  void set_away(bool is_away);

  /// For checks, whatever is wrong with the database.
  std::vector<event_ptr> whole_log(const run_id& run);
  /// Runs that are neither over nor paused; with `paused` those too.
  std::vector<run_id> open_runs(bool paused);
  std::optional<run_summary> summary(const run_id& run);
  bool cancel_wanted(const run_id& run);

 private:
  friend class simulated_store;
  friend class simulated_archive;
  friend class simulated_members;

  std::string problem_of(const database_line& line) const;
  bool loses_reply() { return luck_.hits(lost_replies); }
  void bury(incarnation_no node);
  bool is_up(incarnation_no node) const;

  chance& luck_;
  ledger& books_;
  shared_connection db_;
  std::map<incarnation_no, node_row> nodes_;
  incarnation_no last_ = 0;
  std::int64_t judges_from_us_ = 0;
};

}  // namespace oncue::sim
