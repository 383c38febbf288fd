// What a model is told of a session's earlier runs. Promises messages that any provider takes: user and assistant take
// turns, every tool call is followed by its answer (one that was stopped or never made says so), no message is empty, and
// a run that came to nothing leaves nothing. Keeps whole runs, the newest that fit. Pure: reads no store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "oncue/messages/events.hpp"
#include "oncue/messages/journal.hpp"

namespace oncue::core {

/// True if there are calls of tools in these events: then the run's messages are made from its whole log.
bool tells_of_tools(const std::vector<event_ptr>& events);

/// The messages of one ended run of which only the text is kept.
std::vector<chat_message> run_messages(std::string input, std::string content);

/// The messages of one ended run that used tools, from its whole log: an assistant's message and the tools' answers for
/// each turn, then the last words. Where no last words came, a short note stands for them.
std::vector<chat_message> run_messages(std::string input, const std::vector<event_ptr>& events);

/// Collects runs from the newest to the oldest, for as long as they fit.
class history_budget {
 public:
  explicit history_budget(const load_history& limits) : runs_left_{limits.runs_max}, bytes_left_{limits.bytes_max} {}

  /// False if this run does not fit: then nothing older is wanted either. A run without messages costs nothing.
  bool add(std::vector<chat_message> run);
  bool is_full() const { return runs_left_ == 0; }

  /// All messages, the oldest run first.
  history take();

 private:
  std::size_t runs_left_;
  std::size_t bytes_left_;
  std::vector<std::vector<chat_message>> runs_;  // newest first
};

}  // namespace oncue::core
