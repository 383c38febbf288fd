// What comes from outside to a run in the store: going on after a pause, the pause's end, a cancel.
#include <utility>
#include <vector>

#include "oncue/core/event_record.hpp"
#include "oncue/core/pauses.hpp"
#include "store_writer.hpp"

namespace oncue::io {

// -- pauses ------------------------------------------------------------------------

store_answer store_writer::write(const reopen_run& what) {
  auto run = find_row(db_, what.run, row_use::writing);
  if (!run) return reopen_reply{.refused = core::cannot_continue_unknown(what.run)};
  if (auto again = reopened_by_this(what, *run)) return std::move(*again);
  if (run->summary.status != run_status::paused) {
    return reopen_reply{.refused = core::cannot_continue(what.run, run->summary.status)};
  }
  const auto& continued = *what.continued;
  if (!get_if<run_continued>(continued) || continued.index != run->next) {
    return reopen_reply{.refused = core::cannot_continue_again(what.run)};
  }
  query{db_,
        "UPDATE runs SET state='running', expires_ms=0, owner=?, epoch=epoch+1, next_seq=?, updated_ms=?"
        " WHERE run_no=? AND epoch=? AND stage=0",
        incarnation_,
        continued.index + 1,
        continued.at_ms,
        run->number,
        run->epoch}
      .run();
  insert(run->number, {&what.continued, 1});
  open_runs_.erase(what.run);
  return reopen_reply{.refused = {}, .epoch = run->epoch + 1};
}

/// The answer to a request whose first answer was lost: this node has the run, and its last event is this one.
std::optional<reopen_reply> store_writer::reopened_by_this(const reopen_run& what, const run_row& run) {
  const auto& continued = *what.continued;
  auto may_be = db_.is_shared() && run.is_open() && run.summary.status == run_status::running &&
                run.owner == incarnation_ && run.next == continued.index + 1;
  if (!may_be) return std::nullopt;
  auto record = core::encode(continued.body, scratch_);
  query rows{db_, "SELECT at_ms, kind, data FROM events WHERE run_no=? AND seq=?", run.number, continued.index};
  auto same = rows.next() && rows.number(0) == continued.at_ms &&
              rows.number(1) == static_cast<std::int64_t>(record.kind) && rows.text(2) == record.data;
  return same ? std::optional{reopen_reply{.refused = {}, .epoch = run.epoch}} : std::nullopt;
}

store_answer store_writer::write(const end_expired& what) {
  struct expired {
    run_row run;
    std::int64_t at_ms = 0;
  };
  std::vector<expired> runs;
  {
    // Of nodes that do this at the same time each takes other runs.
    const auto* sql = db_.is_shared()
                          ? "SELECT " ONCUE_RUN_COLUMNS
                            ", expires_ms FROM runs WHERE stage=0 AND state='paused' AND expires_ms>0 AND expires_ms<=?"
                            " ORDER BY expires_ms, run_no LIMIT ? FOR NO KEY UPDATE SKIP LOCKED"
                          : "SELECT " ONCUE_RUN_COLUMNS
                            ", expires_ms FROM runs WHERE stage=0 AND state='paused' AND expires_ms>0 AND expires_ms<=?"
                            " ORDER BY expires_ms, run_no LIMIT ?";
    query rows{db_, sql, what.now_ms, what.runs_max};
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

store_answer store_writer::write(const record_cancel& what) {
  const auto& request = what.request;
  auto run = find_row(db_, request.run, row_use::writing);
  if (!run && db_.is_shared()) {
    // It may be made by another node at this moment.
    lock_id(request.run);
    run = find_row(db_, request.run, row_use::writing);
  }
  if (!run) return keep_intent(what);
  if (!run->is_open()) return record_cancel_reply{load_ending(db_, *run), false};
  flag(run->number, request);
  auto is_nobodys = run->owner == 0 && run->summary.status == run_status::pending;
  if (!is_nobodys && run->summary.status != run_status::paused) return record_cancel_reply{{}, false, true};
  // The first cancel that was accepted is how it ends, also if the pause came after it.
  auto reason = request.reason.empty() ? "Run " + request.run.value + " was cancelled" : request.reason;
  ending how{.kind = ending_kind::cancelled, .message = std::move(reason), .by = request.by};
  if (run->cancel_requested) how = {.kind = ending_kind::cancelled, .message = run->cancel_reason, .by = run->cancel_by};
  return record_cancel_reply{end_as(*run, std::move(how), what.at_ms), false, false};
}

record_cancel_reply store_writer::keep_intent(const record_cancel& what) {
  const auto& request = what.request;
  query{db_, "DELETE FROM cancel_intents WHERE at_ms<?", what.at_ms - limits_.intent_age_ms_max}.run();
  if (query rows{db_, "SELECT 1 FROM cancel_intents WHERE run_id=?", request.run}; rows.next()) return {{}, true};
  query count{db_, "SELECT count(*) FROM cancel_intents"};
  if (count.next() && count.count(0) >= limits_.intents_max) return {};
  query{db_,
        "INSERT INTO cancel_intents(run_id, scope, reason, by, wait_ms, at_ms) VALUES(?, ?, ?, ?, ?, ?)",
        request.run,
        request.scope,
        request.reason,
        request.by,
        request.wait_ms,
        what.at_ms}
      .run();
  return {{}, true};
}

}  // namespace oncue::io
