// What is known of the runs of a world, from the one place that cannot err: what the database took, and what the provider
// was asked. Checks at once what a single write or call can break; counts which event met a run in which phase, under which
// fault.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "coverage.hpp"
#include "database.hpp"
#include "oncue/messages/run.hpp"

namespace oncue::sim {

constexpr std::size_t phases = static_cast<std::size_t>(enum_max(run_phase{})) + 1;

/// What a model's stream has said in one attempt.
struct spoken {
  std::string text;
  std::string reasoning;
};

struct tracked_run {
  run_request request;
  run_phase phase = run_phase::queued;
  incarnation_no owner = 0;
  event_index durable_next = 0;
  event_ptr ending;
  bool ended_in_its_place = false;  ///< the run itself could not write it
  std::int64_t created_ms = 0;
  std::int64_t ended_ms = 0;
  bool was_continued = false;
  std::int64_t begun_ms = 0;  ///< when the log had its first attempt since it began, or went on; 0: not yet
  bool at_work = false;       ///< has called its model, and was not paused, given to another node or ended since
  bool model_fails = false;   ///< its call of a model goes wrong; until the next one
  bool tool_fails = false;    ///< and of a tool
  bool is_read_slowly = false;
  std::vector<event_ptr> log;  ///< as the database took it
  /// By attempt. More than one: a node that had lost the run did not know it yet.
  std::map<attempt_no, std::vector<std::shared_ptr<spoken>>> answers;
};

class run_books final : public ledger {
 public:
  run_books(chance& luck, coverage& seen) : luck_{luck}, seen_{seen} {}

  void created(const run_request& request, incarnation_no owner, const std::vector<event_ptr>& events) override;
  void appended(const run_id& run, incarnation_no writer, std::span<const event_ptr> events) override;
  void ended(const run_id& run, const event_ptr& ending, bool in_its_place) override;
  void owned(const run_id& run, incarnation_no owner) override;
  void died(incarnation_no node) override;
  void entered(incarnation_no node, int life) override { lives_[node] = life; }

  /// The provider was asked by this run, took the request, said something.
  std::shared_ptr<spoken> model_asked(const std::string& input, int life, attempt_no attempt);
  void model_took(const std::string& input) { move(input, run_phase::waiting); }
  void model_spoke(const std::string& input) { move(input, run_phase::streaming); }

  /// Somebody does something with this run.
  void meets(const std::string& event, const run_id& run);
  /// A fault strikes this run; or all that this node has.
  void strikes(const std::string& fault, const run_id& run);
  void strikes_node(const std::string& fault, incarnation_no node);
  /// From now on this fault is in force, until then.
  void in_force(const std::string& fault, std::int64_t until_ms) {
    auto& until = in_force_[fault];
    until = std::max(until, until_ms);
  }
  /// What its model or tool does to it, until its next call.
  void model_fails(const std::string& input);
  void tool_fails(const run_id& run);
  void read_slowly(const run_id& run);
  void drained(incarnation_no node) { drained_ms_.emplace(node, luck_.now_ms()); }

  const tracked_run* find(const run_id& run) const;
  const std::string& run_of(const std::string& input) const;
  const std::map<std::string, tracked_run>& runs() const { return runs_; }
  bool is_dead(incarnation_no node) const { return dead_.contains(node); }
  /// Its last number is of a node that is not dead.
  bool is_in_cluster(int life) const {
    return std::any_of(lives_.begin(), lives_.end(), [&](const auto& x) { return x.second == life && !is_dead(x.first); });
  }
  /// The life of the run's owner; -1: it has none, or that one is dead.
  int life_of_owner(const tracked_run& run) const;

  /// Told of a run that is in another phase now.
  std::function<void(const std::string&, run_phase)> on_phase;
  /// Told of a run that waits for a person.
  std::function<void(const run_id&, const run_paused&)> on_pause;

 private:
  void move(const std::string& input, run_phase to);
  void enter(const std::string& id, tracked_run& run, run_phase to);
  void check_session(const std::string& id, const tracked_run& run);
  void log(const std::string& id, tracked_run& run, const event_ptr& event);

  chance& luck_;
  coverage& seen_;
  std::map<std::string, tracked_run> runs_;
  std::map<std::string, std::string> by_input_;
  std::map<incarnation_no, int> lives_;
  std::set<incarnation_no> dead_;
  std::map<incarnation_no, std::int64_t> drained_ms_;
  std::map<std::string, std::int64_t> in_force_;
  std::string none_;
  std::int64_t waits_ms_ = 500;  ///< twice what a run waits behind another one's, and some
};

/// One event in a few words.
std::string words_of(const run_event& event);

}  // namespace oncue::sim
