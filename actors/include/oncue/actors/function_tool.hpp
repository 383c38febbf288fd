// A call of a tool that is a C++ function. The function runs where the node's runner lets it, in a program on a thread;
// this actor starts it, asks it to stop, and gives it up when it does not return within its grace. Promises the port's
// manners: at most one result, none after a stop, closed as its last word; it stops the function when its run is gone. A
// function that was given up holds nothing of the actor system, which may be gone when it returns.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <memory>
#include <stop_token>

#include "oncue/core/tool_spec.hpp"
#include "oncue/io/function_runner.hpp"
#include "oncue/messages/type_ids.hpp"
#include "oncue/tool_function.hpp"

namespace oncue::actors {

/// The function's answer comes in as a tool_result.
using function_tool_actor = tool_call_actor::extend<caf::result<void>(tool_result)>;

class function_tool_state {
 public:
  static constexpr const char* name = "function-tool";

  function_tool_state(function_tool_actor::pointer self, std::shared_ptr<const core::tool_spec> spec,
                      std::shared_ptr<const tool_function> function, std::shared_ptr<io::function_runner> runner);
  /// Also when the actor is killed, the function is asked to stop, and given up.
  ~function_tool_state();
  function_tool_state(const function_tool_state&) = delete;
  function_tool_state& operator=(const function_tool_state&) = delete;

  function_tool_actor::behavior_type make_behavior();

 private:
  void start(start_tool& what, const tool_sink_actor& sink);
  void stop();
  void close(bool abandoned);

  function_tool_actor::pointer self_;
  std::shared_ptr<const core::tool_spec> spec_;
  std::shared_ptr<const tool_function> function_;
  std::shared_ptr<io::function_runner> runner_;
  io::function_job job_;
  std::stop_source stop_source_;
  tool_sink_actor sink_;
  tool_no number_ = 0;
  bool stopping_ = false;
};

/// `runner` must be gone before `system` is: whoever owns both resets it last but one.
tool_call_actor spawn_function_tool(caf::actor_system& system, std::shared_ptr<const core::tool_spec> spec,
                                    std::shared_ptr<const tool_function> function,
                                    std::shared_ptr<io::function_runner> runner);

}  // namespace oncue::actors
