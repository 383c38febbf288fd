// One call of a server's tool: an actor that stands for it, so that the run need not know the server.
#include <utility>

#include "mcp_server.hpp"
#include "oncue/actors/watch.hpp"

namespace oncue::actors {

namespace {

/// The server's answer comes in as a tool_result.
using mcp_call_actor = tool_call_actor::extend_with<tool_sink_actor>;

class mcp_call_state {
 public:
  static constexpr const char* name = "mcp-call";

  mcp_call_state(mcp_call_actor::pointer self, std::shared_ptr<const core::tool_spec> tool, mcp_server_actor server)
      : self_{self}, tool_{std::move(tool)}, server_{std::move(server)}, server_end_{self} {}

  mcp_call_actor::behavior_type make_behavior() {
    self_->set_down_handler([this](const caf::down_msg& down) {
      if (sink_ && down.source == sink_.address()) {
        stop();
      } else {
        conclude(true, "the MCP server '" + tool_->server + "' was stopped while it worked on this call");
      }
    });
    return {
        [this](start_tool& what, const tool_sink_actor& sink) { start(what, sink); },
        [this](stop_tool) { stop(); },
        [this](tool_result& result) { conclude(result.failed, std::move(result.text)); },
        [](tool_closed) {},
    };
  }

 private:
  void start(start_tool& what, const tool_sink_actor& sink) {
    if (sink_) return;
    sink_ = sink;
    number_ = what.number;
    if (stopping_) {
      // The stop was urgent and came first: nothing may be started any more.
      close();
      return;
    }
    self_->monitor(sink_);
    server_end_.on(server_);
    self_->send(server_, std::move(what), tool_->remote, static_cast<std::uint64_t>(tool_->result_bytes_max),
                caf::actor_cast<tool_sink_actor>(self_));
  }

  void stop() {
    stopping_ = true;
    if (!sink_) return;
    self_->send(server_, stop_tool{}, caf::actor_cast<tool_sink_actor>(self_));
    close();
  }

  void conclude(bool failed, std::string text) {
    if (!sink_) return;
    self_->send(sink_, tool_result{number_, failed, std::move(text)});
    close();
  }

  void close() {
    // A run that asked for the stop waits for this word.
    if (stopping_) {
      self_->send<caf::message_priority::high>(sink_, tool_closed{number_, false});
    } else {
      self_->send(sink_, tool_closed{number_, false});
    }
    self_->quit();
  }

  mcp_call_actor::pointer self_;
  std::shared_ptr<const core::tool_spec> tool_;
  mcp_server_actor server_;
  watch<mcp_call_actor::base, mcp_server_actor> server_end_;
  tool_sink_actor sink_;
  tool_no number_ = 0;
  bool stopping_ = false;
};

}  // namespace

tool_call_actor spawn_mcp_call(caf::actor_system& system, std::shared_ptr<const core::tool_spec> tool,
                               tool_server_actor server) {
  return caf::actor_cast<tool_call_actor>(system.spawn<mcp_call_actor::stateful_impl<mcp_call_state>>(
      std::move(tool), caf::actor_cast<mcp_server_actor>(std::move(server))));
}

}  // namespace oncue::actors
