#include "store_search.hpp"

#include <utility>

#include "oncue/core/limits.hpp"
#include "store_log.hpp"

namespace oncue::io {

namespace {

#define ONCUE_SESSION_COLUMNS                                                                                          \
  "session_id, agent, \"user\", name, state, metadata, summary, created_ms, updated_ms, input_tokens, output_tokens, " \
  "reasoning_tokens, cache_read_tokens"

session_record session_of(const query& rows) {
  return {.id = {rows.text(0)},
          .agent = {rows.text(1)},
          .user = {rows.text(2)},
          .name = rows.text(3),
          .state = rows.text(4),
          .metadata = rows.text(5),
          .summary = rows.text(6),
          .created_at_ms = rows.number(7),
          .updated_at_ms = rows.number(8),
          .usage = {rows.count(9), rows.count(10), rows.count(11), rows.count(12)}};
}

run_record record_of(sql_connection& db, const run_row& run, bool with_events) {
  run_record record;
  record.summary = run.summary;
  record.user = run.user;
  record.updated_at_ms = run.updated_at_ms;
  record.next = run.next;
  {
    query rows{db, "SELECT parent, agent_name, model, model_provider, input FROM run_specs WHERE run_no=?", run.number};
    if (!rows.next()) throw store_corrupt{"the input of run '" + run.summary.id.value + "' is missing"};
    record.parent = {rows.text(0)};
    record.started = {rows.text(1), rows.text(2), rows.text(3)};
    record.input = rows.text(4);
  }
  if (run.is_open()) {
    record.content = load_sum(db, run.number).content;
  } else {
    record.ended = *get_if<run_ended>(*load_ending(db, run));
    record.content = std::exchange(record.ended->content, {});
  }
  if (with_events) record.events = load_landmarks(db, run);
  return record;
}

/// "Name" as a pattern for LIKE on lower(): its % and _ stand for themselves.
std::string pattern_of(const std::string& text) {
  std::string pattern = "%";
  for (char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return pattern + '%';
}

}  // namespace

run_found search(sql_connection& db, const find_run& what) {
  auto run = find_row(db, what.run);
  return {run ? std::optional{record_of(db, *run, what.with_events)} : std::nullopt};
}

run_owner search(sql_connection& db, const find_owner& what) {
  query rows{db, "SELECT state, owner FROM runs WHERE run_id=? AND stage<5", what.run};
  if (!rows.next()) return {};
  auto status = status_of_name(rows.text(0));
  auto is_live = status == run_status::pending || status == run_status::running;
  return {status, is_live ? rows.count(1) : 0};
}

runs_found search(sql_connection& db, const find_runs& what) {
  runs_found found;
  found.session_known = !what.session.empty() && search(db, find_session{what.session}).session.has_value();
  std::string sql = "SELECT " ONCUE_RUN_COLUMNS " FROM runs WHERE stage<5";
  if (!what.session.empty()) sql += " AND session=?1";
  if (!what.agent.empty()) sql += " AND agent=?2";
  if (!what.user.empty()) sql += " AND \"user\"=?3";
  if (what.status) sql += " AND state=?4";
  if (what.created_from_ms != 0) sql += " AND created_ms>=?5";
  if (what.created_until_ms != 0) sql += " AND created_ms<=?6";
  sql += what.newest_first ? " ORDER BY run_no DESC LIMIT ?7" : " ORDER BY run_no LIMIT ?7";
  std::vector<run_row> runs;
  {
    auto state = what.status ? state_name(*what.status) : std::string{};
    query rows{db,           sql, what.session, what.agent, what.user, state, what.created_from_ms, what.created_until_ms,
               what.runs_max};
    while (rows.next()) runs.push_back(row_of(rows));
  }
  // What was said with tools is in the events only: they come along, as far as there is room for them.
  std::size_t bytes = 0;
  for (auto& run : runs) {
    catch_up(db, run);
    auto wanted = run.tools || run.summary.status == run_status::paused;
    found.runs.push_back(record_of(db, run, wanted && bytes < core::limits::runs_listed_bytes_max));
    for (const auto& event : found.runs.back().events) bytes += cost_bytes(*event);
  }
  return found;
}

session_reply search(sql_connection& db, const find_session& what) {
  query rows{db, "SELECT " ONCUE_SESSION_COLUMNS " FROM sessions WHERE session_id=?", what.session};
  return {.session = rows.next() ? std::optional{session_of(rows)} : std::nullopt, .refused = {}};
}

sessions_found search(sql_connection& db, const find_sessions& what) {
  std::string where = " FROM sessions WHERE true";
  if (!what.agent.empty()) where += " AND agent=?1";
  if (!what.user.empty()) where += " AND \"user\"=?2";
  if (!what.name_contains.empty()) where += " AND lower(name) LIKE ?3 ESCAPE '\\'";
  std::string column = what.order == session_order::name      ? "name"
                       : what.order == session_order::updated ? "updated_ms"
                                                              : "created_ms";
  std::string direction = what.descending ? " DESC" : "";
  // The rowid decides between equals, so that no page repeats or leaves out a session.
  auto page = " ORDER BY " + column + direction + ", rowid" + direction + " LIMIT ?4 OFFSET ?5";
  auto pattern = pattern_of(what.name_contains);
  std::uint64_t before = static_cast<std::uint64_t>(what.page > 0 ? what.page - 1 : 0) * what.sessions_max;

  sessions_found found;
  query rows{db, "SELECT " ONCUE_SESSION_COLUMNS + where + page, what.agent, what.user, pattern, what.sessions_max, before};
  while (rows.next()) found.sessions.push_back(session_of(rows));
  query count{db, "SELECT count(*), ?1, ?2, ?3" + where, what.agent, what.user, pattern};
  if (count.next()) found.total = count.count(0);
  return found;
}

run_list search(sql_connection& db, const list_runs& what) {
  run_list list;
  query rows{db, "SELECT " ONCUE_RUN_COLUMNS " FROM runs WHERE stage<5 ORDER BY run_no DESC LIMIT ?", what.runs_max};
  while (rows.next()) list.runs.push_back(row_of(rows).summary);
  return list;
}

}  // namespace oncue::io
