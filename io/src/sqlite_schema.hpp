// The tables, and how an older file becomes a newer one. A version is a list of statements; steps are added at the end and
// never changed.
#pragma once

#include <string>

#include "sqlite_connection.hpp"

namespace oncue::io {

/// Where a run is in its life on disk. Kept in files.
namespace stage {
inline constexpr std::int64_t open = 0;
inline constexpr std::int64_t whole = 1;      ///< ended; every event is a row (or some already in `cuts`)
inline constexpr std::int64_t compact = 2;    ///< ended; deltas are in `cuts` and the ending's content
inline constexpr std::int64_t stripping = 3;  ///< only the ending is promised; older rows are being deleted
inline constexpr std::int64_t stripped = 4;
inline constexpr std::int64_t forgetting = 5;  ///< nobody sees it any more; it is being deleted
}  // namespace stage

/// Says in a sentence why this file cannot be ours; empty if it can.
std::string foreign_file(sqlite_connection& db, const std::string& path);

/// Brings the file to this program's version, a transaction for each step.
void migrate(sqlite_connection& db);

}  // namespace oncue::io
