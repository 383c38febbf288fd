// One a node: admits or refuses runs, spawns and monitors them, and is the only router of cancel. Runs the roster. Never
// sees a token, so its mailbox stays short and a cancel is at its run in microseconds. A run actor that dies is not
// restarted; its ending is journalled in its place. Journal and supervisor themselves are not supervised: if one of them
// dies, the process ends loudly and the next start cleans up.
#pragma once

#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "oncue/actors/node_env.hpp"
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
  using node_roster = core::roster<run_actor, waiter>;

  caf::result<start_reply> start(run_request& request);
  void created(run_request& request, std::vector<event_ptr> logged, std::shared_ptr<const core::agent_entry> entry,
               create_reply& reply, caf::typed_response_promise<start_reply> promise);
  caf::result<cancel_reply> cancel(cancel_request& request);
  void route(cancel_request request, caf::typed_response_promise<cancel_reply> promise);
  void ask_journal(cancel_request request, caf::typed_response_promise<cancel_reply> promise);
  caf::result<subscribe_reply> subscribe(subscribe_run& request);
  void find_source(run_id run, caf::typed_response_promise<subscribe_reply> promise);
  caf::result<run_list> list(list_runs request);
  caf::result<drain_reply> drain(drain_node request);
  void cancel_all();
  void stop(node_roster::row& row, cancel_request request);
  void on_down(const caf::down_msg& down);
  void after_a_run_left();
  void wake(std::vector<waiter> waiters);

  supervisor_actor::pointer self_;
  std::shared_ptr<const node_env> env_;
  node_roster roster_;
  std::unordered_map<caf::actor_id, const run_id*> by_actor_;  // into the roster, whose row outlives the actor

  struct drain_progress {
    drain_reply reply;
    bool cancelling = false;
    std::vector<caf::typed_response_promise<drain_reply>> promises;
  };
  std::optional<drain_progress> drain_;
  void finish_drain();
};

supervisor_actor spawn_supervisor(caf::actor_system& system, std::shared_ptr<const node_env> env);

}  // namespace oncue::actors
