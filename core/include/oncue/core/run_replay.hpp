// What a run's log says about where it stood: enough to go on with a run that was paused as if it had never left. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "oncue/messages/events.hpp"

namespace oncue::core {

struct run_memory {
  std::string text;                ///< all of the run's text
  std::size_t turn_text_from = 0;  ///< where the current turn's begins
  token_usage usage;
  attempt_no attempt = 0;
  std::uint32_t turn = 0;
  tool_no last_number = 0;
  std::uint64_t first_token_us = 0;
  std::uint64_t active_us = 0;        ///< how long it was at work, pauses left out
  std::vector<chat_message> history;  ///< of finished turns
  struct call {
    tool_no number = 0;
    tool_call call;
    tool_facts facts;
    bool answered = false;
    std::string result;
  };
  std::vector<call> calls;               ///< of the current turn, in the model's order
  std::vector<tool_decision> decisions;  ///< what was decided last; empty: nothing yet
};

/// `events`: a run's whole log from index 0, whose last event is its run_paused or run_continued. A log that is none of
/// ours gives some memory, but never harm.
run_memory replay(const std::vector<event_ptr>& events);

}  // namespace oncue::core
