// A scripted model's calls and the actor that plays each of them.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "oncue/core/stream_credit.hpp"
#include "oncue/messages/type_ids.hpp"
#include "oncue/testkit/scripted_model.hpp"

namespace oncue::testkit {

namespace detail {

struct scripted_call {
  model_request request;
  std::deque<script_step> steps;  // those to come
  bool plays = false;             // a step is under way
  bool hangs = false;             // as it was told to
  bool is_paused = false;
  std::optional<milliseconds> until;  // it says nothing before this
  alarm_client_actor stream;          // null once it is closed
  milliseconds opened_at{0};
  std::optional<milliseconds> closed_at;
  bool stopped = false;
};

struct scripted_calls {
  std::vector<std::shared_ptr<scripted_call>> calls;
  std::deque<std::deque<script_step>> planned;
  std::optional<std::deque<script_step>> otherwise;
  bool deaf = false;
  std::uint64_t tool_calls = 0;

  /// What each open call waits for, in a sentence.
  std::vector<std::string> waiting(const std::string& model) const;
};

}  // namespace detail

/// Plays one call. An alarm is its turn to take the next step.
using scripted_stream_actor = model_stream_actor::extend_with<alarm_client_actor>;

class scripted_stream_state {
 public:
  static constexpr const char* name = "scripted-model";

  scripted_stream_state(scripted_stream_actor::pointer self, std::shared_ptr<detail::scripted_calls> model,
                        std::function<milliseconds()> now);
  ~scripted_stream_state();
  scripted_stream_state(const scripted_stream_state&) = delete;
  scripted_stream_state& operator=(const scripted_stream_state&) = delete;
  scripted_stream_actor::behavior_type make_behavior();

 private:
  void open(model_request& request, attempt_no attempt, const delta_sink_actor& sink);
  void go_on();
  void take_step();
  void close(bool stopped);
  void note_closed(bool stopped);

  scripted_stream_actor::pointer self_;
  std::shared_ptr<detail::scripted_calls> model_;
  std::function<milliseconds()> now_;
  std::shared_ptr<detail::scripted_call> call_;  // null until it is opened
  delta_sink_actor sink_;
  attempt_no attempt_ = 0;
  core::stream_credit credit_;
};

}  // namespace oncue::testkit
