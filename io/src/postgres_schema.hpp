// The tables in PostgreSQL, and how older ones become newer ones. A version is a list of statements; steps are added at the
// end and never changed.
#pragma once

#include <string>

#include "postgres_connection.hpp"

namespace oncue::io {

/// Brings the tables to this program's version, all steps in one transaction; of several nodes the first one does. A
/// sentence if a newer program has been here, else nothing.
std::string migrate(postgres_connection& db);

/// A sentence if the tables are not those of this program's version, else nothing.
std::string foreign_schema(postgres_connection& db);

}  // namespace oncue::io
