// What comes from outside to a run on disk: going on after a pause, the pause's end, a cancel.
#include <utility>
#include <vector>

#include "oncue/core/pauses.hpp"
#include "sqlite_writer.hpp"

namespace oncue::io {

// -- pauses ------------------------------------------------------------------------

store_answer sqlite_writer::write(const reopen_run& what) {
  auto run = find_row(db_, what.run);
  if (!run) return reopen_reply{.refused = core::cannot_continue_unknown(what.run)};
  if (run->summary.status != run_status::paused) {
    return reopen_reply{.refused = core::cannot_continue(what.run, run->summary.status)};
  }
  const auto& continued = *what.continued;
  if (!get_if<run_continued>(continued) || continued.index != run->next) {
    return reopen_reply{.refused = core::cannot_continue_again(what.run)};
  }
  query{db_,
        "UPDATE runs SET state='running', expires_ms=0, owner=?, epoch=epoch+1, next_seq=?, updated_ms=?"
        " WHERE run_no=?",
        incarnation_,
        continued.index + 1,
        continued.at_ms,
        run->number}
      .run();
  insert(run->number, continued);
  open_runs_.erase(what.run);
  return reopen_reply{.refused = {}, .epoch = run->epoch + 1};
}

store_answer sqlite_writer::write(const end_expired& what) {
  struct expired {
    run_row run;
    std::int64_t at_ms = 0;
  };
  std::vector<expired> runs;
  {
    query rows{db_,
               "SELECT " ONCUE_RUN_COLUMNS
               ", expires_ms FROM runs WHERE stage=0 AND state='paused' AND expires_ms>0 AND expires_ms<=?"
               " ORDER BY expires_ms, run_no LIMIT ?",
               what.now_ms, what.runs_max};
    while (rows.next()) runs.push_back({row_of(rows), rows.number(ONCUE_RUN_COLUMN_COUNT)});
  }
  expired_runs reply;
  for (const auto& [run, at_ms] : runs) {
    end_as(run, core::pause_expired(run.updated_at_ms, at_ms), what.now_ms);
    reply.ended.push_back(run.summary.id);
  }
  query next{db_, "SELECT min(expires_ms) FROM runs WHERE stage=0 AND state='paused' AND expires_ms>0"};
  if (next.next()) reply.next_at_ms = next.number(0);
  return reply;
}

// -- cancel ------------------------------------------------------------------------

store_answer sqlite_writer::write(const record_cancel& what) {
  const auto& request = what.request;
  if (auto run = find_row(db_, request.run)) {
    if (!run->is_open()) return record_cancel_reply{load_ending(db_, *run), false};
    auto reason = request.reason.empty() ? "Run " + request.run.value + " was cancelled" : request.reason;
    query{db_, "UPDATE runs SET cancel_requested=1, cancel_reason=?, cancel_by=? WHERE run_no=? AND cancel_requested=0",
          reason, request.by, run->number}
        .run();
    if (run->summary.status == run_status::paused) {
      // The first cancel that was accepted is how it ends, also if the pause came after it.
      ending how{.kind = ending_kind::cancelled, .message = reason, .by = request.by};
      if (run->cancel_requested)
        how = {.kind = ending_kind::cancelled, .message = run->cancel_reason, .by = run->cancel_by};
      return record_cancel_reply{end_as(*run, std::move(how), what.at_ms), false, false};
    }
    return record_cancel_reply{{}, false, true};
  }
  query{db_, "DELETE FROM cancel_intents WHERE at_ms<?", what.at_ms - options_.intent_age_ms_max}.run();
  if (query rows{db_, "SELECT 1 FROM cancel_intents WHERE run_id=?", request.run}; rows.next()) {
    return record_cancel_reply{{}, true};
  }
  query count{db_, "SELECT count(*) FROM cancel_intents"};
  if (count.next() && count.count(0) >= options_.intents_max) return record_cancel_reply{};
  query{db_,
        "INSERT INTO cancel_intents(run_id, scope, reason, by, wait_ms, at_ms) VALUES(?, ?, ?, ?, ?, ?)",
        request.run,
        request.scope,
        request.reason,
        request.by,
        request.wait_ms,
        what.at_ms}
      .run();
  return record_cancel_reply{{}, true};
}

}  // namespace oncue::io
