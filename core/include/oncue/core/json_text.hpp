// Strings as JSON writes them (RFC 8259, section 7): UTF-8 as it is, never more escapes than needed. Promises that what
// comes out is valid UTF-8 on one line, whatever goes in. Never parses, never allocates anything but the text it appends
// to.
#pragma once

#include <string>
#include <string_view>

namespace oncue::core {

/// Appends `text` to `out`, escaped, without the quotes around it: `"` and `\` get a backslash, control characters are
/// written \b \f \n \r \t or \u00XX, and each ill-formed piece of UTF-8 becomes U+FFFD (one for each maximal subpart, as
/// the Unicode standard recommends in its section 3.9).
void append_json_escaped(std::string& out, std::string_view text);

/// The same with the quotes.
void append_json_string(std::string& out, std::string_view text);

/// A text from outside as it may stand in an error sentence: quoted, on one line, cut after 60 bytes; "[redacted]" if it
/// looks like an API key, because people paste keys into the wrong place.
std::string in_quotes(std::string_view text);

}  // namespace oncue::core
