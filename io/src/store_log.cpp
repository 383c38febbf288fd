#include "store_log.hpp"

#include <limits>
#include <utility>

#include "oncue/core/event_record.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/session_history.hpp"

namespace oncue::io {

namespace {

constexpr auto content_kind = static_cast<std::int64_t>(core::record_kind::content_delta);
constexpr auto reasoning_kind = static_cast<std::int64_t>(core::record_kind::reasoning_delta);

bool is_delta(const run_event& event) { return get_if<content_delta>(event) || get_if<reasoning_delta>(event); }

event_ptr event_of(event_index index, std::int64_t at_ms, std::int64_t kind, std::string data) {
  auto body = core::decode(kind, std::move(data));
  if (auto* wrong = std::get_if<std::string>(&body)) {
    throw store_corrupt{"event " + std::to_string(index) + " of a run cannot be read: " + *wrong};
  }
  return event_ptr{run_event{index, at_ms, std::move(std::get<event_body>(body))}};
}

/// The deltas of a compacted stretch of a run, taken out of its text again.
class cut_reader {
 public:
  cut_reader(sql_connection& db, const run_row& run, text_cache& cache) : db_{db}, run_{run}, cache_{cache} {}

  event_ptr read(event_index index) {
    if (next_ >= cuts_.cuts.size() || cuts_.cuts[next_].index != index) load(index);
    const auto& cut = cuts_.cuts[next_++];
    auto& from = cut.reasoning ? reasoning_from_ : text_from_;
    const auto& text = cut.reasoning ? cuts_.reasoning : *cache_.text;
    if (from > text.size() || cut.bytes > text.size() - from)
      throw store_corrupt{"a run's text is shorter than its deltas"};
    auto piece = text.substr(from, cut.bytes);
    from += cut.bytes;
    event_body body;
    if (cut.reasoning) {
      body = reasoning_delta{std::move(piece)};
    } else {
      body = content_delta{std::move(piece)};
    }
    return event_ptr{run_event{cut.index, cut.at_ms, std::move(body)}};
  }

 private:
  void load(event_index index) {
    auto missing = "event " + std::to_string(index) + " of a run is missing";
    query rows{db_, "SELECT text_from, data FROM cuts WHERE run_no=? AND first_seq<=? ORDER BY first_seq DESC LIMIT 1",
               run_.number, index};
    if (!rows.next()) throw store_corrupt{missing};
    auto cuts = core::decode_cuts(rows.text(1));
    if (!cuts) throw store_corrupt{"a run's cuts cannot be read"};
    text_from_ = rows.count(0);
    reasoning_from_ = 0;
    cuts_ = std::move(*cuts);
    for (next_ = 0; next_ < cuts_.cuts.size() && cuts_.cuts[next_].index != index; ++next_) {
      (cuts_.cuts[next_].reasoning ? reasoning_from_ : text_from_) += cuts_.cuts[next_].bytes;
    }
    if (next_ == cuts_.cuts.size()) throw store_corrupt{missing};
    if (cache_.run_no == run_.number && cache_.text) return;
    auto ending = load_ending(db_, run_);
    cache_ = {run_.number, std::make_shared<const std::string>(get_if<run_ended>(*ending)->content)};
  }

  sql_connection& db_;
  const run_row& run_;
  text_cache& cache_;
  core::delta_cuts cuts_;
  std::size_t next_ = 0;
  std::uint64_t text_from_ = 0;
  std::uint64_t reasoning_from_ = 0;
};

}  // namespace

run_row row_of(const query& rows) {
  run_row run;
  run.number = rows.number(0);
  run.summary = {{rows.text(1)}, {rows.text(2)}, {rows.text(3)}, status_of_name(rows.text(5)), rows.number(10), {}};
  run.user = {rows.text(4)};
  run.epoch = static_cast<run_epoch>(rows.number(6));
  run.owner = rows.number(7);
  run.first = rows.count(8);
  run.next = rows.count(9);
  run.updated_at_ms = rows.number(11);
  run.stage = rows.number(12);
  run.tools = rows.number(13) != 0;
  run.cancel_requested = rows.number(14) != 0;
  run.cancel_reason = rows.text(15);
  run.cancel_by = rows.text(16);
  if (!rows.is_null(17)) run.summary.ended = core::decode_ending(rows.text(17));
  run.cancel_mode = rows.number(18);
  run.cancel_grace_ms = rows.number(19);
  if (!run.is_open() && !run.summary.ended)
    throw store_corrupt{"the ending of run '" + run.summary.id.value + "' cannot be read"};
  return run;
}

std::optional<run_row> find_row(sql_connection& db, const run_id& run, row_use use) {
  std::optional<run_row> found;
  {
    const auto* sql = use == row_use::writing && db.is_shared()
                          ? "SELECT " ONCUE_RUN_COLUMNS " FROM runs WHERE run_id=? AND stage<5 FOR NO KEY UPDATE"
                          : "SELECT " ONCUE_RUN_COLUMNS " FROM runs WHERE run_id=? AND stage<5";
    query rows{db, sql, run};
    if (rows.next()) found = row_of(rows);
  }
  if (found) catch_up(db, *found);
  return found;
}

void catch_up(sql_connection& db, run_row& run) {
  if (!run.is_open()) return;
  query rows{db, "SELECT seq, at_ms FROM events WHERE run_no=? AND seq>=? ORDER BY seq DESC LIMIT 1", run.number, run.next};
  if (!rows.next()) return;
  run.next = rows.count(0) + 1;
  run.updated_at_ms = rows.number(1);
}

std::string state_name(run_status status) {
  switch (status) {
    case run_status::pending: return "queued";
    case run_status::running: return "running";
    case run_status::paused: return "paused";
    case run_status::completed: return "completed";
    case run_status::failed: return "failed";
    case run_status::cancelled: return "cancelled";
  }
  return "failed";
}

run_status status_of_name(const std::string& name) {
  for (auto status : {run_status::pending, run_status::running, run_status::paused, run_status::completed,
                      run_status::failed, run_status::cancelled}) {
    if (state_name(status) == name) return status;
  }
  throw store_corrupt{"a run is in the unknown state '" + name + "'"};
}

event_ptr load_ending(sql_connection& db, const run_row& run) {
  query rows{db, "SELECT at_ms, kind, data FROM events WHERE run_no=? AND seq=?", run.number, run.next - 1};
  if (!rows.next()) throw store_corrupt{"the ending of run '" + run.summary.id.value + "' is missing"};
  auto ending = event_of(run.next - 1, rows.number(0), rows.number(1), rows.text(2));
  if (!get_if<run_ended>(*ending)) throw store_corrupt{"the last event of run '" + run.summary.id.value + "' is no ending"};
  return ending;
}

run_sum load_sum(sql_connection& db, std::int64_t run_no) {
  run_sum sum;
  query rows{db, "SELECT seq, kind, data FROM events WHERE run_no=? AND kind IN (1, 6) ORDER BY seq", run_no};
  while (rows.next()) {
    if (rows.number(1) == content_kind) {
      sum.content += rows.text(2);
    } else {
      sum.usage += get_if<model_request_completed>(*event_of(rows.count(0), 0, rows.number(1), rows.text(2)))->usage;
    }
  }
  return sum;
}

void for_each_event(sql_connection& db, const run_row& run, event_index from, text_cache& cache,
                    const std::function<bool(event_ptr)>& take) {
  cut_reader cuts{db, run, cache};
  for (auto more = true; more && from < run.next;) {
    // A few at a time: a shared store sends what was asked for, also if it is not taken.
    query rows{db, "SELECT seq, at_ms, kind, data FROM events WHERE run_no=? AND seq>=? ORDER BY seq LIMIT ?", run.number,
               from, core::limits::events_read_max};
    std::size_t read = 0;
    auto next_row = [&] {
      auto is_there = rows.next();
      if (is_there) ++read;
      return is_there;
    };
    for (auto has_row = next_row(); more && from < run.next; ++from) {
      event_ptr event;
      if (has_row && rows.count(0) == from) {
        event = event_of(from, rows.number(1), rows.number(2), rows.text(3));
        has_row = next_row();
      } else if (!has_row && read == core::limits::events_read_max) {
        break;
      } else {
        event = cuts.read(from);
      }
      more = take(std::move(event));
    }
  }
  if (cache.text && cache.text->size() > core::limits::text_cached_bytes_max) cache = {};
}

std::vector<event_ptr> load_landmarks(sql_connection& db, const run_row& run) {
  std::vector<event_ptr> events;
  query rows{db,
             "SELECT seq, at_ms, kind, data FROM events WHERE run_no=? AND seq>=? AND kind NOT IN (?, ?) ORDER BY seq",
             run.number,
             run.first,
             content_kind,
             reasoning_kind};
  while (rows.next()) {
    auto event = event_of(rows.count(0), rows.number(1), rows.number(2), rows.text(3));
    if (const auto* of_child = get_if<child_event>(*event); of_child && is_delta(*of_child->event)) continue;
    events.push_back(std::move(event));
  }
  return events;
}

run_request load_request(sql_connection& db, const run_row& run) {
  query rows{db, "SELECT parent, root, traceparent, input FROM run_specs WHERE run_no=?", run.number};
  if (!rows.next()) throw store_corrupt{"the input of run '" + run.summary.id.value + "' is missing"};
  run_request request;
  request.id = run.summary.id;
  request.agent = run.summary.agent;
  request.session = run.summary.session;
  request.user = run.user;
  request.parent = {rows.text(0)};
  request.root = {rows.text(1)};
  request.traceparent = rows.text(2);
  request.input = rows.text(3);
  return request;
}

paused_run read_paused(sql_connection& db, const find_paused& what, text_cache& cache) {
  paused_run found;
  auto run = find_row(db, what.run);
  if (!run) return found;
  found.summary = run->summary;
  if (run->summary.status != run_status::paused) return found;
  found.request = load_request(db, *run);
  for_each_event(db, *run, 0, cache, [&](event_ptr event) {
    found.events.push_back(std::move(event));
    return true;
  });
  return found;
}

event_batch read_batch(sql_connection& db, const pull_limits& pull, text_cache& cache) {
  event_batch batch{.run = pull.run, .events = {}, .next = pull.from, .end = batch_end::more};
  auto run = find_row(db, pull.run);
  if (!run) {
    batch.end = batch_end::unknown;
  } else if (pull.from < run->first) {
    batch.end = batch_end::gone;
    batch.next = run->first;
  } else if (pull.from >= run->next) {
    if (!run->is_open()) batch.end = batch_end::ended;
    if (run->summary.status == run_status::paused) batch.end = batch_end::paused;
  } else {
    // The same cut as core::cut_batch makes of events in memory.
    std::size_t bytes = 0;
    for_each_event(db, *run, pull.from, cache, [&](event_ptr event) {
      bytes += cost_bytes(*event);
      if (!batch.events.empty() && (batch.events.size() >= pull.events_max || bytes > pull.bytes_max)) return false;
      batch.events.push_back(std::move(event));
      return batch.events.size() < pull.events_max && bytes < pull.bytes_max;
    });
    batch.next = batch.events.back()->index + 1;
    if (get_if<run_ended>(*batch.events.back())) batch.end = batch_end::ended;
    if (batch.next == run->next && run->summary.status == run_status::paused) batch.end = batch_end::paused;
  }
  return batch;
}

namespace {

/// A run of the session that came before this one and is not over, on whichever node; or one that came later, and began
/// on another node while this one was paused. A pause does not hold up its session, and one that only wants to go on is not
/// at work. All nodes go by the runs' numbers, and one of the same node is named first, for it may stand behind this one
/// there: else runs could wait for each other in a circle.
run_id run_behind(sql_connection& db, const load_history& what) {
  query rows{db,
             "SELECT runs.run_id FROM runs JOIN runs AS mine ON mine.run_id=?2"
             " AND (runs.run_no<mine.run_no OR (runs.run_no>mine.run_no AND runs.owner<>mine.owner"
             " AND runs.state='running' AND ?3<>"
             "(SELECT kind FROM events WHERE events.run_no=runs.run_no ORDER BY seq DESC LIMIT 1)))"
             " WHERE runs.session=?1 AND runs.stage=0 AND runs.state<>'paused'"
             " AND (SELECT parent FROM run_specs WHERE run_specs.run_no=runs.run_no)=''"
             " ORDER BY runs.owner<>mine.owner, runs.run_no DESC LIMIT 1",
             what.session, what.before, static_cast<std::int64_t>(core::record_kind::run_continued)};
  return rows.next() ? run_id{rows.text(0)} : run_id{};
}

std::vector<chat_message> messages_of(sql_connection& db, const run_row& run, text_cache& cache) {
  query rows{db, "SELECT input FROM run_specs WHERE run_no=?", run.number};
  if (!rows.next()) throw store_corrupt{"the input of run '" + run.summary.id.value + "' is missing"};
  if (!run.tools || run.first > 0)
    return core::run_messages(rows.text(0), get_if<run_ended>(*load_ending(db, run))->content);
  std::vector<event_ptr> events;
  for_each_event(db, run, 0, cache, [&](event_ptr event) {
    events.push_back(std::move(event));
    return true;
  });
  return core::run_messages(rows.text(0), events);
}

}  // namespace

history read_history(sql_connection& db, const load_history& what, text_cache& cache) {
  if (db.is_shared() && !what.before.empty()) {
    if (auto behind = run_behind(db, what); !behind.empty()) return {.messages = {}, .behind = std::move(behind)};
  }
  core::history_budget budget{what};
  auto below = std::numeric_limits<std::int64_t>::max();
  for (auto more = true; more && !budget.is_full();) {
    query runs{db,
               "SELECT " ONCUE_RUN_COLUMNS
               " FROM runs WHERE session=? AND stage BETWEEN 1 AND 4 AND NOT session_deleted AND (state='completed' OR ?)"
               " AND run_no<? AND (SELECT parent FROM run_specs WHERE run_specs.run_no=runs.run_no)=''"
               " ORDER BY run_no DESC LIMIT ?",
               what.session,
               what.with_stopped,
               below,
               core::limits::events_read_max};
    std::size_t read = 0;
    while (more && !budget.is_full() && runs.next()) {
      auto run = row_of(runs);
      below = run.number;
      ++read;
      more = budget.add(messages_of(db, run, cache));
    }
    more = more && read == core::limits::events_read_max;
  }
  return budget.take();
}

}  // namespace oncue::io
