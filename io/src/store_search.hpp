// Finding runs and sessions for people.
#pragma once

#include "oncue/messages/archive.hpp"
#include "oncue/messages/journal.hpp"
#include "sql_connection.hpp"

namespace oncue::io {

run_found search(sql_connection& db, const find_run& what);
run_owner search(sql_connection& db, const find_owner& what);
runs_found search(sql_connection& db, const find_runs& what);
session_reply search(sql_connection& db, const find_session& what);
sessions_found search(sql_connection& db, const find_sessions& what);
run_list search(sql_connection& db, const list_runs& what);

}  // namespace oncue::io
