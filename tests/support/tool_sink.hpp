// In a run's place: takes what a tool's actor says, on a real actor system, and lets a test wait for it.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "oncue/messages/type_ids.hpp"

namespace oncue::test {

/// What one call's sink was told; shared with the test.
struct tool_told {
  std::mutex guard;
  std::condition_variable changed;
  std::vector<tool_result> results;
  std::vector<tool_closed> closed;
  bool in_order = true;  // no result after the close

  bool wait(const std::function<bool(const tool_told&)>& seen) {
    std::unique_lock lock(guard);
    return changed.wait_for(lock, std::chrono::seconds{20}, [&] { return seen(*this); });
  }
  bool wait_for_close() {
    return wait([](const tool_told& t) { return !t.closed.empty(); });
  }
  template <class F>
  void note(F change) {
    std::lock_guard lock(guard);
    change();
    changed.notify_all();
  }
};

inline tool_sink_actor::behavior_type tool_sink(tool_sink_actor::pointer, const std::shared_ptr<tool_told>& told) {
  return {
      [told](tool_result& result) {
        told->note([&] {
          told->in_order = told->in_order && told->closed.empty() && told->results.empty();
          told->results.push_back(std::move(result));
        });
      },
      [told](tool_closed closed) {
        told->note([&] {
          told->in_order = told->in_order && told->closed.empty();
          told->closed.push_back(closed);
        });
      },
  };
}

/// One call on a real actor system, and its sink.
struct called_tool {
  std::shared_ptr<tool_told> told = std::make_shared<tool_told>();
  tool_sink_actor sink;
  tool_call_actor tool;

  called_tool(caf::actor_system& system, tool_call_actor handle) : tool{std::move(handle)} {
    sink = system.spawn(tool_sink, told);
  }

  void start(std::string arguments = "{}", tool_no number = 7) const {
    caf::anon_send(tool, start_tool{number, {"run-1"}, {"call-1", "lookup", std::move(arguments)}}, sink);
  }
  void stop() const { caf::anon_send<caf::message_priority::high>(tool, stop_tool{}); }
  /// Behind the start.
  void stop_in_line() const { caf::anon_send(tool, stop_tool{}); }
  void kill_sink() {
    caf::anon_send_exit(sink, caf::exit_reason::kill);
    sink = nullptr;
  }

  /// Waits for the close, and for the order of things.
  bool closed() const { return told->wait_for_close() && told->in_order && told->closed.size() == 1; }
  /// The one result in words.
  std::string result() const {
    if (!closed()) return "not closed in time";
    if (told->results.empty()) return "no result";
    return (told->results[0].failed ? "failed: " : "") + told->results[0].text;
  }
};

struct tool_system {
  caf::actor_system_config config;
  caf::actor_system system{configure(config)};

  static caf::actor_system_config& configure(caf::actor_system_config& config) {
    config.set("caf.scheduler.max-threads", 2u);
    config.set("caf.scheduler.policy", "sharing");
    config.set("caf.logger.console.verbosity", "quiet");
    return config;
  }
  /// Waits until all actors but sinks that the test holds have gone.
  void wait_for_actors(std::size_t left = 0) { system.registry().await_running_count_equal(left); }
};

}  // namespace oncue::test
