// A run's life in the store: create and finish. Appends are in store_appends.cpp, pauses and cancels in store_pauses.cpp.
#include "store_writer.hpp"

#include <algorithm>
#include <utility>

#include "oncue/core/event_record.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/session_history.hpp"
#include "oncue/core/text.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::io {

namespace {

constexpr auto lost_node = "the process that ran it ended without finishing it";

journal_refused refused(const run_id& run, std::string why) { return {run, std::move(why)}; }

/// The ending that was asked for, unless a cancel was accepted before.
ending with_flag(const run_row& run, ending wanted) {
  auto was_cancelled = run.cancel_requested && !planted(mutant::store_forgets_cancel);
  if (!was_cancelled || wanted.kind == ending_kind::cancelled) return wanted;
  return {.kind = ending_kind::cancelled, .message = run.cancel_reason, .by = run.cancel_by};
}

/// The first characters of a message, as a session's name.
std::string name_from(const std::string& input) {
  std::size_t bytes = 0;
  for (std::size_t chars = 0; bytes < input.size() && chars < core::limits::session_name_chars_max; ++chars) {
    do ++bytes;
    while (bytes < input.size() && (static_cast<unsigned char>(input[bytes]) & 0xC0) == 0x80);
  }
  auto name = input.substr(0, bytes);
  std::replace(name.begin(), name.end(), '\0', ' ');
  return name;
}

/// The run that stands in the way of another one of its id.
create_reply id_used(const run_id& run) {
  return {refusal{refusal_code::run_id_used, "run_id: '" + run.value + "' is used already, choose another"}, {}};
}

}  // namespace

// -- create ------------------------------------------------------------------------

store_answer store_writer::write(const create_run& what) {
  const auto& request = what.request;
  if (auto before = made_before(what)) return std::move(*before);
  if (what.only_existing) return create_reply{};
  if (db_.is_shared()) lock_id(request.id);
  if (query rows{db_, "SELECT 1 FROM runs WHERE run_id=?", request.id}; rows.next()) {
    auto again = made_by_this(what);
    return again ? std::move(*again) : id_used(request.id);
  }
  if (!what.events.empty() && (what.events.front()->index != 0 || !is_gapless(what.events))) {
    return create_reply{refusal{refusal_code::journal_unavailable, "the first events of a run begin at index 0"}, {}};
  }
  if (auto busy = busy_elsewhere(what)) return create_reply{std::move(busy), {}};
  auto run_no = insert_run(what);
  if (run_no == 0) {
    // Another node made one with this key meanwhile.
    auto before = made_before(what);
    return before ? std::move(*before) : id_used(request.id);
  }
  create_reply reply;
  reply.intent = take_intent(what);
  if (reply.intent && !planted(mutant::store_intent_not_flagged)) flag(run_no, *reply.intent);
  return reply;
}

/// Until the end of the transaction nobody else makes a run with this id, or leaves a cancel for one.
void store_writer::lock_id(const run_id& run) {
  query{db_, "SELECT pg_advisory_xact_lock(hashtextextended(?, 1))", run}.later();
}

/// The answer to a request whose first answer was lost: the run that it made, if nothing has happened to it since.
std::optional<create_reply> store_writer::made_by_this(const create_run& what) {
  if (!db_.is_shared()) return std::nullopt;
  const auto& request = what.request;
  auto run = find_row(db_, request.id);
  if (!run || run->summary.created_at_ms != what.created_at_ms || run->user != request.user ||
      run->summary.session != request.session || run->summary.agent != request.agent) {
    return std::nullopt;
  }
  auto is_untouched = run->is_open() && run->summary.status == run_status::pending && run->owner == incarnation_ &&
                      run->epoch == 1 && run->next == what.events.size();
  // One that waits for any node may have gone on already: it was made nevertheless.
  if (!is_untouched && !what.unowned) return std::nullopt;
  create_reply reply;
  if (run->cancel_requested) {
    reply.intent = cancel_request{.run = request.id, .reason = run->cancel_reason, .by = run->cancel_by};
  }
  return reply;
}

/// Why a run that will not wait for its session, which is locked, cannot be: the session has one on another node.
std::optional<refusal> store_writer::busy_elsewhere(const create_run& what) {
  const auto& request = what.request;
  auto asks = request.on_busy_session == session_policy::reject && request.parent.empty() && !what.new_session;
  if (!db_.is_shared() || !asks) return std::nullopt;
  query rows{db_,
             "SELECT 1 FROM runs WHERE session=? AND stage=0 AND state<>'paused' AND owner<>?"
             " AND (SELECT parent FROM run_specs WHERE run_specs.run_no=runs.run_no)='' LIMIT 1",
             request.session, incarnation_};
  if (!rows.next()) return std::nullopt;
  return refusal{refusal_code::session_busy,
                 "session_id: '" + request.session.value + "' has a run that is not over; wait for it or cancel it"};
}

/// What the idempotency key says: the run it made, or that it stands for something else.
std::optional<create_reply> store_writer::made_before(const create_run& what) {
  const auto& request = what.request;
  if (request.idempotency_key.empty()) return std::nullopt;
  std::optional<run_row> run;
  {
    query rows{db_, "SELECT " ONCUE_RUN_COLUMNS " FROM runs WHERE \"user\"=? AND idempotency_key=?", request.user,
               request.idempotency_key};
    if (!rows.next()) return std::nullopt;
    run = row_of(rows);
  }
  if (run->summary.id == request.id) {
    if (auto again = made_by_this(what)) return again;
  }
  if (what.created_at_ms - run->summary.created_at_ms > core::limits::idempotency_age_max.count()) {
    query{db_, "UPDATE runs SET idempotency_key=NULL WHERE run_no=?", run->number}.later();
    return std::nullopt;
  }
  query rows{db_, "SELECT input FROM run_specs WHERE run_no=?", run->number};
  auto same_input = rows.next() && rows.text(0) == request.input;
  auto same_session = what.new_session || run->summary.session == request.session;
  create_reply reply;
  if (run->summary.agent == request.agent && same_input && same_session) {
    reply.epoch = run->epoch;
    reply.existing = std::move(run->summary);
  } else {
    reply.refused = refusal{refusal_code::idempotency_reused,
                            "Idempotency-Key: it was used before, for another agent, session or message"};
  }
  return reply;
}

/// A cancel that came before the run. It is gone with this id, also if it was left by another user and does not count.
std::optional<cancel_request> store_writer::take_intent(const create_run& what) {
  const auto& request = what.request;
  query{db_, "DELETE FROM cancel_intents WHERE at_ms<?", what.created_at_ms - limits_.intent_age_ms_max}.later();
  cancel_request intent{.run = request.id};
  {
    query rows{db_, "SELECT scope, reason, by, wait_ms FROM cancel_intents WHERE run_id=?", request.id};
    if (!rows.next()) return std::nullopt;
    intent.scope = {rows.text(0)};
    intent.reason = rows.text(1);
    intent.by = rows.text(2);
    intent.wait_ms = static_cast<std::uint32_t>(rows.number(3));
  }
  query{db_, "DELETE FROM cancel_intents WHERE run_id=?", request.id}.later();
  if (!intent.scope.empty() && intent.scope != request.user) return std::nullopt;
  return intent;
}

#define ONCUE_INSERT_RUN                                                                                 \
  "INSERT INTO runs(run_id, agent, session, \"user\", state, epoch, owner, next_seq, updated_ms, bytes," \
  " created_ms, idempotency_key, on_node_loss) VALUES(?, ?, ?, ?, 'queued', 1, ?, ?, ?, 0, ?, ?, ?)"     \
  " ON CONFLICT DO NOTHING"

/// Its number; 0: there is one with this id or this key.
std::int64_t store_writer::insert_run(const create_run& what) {
  const auto& request = what.request;
  auto key = request.idempotency_key.empty() ? std::nullopt : std::optional{request.idempotency_key};
  constexpr auto for_sqlite = ONCUE_INSERT_RUN;
  // The number comes with it: another trip would cost more. To SQLite it is none, and rows from a write are dear.
  constexpr auto for_many = ONCUE_INSERT_RUN " RETURNING run_no";
  std::int64_t run_no = 0;
  {
    query row{db_,
              db_.is_shared() ? for_many : for_sqlite,
              request.id,
              request.agent,
              request.session,
              request.user,
              what.unowned ? 0 : incarnation_,
              what.events.size(),
              what.created_at_ms,
              what.created_at_ms,
              key,
              static_cast<std::int64_t>(request.on_node_loss)};
    if (db_.is_shared() ? !row.next() : row.run() == 0) return 0;
    if (db_.is_shared()) run_no = row.number(0);
  }
  if (!db_.is_shared()) {
    query row{db_, "SELECT last_insert_rowid()"};
    if (row.next()) run_no = row.number(0);
  }
  run_started names;
  for (const auto& event : what.events) {
    if (const auto* started = get_if<run_started>(*event)) names = *started;
  }
  insert(run_no, what.events);
  query{db_,
        "INSERT INTO run_specs(run_no, parent, root, traceparent, agent_name, model, model_provider, input)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        run_no,
        request.parent,
        request.root,
        request.traceparent,
        names.agent_name,
        names.model,
        names.model_provider,
        raw{request.input}}
      .later();
  query{db_,
        "INSERT INTO sessions(session_id, agent, \"user\", name, created_ms, updated_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?5)"
        " ON CONFLICT(session_id) DO UPDATE SET updated_ms=CASE WHEN sessions.updated_ms<excluded.updated_ms"
        " THEN excluded.updated_ms ELSE sessions.updated_ms END",
        request.session,
        request.agent,
        request.user,
        name_from(request.input),
        what.created_at_ms}
      .later();
  return run_no;
}

/// The first cancel that was accepted is the run's; a later one may only be in more of a hurry.
void store_writer::flag(std::int64_t run_no, const cancel_request& request) {
  auto reason = request.reason.empty() ? "Run " + request.run.value + " was cancelled" : request.reason;
  auto mode = static_cast<std::int64_t>(request.mode);
  auto changed = query{db_,
                       "UPDATE runs SET cancel_requested=true, cancel_reason=?, cancel_by=?, cancel_mode=?,"
                       " cancel_grace_ms=? WHERE run_no=? AND stage=0 AND NOT cancel_requested",
                       reason,
                       request.by,
                       mode,
                       request.grace_ms,
                       run_no}
                     .run();
  if (changed > 0) return;
  query{db_, "UPDATE runs SET cancel_mode=?1, cancel_grace_ms=?2 WHERE run_no=?3 AND stage=0 AND cancel_mode>?1", mode,
        request.grace_ms, run_no}
      .later();
}

// -- finish ------------------------------------------------------------------------

/// The one conditional statement by which a run ends. False: somebody else was first.
bool store_writer::close_run(const run_row& run, event_index first, const run_event& ended) {
  const auto& body = *get_if<run_ended>(ended);
  auto wanted = state_name(status_of(body.how));
  auto changed =
      query{db_,
            "UPDATE runs SET state=CASE WHEN cancel_requested THEN 'cancelled' ELSE ?1 END, next_seq=?2, updated_ms=?3,"
            " ended_ms=?3, ending=?4, stage=1"
            " WHERE run_no=?5 AND epoch=?6 AND owner=?7 AND next_seq<=?8 AND stage=0",
            wanted,
            ended.index + 1,
            ended.at_ms,
            core::encode(body.how),
            run.number,
            run.epoch,
            run.owner,
            first}
          .run();
  if (changed == 0) return false;
  open_runs_.erase(run.summary.id);
  query{db_,
        "UPDATE sessions SET updated_ms=CASE WHEN updated_ms<?2 THEN ?2 ELSE updated_ms END, input_tokens=input_tokens+?3, "
        "output_tokens=output_tokens+?4,"
        " reasoning_tokens=reasoning_tokens+?5, cache_read_tokens=cache_read_tokens+?6 WHERE session_id=?1",
        run.summary.session,
        ended.at_ms,
        body.usage.input_tokens,
        body.usage.output_tokens,
        body.usage.reasoning_tokens,
        body.usage.cache_read_tokens}
      .later();
  return true;
}

store_answer store_writer::write(const finish_run& what) {
  auto run = find_row(db_, what.run, row_use::writing);
  if (!run) return refused(what.run, "no such run");
  if (!run->is_open() && !planted(mutant::store_ends_again)) return finished{what.run, load_ending(db_, *run)};
  const auto& events = what.events;
  if (events.empty() || !get_if<run_ended>(*events.back())) {
    return refused(what.run, "the last event of a finish is not an ending");
  }
  if (!is_gapless(events) || ending_count(events) != 1) return refused(what.run, "the events of a finish have a gap");
  if (run->epoch != what.epoch || run->owner != incarnation_) return fenced(*run, what.epoch);
  auto from = std::max(what.from, events.front()->index);
  if (from > run->next) return refused(what.run, gap(from, run->next));
  if (events.back()->index < run->next) return refused(what.run, "the ending's index is used already");

  auto ended = events.back();
  auto how = with_flag(*run, get_if<run_ended>(*ended)->how);
  if (how != get_if<run_ended>(*ended)->how) {
    auto body = *get_if<run_ended>(*ended);
    body.how = std::move(how);
    ended = event_ptr{run_event{ended->index, ended->at_ms, boxed<run_ended>{std::move(body)}}};
  }
  auto skip = run->next - events.front()->index;
  if (!close_run(*run, run->next, *ended)) return refused(what.run, "the run changed meanwhile");
  auto rest = std::vector<event_ptr>(events.begin() + static_cast<std::ptrdiff_t>(skip), events.end());
  rest.back() = ended;
  insert(run->number, rest);
  if (core::tells_of_tools(events)) query{db_, "UPDATE runs SET tools=true WHERE run_no=?", run->number}.later();
  return finished{what.run, std::move(ended)};
}

/// Ends an open run in the place of whoever should have: text and usage are those of its events.
event_ptr store_writer::end_as(const run_row& run, ending how, std::int64_t at_ms) {
  auto sum = load_sum(db_, run.number);
  run_ended body{.how = with_flag(run, std::move(how)), .content = std::move(sum.content), .usage = sum.usage};
  body.duration_us = static_cast<std::uint64_t>(std::max<std::int64_t>(at_ms - run.summary.created_at_ms, 0)) * 1000;
  event_ptr ended{run_event{run.next, at_ms, boxed<run_ended>{std::move(body)}}};
  if (!close_run(run, run.next, *ended)) throw store_corrupt{"a run that was open is not open"};
  // Whoever owned it before can change nothing any more.
  query{db_, "UPDATE runs SET epoch=epoch+1 WHERE run_no=?", run.number}.later();
  insert(run.number, {&ended, 1});
  return ended;
}

store_answer store_writer::write(const end_orphan& what) {
  auto run = find_row(db_, what.run, row_use::writing);
  if (!run) return end_orphan_reply{};
  if (db_.is_shared() && run->is_open() && run->owner != incarnation_) return end_orphan_reply{.ended = {}, .fenced = true};
  return end_orphan_reply{run->is_open() ? end_as(*run, what.how, what.at_ms) : load_ending(db_, *run)};
}

bool store_writer::requeue(const run_row& run) {
  using core::record_kind;
  return query{db_,
               "UPDATE runs SET state='queued', owner=0, epoch=epoch+1, restarts=restarts+1 WHERE run_no=?1 AND NOT EXISTS("
               "SELECT 1 FROM events WHERE events.run_no=?1 AND kind NOT IN (?2, ?3, ?4))",
               run.number,
               static_cast<std::int64_t>(record_kind::run_started),
               static_cast<std::int64_t>(record_kind::model_request_started),
               static_cast<std::int64_t>(record_kind::model_request_retrying)}
             .run() > 0;
}

std::size_t store_writer::end_predecessors(std::int64_t now_ms, std::size_t runs_max) {
  std::vector<run_row> runs;
  {
    query rows{db_,
               "SELECT " ONCUE_RUN_COLUMNS
               " FROM runs WHERE stage=0 AND owner<>? AND (state<>'paused' OR cancel_requested"
               " OR (SELECT parent FROM run_specs WHERE run_specs.run_no=runs.run_no)<>'') LIMIT ?",
               incarnation_, runs_max};
    while (rows.next()) runs.push_back(row_of(rows));
  }
  for (auto& run : runs) {
    catch_up(db_, run);
    end_as(run, {.kind = ending_kind::failed, .code = failure_code::node_lost, .message = lost_node}, now_ms);
  }
  return runs.size();
}

}  // namespace oncue::io
