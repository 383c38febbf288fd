// One run: owns its run machine, the live tail of its log, one model stream at a time, and the calls of its tools. It is
// the subscriber of the runs that work for it. Turns messages into signals and effects into messages; every decision is the
// machine's. Promises to quit after its ending is journalled and everything
// it opened is closed, and never to be restarted: restarting spends money.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "oncue/actors/node_env.hpp"
#include "oncue/actors/subscription.hpp"
#include "oncue/core/event_tail.hpp"
#include "oncue/core/run_machine.hpp"
#include "oncue/core/stream_credit.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

class run_state {
 public:
  static constexpr const char* name = "run";

  /// `logged`: the events that creating the run, or going on with it, has journalled.
  run_state(run_actor::pointer self, std::shared_ptr<const node_env> env, core::run_machine machine,
            std::vector<event_ptr> logged, supervisor_actor supervisor);
  run_actor::behavior_type make_behavior();

 private:
  caf::result<cancel_reply> cancel(cancel_request& request);
  void pull(const pull_limits& limits, const subscriber_actor& reader);
  void tell(core::run_signal what);
  void perform(core::run_effect& effect);
  void confirm(const model_delta& delta);
  void begin(begin_run& what);
  void ask_next_server();
  void on_child_batch(event_batch& batch);
  void on_down(const caf::down_msg& down);

  void on(core::effect::open_stream&);
  void on(core::effect::close_stream&);
  void on(core::effect::kill_stream&);
  void on(core::effect::pause_stream&);
  void on(core::effect::resume_stream&);
  void on(core::effect::open_tool&);
  void on(core::effect::stop_tool&);
  void on(core::effect::kill_tool&);
  void on(core::effect::start_child&);
  void on(core::effect::pull_child&);
  void on(core::effect::cancel_child&);
  void on(core::effect::append&);
  void on(core::effect::finish&);
  void on(core::effect::publish&);
  void on(core::effect::defer_to_journal&);
  void on(core::effect::arm_timer&);
  void on(core::effect::answer_cancel&);
  void on(core::effect::change_status&);
  void on(core::effect::close&);
  void leave();
  void log_ending(run_status status) const;

  run_actor::pointer self_;
  std::shared_ptr<const node_env> env_;
  supervisor_actor supervisor_;
  core::run_machine machine_;
  core::event_tail<subscriber_actor> tail_;
  model_stream_actor stream_;
  attempt_no stream_attempt_ = 0;
  core::taken_meter taken_;
  std::vector<std::pair<std::uint64_t, caf::typed_response_promise<cancel_reply>>> cancels_;

  // what a run without tools does not pay for
  struct heard_child {
    run_id id;
    std::unique_ptr<subscription<run_actor::base>> events;  // has callbacks that name it
  };
  struct tool_side {
    std::vector<std::pair<tool_no, tool_call_actor>> calls;
    std::vector<heard_child> children;
    std::unique_ptr<core::signal::begin> begin;  // while servers are asked for their tools
    std::size_t servers_asked = 0;
  };
  tool_side& tools();
  std::unique_ptr<tool_side> tools_;
  std::uint64_t tickets_ = 0;
};

run_actor spawn_run(caf::actor_system& system, std::shared_ptr<const node_env> env, core::run_machine machine,
                    std::vector<event_ptr> logged, supervisor_actor supervisor);

}  // namespace oncue::actors
