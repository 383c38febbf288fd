// A server of tools with its actor, on real threads, pipes and sockets: the scripted server (support/mcp_server.py), or a
// real one. Nothing here sleeps: a test waits for an answer, or for a line in the server's records.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "oncue/actors/alarm_clock.hpp"
#include "oncue/actors/mcp_server.hpp"

namespace oncue::test {

/// A folder of its own, gone with it.
class scratch_folder {
 public:
  scratch_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "oncue-mcp-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Comes back with what is in the file once `wanted` is in it, or after a generous time with whatever is.
inline std::string wait_for_text(const std::string& path, const std::string& wanted) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  for (;;) {
    std::stringstream text;
    text << std::ifstream{path}.rdbuf();
    if (text.str().find(wanted) != std::string::npos || std::chrono::steady_clock::now() > until) return text.str();
    std::this_thread::yield();
  }
}

/// What came of one call.
struct called {
  bool answered = false;
  bool failed = false;
  std::string text;
  bool closed = false;
};

class mcp_bench {
 public:
  explicit mcp_bench(core::mcp_spec spec, std::map<std::string, std::string> secrets = {})
      : spec_{std::move(spec)}, client_{std::make_shared<io::http_client>(loops_)} {
    alarms_ = actors::spawn_alarm_clock(system_);
    actors::mcp_access access;
    access.loops = &loops_;
    access.client = client_;
    access.alarms = alarms_;
    access.client_version = "1.0";
    access.read_secret = [secrets = std::move(secrets)](const std::string& name) {
      auto found = secrets.find(name);
      return found == secrets.end() ? std::string{} : found->second;
    };
    server_ = actors::spawn_mcp_server(system_, spec_, std::move(access));
  }

  ~mcp_bench() {
    stop();
    caf::anon_send_exit(alarms_, caf::exit_reason::kill);
    alarms_ = nullptr;
  }

  mcp_bench(const mcp_bench&) = delete;
  mcp_bench& operator=(const mcp_bench&) = delete;

  /// The server's actor exits in order; comes back when it is gone.
  void stop() {
    if (!server_) return;
    caf::scoped_actor self{system_};
    caf::anon_send_exit(server_, caf::exit_reason::user_shutdown);
    self->wait_for(std::exchange(server_, nullptr));
  }

  /// Nobody holds the server any more.
  void forget() { server_ = nullptr; }

  tools_listed list() {
    caf::scoped_actor self{system_};
    tools_listed listed;
    self->request(server_, std::chrono::seconds{30}, list_tools{})
        .receive([&](tools_listed& x) { listed = std::move(x); },
                 [&](const caf::error& error) { listed.problem = "no answer: " + to_string(error); });
    return listed;
  }

  /// The names of the tools, or the problem.
  std::string names() {
    auto listed = list();
    std::string text = listed.problem;
    for (const auto& tool : listed.tools) text += tool.name + " ";
    return text;
  }

  /// One call under way.
  class call {
   public:
    call(mcp_bench& bench, const std::string& tool, const std::string& arguments, std::size_t result_bytes_max = 1u << 20)
        : self_{bench.system_} {
      auto spec = std::make_shared<core::tool_spec>();
      spec->server = bench.spec_.id;
      spec->remote = tool;
      spec->result_bytes_max = result_bytes_max;
      actor_ = actors::spawn_mcp_call(bench.system_, spec, bench.server_);
      self_->monitor(actor_);
      start_tool start;
      start.number = 5;
      start.call.name = tool;
      start.call.arguments = arguments;
      self_->send(actor_, std::move(start), caf::actor_cast<tool_sink_actor>(self_.ptr()));
    }

    void stop() { self_->send(actor_, stop_tool{}); }
    void kill() { self_->send_exit(actor_, caf::exit_reason::kill); }

    /// Until the call's actor is gone, or after a generous time.
    called wait() {
      called result;
      bool over = false;
      while (!over) {
        self_->receive([&](tool_result& x) { take(result, x); },
                       [&](tool_closed& x) { result.closed = !result.closed && x.number == 5; },
                       [&](caf::down_msg&) { over = true; }, caf::after(std::chrono::seconds{30}) >> [&] { over = true; });
      }
      return result;
    }

   private:
    static void take(called& result, tool_result& x) {
      if (result.answered || result.closed || x.number != 5) {
        result.text = "answered twice, or late, or with another number";
        return;
      }
      result.answered = true;
      result.failed = x.failed;
      result.text = std::move(x.text);
    }

    caf::scoped_actor self_;
    tool_call_actor actor_;
  };

  /// Calls and waits: the text, with "failed: " before it if it failed.
  std::string use(const std::string& tool, const std::string& arguments = "{}", std::size_t result_bytes_max = 1u << 20) {
    auto result = call{*this, tool, arguments, result_bytes_max}.wait();
    if (!result.answered || !result.closed) return "not answered, or not closed";
    return (result.failed ? "failed: " : "") + result.text;
  }

  caf::actor_system& system() { return system_; }

 private:
  core::mcp_spec spec_;
  io::event_loops loops_{2};  // outlives the actors
  caf::actor_system_config config_;
  caf::actor_system system_{config_};
  std::shared_ptr<io::http_client> client_;
  alarm_clock_actor alarms_;
  tool_server_actor server_;
};

}  // namespace oncue::test
