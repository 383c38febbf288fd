// One a node: admits or refuses runs, spawns and monitors them, begins each when it is its session's turn, and is the only
// router of cancel. Runs the roster. Never sees a token, so its mailbox stays short and a cancel is at its run in
// microseconds. It spawns a paused run's actor anew, from the journal, when somebody continues it; and sees to it that
// paused runs expire. A run actor that dies is not restarted; its ending is journalled in its place. Journal and supervisor
// themselves are not supervised: if one of them dies, the process ends loudly and the next start cleans up.
#pragma once

#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "oncue/actors/node_env.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/roster.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

class supervisor_state {
 public:
  static constexpr const char* name = "supervisor";

  supervisor_state(supervisor_actor::pointer self, std::shared_ptr<const node_env> env);
  supervisor_actor::behavior_type make_behavior();

 private:
  /// Whoever waits until a row has left `creating` or `lost`: asks again then.
  using waiter = std::function<void()>;

  struct live_run {
    run_actor actor;
    std::shared_ptr<const core::agent_entry> entry;
    bool interrupts = false;  // it cancels the runs that its session has on other nodes, too
    run_id interrupted;       // the last of them
    bool is_owed = false;     // lost, and the journal could not be given its ending: it is offered again
  };
  using node_roster = core::roster<live_run, waiter>;
  using start_promise = caf::typed_response_promise<start_reply>;

  caf::result<start_reply> start(run_request& request);
  void created(create_run& what, std::shared_ptr<const core::agent_entry> entry, create_reply& reply,
               start_promise promise);
  void refuse(refusal why, const run_request& request, start_promise& promise);
  void ask_what_the_key_made(create_run what, refusal otherwise, start_promise promise);
  void answer_existing(const run_summary& run, start_promise promise);
  live_run spawn(core::run_setup setup, const core::run_memory* memory, std::vector<event_ptr> logged);
  core::run_setup setup_of(run_request& request, std::shared_ptr<const core::agent_entry> entry, run_epoch epoch);
  void begin_created(node_roster::row& row);

  void begin_next();
  void begin(node_roster::row& row);
  void interrupt_those_before(const node_roster::row& row);

  // a run that was paused goes on: supervisor_continue.cpp
  struct continuing;
  caf::result<start_reply> resume(continue_run& request);
  void look_up(std::shared_ptr<continuing> what);
  void found_paused(std::shared_ptr<continuing> what, paused_run& kept);
  void reopened(std::shared_ptr<continuing> what, const reopen_reply& reply);
  void refuse(const std::shared_ptr<continuing>& what, refusal why);
  void end_expired_runs();
  void expires_at(std::int64_t at_ms);

  caf::result<cancel_reply> cancel(cancel_request& request);
  void route(cancel_request request, caf::typed_response_promise<cancel_reply> promise);
  void ask_journal(cancel_request request, caf::typed_response_promise<cancel_reply> promise);
  void stop(node_roster::row& row, cancel_request request);

  caf::result<subscribe_reply> subscribe(subscribe_run& request);
  void find_source(run_id run, std::function<void(event_source_actor)> found);
  caf::result<run_list> list(list_runs request);
  node_stats stats() const;

  void on_closed(const run_closed& x);
  void on_down(const caf::down_msg& down);
  void count(run_status status);
  void end_lost(const run_id& run, ending how, std::chrono::milliseconds again_after = core::limits::finish_retry);
  void forget_lost(const run_id& run);
  void owe(const run_id& run, const ending& how, std::chrono::milliseconds again_after);
  void keep_cancel(const run_id& run, const ending& how,
                   std::chrono::milliseconds again_after = core::limits::finish_retry);
  void stop_children_of(const run_id& parent);
  void after_a_run_left();
  void wake(std::vector<waiter> waiters);

  // one of many nodes: supervisor_cluster.cpp
  static bool could_be_elsewhere(const refusal& why);
  static bool is_undecided(const cancel_reply& reply);
  void place_elsewhere(create_run what, refusal otherwise, start_promise promise);
  void created_elsewhere(const create_run& what, create_reply& reply, refusal otherwise, start_promise promise);
  void ask_around(cancel_request request, caf::typed_response_promise<cancel_reply> promise);
  void find_elsewhere(run_id run, std::function<void(event_source_actor)> found);
  void wait_behind(node_roster::row& row, const run_id& other);
  caf::result<cancel_reply> cancel_if_here(cancel_request& request);
  subscribe_reply source_here(const run_id& run);
  void take(take_runs& what);
  void take(claimed_run& what);
  held_runs held() const;
  void left(const run_id& run);
  void let_go(const run_id& run, const run_actor& actor);
  void let_go_if_live(const run_id& run);
  void fence();
  void hand_over(std::function<void()> then);

  void stop_for_drain(node_roster::row& row);
  caf::result<drain_reply> drain(drain_node request);
  void stop_all(bool also_begun);
  void finish_drain();

  supervisor_actor::pointer self_;
  std::shared_ptr<const node_env> env_;
  node_roster roster_;
  std::unordered_map<caf::actor_id, const run_id*> by_actor_;  // into the roster, whose row outlives the actor

  node_stats totals_;  // of the gauges nothing

  struct drain_progress {
    drain_reply reply;
    std::vector<caf::typed_response_promise<drain_reply>> promises;
  };
  std::optional<drain_progress> drain_;
  std::int64_t next_expiry_ms_ = 0;  // of the paused runs in the journal; 0: none that is known

  neighbours_actor neighbours_;        // null on a node that is alone
  membership_actor membership_;        // null on a node that is alone
  std::unordered_set<run_id> fenced_;  // their actors were told to go without an ending
};

supervisor_actor spawn_supervisor(caf::actor_system& system, std::shared_ptr<const node_env> env);

}  // namespace oncue::actors
