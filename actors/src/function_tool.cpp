#include "oncue/actors/function_tool.hpp"

#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>

#include "oncue/core/tool_text.hpp"

namespace oncue::actors {

namespace {

/// What the function's thread holds. Nothing here ends when the actor system does.
struct function_call {
  std::shared_ptr<const core::tool_spec> spec;
  std::shared_ptr<const tool_function> function;
  start_tool what;
  std::stop_token stop;
  tool_result result = {};

  void run() {
    auto answer = ask();
    result.number = what.number;
    result.failed = answer.failed;
    result.text = core::tool_text(answer.text, spec->result_bytes_max);
  }

  tool_answer ask() {
    try {
      const auto& text = what.call.arguments;
      auto arguments = text.empty() ? nlohmann::json::object() : nlohmann::json::parse(text, nullptr, false);
      if (!arguments.is_object()) return {"the arguments are no JSON object", true};
      return (*function)(arguments, tool_context{what.run, what.call.id, stop});
    } catch (const std::exception& error) {
      return {std::string{"the tool failed: "} + error.what(), true};
    } catch (...) {
      return {"the tool failed, and did not say why", true};
    }
  }
};

}  // namespace

function_tool_state::function_tool_state(function_tool_actor::pointer self, std::shared_ptr<const core::tool_spec> spec,
                                         std::shared_ptr<const tool_function> function,
                                         std::shared_ptr<io::function_runner> runner)
    : self_{self}, spec_{std::move(spec)}, function_{std::move(function)}, runner_{std::move(runner)} {}

function_tool_state::~function_tool_state() {
  if (!job_) return;
  stop_source_.request_stop();
  runner_->give_up(job_);
}

function_tool_actor::behavior_type function_tool_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg&) { stop(); });
  return {
      [this](start_tool& what, const tool_sink_actor& sink) { start(what, sink); },
      [this](stop_tool) { stop(); },
      [this](tool_result& result) {
        job_ = nullptr;
        if (!stopping_) self_->send(sink_, std::move(result));
        close(false);
      },
  };
}

void function_tool_state::start(start_tool& what, const tool_sink_actor& sink) {
  if (sink_) return;
  number_ = what.number;
  sink_ = sink;
  if (stopping_) {
    // The stop was urgent and came first: nothing may be started any more.
    close(false);
    return;
  }
  self_->monitor(sink_);
  auto call = std::make_shared<function_call>(function_call{spec_, function_, std::move(what), stop_source_.get_token()});
  auto tell = [call, me = caf::actor_cast<function_tool_actor>(self_)] { caf::anon_send(me, std::move(call->result)); };
  try {
    job_ = runner_->start([call] { call->run(); }, std::move(tell));
  } catch (const std::system_error& error) {
    self_->send(sink_, tool_result{number_, true, std::string{"the tool could not be started: "} + error.what()});
    close(false);
  }
}

void function_tool_state::stop() {
  if (std::exchange(stopping_, true) || !sink_) return;
  if (runner_->withdraw(job_)) {
    close(false);
    return;
  }
  stop_source_.request_stop();
  self_->run_delayed(spec_->grace, [this] {
    // Else it has just returned, and its result is on its way here.
    if (runner_->give_up(job_)) close(true);
  });
}

void function_tool_state::close(bool abandoned) {
  self_->send(sink_, tool_closed{number_, abandoned});
  job_ = nullptr;
  self_->quit();
}

tool_call_actor spawn_function_tool(caf::actor_system& system, std::shared_ptr<const core::tool_spec> spec,
                                    std::shared_ptr<const tool_function> function,
                                    std::shared_ptr<io::function_runner> runner) {
  return caf::actor_cast<tool_call_actor>(system.spawn<function_tool_actor::stateful_impl<function_tool_state>>(
      std::move(spec), std::move(function), std::move(runner)));
}

}  // namespace oncue::actors
