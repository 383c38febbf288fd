// One checker a promise, used by every sort of test. Each says what is broken in a sentence, or returns an empty string.
#pragma once

#include <string>
#include <vector>

#include "oncue/messages/events.hpp"

namespace oncue::test {

/// I4: indices are gapless, starting at `from`.
inline std::string gapless(const std::vector<event_ptr>& log, event_index from = 0) {
  for (const auto& event : log) {
    if (event->index != from)
      return "index " + std::to_string(event->index) + " where " + std::to_string(from) + " was due";
    ++from;
  }
  return {};
}

/// I1: exactly one ending, and nothing after it.
inline std::string one_ending(const std::vector<event_ptr>& log) {
  std::size_t endings = 0;
  for (const auto& event : log) {
    if (endings > 0) return "an event after the ending, at index " + std::to_string(event->index);
    if (get_if<run_ended>(*event)) ++endings;
  }
  return endings == 1 ? std::string{} : "no ending";
}

/// I6: the ending's content is the concatenation of the content deltas.
inline std::string exact_text(const std::vector<event_ptr>& log) {
  std::string text;
  for (const auto& event : log) {
    if (const auto* delta = get_if<content_delta>(*event)) text += delta->text;
    if (const auto* ended = get_if<run_ended>(*event); ended && ended->content != text) {
      return "the ending holds " + std::to_string(ended->content.size()) + " bytes, the deltas " +
             std::to_string(text.size());
    }
  }
  return {};
}

/// All that a whole log of an ended run promises.
inline std::string whole_log(const std::vector<event_ptr>& log) {
  for (auto broken : {gapless(log), one_ending(log), exact_text(log)}) {
    if (!broken.empty()) return broken;
  }
  return {};
}

inline std::string text_of(const std::vector<event_ptr>& log) {
  std::string text;
  for (const auto& event : log) {
    if (const auto* delta = get_if<content_delta>(*event)) text += delta->text;
  }
  return text;
}

inline const run_ended* ending_of(const std::vector<event_ptr>& log) {
  return log.empty() ? nullptr : get_if<run_ended>(*log.back());
}

}  // namespace oncue::test
