// What was said in a kept run, as agno's documents have it: its messages, turn by turn, and its calls of tools.
#pragma once

#include <string>

#include "oncue/messages/archive.hpp"

namespace oncue::core {

/// The run's messages, each with a comma before it. With its events: an assistant's message with its calls and the tools'
/// answers for each turn. Without them: the question and the whole text.
std::string messages_of(const run_record& run);

/// Only what the user and the assistant said, without tools.
std::string said_of(const run_record& run);

/// The calls of the run's tools in the order in which they began, or came to wait, with what came of them. Each with a
/// comma before it.
std::string tools_of(const run_record& run);

}  // namespace oncue::core
