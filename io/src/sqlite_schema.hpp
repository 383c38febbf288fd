// The tables, and how an older file becomes a newer one. A version is a list of statements; steps are added at the end and
// never changed.
#pragma once

#include <string>

#include "sqlite_connection.hpp"

namespace oncue::io {

/// Says in a sentence why this file cannot be ours; empty if it can.
std::string foreign_file(sqlite_connection& db, const std::string& path);

/// Brings the file to this program's version, a transaction for each step.
void migrate(sqlite_connection& db);

}  // namespace oncue::io
