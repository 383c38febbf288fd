#include "oncue/testkit/promises.hpp"

#include <map>

namespace oncue::testkit {

std::string gapless(const std::vector<event_ptr>& log, event_index from) {
  for (const auto& event : log) {
    if (event->index != from)
      return "index " + std::to_string(event->index) + " where " + std::to_string(from) + " was due";
    ++from;
  }
  return {};
}

std::string one_ending(const std::vector<event_ptr>& log) {
  std::size_t endings = 0;
  for (const auto& event : log) {
    if (endings > 0) return "an event after the ending, at index " + std::to_string(event->index);
    if (get_if<run_ended>(*event)) ++endings;
  }
  return endings == 1 ? std::string{} : "no ending";
}

std::string exact_text(const std::vector<event_ptr>& log) {
  std::string text;
  for (const auto& event : log) {
    if (const auto* delta = get_if<content_delta>(*event)) text += delta->text;
    const auto* ended = get_if<run_ended>(*event);
    if (!ended || ended->content == text) continue;
    if (ended->content.size() == text.size()) return "the ending holds another text than the deltas";
    return "the ending holds " + std::to_string(ended->content.size()) + " bytes, the deltas " +
           std::to_string(text.size());
  }
  return {};
}

std::string calls_have_ends(const std::vector<event_ptr>& log) {
  std::map<tool_no, int> open;
  for (const auto& event : log) {
    if (const auto* begun = get_if<tool_call_started>(*event)) ++open[begun->number];
    if (const auto* ended = get_if<tool_call_ended>(*event)) --open[ended->number];
  }
  for (const auto& [number, count] : open) {
    if (count != 0) return "call " + std::to_string(number) + (count > 0 ? " has no end" : " has an end too many");
  }
  return {};
}

std::string whole_log(const std::vector<event_ptr>& log) {
  for (auto broken : {gapless(log), one_ending(log), exact_text(log), calls_have_ends(log)}) {
    if (!broken.empty()) return broken;
  }
  return {};
}

std::string text_of(const std::vector<event_ptr>& log) {
  std::string text;
  for (const auto& event : log) {
    if (const auto* delta = get_if<content_delta>(*event)) text += delta->text;
  }
  return text;
}

const run_ended* ending_of(const std::vector<event_ptr>& log) {
  return log.empty() ? nullptr : get_if<run_ended>(*log.back());
}

}  // namespace oncue::testkit
