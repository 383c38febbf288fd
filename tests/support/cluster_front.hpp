// In front of a supervisor: sends what is not live here to the neighbours, and answers other nodes, as the supervisor of a
// node that is one of many does.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <utility>

#include "oncue/actors/node_env.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::test {

class cluster_front_state {
 public:
  cluster_front_state(supervisor_actor::pointer self, supervisor_actor real, journal_actor journal)
      : self_{self}, real_{std::move(real)}, journal_{std::move(journal)} {}

  supervisor_actor::behavior_type make_behavior() {
    return {
        [this](run_request& x) { return self_->delegate(real_, std::move(x)); },
        [this](cancel_request& x) { return cancel(std::move(x)); },
        [this](subscribe_run& x) { return subscribe(std::move(x)); },
        [this](list_runs x) { return self_->delegate(real_, x); },
        [this](drain_node x) { return self_->delegate(real_, x); },
        [this](get_stats x) { return self_->delegate(real_, x); },
        [this](continue_run& x) { return self_->delegate(real_, std::move(x)); },
        [](const run_changed&) {},
        [](const run_closed&) {},
        [](const run_left&) {},
        [](alarm) {},
        [this](cancel_here& x) { return cancel_if_here(std::move(x.request)); },
        [this](subscribe_here& x) { return source_here(std::move(x.run)); },
        [](take_runs&) {},
        [](list_held) { return held_runs{}; },
        [](fence_runs) {},
        [this](join_cluster& x) { neighbours_ = std::move(x.neighbours); },
    };
  }

 private:
  template <class Live, class Elsewhere>
  void look(const run_id& run, Live live, Elsewhere elsewhere) {
    self_->request(real_, actors::local_answer, subscribe_run{run})
        .then(
            [=, this](const subscribe_reply& reply) mutable {
              if (caf::actor_cast<caf::actor_addr>(reply.source) != caf::actor_cast<caf::actor_addr>(journal_)) {
                live(reply);
              } else {
                elsewhere();
              }
            },
            [=](const caf::error&) mutable { elsewhere(); });
  }

  caf::result<subscribe_reply> subscribe(subscribe_run what) {
    auto promise = self_->make_response_promise<subscribe_reply>();
    look(
        what.run, [promise](const subscribe_reply& reply) mutable { promise.deliver(reply); },
        [this, promise, what]() mutable { promise.delegate(neighbours_, what); });
    return promise;
  }

  caf::result<subscribe_reply> source_here(run_id run) {
    auto promise = self_->make_response_promise<subscribe_reply>();
    look(
        run, [promise](const subscribe_reply& reply) mutable { promise.deliver(reply); },
        [promise]() mutable { promise.deliver(subscribe_reply{}); });
    return promise;
  }

  caf::result<cancel_reply> cancel(cancel_request request) {
    auto promise = self_->make_response_promise<cancel_reply>();
    auto here = [this, promise, request](const subscribe_reply&) mutable { promise.delegate(real_, request); };
    look(request.run, here, [this, promise, request]() mutable {
      self_->request(neighbours_, actors::local_answer, request)
          .then(
              [this, promise, request](cancel_reply& reply) mutable {
                if (reply.outcome == cancel_outcome::unknown) {
                  promise.delegate(real_, request);
                } else {
                  promise.deliver(std::move(reply));
                }
              },
              [this, promise, request](const caf::error&) mutable { promise.delegate(real_, request); });
    });
    return promise;
  }

  caf::result<cancel_reply> cancel_if_here(cancel_request request) {
    auto promise = self_->make_response_promise<cancel_reply>();
    look(
        request.run, [this, promise, request](const subscribe_reply&) mutable { promise.delegate(real_, request); },
        [promise, request]() mutable { promise.deliver(cancel_reply{.run = request.run}); });
    return promise;
  }

  supervisor_actor::pointer self_;
  supervisor_actor real_;
  journal_actor journal_;
  neighbours_actor neighbours_;
};

inline supervisor_actor spawn_cluster_front(caf::actor_system& system, supervisor_actor real, journal_actor journal) {
  return system.spawn<supervisor_actor::stateful_impl<cluster_front_state>>(std::move(real), std::move(journal));
}

}  // namespace oncue::test
