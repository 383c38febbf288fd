// What a run's log promises, one checker a promise. Each says in a sentence what is broken, or returns an empty string, so
// that any test framework can use it: CHECK(testkit::whole_log(log) == "").
#pragma once

#include <string>
#include <vector>

#include "oncue/messages/events.hpp"

namespace oncue::testkit {

/// Indices are gapless, starting at `from`.
std::string gapless(const std::vector<event_ptr>& log, event_index from = 0);

/// Exactly one ending, and nothing after it.
std::string one_ending(const std::vector<event_ptr>& log);

/// The ending's content is the concatenation of the content deltas.
std::string exact_text(const std::vector<event_ptr>& log);

/// Each tool's call that began has one end.
std::string calls_have_ends(const std::vector<event_ptr>& log);

/// All that the whole log of an ended run promises.
std::string whole_log(const std::vector<event_ptr>& log);

/// The concatenation of the content deltas.
std::string text_of(const std::vector<event_ptr>& log);

/// The ending, if it is the last event; else null.
const run_ended* ending_of(const std::vector<event_ptr>& log);

}  // namespace oncue::testkit
