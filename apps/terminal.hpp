// What a person's terminal can do, and the few styles that the program uses. Styles are empty where output is piped, where
// NO_COLOR is set (no-color.org), and on a dumb terminal.
#pragma once

#include <cstddef>
#include <string>
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

/// How many columns it has; if it does not say, $COLUMNS. 0: no terminal, or nobody knows.
std::size_t terminal_columns(int descriptor);

/// Styles for what is written to this descriptor.
const styles& styles_for(int descriptor);

/// Writes all of `text`; false once the reader is gone (a closed pipe).
bool write_all(int descriptor, std::string_view text);

/// A text from outside as a terminal may get it: without the control characters with which it could move the cursor, change
/// colours or set titles; line ends and tabs stay.
std::string without_controls(std::string_view text);

/// "error: …", for standard error, without a line end.
std::string error_line(std::string_view message);

/// The same, written.
void print_error(std::string_view message);

}  // namespace oncue::apps
