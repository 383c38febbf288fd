// What a run's log holds: events with gapless indices, and the two messages by which they are read (pull, batch).
// An event never changes once it has an index; it is shared, not copied, between the run, the journal and subscribers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "oncue/messages/ids.hpp"
#include "oncue/messages/inspection.hpp"
#include "oncue/messages/model.hpp"
#include "oncue/messages/run.hpp"
#include "oncue/messages/tools.hpp"

namespace oncue {

/// Index 0 of every run.
struct run_started {
  std::string agent_name;
  std::string model;           ///< the model's name as the provider knows it
  std::string model_provider;  ///< openai, scripted, …

  friend bool operator==(const run_started&, const run_started&) = default;
};

struct model_request_started {
  attempt_no attempt = 0;
  friend bool operator==(const model_request_started&, const model_request_started&) = default;
};

/// The attempt failed before its first token and the next one waits.
struct model_request_retrying {
  attempt_no attempt = 0;
  failure_code code = failure_code::provider_unreachable;
  std::uint16_t provider_status = 0;
  std::uint64_t delay_ms = 0;
  std::string message;
  friend bool operator==(const model_request_retrying&, const model_request_retrying&) = default;
};

struct content_delta {
  std::string text;
  friend bool operator==(const content_delta&, const content_delta&) = default;
};

struct reasoning_delta {
  std::string text;
  friend bool operator==(const reasoning_delta&, const reasoning_delta&) = default;
};

struct model_request_completed {
  attempt_no attempt = 0;
  std::string finish_reason;  ///< the provider's word: stop, length, tool_calls, …
  token_usage usage;
  std::uint64_t first_token_us = 0;   ///< from opening the attempt to its first token; 0: it had none
  std::vector<tool_call> tool_calls;  ///< what the model asked for, in its order
  std::uint64_t text_bytes = 0;       ///< length of the run's text with this answer in it: where its last word ends
  friend bool operator==(const model_request_completed&, const model_request_completed&) = default;
};

/// The last token of the run's text has been logged.
struct content_completed {
  friend bool operator==(const content_completed&, const content_completed&) = default;
};

struct tool_call_started {
  tool_no number = 0;
  tool_call call;
  tool_facts facts;
  friend bool operator==(const tool_call_started&, const tool_call_started&) = default;
};

struct tool_call_ended {
  tool_no number = 0;
  tool_call call;
  tool_facts facts;
  bool failed = false;
  bool stopped = false;  ///< the run ended before the tool answered
  std::string result;    ///< the tool's answer, or what went wrong
  std::uint64_t duration_ms = 0;
  friend bool operator==(const tool_call_ended&, const tool_call_ended&) = default;
};

/// The last event of its run until somebody continues it, or ends it.
struct run_paused {
  std::vector<tool_requirement> waiting_for;  ///< in the model's order, at least one
  std::int64_t expires_at_ms = 0;             ///< unix time at which the run fails if nobody has decided; 0: never
  friend bool operator==(const run_paused&, const run_paused&) = default;
};

struct run_continued {
  std::vector<tool_decision> decisions;
  std::string by;
  friend bool operator==(const run_continued&, const run_continued&) = default;
};

struct run_event;

/// A shared, immutable event. Never null once it was made from an event.
class event_ptr {
 public:
  event_ptr() = default;
  explicit event_ptr(run_event event);

  const run_event& operator*() const { return *event_; }
  const run_event* operator->() const { return event_.get(); }
  explicit operator bool() const { return event_ != nullptr; }
  friend bool operator==(const event_ptr& a, const event_ptr& b);

 private:
  std::shared_ptr<const run_event> event_;
};

/// An event of a run that works for this one, as it was published there. Who reads a run also sees its children at work.
struct child_event {
  run_id run;
  run_id parent;  ///< the run that started it: this one, or a child of it
  agent_id agent;
  std::string agent_name;
  std::string model;
  std::string model_provider;
  event_ptr event;  ///< with its index in the child's own log
  friend bool operator==(const child_event&, const child_event&) = default;
};

/// Always the last event of its run, and there is exactly one.
struct run_ended {
  ending how;
  std::string content;  ///< the concatenation of all content deltas, not one more
  token_usage usage;
  std::uint64_t first_token_us = 0;
  std::uint64_t duration_us = 0;
  friend bool operator==(const run_ended&, const run_ended&) = default;
};

using event_body =
    std::variant<boxed<run_started>, model_request_started, boxed<model_request_retrying>, content_delta, reasoning_delta,
                 boxed<model_request_completed>, content_completed, boxed<tool_call_started>, boxed<tool_call_ended>,
                 boxed<run_paused>, boxed<run_continued>, boxed<run_ended>, boxed<child_event>>;

struct run_event {
  event_index index = 0;
  std::int64_t at_ms = 0;  ///< unix time
  event_body body;

  friend bool operator==(const run_event&, const run_event&) = default;
};

template <class T, class Variant>
inline constexpr bool is_alternative = false;
template <class T, class... Ts>
inline constexpr bool is_alternative<T, std::variant<Ts...>> = (std::is_same_v<T, Ts> || ...);

/// The event's body as T, or null.
template <class T>
const T* get_if(const run_event& event) {
  if constexpr (is_alternative<T, event_body>) {
    return std::get_if<T>(&event.body);
  } else {
    const auto* box = std::get_if<boxed<T>>(&event.body);
    return box ? &**box : nullptr;
  }
}

/// Bytes that this event costs whoever keeps it: its text, and a flat sum for the rest.
std::size_t cost_bytes(const run_event& event);

inline event_ptr::event_ptr(run_event event) : event_(std::make_shared<const run_event>(std::move(event))) {}

inline bool operator==(const event_ptr& a, const event_ptr& b) {
  return a.event_ == b.event_ || (a.event_ && b.event_ && *a.event_ == *b.event_);
}

/// Credit, replay and resume in one: "send me what comes from `from` on, at most this much". Answered by one `event_batch`
/// as soon as there is at least one such event; a second pull replaces the first.
struct pull_limits {
  run_id run;
  event_index from = 0;
  std::uint32_t events_max = 0;
  std::uint32_t bytes_max = 0;  ///< a soft bound: a single larger event still comes, alone
};

/// Why a batch carries nothing.
enum class batch_end : std::uint8_t {
  more,     ///< not at the end: pull again from the next index
  ended,    ///< the last event of this batch is the run's ending
  paused,   ///< the run waits for a person: there is nothing more until somebody continues or ends it
  gone,     ///< `from` is below what the journal keeps; `next` says where it starts
  unknown,  ///< no such run here
};
constexpr batch_end enum_max(batch_end) { return batch_end::unknown; }

/// A word to a reader that is no event and ends nothing: it comes besides the answer to a pull, which is still owed.
enum class batch_note : std::uint8_t {
  none,
  owner_suspected,  ///< the node that has the run cannot be heard: what is journalled still comes
  owner_back,       ///< it can be heard again, or another one has the run
};
constexpr batch_note enum_max(batch_note) { return batch_note::owner_back; }

std::string_view to_string(batch_note note);

struct event_batch {
  run_id run;
  std::vector<event_ptr> events;  ///< consecutive indices, the first is the pull's `from`
  event_index next = 0;           ///< where to pull from next
  batch_end end = batch_end::more;
  batch_note note = batch_note::none;  ///< with one, there are no events
};

// -- inspection --------------------------------------------------------------

template <class Inspector>
bool inspect(Inspector& f, run_started& x) {
  return f.object(x).fields(f.field("agent_name", x.agent_name), f.field("model", x.model),
                            f.field("model_provider", x.model_provider));
}
template <class Inspector>
bool inspect(Inspector& f, model_request_started& x) {
  return f.object(x).fields(f.field("attempt", x.attempt));
}
template <class Inspector>
bool inspect(Inspector& f, model_request_retrying& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("code", x.code),
                            f.field("provider_status", x.provider_status), f.field("delay_ms", x.delay_ms),
                            f.field("message", x.message));
}
template <class Inspector>
bool inspect(Inspector& f, content_delta& x) {
  return f.object(x).fields(f.field("text", x.text));
}
template <class Inspector>
bool inspect(Inspector& f, reasoning_delta& x) {
  return f.object(x).fields(f.field("text", x.text));
}
template <class Inspector>
bool inspect(Inspector& f, model_request_completed& x) {
  return f.object(x).fields(f.field("attempt", x.attempt), f.field("finish_reason", x.finish_reason),
                            f.field("usage", x.usage), f.field("first_token_us", x.first_token_us),
                            f.field("tool_calls", x.tool_calls), f.field("text_bytes", x.text_bytes));
}
template <class Inspector>
bool inspect(Inspector& f, content_completed& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, tool_call_started& x) {
  return f.object(x).fields(f.field("number", x.number), f.field("call", x.call), f.field("facts", x.facts));
}
template <class Inspector>
bool inspect(Inspector& f, tool_call_ended& x) {
  return f.object(x).fields(f.field("number", x.number), f.field("call", x.call), f.field("facts", x.facts),
                            f.field("failed", x.failed), f.field("stopped", x.stopped), f.field("result", x.result),
                            f.field("duration_ms", x.duration_ms));
}
template <class Inspector>
bool inspect(Inspector& f, run_paused& x) {
  return f.object(x).fields(f.field("waiting_for", x.waiting_for), f.field("expires_at_ms", x.expires_at_ms));
}
template <class Inspector>
bool inspect(Inspector& f, run_continued& x) {
  return f.object(x).fields(f.field("decisions", x.decisions), f.field("by", x.by));
}
template <class Inspector>
bool inspect(Inspector& f, event_ptr& x);
template <class Inspector>
bool inspect(Inspector& f, child_event& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("parent", x.parent), f.field("agent", x.agent),
                            f.field("agent_name", x.agent_name), f.field("model", x.model),
                            f.field("model_provider", x.model_provider), f.field("event", x.event));
}
template <class Inspector>
bool inspect(Inspector& f, run_ended& x) {
  return f.object(x).fields(f.field("how", x.how), f.field("content", x.content), f.field("usage", x.usage),
                            f.field("first_token_us", x.first_token_us), f.field("duration_us", x.duration_us));
}
template <class Inspector>
bool inspect(Inspector& f, run_event& x) {
  return f.object(x).fields(f.field("index", x.index), f.field("at_ms", x.at_ms), f.field("body", x.body));
}
template <class Inspector>
bool inspect(Inspector& f, event_ptr& x) {
  run_event event;
  if constexpr (!Inspector::is_loading) event = *x;
  if (!f.object(x).fields(f.field("event", event))) return false;
  if constexpr (Inspector::is_loading) x = event_ptr{std::move(event)};
  return true;
}
template <class Inspector>
bool inspect(Inspector& f, pull_limits& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("from", x.from), f.field("events_max", x.events_max),
                            f.field("bytes_max", x.bytes_max));
}
template <class Inspector>
bool inspect(Inspector& f, event_batch& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("events", x.events), f.field("next", x.next),
                            f.field("end", x.end), f.field("note", x.note));
}

}  // namespace oncue
