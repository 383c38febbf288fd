// The writes that concern sessions as such.
#include <algorithm>
#include <utility>

#include "store_search.hpp"
#include "store_writer.hpp"

namespace oncue::io {

store_answer store_writer::write(const create_session& what) {
  const auto& x = what.session;
  if (x.id.empty()) return session_reply{.session = {}, .refused = "session_id: expected an id"};
  auto changed =
      query{db_,
            "INSERT INTO sessions(session_id, agent, \"user\", name, state, metadata, summary, created_ms, updated_ms)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(session_id) DO NOTHING",
            x.id,
            x.agent,
            x.user,
            x.name,
            x.state,
            x.metadata,
            x.summary,
            x.created_at_ms,
            std::max(x.created_at_ms, x.updated_at_ms)}
          .run();
  if (changed == 0) {
    return session_reply{
        .session = {}, .refused = "session_id: there is a session '" + x.id.value + "' already", .duplicate = true};
  }
  return search(db_, find_session{x.id});
}

store_answer store_writer::write(const change_session& what) {
  query{
      db_,
      "UPDATE sessions SET name=coalesce(?2, name), state=coalesce(?3, state), metadata=coalesce(?4, metadata),"
      " summary=coalesce(?5, summary), updated_ms=CASE WHEN updated_ms<?6 THEN ?6 ELSE updated_ms END WHERE session_id=?1",
      what.session,
      what.name,
      what.state,
      what.metadata,
      what.summary,
      what.at_ms}
      .run();
  return search(db_, find_session{what.session});
}

store_answer store_writer::write(const delete_sessions& what) {
  sessions_deleted answer;
  for (const auto& session : what.sessions) {
    if (query{db_, "DELETE FROM sessions WHERE session_id=?", session}.run() == 0) continue;
    ++answer.count;
    // Nobody sees them from now on; the upkeep deletes them piece by piece.
    query{db_,
          "UPDATE totals SET value=value-(SELECT coalesce(sum(bytes), 0) FROM runs WHERE session=? AND stage=4)"
          " WHERE name='stripped_bytes'",
          session}
        .run();
    // First what is open: what ends meanwhile is found among the ended ones.
    query{db_, "UPDATE runs SET session_deleted=true WHERE session=? AND stage=0", session}.run();
    query{db_, "UPDATE runs SET stage=5, idempotency_key=NULL WHERE session=? AND stage BETWEEN 1 AND 4", session}.run();
  }
  return answer;
}

}  // namespace oncue::io
