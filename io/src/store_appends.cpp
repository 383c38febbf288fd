// The events of a run that goes on: the one write that comes thousands of times a second.
#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "oncue/core/event_record.hpp"
#include "oncue/core/pauses.hpp"
#include "oncue/core/session_history.hpp"
#include "oncue/messages/mutants.hpp"
#include "store_writer.hpp"

namespace oncue::io {

namespace {

journal_refused refused(const run_id& run, std::string why) { return {run, std::move(why)}; }

/// Rows as the lists that unnest() takes.
struct event_lists {
  std::vector<std::int64_t> run_nos;
  std::vector<std::int64_t> indices;
  std::vector<std::int64_t> times;
  std::vector<std::int64_t> kinds;
  std::vector<std::string_view> data;
  std::deque<std::string> scratch;  // what `data` refers to, where it is not the event's own text

  void add(std::int64_t run_no, const run_event& event) {
    auto record = core::encode(event.body, scratch.emplace_back());
    run_nos.push_back(run_no);
    indices.push_back(static_cast<std::int64_t>(event.index));
    times.push_back(event.at_ms);
    kinds.push_back(static_cast<std::int64_t>(record.kind));
    data.push_back(record.data);
  }
};

}  // namespace

bool is_gapless(std::span<const event_ptr> events) {
  for (std::size_t i = 1; i < events.size(); ++i) {
    if (events[i]->index != events[0]->index + i) return false;
  }
  return true;
}

std::size_t ending_count(std::span<const event_ptr> events) {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [](const event_ptr& event) { return get_if<run_ended>(*event); }));
}

std::string gap(event_index from, event_index next) {
  return "index " + std::to_string(from) + " leaves a gap after " + std::to_string(next);
}

journal_refused fenced(const run_row& run, run_epoch epoch) {
  auto why = run.epoch == epoch ? std::string{"the run has another owner now"}
                                : "the run has another owner now (epoch " + std::to_string(run.epoch) + ", not " +
                                      std::to_string(epoch) + ")";
  return {run.summary.id, std::move(why), true};
}

void store_writer::insert(std::int64_t run_no, std::span<const event_ptr> events) {
  events_ += events.size();
  if (db_.is_shared() && events.size() > 1) {
    event_lists rows;
    for (const auto& event : events) rows.add(run_no, *event);
    query{db_,          "INSERT INTO events(run_no, seq, at_ms, kind, data) SELECT * FROM unnest(?, ?, ?, ?, ?)",
          rows.run_nos, rows.indices,
          rows.times,   rows.kinds,
          rows.data}
        .later();
    return;
  }
  for (const auto& event : events) {
    auto record = core::encode(event->body, scratch_);
    query{db_,
          "INSERT INTO events(run_no, seq, at_ms, kind, data) VALUES(?, ?, ?, ?, ?)",
          run_no,
          event->index,
          event->at_ms,
          static_cast<std::int64_t>(record.kind),
          raw{record.data}}
        .later();
  }
}

/// The run, if it is open and this process's. Valid until the next write.
store_writer::open_run* store_writer::find_open(const run_id& run) {
  if (auto known = open_runs_.find(run); known != open_runs_.end()) return &known->second;
  auto row = find_row(db_, run);
  return row && row->is_open() && row->owner == incarnation_ ? &remember(*row) : nullptr;
}

store_writer::open_run& store_writer::remember(const run_row& row) {
  auto is_running = row.summary.status == run_status::running;
  return open_runs_[row.summary.id] = {row.number, row.epoch, row.next, is_running, row.tools};
}

/// The events from the `skip`th on, if the run is exactly there. False: it is not, and nothing was changed.
bool store_writer::advance(const append_events& what, std::size_t skip, open_run& run) {
  const auto& events = what.events;
  auto is_owner = run.epoch == what.epoch || planted(mutant::store_skips_fence);
  if (!is_owner || run.next != events[skip]->index) return false;
  insert(run.number, std::span{events}.subspan(skip));
  run.next = events.back()->index + 1;
  const auto* pause = core::pause_at_end(events);
  auto tools = run.tools || core::tells_of_tools(events);
  if (run.is_running && !pause && tools == run.tools) return true;
  query{db_,
        "UPDATE runs SET next_seq=?1, updated_ms=?2, tools=?3, state=?4, expires_ms=?5"
        " WHERE run_no=?6 AND epoch=?7 AND owner=?8 AND stage=0",
        run.next,
        events.back()->at_ms,
        tools,
        pause ? "paused" : "running",
        pause ? pause->expires_at_ms : 0,
        run.number,
        run.epoch,
        incarnation_}
      .later();
  run.is_running = !pause;
  run.tools = tools;
  return true;
}

store_answer store_writer::write(const append_events& what) {
  const auto& events = what.events;
  if (!is_gapless(events)) return refused(what.run, "the events of an append have a gap");
  if (ending_count(events) > 0) return refused(what.run, "an ending is not appended, it finishes its run");
  // What this writer remembers is true only where nobody else writes.
  if (!db_.is_shared() && !events.empty() && what.from == events.front()->index) {
    if (auto* run = find_open(what.run); run && advance(what, 0, *run)) return appended{what.run, run->next};
  }
  auto run = find_row(db_, what.run, row_use::writing);
  if (!run) return refused(what.run, "no such run");
  // Where another node may have written the ending, these events are not what stands at their indices.
  auto may_end_elsewhere = db_.is_shared() && run->epoch != what.epoch;
  if (!run->is_open() && !may_end_elsewhere) return appended{what.run, run->next};
  auto is_owner = run->epoch == what.epoch && run->owner == incarnation_;
  if (!is_owner && !planted(mutant::store_skips_fence)) return fenced(*run, what.epoch);
  auto from = events.empty() ? what.from : std::max(what.from, events.front()->index);
  if (from > run->next) return refused(what.run, gap(from, run->next));
  if (events.empty() || events.back()->index < run->next) return appended{what.run, run->next};
  if (!advance(what, run->next - events.front()->index, remember(*run)))
    return refused(what.run, "the run changed meanwhile");
  return appended{what.run, events.back()->index + 1};
}

// -- many at once ------------------------------------------------------------------

/// True if all that it takes is its events' rows, as far as this writer knows.
bool store_writer::is_plain(const append_events& what, event_index next) const {
  auto known = open_runs_.find(what.run);
  if (known == open_runs_.end() || what.events.empty()) return false;
  const auto& run = known->second;
  const auto& events = what.events;
  return run.is_running && run.epoch == what.epoch && events.front()->index == next && what.from == next &&
         is_gapless(events) && ending_count(events) == 0 && !core::pause_at_end(events) &&
         (run.tools || !core::tells_of_tools(events));
}

std::vector<std::size_t> store_writer::plain_appends(std::span<const store_write> writes) const {
  std::vector<std::size_t> plain;
  std::unordered_map<run_id, event_index> next;  // of the runs met so far; none_: something else was asked of it
  constexpr auto none = static_cast<event_index>(-1);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (const auto* what = std::get_if<append_events>(&writes[i])) {
      auto known = open_runs_.find(what->run);
      auto [at, is_new] = next.try_emplace(what->run, known == open_runs_.end() ? none : known->second.next);
      if (at->second != none && is_plain(*what, at->second)) {
        at->second += what->events.size();
        plain.push_back(i);
      } else {
        at->second = none;
      }
    } else if (const auto* run = run_of(writes[i])) {
      next[*run] = none;
    }
  }
  return plain;
}

void store_writer::lock_sessions(std::span<const store_write> writes) {
  std::vector<std::string_view> sessions;
  for (const auto& write : writes) {
    const auto* what = std::get_if<create_run>(&write);
    if (what && !what->new_session && what->request.parent.empty()) sessions.push_back(what->request.session.value);
  }
  if (sessions.empty()) return;
  std::sort(sessions.begin(), sessions.end());
  sessions.erase(std::unique(sessions.begin(), sessions.end()), sessions.end());
  query{db_,
        "SELECT pg_advisory_xact_lock(hashtextextended(convert_from(wanted.id, 'UTF8'), 2)) FROM unnest(?) AS wanted(id)",
        sessions}
      .later();
}

void store_writer::lock_runs(std::span<const store_write> writes) {
  std::vector<std::string_view> runs;
  for (const auto& write : writes) {
    if (const auto* run = std::holds_alternative<create_run>(write) ? nullptr : run_of(write)) runs.push_back(run->value);
  }
  std::sort(runs.begin(), runs.end());
  runs.erase(std::unique(runs.begin(), runs.end()), runs.end());
  if (runs.size() < 2) return;
  query{db_,
        "SELECT run.run_no FROM (SELECT known.run_no FROM unnest(?) AS wanted(id) CROSS JOIN LATERAL"
        " (SELECT run_no FROM runs WHERE run_id=convert_from(wanted.id, 'UTF8') OFFSET 0) AS known"
        " ORDER BY known.run_no OFFSET 0) AS found CROSS JOIN LATERAL"
        " (SELECT run_no FROM runs WHERE runs.run_no=found.run_no FOR NO KEY UPDATE) AS run",
        runs}
      .later();
}

std::vector<std::size_t> store_writer::write_plain(std::span<const store_write> writes,
                                                   std::span<const std::size_t> which) {
  std::map<std::int64_t, std::pair<const run_id*, run_epoch>> runs;
  event_lists rows;
  for (auto i : which) {
    const auto& what = std::get<append_events>(writes[i]);
    const auto& run = open_runs_.at(what.run);
    runs.try_emplace(run.number, &what.run, run.epoch);
    for (const auto& event : what.events) rows.add(run.number, *event);
  }
  std::vector<std::int64_t> run_nos;
  std::vector<std::int64_t> epochs;
  for (const auto& [number, run] : runs) {
    run_nos.push_back(number);
    epochs.push_back(static_cast<std::int64_t>(run.second));
  }
  // Each run is found by its number, locked in this order, and looked at again behind the lock.
  query held{
      db_,
      "WITH held AS MATERIALIZED ("
      " SELECT run.run_no FROM unnest(?, ?) AS wanted(run_no, epoch) CROSS JOIN LATERAL"
      " (SELECT run_no FROM runs WHERE runs.run_no=wanted.run_no AND epoch=wanted.epoch AND owner=? AND stage=0"
      " AND state='running' FOR NO KEY UPDATE) AS run),"
      " written AS (INSERT INTO events(run_no, seq, at_ms, kind, data)"
      " SELECT e.run_no, e.seq, e.at_ms, e.kind, e.data FROM unnest(?, ?, ?, ?, ?) AS e(run_no, seq, at_ms, kind, data)"
      " JOIN held ON held.run_no=e.run_no)"
      " SELECT run_no FROM held",
      run_nos,
      epochs,
      incarnation_,
      rows.run_nos,
      rows.indices,
      rows.times,
      rows.kinds,
      rows.data};
  while (held.next()) runs.erase(held.number(0));
  for (const auto& [number, run] : runs) open_runs_.erase(*run.first);
  std::vector<std::size_t> left;
  for (auto i : which) {
    const auto& what = std::get<append_events>(writes[i]);
    auto known = open_runs_.find(what.run);
    if (known == open_runs_.end()) {
      left.push_back(i);
    } else {
      known->second.next += what.events.size();
      events_ += what.events.size();
    }
  }
  return left;
}

}  // namespace oncue::io
