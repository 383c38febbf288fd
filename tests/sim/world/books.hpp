// What is known of the runs of a world, from the one place that cannot err: what the database took, and what the provider
// was asked. Checks at once what a single write can break; counts in which phase of its life which event met a run.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "database.hpp"
#include "oncue/messages/run.hpp"

namespace oncue::sim {

constexpr std::size_t phases = static_cast<std::size_t>(enum_max(run_phase{})) + 1;

/// How often an event met a run in a phase, over all seeds.
class coverage {
 public:
  void hit(const std::string& event, run_phase phase) { ++cells_[event][static_cast<std::size_t>(phase)]; }
  void add(const std::string& what, std::uint64_t count = 1) { counts_[what] += count; }
  const std::map<std::string, std::array<std::uint64_t, phases>>& cells() const { return cells_; }
  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

 private:
  std::map<std::string, std::array<std::uint64_t, phases>> cells_;
  std::map<std::string, std::uint64_t> counts_;
};

struct tracked_run {
  run_request request;
  run_phase phase = run_phase::queued;
  incarnation_no owner = 0;
  event_index durable_next = 0;
  event_ptr ending;
  std::int64_t ended_ms = 0;
  std::vector<event_ptr> log;  ///< as the database took it
};

class run_books final : public ledger {
 public:
  run_books(chance& luck, coverage& seen) : luck_{luck}, seen_{seen} {}

  void created(const run_request& request, incarnation_no owner, const std::vector<event_ptr>& events) override;
  void appended(const run_id& run, incarnation_no writer, std::span<const event_ptr> events) override;
  void ended(const run_id& run, const event_ptr& ending) override;
  void owned(const run_id& run, incarnation_no owner) override;
  void died(incarnation_no node) override;

  /// The provider was asked by this run, took the request, said something.
  void model_asked(const std::string& input);
  void model_took(const std::string& input) { move(input, run_phase::waiting); }
  void model_spoke(const std::string& input) { move(input, run_phase::streaming); }

  /// An event met this run; or all that this node has.
  void meets(const std::string& event, const run_id& run);
  void meets_node(const std::string& event, incarnation_no node);

  const tracked_run* find(const run_id& run) const;
  const std::string& run_of(const std::string& input) const;
  const std::map<std::string, tracked_run>& runs() const { return runs_; }

  /// Told of a run that waits for a person.
  std::function<void(const run_id&, const run_paused&)> on_pause;

 private:
  void move(const std::string& input, run_phase to);
  void log(const std::string& id, tracked_run& run, const event_ptr& event);

  chance& luck_;
  coverage& seen_;
  std::map<std::string, tracked_run> runs_;
  std::map<std::string, std::string> by_input_;
  std::string none_;
};

/// One event in a few words.
std::string words_of(const run_event& event);

}  // namespace oncue::sim
