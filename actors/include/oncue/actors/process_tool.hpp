// A call of a tool that is a program: started for the call, given the arguments as JSON on its standard input, its standard
// output is the result. Promises the port's manners: at most one result, none after a stop, and closed as its last word,
// when no process of the program's whole tree is alive; it stops the program when its run is gone. A program that fails or
// floods is a failed result that says so. Never uses a shell, and gives the program no secret of this process.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <memory>
#include <string>

#include "oncue/core/tool_spec.hpp"
#include "oncue/io/child_process.hpp"
#include "oncue/io/event_loop.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

/// What all calls of a node share.
struct process_access {
  io::event_loops* loops = nullptr;  ///< outlive the actors
  std::string guard = {};            ///< path of oncue-guard; empty: it is looked for
};

/// The program's own word comes in as a tool_result and a tool_closed.
using process_tool_actor = tool_call_actor::extend<caf::result<void>(tool_result), caf::result<void>(tool_closed)>;

class process_tool_state {
 public:
  static constexpr const char* name = "process-tool";

  process_tool_state(process_tool_actor::pointer self, std::shared_ptr<const core::tool_spec> spec, process_access access);
  /// Also when the actor is killed, no process is left behind.
  ~process_tool_state();
  process_tool_state(const process_tool_state&) = delete;
  process_tool_state& operator=(const process_tool_state&) = delete;

  process_tool_actor::behavior_type make_behavior();

 private:
  void start(const start_tool& what, const tool_sink_actor& sink);
  void stop();

  process_tool_actor::pointer self_;
  std::shared_ptr<const core::tool_spec> spec_;
  process_access access_;
  io::child_process child_;
  tool_sink_actor sink_;
  bool stopping_ = false;
};

tool_call_actor spawn_process_tool(caf::actor_system& system, std::shared_ptr<const core::tool_spec> spec,
                                   process_access access);

}  // namespace oncue::actors
