#include "store_upkeep.hpp"

#include <limits>
#include <string>
#include <utility>

#include "oncue/core/limits.hpp"

namespace oncue::io {

namespace {

constexpr auto any_time = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t reasoning_kind = 2;  // core::record_kind, as it stands in the statements below

}  // namespace

bool store_upkeep::step(std::int64_t now_ms) {
  transaction all{db_};
  auto done = is_ours() && shrink(now_ms);
  all.commit();
  return done;
}

/// Of the nodes that share a store one does this at a time.
bool store_upkeep::is_ours() {
  if (!db_.is_shared()) return true;
  query rows{db_, "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema(), 3))"};
  return rows.next() && rows.number(0) != 0;
}

/// What was begun is brought to its end before anything else is begun.
bool store_upkeep::shrink(std::int64_t now_ms) {
  if (auto run = oldest(stage::forgetting, any_time)) {
    forget(*run);
    return true;
  }
  if (auto run = oldest(stage::stripping, any_time)) {
    strip(*run);
    return true;
  }
  if (auto run = oldest(stage::whole, now_ms - settings_.compact_after.count())) {
    compact(*run);
    return true;
  }
  if (settings_.retention) {
    if (auto run = oldest(stage::compact, now_ms - settings_.retention->count())) {
      strip(*run);
      return true;
    }
  }
  return bytes_used_ && make_room(bytes_used_());
}

std::optional<run_row> store_upkeep::oldest(std::int64_t stage, std::int64_t ended_before_ms) {
  const auto* sql = db_.is_shared() ? "SELECT " ONCUE_RUN_COLUMNS
                                      " FROM runs WHERE stage=? AND ended_ms<? ORDER BY ended_ms LIMIT 1"
                                      " FOR NO KEY UPDATE SKIP LOCKED"
                                    : "SELECT " ONCUE_RUN_COLUMNS
                                      " FROM runs WHERE stage=? AND ended_ms<? ORDER BY ended_ms LIMIT 1";
  query rows{db_, sql, stage, ended_before_ms};
  return rows.next() ? std::optional{row_of(rows)} : std::nullopt;
}

void store_upkeep::set_stage(const run_row& run, std::int64_t stage) {
  query{db_, "UPDATE runs SET stage=? WHERE run_no=?", stage, run.number}.run();
}

void store_upkeep::count_stripped(const run_row& run, const char* sql) { query{db_, sql, run.number}.run(); }

// -- compaction --------------------------------------------------------------------

/// Some of the run's deltas become cuts. Where the ending's content is not what the deltas say, they stay as they are.
void store_upkeep::compact(const run_row& run) {
  if (query doomed{db_, "SELECT 1 FROM runs WHERE run_no=? AND session_deleted", run.number}; doomed.next()) {
    set_stage(run, stage::forgetting);
    return;
  }
  std::uint64_t text_from = 0;
  event_index from = 0;
  if (query rows{db_, "SELECT text_to, last_seq FROM cuts WHERE run_no=? ORDER BY first_seq DESC LIMIT 1", run.number};
      rows.next()) {
    text_from = rows.count(0);
    from = rows.count(1) + 1;
  }
  if (text_.run_no != run.number) {
    auto ending = load_ending(db_, run);
    text_ = {run.number, std::make_shared<const std::string>(get_if<run_ended>(*ending)->content)};
  }
  const auto& content = *text_.text;
  core::delta_cuts cuts;
  auto text_to = text_from;
  auto fits = true;
  {
    query rows{
        db_, "SELECT seq, at_ms, kind, data FROM events WHERE run_no=? AND seq>=? AND kind IN (1, 2) ORDER BY seq LIMIT ?",
        run.number, from, core::limits::upkeep_rows_max};
    std::size_t bytes = 0;
    while (fits && bytes < core::limits::upkeep_bytes_max && rows.next()) {
      auto text = rows.text(3);
      auto is_reasoning = rows.number(2) == reasoning_kind;
      bytes += text.size();
      cuts.cuts.push_back({rows.count(0), rows.number(1), is_reasoning, text.size()});
      if (is_reasoning) {
        cuts.reasoning += text;
      } else {
        fits = text_to <= content.size() && content.compare(text_to, text.size(), text) == 0;
        text_to += text.size();
      }
    }
  }
  if (cuts.cuts.empty() || !fits) {
    set_stage(run, stage::compact);
    text_ = {};
  } else {
    auto first = cuts.cuts.front().index;
    auto last = cuts.cuts.back().index;
    query{db_,        "INSERT INTO cuts(run_no, first_seq, last_seq, text_from, text_to, data) VALUES(?, ?, ?, ?, ?, ?)",
          run.number, first,
          last,       text_from,
          text_to,    blob{core::encode(cuts)}}
        .run();
    query{db_, "DELETE FROM events WHERE run_no=? AND seq BETWEEN ? AND ? AND kind IN (1, 2)", run.number, first, last}
        .run();
  }
}

// -- retention ---------------------------------------------------------------------

/// Some rows below the ending go. The first step says that they are gone.
void store_upkeep::strip(const run_row& run) {
  auto rows =
      query{db_,
            "DELETE FROM events WHERE run_no=?1 AND seq IN (SELECT seq FROM events WHERE run_no=?1 AND seq<?2 LIMIT ?3)",
            run.number, run.next - 1, core::limits::upkeep_rows_max}
          .run();
  rows +=
      query{db_, "DELETE FROM cuts WHERE run_no=?1 AND first_seq IN (SELECT first_seq FROM cuts WHERE run_no=?1 LIMIT ?2)",
            run.number, core::limits::upkeep_rows_max / 16}
          .run();
  query{db_,
        "UPDATE runs SET first_seq=next_seq-1, stage=?2, bytes=(SELECT length(data) FROM events WHERE"
        " run_no=?1 AND seq=next_seq-1) + (SELECT length(input) FROM run_specs WHERE run_no=?1) WHERE run_no=?1",
        run.number, rows == 0 ? stage::stripped : stage::stripping}
      .run();
  if (rows == 0)
    count_stripped(run,
                   "UPDATE totals SET value=value+(SELECT bytes FROM runs WHERE run_no=?)"
                   " WHERE name='stripped_bytes'");
}

/// Some rows of a run that nobody sees any more go, the last ones with the run itself.
void store_upkeep::forget(const run_row& run) {
  auto rows = query{db_, "DELETE FROM events WHERE run_no=?1 AND seq IN (SELECT seq FROM events WHERE run_no=?1 LIMIT ?2)",
                    run.number, core::limits::upkeep_rows_max}
                  .run();
  rows +=
      query{db_, "DELETE FROM cuts WHERE run_no=?1 AND first_seq IN (SELECT first_seq FROM cuts WHERE run_no=?1 LIMIT ?2)",
            run.number, core::limits::upkeep_rows_max / 16}
          .run();
  if (rows == 0) {
    query{db_, "DELETE FROM run_specs WHERE run_no=?", run.number}.run();
    query{db_, "DELETE FROM runs WHERE run_no=?", run.number}.run();
  }
}

std::int64_t store_upkeep::bytes_stripped() {
  query rows{db_, "SELECT value FROM totals WHERE name='stripped_bytes'"};
  return rows.next() ? rows.number(0) : 0;
}

/// Above the size that was set, the oldest ended runs lose their events; endings outlive them on a quarter of the space.
bool store_upkeep::make_room(std::int64_t bytes_used) {
  auto size_max = static_cast<std::int64_t>(settings_.size_bytes_max);
  if (bytes_used <= size_max) return false;
  auto run = oldest(stage::stripped, any_time);
  auto keeps_events = oldest(stage::compact, any_time);
  if (!keeps_events) keeps_events = oldest(stage::whole, any_time);
  if (keeps_events && (!run || bytes_stripped() <= size_max / 4)) {
    strip(*keeps_events);
    return true;
  }
  if (!run) return false;  // only live runs are left: they are never dropped
  set_stage(*run, stage::forgetting);
  count_stripped(*run, "UPDATE totals SET value=value-(SELECT bytes FROM runs WHERE run_no=?) WHERE name='stripped_bytes'");
  query{db_, "UPDATE runs SET idempotency_key=NULL WHERE run_no=?", run->number}.run();
  return true;
}

}  // namespace oncue::io
