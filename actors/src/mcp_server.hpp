// Inside mcp_server and mcp_call: what the two say to each other, and the server's state.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "oncue/actors/mcp_server.hpp"
#include "oncue/core/mcp_keeper.hpp"

namespace oncue::actors {

/// A call's outcome goes to the call's actor as a tool_result.
using mcp_server_actor =
    tool_server_actor::extend<caf::result<void>(start_tool, std::string, std::uint64_t,
                                                tool_sink_actor),             // the tool's name there, result_bytes_max
                              caf::result<void>(stop_tool, tool_sink_actor),  // from the call that was started so
                              caf::result<void>(mcp_said)>::extend_with<alarm_client_actor>;  // from the connection

class mcp_server_state {
 public:
  static constexpr const char* name = "mcp-server";

  mcp_server_state(mcp_server_actor::pointer self, core::mcp_spec spec, mcp_access access);
  mcp_server_actor::behavior_type make_behavior();

 private:
  using promise = caf::typed_response_promise<tools_listed>;

  struct waiting_call {
    tool_no number = 0;
    tool_sink_actor actor;
  };

  promise list();
  void start(start_tool& what, std::string& tool, std::uint64_t result_bytes_max, const tool_sink_actor& call);
  void stop(caf::actor_id call, std::string_view reason);
  void exit(const caf::error& reason);
  void obey(core::mcp_keeper_orders orders);
  void do_order(core::mcp_order::open& order);
  void do_order(core::mcp_order::send& order);
  void do_order(core::mcp_order::forget& order);
  void do_order(core::mcp_order::answer& order);
  void do_order(core::mcp_order::close& order);
  void do_order(core::mcp_order::listed& order);
  void do_order(core::mcp_order::gone& order);
  void fail_to_open(std::string why);
  void set_alarm_clock();
  std::int64_t now() const;

  mcp_server_actor::pointer self_;
  core::mcp_spec spec_;
  mcp_access access_;
  core::mcp_keeper keeper_;
  std::unique_ptr<io::mcp_transport> transport_;
  std::vector<promise> lists_;
  std::map<core::mcp_call_no, waiting_call> calls_;
  core::mcp_call_no last_call_ = 0;
  std::int64_t alarm_at_us_ = 0;  ///< 0: none is set
  caf::error exit_reason_;        ///< set: it goes when everything is closed
  std::int64_t goes_at_us_ = 0;   ///< then also when it is not
};

}  // namespace oncue::actors
