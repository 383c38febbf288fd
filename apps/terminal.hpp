// What a person's terminal can do, and the few styles that the program uses. Styles are empty where output is piped, where
// NO_COLOR is set (no-color.org), and on a dumb terminal.
#pragma once

#include <string_view>

namespace oncue::apps {

struct styles {
  std::string_view dim;
  std::string_view bold;
  std::string_view red;
  std::string_view green;
  std::string_view yellow;
  std::string_view off;
};

/// True if the file descriptor is a terminal.
bool is_terminal(int descriptor);

/// Styles for what is written to this descriptor.
const styles& styles_for(int descriptor);

/// Writes all of `text`; false once the reader is gone (a closed pipe).
bool write_all(int descriptor, std::string_view text);

/// "error: …" on standard error.
void print_error(std::string_view message);

}  // namespace oncue::apps
