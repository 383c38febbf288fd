// The model port without a model: tells a story word by word at a stated pace, offline. It is the demo, and the model of
// tests, examples and benchmarks. Promises the port's manners: opened, deltas, done or nothing, closed as its last word,
// pause and close at once; it ends when its sink is gone. Labelled as a demo wherever it shows: its provider is "scripted".
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <memory>
#include <optional>

#include "oncue/core/catalog.hpp"
#include "oncue/core/story.hpp"
#include "oncue/core/stream_credit.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

using scripted_model_stream_actor = model_stream_actor::extend_with<alarm_client_actor>;

class scripted_model_stream_state {
 public:
  static constexpr const char* name = "scripted-model-stream";

  /// `entry` outlives nothing: it is shared. `alarms` paces the words.
  scripted_model_stream_state(scripted_model_stream_actor::pointer self, std::shared_ptr<const core::agent_entry> entry,
                              alarm_clock_actor alarms);
  scripted_model_stream_actor::behavior_type make_behavior();

 private:
  void open(attempt_no attempt, const delta_sink_actor& sink);
  void say();
  void say_what_is_due();
  void wait(core::milliseconds delay);
  void close();

  const core::scripted_spec& spec() const { return entry_->model.scripted; }

  scripted_model_stream_actor::pointer self_;
  std::shared_ptr<const core::agent_entry> entry_;
  alarm_clock_actor alarms_;
  core::story story_;
  std::vector<tool_call> calls_;  // what it asks for instead of talking
  delta_sink_actor sink_;
  attempt_no attempt_ = 0;
  bool paused_ = false;
  bool alarm_set_ = false;
  bool due_ = false;  // the next word's time came while paused, or while too much waited at the run
  core::stream_credit credit_;
};

model_stream_actor spawn_scripted_model_stream(caf::actor_system& system, std::shared_ptr<const core::agent_entry> entry,
                                               alarm_clock_actor alarms);

}  // namespace oncue::actors
