// A run's life on disk: create, append, finish. Its pauses and cancels are in sqlite_pauses.cpp.
#include "sqlite_writer.hpp"

#include <algorithm>
#include <utility>

#include "oncue/core/event_record.hpp"
#include "oncue/core/pauses.hpp"
#include "oncue/core/session_history.hpp"
#include "oncue/core/text.hpp"

namespace oncue::io {

namespace {

constexpr auto lost_node = "the process that ran it ended without finishing it";

journal_refused refused(const run_id& run, std::string why) { return {run, std::move(why)}; }

/// Indices that rise by one.
bool is_gapless(const std::vector<event_ptr>& events) {
  for (std::size_t i = 1; i < events.size(); ++i) {
    if (events[i]->index != events[0]->index + i) return false;
  }
  return true;
}

std::size_t ending_count(const std::vector<event_ptr>& events) {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [](const event_ptr& event) { return get_if<run_ended>(*event); }));
}

/// The ending that was asked for, unless a cancel was accepted before.
ending with_flag(const run_row& run, ending wanted) {
  if (!run.cancel_requested || wanted.kind == ending_kind::cancelled) return wanted;
  return {.kind = ending_kind::cancelled, .message = run.cancel_reason, .by = run.cancel_by};
}

/// The first characters of a message, as a session's name.
std::string name_from(const std::string& input) {
  std::size_t bytes = 0;
  for (std::size_t chars = 0; bytes < input.size() && chars < core::limits::session_name_chars_max; ++chars) {
    do ++bytes;
    while (bytes < input.size() && (static_cast<unsigned char>(input[bytes]) & 0xC0) == 0x80);
  }
  return input.substr(0, bytes);
}

std::string fenced(const run_row& run, run_epoch epoch) {
  return "the run has another owner now (epoch " + std::to_string(run.epoch) + ", not " + std::to_string(epoch) + ")";
}

std::string gap(event_index from, event_index next) {
  return "index " + std::to_string(from) + " leaves a gap after " + std::to_string(next);
}

}  // namespace

void sqlite_writer::take_over(std::int64_t now_ms) {
  query{db_, "INSERT INTO nodes(node_id, started_ms) VALUES(?, ?)", options_.node, now_ms}.run();
  incarnation_ = db_.last_row();
}

void sqlite_writer::insert(std::int64_t run_no, const run_event& event) {
  auto record = core::encode(event.body, scratch_);
  query{db_,
        "INSERT INTO events(run_no, seq, at_ms, kind, data) VALUES(?, ?, ?, ?, ?)",
        run_no,
        event.index,
        event.at_ms,
        static_cast<std::int64_t>(record.kind),
        in_place{record.data}}
      .run();
  ++events_;
}

// -- create ------------------------------------------------------------------------

store_answer sqlite_writer::write(const create_run& what) {
  const auto& request = what.request;
  if (auto before = made_before(what)) return std::move(*before);
  if (what.only_existing) return create_reply{};
  if (query rows{db_, "SELECT 1 FROM runs WHERE run_id=?", request.id}; rows.next()) {
    return create_reply{
        refusal{refusal_code::run_id_used, "run_id: '" + request.id.value + "' is used already, choose another"}, {}};
  }
  if (!what.events.empty() && (what.events.front()->index != 0 || !is_gapless(what.events))) {
    return create_reply{refusal{refusal_code::journal_unavailable, "the first events of a run begin at index 0"}, {}};
  }
  create_reply reply;
  reply.intent = take_intent(what);
  insert_run(what);
  return reply;
}

/// What the idempotency key says: the run it made, or that it stands for something else.
std::optional<create_reply> sqlite_writer::made_before(const create_run& what) {
  const auto& request = what.request;
  if (request.idempotency_key.empty()) return std::nullopt;
  std::optional<run_row> run;
  {
    query rows{db_, "SELECT " ONCUE_RUN_COLUMNS " FROM runs WHERE user=? AND idempotency_key=?", request.user,
               request.idempotency_key};
    if (!rows.next()) return std::nullopt;
    run = row_of(rows);
  }
  if (what.created_at_ms - run->summary.created_at_ms > core::limits::idempotency_age_max.count()) {
    query{db_, "UPDATE runs SET idempotency_key=NULL WHERE run_no=?", run->number}.run();
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
std::optional<cancel_request> sqlite_writer::take_intent(const create_run& what) {
  const auto& request = what.request;
  query{db_, "DELETE FROM cancel_intents WHERE at_ms<?", what.created_at_ms - options_.intent_age_ms_max}.run();
  cancel_request intent{.run = request.id};
  {
    query rows{db_, "SELECT scope, reason, by, wait_ms FROM cancel_intents WHERE run_id=?", request.id};
    if (!rows.next()) return std::nullopt;
    intent.scope = {rows.text(0)};
    intent.reason = rows.text(1);
    intent.by = rows.text(2);
    intent.wait_ms = static_cast<std::uint32_t>(rows.number(3));
  }
  query{db_, "DELETE FROM cancel_intents WHERE run_id=?", request.id}.run();
  if (!intent.scope.empty() && intent.scope != request.user) return std::nullopt;
  return intent;
}

void sqlite_writer::insert_run(const create_run& what) {
  const auto& request = what.request;
  auto key = request.idempotency_key.empty() ? std::nullopt : std::optional{request.idempotency_key};
  query{db_,
        "INSERT INTO runs(run_id, agent, session, user, state, epoch, owner, next_seq, updated_ms, bytes, created_ms,"
        " idempotency_key) VALUES(?, ?, ?, ?, 'queued', 1, ?, ?, ?, 0, ?, ?)",
        request.id,
        request.agent,
        request.session,
        request.user,
        incarnation_,
        what.events.size(),
        what.created_at_ms,
        what.created_at_ms,
        key}
      .run();
  auto run_no = db_.last_row();
  run_started names;
  for (const auto& event : what.events) {
    if (const auto* started = get_if<run_started>(*event)) names = *started;
    insert(run_no, *event);
  }
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
        request.input}
      .run();
  query{db_,
        "INSERT INTO sessions(session_id, agent, user, name, created_ms, updated_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?5)"
        " ON CONFLICT(session_id) DO UPDATE SET updated_ms=max(updated_ms, excluded.updated_ms)",
        request.session,
        request.agent,
        request.user,
        name_from(request.input),
        what.created_at_ms}
      .run();
}

/// The run, if it is open and this process's. Valid until the next write.
sqlite_writer::open_run* sqlite_writer::find_open(const run_id& run) {
  if (auto known = open_runs_.find(run); known != open_runs_.end()) return &known->second;
  auto row = find_row(db_, run);
  if (!row || !row->is_open() || row->owner != incarnation_) return nullptr;
  auto is_running = row->summary.status == run_status::running;
  return &(open_runs_[run] = {row->number, row->epoch, row->next, is_running, row->tools});
}

// -- append ------------------------------------------------------------------------

/// The events from the `skip`th on, if the run is open, ours, and exactly there. False: it is not, and nothing was changed.
bool sqlite_writer::advance(const append_events& what, std::size_t skip) {
  const auto& events = what.events;
  auto* run = find_open(what.run);
  if (!run || run->epoch != what.epoch || run->next != events[skip]->index) return false;
  for (auto i = skip; i < events.size(); ++i) insert(run->number, *events[i]);
  run->next = events.back()->index + 1;
  const auto* pause = core::pause_at_end(events);
  auto tools = run->tools || core::tells_of_tools(events);
  if (run->is_running && !pause && tools == run->tools) return true;
  query{db_,
        "UPDATE runs SET next_seq=?1, updated_ms=?2, tools=?3, state=?4, expires_ms=?5 WHERE run_no=?6 AND stage=0",
        run->next,
        events.back()->at_ms,
        tools,
        pause ? "paused" : "running",
        pause ? pause->expires_at_ms : 0,
        run->number}
      .run();
  run->is_running = !pause;
  run->tools = tools;
  return true;
}

store_answer sqlite_writer::write(const append_events& what) {
  const auto& events = what.events;
  if (!is_gapless(events)) return refused(what.run, "the events of an append have a gap");
  if (ending_count(events) > 0) return refused(what.run, "an ending is not appended, it finishes its run");
  if (!events.empty() && what.from == events.front()->index && advance(what, 0)) {
    return appended{what.run, events.back()->index + 1};
  }
  auto run = find_row(db_, what.run);
  if (!run) return refused(what.run, "no such run");
  if (!run->is_open()) return appended{what.run, run->next};
  if (run->epoch != what.epoch || run->owner != incarnation_) return refused(what.run, fenced(*run, what.epoch));
  auto from = events.empty() ? what.from : std::max(what.from, events.front()->index);
  if (from > run->next) return refused(what.run, gap(from, run->next));
  if (events.empty() || events.back()->index < run->next) return appended{what.run, run->next};
  if (!advance(what, run->next - events.front()->index)) return refused(what.run, "the run changed meanwhile");
  return appended{what.run, events.back()->index + 1};
}

// -- finish ------------------------------------------------------------------------

/// The one conditional statement by which a run ends. False: somebody else was first.
bool sqlite_writer::close_run(const run_row& run, event_index first, const run_event& ended) {
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
        "UPDATE sessions SET updated_ms=max(updated_ms, ?2), input_tokens=input_tokens+?3, output_tokens=output_tokens+?4,"
        " reasoning_tokens=reasoning_tokens+?5, cache_read_tokens=cache_read_tokens+?6 WHERE session_id=?1",
        run.summary.session,
        ended.at_ms,
        body.usage.input_tokens,
        body.usage.output_tokens,
        body.usage.reasoning_tokens,
        body.usage.cache_read_tokens}
      .run();
  return true;
}

store_answer sqlite_writer::write(const finish_run& what) {
  auto run = find_row(db_, what.run);
  if (!run) return refused(what.run, "no such run");
  if (!run->is_open()) return finished{what.run, load_ending(db_, *run)};
  const auto& events = what.events;
  if (events.empty() || !get_if<run_ended>(*events.back())) {
    return refused(what.run, "the last event of a finish is not an ending");
  }
  if (!is_gapless(events) || ending_count(events) != 1) return refused(what.run, "the events of a finish have a gap");
  if (run->epoch != what.epoch || run->owner != incarnation_) return refused(what.run, fenced(*run, what.epoch));
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
  for (auto i = skip; i + 1 < events.size(); ++i) insert(run->number, *events[i]);
  insert(run->number, *ended);
  if (core::tells_of_tools(events)) query{db_, "UPDATE runs SET tools=1 WHERE run_no=?", run->number}.run();
  return finished{what.run, std::move(ended)};
}

/// Ends an open run in the place of whoever should have: text and usage are those of its events.
event_ptr sqlite_writer::end_as(const run_row& run, ending how, std::int64_t at_ms) {
  auto sum = load_sum(db_, run.number);
  run_ended body{.how = with_flag(run, std::move(how)), .content = std::move(sum.content), .usage = sum.usage};
  body.duration_us = static_cast<std::uint64_t>(std::max<std::int64_t>(at_ms - run.summary.created_at_ms, 0)) * 1000;
  event_ptr ended{run_event{run.next, at_ms, boxed<run_ended>{std::move(body)}}};
  if (!close_run(run, run.next, *ended)) throw store_corrupt{"a run that was open is not open"};
  // Whoever owned it before can change nothing any more.
  query{db_, "UPDATE runs SET epoch=epoch+1 WHERE run_no=?", run.number}.run();
  insert(run.number, *ended);
  return ended;
}

store_answer sqlite_writer::write(const end_orphan& what) {
  auto run = find_row(db_, what.run);
  if (!run) return end_orphan_reply{};
  return end_orphan_reply{run->is_open() ? end_as(*run, what.how, what.at_ms) : load_ending(db_, *run)};
}

std::size_t sqlite_writer::end_predecessors(std::int64_t now_ms, std::size_t runs_max) {
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
