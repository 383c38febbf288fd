#include "oncue/actors/process_tool.hpp"

#include <algorithm>
#include <utility>

#include "oncue/core/tool_text.hpp"

namespace oncue::actors {

namespace {

/// Lives on the child's event loop: collects what the program says, and turns its end into messages.
class called_program final : public io::child_handler {
 public:
  called_program(tool_no number, std::size_t bytes_max, process_tool_actor tool)
      : number_{number}, bytes_max_{bytes_max}, tool_{std::move(tool)} {}

  /// Also when the loop goes first: nothing is alive by then.
  ~called_program() override { close(); }
  called_program(const called_program&) = delete;
  called_program& operator=(const called_program&) = delete;

  void on_output(std::string_view bytes) override {
    if (answered_) return;
    // One line break more than the result may have: it is cut off.
    if (output_.size() + bytes.size() > bytes_max_ + 1) {
      output_ += bytes.substr(0, bytes_max_ + 1 - output_.size());
      answer(true, core::program_flood_text(output_, bytes_max_));
    } else {
      output_ += bytes;
    }
  }

  void on_errors(std::string_view bytes) override { errors_.add(bytes); }

  void on_exit(const io::child_exit& exit) override {
    if (exit.end == io::child_end::not_started) {
      answer(true, core::tool_text("the tool could not be started: " + exit.message, bytes_max_));
    } else if (exit.end == io::child_end::exited && exit.number == 0) {
      answer(false, core::program_output_text(output_, bytes_max_));
    } else {
      answer(true, core::program_failure_text(to_string(exit), errors_.text(), bytes_max_));
    }
  }

  void on_gone() override { close(); }

 private:
  void close() {
    if (!std::exchange(closed_, true)) caf::anon_send(tool_, tool_closed{number_});
  }

  void answer(bool failed, std::string text) {
    if (std::exchange(answered_, true)) return;
    output_ = {};
    caf::anon_send(tool_, tool_result{number_, failed, std::move(text)});
  }

  tool_no number_;
  std::size_t bytes_max_;
  process_tool_actor tool_;
  std::string output_;
  core::text_end errors_;
  bool answered_ = false;
  bool closed_ = false;
};

}  // namespace

process_tool_state::process_tool_state(process_tool_actor::pointer self, std::shared_ptr<const core::tool_spec> spec,
                                       process_access access)
    : self_{self}, spec_{std::move(spec)}, access_{std::move(access)} {}

process_tool_state::~process_tool_state() { child_.kill(); }

process_tool_actor::behavior_type process_tool_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg&) { stop(); });
  return {
      [this](const start_tool& what, const tool_sink_actor& sink) { start(what, sink); },
      [this](stop_tool) { stop(); },
      [this](tool_result& result) {
        if (!stopping_) self_->send(sink_, std::move(result));
        // It has ended, or it floods: then nobody reads on.
        child_.pause();
        child_.stop(spec_->grace);
      },
      [this](tool_closed closed) {
        child_ = {};
        self_->send(sink_, closed);
        self_->quit();
      },
  };
}

void process_tool_state::start(const start_tool& what, const tool_sink_actor& sink) {
  if (sink_) return;
  sink_ = sink;
  if (stopping_) {
    // The stop was urgent and came first: nothing may be started any more.
    self_->send(sink_, tool_closed{what.number});
    self_->quit();
    return;
  }
  self_->monitor(sink_);
  io::child_options options;
  options.command = spec_->command;
  options.command.set_env.emplace_back("ONCUE_RUN_ID", what.run.value);
  options.command.set_env.emplace_back("ONCUE_TOOL_CALL_ID", what.call.id);
  options.input = (what.call.arguments.empty() ? "{}" : what.call.arguments) + "\n";
  options.input_ends = true;
  options.guard = access_.guard;
  auto handler =
      std::make_unique<called_program>(what.number, spec_->result_bytes_max, caf::actor_cast<process_tool_actor>(self_));
  child_ = io::child_process::start(access_.loops->next(), std::move(options), std::move(handler));
}

void process_tool_state::stop() {
  if (std::exchange(stopping_, true)) return;
  child_.stop(spec_->grace);
}

tool_call_actor spawn_process_tool(caf::actor_system& system, std::shared_ptr<const core::tool_spec> spec,
                                   process_access access) {
  return caf::actor_cast<tool_call_actor>(
      system.spawn<process_tool_actor::stateful_impl<process_tool_state>>(std::move(spec), std::move(access)));
}

}  // namespace oncue::actors
