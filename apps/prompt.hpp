// What a run is told: the command line's text, or standard input.
#pragma once

#include <string>

namespace oncue::apps {

/// "-": standard input, at most one byte more than is allowed: whoever starts the run says what is wrong with a message
/// that is too long.
std::string prompt_of(const std::string& argument);

}  // namespace oncue::apps
