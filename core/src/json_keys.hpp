// The small parts of which AgentOS' JSON texts are put together: a key with its value, times, agno's metrics. Keys are
// ours and need no escapes; every text from outside is escaped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oncue/messages/events.hpp"
#include "oncue/messages/run.hpp"

namespace oncue::core {

void append_number(std::string& out, std::uint64_t value);

/// `"key":` and the value, with a comma before it.
void add(std::string& out, std::string_view key, std::string_view text);
void add(std::string& out, std::string_view key, std::uint64_t number);
void add_bool(std::string& out, std::string_view key, bool value);
/// The value is JSON already.
void add_raw(std::string& out, std::string_view key, std::string_view json);
/// Microseconds as seconds with a decimal point.
void add_seconds(std::string& out, std::string_view key, std::uint64_t us);

/// Members, each with a comma before it, as an object.
std::string object_of(std::string_view members);
/// Values, each with a comma before it, as a list.
std::string list_of(std::string_view values);

/// "2026-11-22T07:02:45.906000+00:00", as Python's isoformat() writes UTC.
std::string iso_time_python(std::int64_t at_ms);
/// "2026-11-22T07:02:45.906000Z", as agno's sessions and /health have it; whole seconds have no fraction.
std::string iso_time_z(std::int64_t at_ms);

/// agno's clock in events and runs is in whole seconds.
std::uint64_t whole_seconds(std::int64_t at_ms);

/// Token counts as agno's metrics have them: what is zero is left out. Each with a comma before it.
std::string tokens_not_zero(const token_usage& usage);

/// A metrics object's `details`: which model used the tokens.
std::string model_details(const token_usage& usage, std::string_view model, std::string_view provider);

/// The metrics object of an ended run. A stopped run whose tokens nobody counted has no details, as in agno.
std::string run_metrics(const run_ended& ended, std::string_view model, std::string_view provider);

/// The reason that was given for a cancel, or agno's words for none.
std::string cancel_reason(const ending& how, const run_id& run);

}  // namespace oncue::core
