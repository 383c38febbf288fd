// The program's log on standard error: one line an event, with a name and fields, as logfmt for people or as JSON for
// machines. Promises never to block whoever logs: lines wait in a bounded queue for a thread of their own, and when nobody
// reads standard error the oldest are dropped and counted. Off until it is set up: a library stays silent. Knows nothing
// secret and is told nothing secret: no prompt, no text of a model, no key is ever a field.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "oncue/core/settings.hpp"

namespace oncue::io {

using core::log_format;
using core::log_level;

/// Switches the log on. Once, before the threads that log.
void set_up_log(log_level level, log_format format);

/// Writes what waits and stops. After the threads that log.
void close_log();

/// A field's name (ours: letters and underscores) and its value (anything; cut after limits::log_value_bytes_max).
using log_field = std::pair<std::string_view, std::string_view>;

/// One line: `event` is a name like "run_started". From any thread.
void log(log_level level, std::string_view event, std::initializer_list<log_field> fields = {});

/// False when such a line would be dropped: for callers whose fields cost something.
bool log_enabled(log_level level);

/// One line's text after the time, without the line break: what `log` writes. For tests and tools.
std::string log_line(log_format format, std::string_view time, log_level level, std::string_view event,
                     std::initializer_list<log_field> fields);

}  // namespace oncue::io
