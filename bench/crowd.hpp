// Who runs the runs: agents for benchmarks, and the crowd, one actor that starts many runs and reads each of them to its
// ending, as an ordinary subscriber does. What it costs is part of what is measured.
#pragma once

#include <atomic>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "measure.hpp"
#include "oncue/actors/subscription.hpp"
#include "oncue/messages/type_ids.hpp"
#include "oncue/runtime.hpp"

namespace oncue::bench {

/// An agent whose demo model speaks without any delay, `tokens` words.
core::agent_entry fast_agent(std::string id, std::uint32_t tokens);

/// An agent whose demo model never says a word. Its deadlines are set, and far away.
core::agent_entry silent_agent(std::string id);

/// An agent of a model at `base_url`.
core::agent_entry http_agent(std::string id, std::string base_url);

runtime_options node_with(std::vector<core::agent_entry> agents, core::roster_limits limits = {});

struct crowd_plan {
  agent_id agent;
  std::size_t runs = 1;
  std::size_t in_flight = 1;
  bool read = true;      ///< false: starts them and looks no further
  event_index from = 0;  ///< where to read from: an index that is not there yet waits for it
  /// So many runs follow each other in one session, each begun when the one before has ended; `in_flight` are sessions.
  std::size_t turns = 1;
  std::string session_prefix;  ///< with turns: sessions are called prefix and number
  std::string id_prefix;       ///< ids are prefix and number, which is also the input; empty: made by the supervisor
  /// When a run is where the benchmark wants it; each run counts once.
  std::function<bool(const run_event&)> is_ready = [](const run_event&) { return false; };
};

/// What the crowd has seen; read it from any thread while it works, the vectors when done() says so.
class crowd_report {
 public:
  explicit crowd_report(std::size_t runs) : ended_at_(runs), started_at_(runs) {}

  std::size_t ready() const { return ready_; }
  std::size_t ended() const { return ended_; }
  std::size_t completed() const { return completed_; }
  std::size_t started() const { return started_; }
  std::size_t events() const { return events_; }
  std::size_t deltas() const { return deltas_; }
  std::size_t text_bytes() const { return text_bytes_; }
  /// What became of the first run that did not complete. After all have ended.
  const std::string& first_failure() const { return first_failure_; }

  /// Waits until the ending of run `i` was read.
  steady::time_point wait_for_end(std::size_t i) const;

  /// From start to ending, of every run. After all have ended.
  std::vector<double> latencies_us() const;

  void wait_for_all() const;
  void wait_for_ready(std::size_t runs) const;
  void wait_for_started() const;

 private:
  friend class crowd_state;
  std::vector<std::atomic<std::int64_t>> ended_at_;  // steady nanoseconds; 0: not yet
  std::vector<steady::time_point> started_at_;
  std::string first_failure_;
  std::atomic<std::size_t> ready_{0}, ended_{0}, completed_{0}, started_{0}, events_{0}, deltas_{0}, text_bytes_{0};
  std::atomic<int> all_ended_{0};
  std::atomic<int> all_started_{0};
};

class crowd_state {
 public:
  static constexpr const char* name = "crowd";

  crowd_state(subscriber_actor::pointer self, supervisor_actor supervisor, crowd_plan plan,
              std::shared_ptr<crowd_report> report);
  subscriber_actor::behavior_type make_behavior();

 private:
  struct member {
    std::size_t number;
    bool ready;
    actors::subscription<subscriber_actor::base> events;
  };

  void start_next();
  void start(std::size_t number);
  void started(std::size_t number, start_reply& reply);
  void read(member& one, event_batch& batch);

  subscriber_actor::pointer self_;
  supervisor_actor supervisor_;
  crowd_plan plan_;
  std::shared_ptr<crowd_report> report_;
  std::size_t asked_ = 0;
  std::unordered_map<run_id, member> members_;
  std::unordered_map<caf::actor_id, run_id> by_source_;
};

/// Its report, and a hold on the actor: one that nobody holds is gone if the run that it has just pulled from leaves.
struct crowd {
  std::shared_ptr<crowd_report> report;
  subscriber_actor actor;

  const crowd_report* operator->() const { return report.get(); }
};

crowd send_crowd(runtime& node, crowd_plan plan);

}  // namespace oncue::bench
