// One checker a promise, used by every sort of test; those that users have, too, are the test kit's. Each says what is
// broken in a sentence, or returns an empty string.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oncue/messages/cancel.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/testkit/promises.hpp"

namespace oncue::test {

using testkit::ending_of;
using testkit::exact_text;  // I6
using testkit::gapless;     // I4
using testkit::one_ending;  // I1
using testkit::text_of;

/// I7, from the log: attempts are counted up by one, and no number is used again.
inline std::string attempts_rise(const std::vector<event_ptr>& log) {
  attempt_no last = 0;
  for (const auto& event : log) {
    const auto* x = get_if<model_request_started>(*event);
    if (!x) continue;
    if (x->attempt != last + 1) {
      return "attempt " + std::to_string(x->attempt) + " after attempt " + std::to_string(last);
    }
    last = x->attempt;
  }
  return {};
}

/// Every tool call that began has one end before the run's ending.
inline std::string calls_answered(const std::vector<event_ptr>& log) {
  std::map<tool_no, int> open;
  for (const auto& event : log) {
    if (const auto* x = get_if<tool_call_started>(*event)) ++open[x->number];
    if (const auto* x = get_if<tool_call_ended>(*event)) {
      if (--open[x->number] != 0) return "tool call " + std::to_string(x->number) + " ended more often than it began";
    }
    if (!get_if<run_ended>(*event)) continue;
    for (const auto& [number, count] : open) {
      if (count != 0) return "tool call " + std::to_string(number) + " began and has no end";
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

/// I1: two that say how a run ended say the same.
inline std::string same_ending(const event_ptr& one, const event_ptr& other) {
  return one == other ? std::string{}
                      : "two endings, at index " + std::to_string(one->index) + " and " + std::to_string(other->index);
}

/// I2: what a cancel's answer says of how the run ended.
inline std::string honest_cancel(const cancel_reply& reply, const ending& how) {
  auto cancelled = how.kind == ending_kind::cancelled;
  switch (reply.outcome) {
    case cancel_outcome::cancelled:
    case cancel_outcome::accepted: return cancelled ? "" : "a cancel was granted, but the run ended otherwise";
    case cancel_outcome::already_ended: return cancelled ? "a cancel came too late, but the run is cancelled" : "";
    case cancel_outcome::intent_stored: return cancelled ? "" : "an intent was stored, but the run was not cancelled";
    case cancel_outcome::unknown: return "a cancel was not understood";
  }
  return {};
}

/// I3: a cancel stops what is open within `slack_ms` of its answer. `closed_ms`: when the stream or tool was told to
/// close, or was gone; below 0: neither.
inline std::string stops_at_once(std::int64_t answered_ms, std::int64_t closed_ms, std::int64_t slack_ms) {
  if (closed_ms >= 0 && closed_ms <= answered_ms + slack_ms) return {};
  return closed_ms < 0 ? "a cancel was answered, and nobody has closed what the run has open"
                       : "a cancel was answered " + std::to_string(closed_ms - answered_ms) + " ms before the run stopped";
}

/// I3: the answer itself waits for nobody longer than it was allowed to.
inline std::string answered_in_time(std::int64_t asked_ms, std::int64_t answered_ms, std::int64_t at_most_ms) {
  if (answered_ms - asked_ms <= at_most_ms) return {};
  return "an answer took " + std::to_string(answered_ms - asked_ms) + " ms, " + std::to_string(at_most_ms) + " were given";
}

/// I4, I5: what a reader saw, from index 0, is a prefix of the log, event by event.
inline std::string prefix_of(const std::vector<event_ptr>& seen, const std::vector<event_ptr>& log) {
  if (seen.size() > log.size())
    return "a reader saw " + std::to_string(seen.size()) + " events of " + std::to_string(log.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!(seen[i] == log[i])) return "a reader saw another event at index " + std::to_string(i) + " than the log has";
  }
  return {};
}

/// I5: an event may be shown when the log has it.
inline std::string logged_first(event_index shown, event_index durable_next) {
  return shown < durable_next ? std::string{} : "a reader saw index " + std::to_string(shown) + " before the log had it";
}

/// I6, I7: the logged text of an attempt is a prefix of what that attempt's stream said, and all of it if it was whole.
inline std::string said_by(std::string_view logged, std::string_view said, bool is_whole) {
  if (!said.starts_with(logged)) return "the log has text that its attempt's stream did not say";
  return is_whole && logged.size() != said.size() ? "the log lacks text of an answer that was whole" : "";
}

/// I8: a batch is no larger than what was asked for, and one event at least fits.
inline std::string bounded_batch(const std::vector<event_ptr>& events, std::uint32_t events_max, std::uint64_t bytes_max) {
  if (events.size() > events_max) return "a batch of " + std::to_string(events.size()) + " events";
  std::uint64_t bytes = 0;
  for (const auto& event : events) bytes += cost_bytes(*event);
  if (events.size() > 1 && bytes - cost_bytes(*events.back()) >= bytes_max) {
    return "a batch of " + std::to_string(bytes) + " bytes, " + std::to_string(bytes_max) + " were asked for";
  }
  return {};
}

/// I9: nothing of a run is open so long after its ending.
inline std::string nothing_left(std::int64_t ended_ms, std::int64_t now_ms, std::int64_t grace_ms, std::string_view open) {
  if (open.empty() || now_ms - ended_ms <= grace_ms) return {};
  return std::string{open} + " is open " + std::to_string(now_ms - ended_ms) + " ms after the ending";
}

/// I10: a run that is open has a node that is there, or waits for a person.
inline std::string has_a_home(run_status status, bool owner_is_there) {
  auto is_open = status == run_status::pending || status == run_status::running;
  return is_open && !owner_is_there ? "it is open and nobody has it" : "";
}

/// I11 and I2, the other way round: whoever is cancelled was cancelled by somebody.
inline std::string cancelled_by_somebody(const ending& how, bool was_asked) {
  if (how.kind != ending_kind::cancelled || was_asked) return {};
  return "it was cancelled by '" + how.by + "', and nobody had asked for that";
}

/// I12: a child is over when its parent is, at most `grace_ms` later.
inline std::string child_is_over(std::int64_t parent_ended_ms, std::optional<std::int64_t> child_ended_ms,
                                 std::int64_t now_ms, std::int64_t grace_ms) {
  if (parent_ended_ms + grace_ms >= child_ended_ms.value_or(now_ms)) return {};
  return "a child was at work " + std::to_string(child_ended_ms.value_or(now_ms) - parent_ended_ms) +
         " ms after its parent had ended";
}

/// I13: a node that has said that it is drained takes no run any more.
inline std::string takes_no_more(std::optional<std::int64_t> drained_ms, std::int64_t created_ms) {
  if (!drained_ms || created_ms <= *drained_ms) return {};
  return "a run was made on a node that was drained " + std::to_string(created_ms - *drained_ms) + " ms before";
}

}  // namespace oncue::test
