// How an event is kept in a store: a small number that says what it is, and its data. A delta's data is its text as it
// is; an ending's is one line of JSON and, behind the line break, its content as it is; all others are compact JSON.
// Promises that what was encoded decodes to an equal body, except that what is not UTF-8 inside JSON becomes U+FFFD, and
// that a newer program's additional keys are passed over. The numbers never change their meaning. Knows no store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "oncue/messages/events.hpp"

namespace oncue::core {

/// Kept in files: numbers are never reused.
enum class record_kind : std::uint8_t {
  content_delta = 1,
  reasoning_delta = 2,
  run_started = 3,
  model_request_started = 4,
  model_request_retrying = 5,
  model_request_completed = 6,
  content_completed = 7,
  tool_call_started = 8,
  tool_call_ended = 9,
  run_paused = 10,
  run_continued = 11,
  run_ended = 12,
  child_event = 13,
};

/// `data` refers to the event's own text (deltas), or to the scratch string that was given.
struct record_ref {
  record_kind kind = record_kind::content_delta;
  const std::string& data;
};

/// The event as it is kept. Valid while `body` and `scratch` stay as they are.
record_ref encode(const event_body& body, std::string& scratch);

/// The event's body, or what is wrong with the record in a few words.
std::variant<event_body, std::string> decode(std::int64_t kind, std::string data);

/// How a run ended, without its content: for lists.
std::string encode(const ending& how);
std::optional<ending> decode_ending(std::string_view data);

}  // namespace oncue::core
