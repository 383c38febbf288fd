// The words for how a run ended and for what a cancel did, the same wherever they are shown. Writes nothing itself.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "oncue/messages/cancel.hpp"
#include "oncue/messages/events.hpp"
#include "terminal.hpp"

namespace oncue::apps {

std::size_t count_characters(std::string_view utf8);

/// "cancelled after 8 s (Ctrl-C) · 2343 characters kept · 12 tokens". `characters`: of the text, where the ending does not
/// hold it.
std::string ending_words(const run_ended& ended, std::size_t characters, const styles& style);

/// " · the cancel took 189 µs, the provider's connection is closed (it was streaming)", for below an ending.
/// `demo_model`: there is no provider.
std::string receipt_words(const cancel_reply& receipt, bool demo_model);

/// A call as a line: "name(argument=value, …)", long values cut.
std::string tool_line(const tool_call& call);

/// The first line of a text, cut where a terminal's would be full.
std::string first_line(std::string_view text);

/// A status in its colour.
std::string status_words(std::string_view status, const styles& style);

}  // namespace oncue::apps
