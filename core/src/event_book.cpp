#include "oncue/core/event_book.hpp"

#include <algorithm>
#include <utility>

#include "oncue/core/event_tail.hpp"
#include "oncue/core/pauses.hpp"
#include "oncue/core/session_history.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::core {

namespace {

std::size_t sum_of_costs(const std::vector<event_ptr>& events) {
  std::size_t sum = 0;
  for (const auto& event : events) sum += cost_bytes(*event);
  return sum;
}

std::size_t row_cost(const run_request& x, const session_id& session) {
  return limits::memory_journal_row_bytes + x.id.value.size() + x.agent.value.size() + session.value.size() +
         x.user.value.size() + x.input.size() + x.idempotency_key.size() + x.parent.value.size() + x.root.value.size() +
         x.traceparent.size();
}

ending cancelled_by(const cancel_request& request) {
  auto reason = request.reason.empty() ? "Run " + request.run.value + " was cancelled" : request.reason;
  return {.kind = ending_kind::cancelled, .message = std::move(reason), .by = request.by};
}

std::string fenced(run_epoch stands, run_epoch epoch) {
  return "the run has another owner now (epoch " + std::to_string(stands) + ", not " + std::to_string(epoch) + ")";
}

}  // namespace

create_reply event_book::create(const create_run& what) {
  const auto& request = what.request;
  if (!request.idempotency_key.empty() && !planted(mutant::key_not_recognised)) {
    if (auto answer = made_before(what); answer.refused || answer.existing) return answer;
  }
  if (what.only_existing) return {};
  if (rows_.contains(request.id)) {
    return {refusal{refusal_code::run_id_used, "run_id: '" + request.id.value + "' is used already, choose another"}, {}};
  }
  if (!make_room(row_cost(request, request.session) + sum_of_costs(what.events))) {
    return {refusal{refusal_code::journal_unavailable, "the in-memory journal is full of live runs"}, {}};
  }
  auto& entry = rows_[request.id];
  entry.request = request;
  entry.request.session = {};
  entry.created_at_ms = what.created_at_ms;
  entry.number = ++created_;
  entry.session = &*sessions_.try_emplace(request.session).first;
  entry.session->second.join(entry, &row::in_session);
  if (!request.idempotency_key.empty()) made_by_key_.emplace(key{request.user, request.idempotency_key}, request.id);
  bytes_ += row_cost(request, request.session);
  add(entry, 0, what.events);

  create_reply reply;
  drop_old_intents(what.created_at_ms);
  // An intent only hits a run of the user who left it, or any if it names none; it is gone with the id it named.
  if (auto found = intents_.find(request.id); found != intents_.end() && !planted(mutant::intent_lost)) {
    auto& left = found->second.request;
    if (left.scope.empty() || left.scope == request.user) {
      entry.cancel_accepted = cancelled_by(left);
      reply.intent = std::move(left);
    }
    intents_.erase(found);
  }
  return reply;
}

/// What the idempotency key made: that run, a refusal if it was not the same that was asked for, or nothing.
create_reply event_book::made_before(const create_run& what) const {
  const auto& request = what.request;
  auto found = made_by_key_.find(key{request.user, request.idempotency_key});
  if (found == made_by_key_.end()) return {};
  const auto& id = found->second;
  const auto& entry = rows_.at(id);
  create_reply reply;
  if (entry.request.agent == request.agent && entry.request.input == request.input &&
      (what.new_session || entry.session->first == request.session)) {
    reply.existing = summary_of(id, entry);
    reply.epoch = entry.epoch;
  } else {
    reply.refused = {refusal_code::idempotency_reused,
                     "the idempotency key was used before, for another agent, session or message"};
  }
  return reply;
}

/// Adds what is not there yet. A sentence about what is wrong, or nothing.
std::optional<std::string> event_book::add(row& to, event_index from, const std::vector<event_ptr>& events) {
  if (from > to.next() && !planted(mutant::gap_accepted)) {
    return "index " + std::to_string(from) + " leaves a gap after " + std::to_string(to.next());
  }
  for (const auto& event : events) {
    if (event->index < to.next() && !planted(mutant::retry_written_twice)) continue;
    bytes_ += cost_bytes(*event);
    to.events.push_back(event);
  }
  return std::nullopt;
}

std::variant<appended, journal_refused> event_book::append(const append_events& what) {
  auto found = rows_.find(what.run);
  if (found == rows_.end()) return journal_refused{what.run, "no such run"};
  auto& entry = found->second;
  if (entry.ended) return appended{what.run, entry.next()};
  auto has_other_owner = entry.epoch != what.epoch && !planted(mutant::book_skips_fence);
  if (has_other_owner) return journal_refused{what.run, fenced(entry.epoch, what.epoch), true};
  if (!make_room(sum_of_costs(what.events))) return journal_refused{what.run, "the in-memory journal is full of live runs"};
  if (auto wrong = add(entry, what.from, what.events)) return journal_refused{what.run, *wrong};
  note_pause(what.run, entry);
  return appended{what.run, entry.next()};
}

std::variant<finished, journal_refused> event_book::finish(const finish_run& what) {
  auto found = rows_.find(what.run);
  if (found == rows_.end()) return journal_refused{what.run, "no such run"};
  auto& entry = found->second;
  if (!entry.ended) {
    if (what.events.empty() || !get_if<run_ended>(*what.events.back())) {
      return journal_refused{what.run, "the last event of a finish is not an ending"};
    }
    if (entry.epoch != what.epoch) return journal_refused{what.run, fenced(entry.epoch, what.epoch), true};
    if (auto wrong = add(entry, what.from, what.events)) return journal_refused{what.run, *wrong};
    if (entry.cancel_accepted && !planted(mutant::book_forgets_cancel)) cancel_wins(entry);
    auto stands = entry.events.back();
    close(what.run, entry);  // may forget the row at once when space is short
    return finished{what.run, std::move(stands)};
  }
  return finished{what.run, entry.events.back()};
}

end_orphan_reply event_book::end(const end_orphan& what) {
  auto found = rows_.find(what.run);
  if (found == rows_.end()) return {};
  auto& entry = found->second;
  if (entry.ended) return {entry.events.back()};

  return {end_as(what.run, entry, entry.cancel_accepted.value_or(what.how), what.at_ms)};
}

/// Ends an open run in the place of whoever should have: text and usage are those of its events.
event_ptr event_book::end_as(const run_id& id, row& which, ending how, std::int64_t at_ms) {
  run_ended body{.how = std::move(how)};
  for (const auto& event : which.events) {
    if (const auto* delta = get_if<content_delta>(*event)) body.content += delta->text;
    if (const auto* call = get_if<model_request_completed>(*event)) body.usage += call->usage;
  }
  body.duration_us = static_cast<std::uint64_t>(std::max<std::int64_t>(at_ms - which.created_at_ms, 0)) * 1000;
  event_ptr ending{run_event{which.next(), at_ms, boxed<run_ended>{std::move(body)}}};
  add(which, which.next(), {ending});
  close(id, which);
  return ending;
}

/// The run's owner decided on an ending, but somebody was told before that the run is cancelled.
void event_book::cancel_wins(row& which) {
  auto& last = which.events.back();
  const auto* body = get_if<run_ended>(*last);
  if (body->how.kind == ending_kind::cancelled) return;
  auto changed = *last;
  auto how = *body;
  bytes_ -= cost_bytes(*last);
  how.how = *which.cancel_accepted;
  changed.body = boxed<run_ended>{std::move(how)};
  last = event_ptr{std::move(changed)};
  bytes_ += cost_bytes(*last);
}

/// After every change of an open run: when it expires.
void event_book::note_pause(const run_id& id, row& which) {
  const auto* pause = which.ended ? nullptr : pause_at_end(which.events);
  auto expires_at_ms = pause ? pause->expires_at_ms : 0;
  if (expires_at_ms == which.expires_at_ms) return;
  if (which.expires_at_ms != 0) expiring_.erase({which.expires_at_ms, which.number});
  if (expires_at_ms != 0) expiring_.emplace(std::pair{expires_at_ms, which.number}, id);
  which.expires_at_ms = expires_at_ms;
}

void event_book::close(const run_id& id, row& which) {
  which.ended = true;
  note_pause(id, which);
  ended_whole_.push_back(id);
  make_room(0);
}

record_cancel_reply event_book::record(const record_cancel& what) {
  const auto& request = what.request;
  if (auto found = rows_.find(request.run); found != rows_.end()) {
    auto& entry = found->second;
    if (const auto* last = entry.stands()) return {.ended = *last};
    if (!entry.cancel_accepted) entry.cancel_accepted = cancelled_by(request);
    if (pause_at_end(entry.events)) return {.ended = end_as(request.run, entry, *entry.cancel_accepted, what.at_ms)};
    return {.accepted = true};
  }
  drop_old_intents(what.at_ms);
  if (intents_.contains(request.run)) return {{}, true};
  // The queue may also name intents that were used up; it is bounded with them.
  if (intents_.size() >= limits_.intents_max || intents_by_age_.size() >= 2 * limits_.intents_max) return {};
  intents_.try_emplace(request.run, intent{request, what.at_ms});
  intents_by_age_.emplace_back(what.at_ms, request.run);
  return {{}, true};
}

void event_book::drop_old_intents(std::int64_t now_ms) {
  while (!intents_by_age_.empty() && now_ms - intents_by_age_.front().first > limits_.intent_age_ms_max) {
    auto found = intents_.find(intents_by_age_.front().second);
    if (found != intents_.end() && found->second.at_ms == intents_by_age_.front().first) intents_.erase(found);
    intents_by_age_.pop_front();
  }
}

// -- pauses ------------------------------------------------------------------------

paused_run event_book::find(const find_paused& what) const {
  paused_run found;
  auto known = rows_.find(what.run);
  if (known == rows_.end()) return found;
  const auto& entry = known->second;
  found.summary = summary_of(what.run, entry);
  if (found.summary->status != run_status::paused) return found;
  found.request = entry.request;
  found.request.session = entry.session->first;
  found.request.idempotency_key = {};
  found.events = entry.events;
  return found;
}

reopen_reply event_book::reopen(const reopen_run& what) {
  auto found = rows_.find(what.run);
  if (found == rows_.end()) return {.refused = cannot_continue_unknown(what.run)};
  auto& entry = found->second;
  auto status = summary_of(what.run, entry).status;
  if (status != run_status::paused) return {.refused = cannot_continue(what.run, status)};
  if (!get_if<run_continued>(*what.continued) || what.continued->index != entry.next()) {
    return {.refused = cannot_continue_again(what.run)};
  }
  add(entry, entry.next(), {what.continued});
  note_pause(what.run, entry);
  return {.refused = {}, .epoch = ++entry.epoch};
}

expired_runs event_book::expire(const end_expired& what) {
  expired_runs reply;
  while (!expiring_.empty() && expiring_.begin()->first.first <= what.now_ms && reply.ended.size() < what.runs_max) {
    auto id = expiring_.begin()->second;
    auto& entry = rows_.at(id);
    auto how = pause_expired(entry.events.back()->at_ms, entry.expires_at_ms);
    end_as(id, entry, entry.cancel_accepted.value_or(std::move(how)), what.now_ms);
    reply.ended.push_back(std::move(id));
  }
  if (!expiring_.empty()) reply.next_at_ms = expiring_.begin()->first.first;
  return reply;
}

// -- reading -----------------------------------------------------------------------

history event_book::history_of(const load_history& what) const {
  history_budget budget{what};
  auto found = sessions_.find(what.session);
  const auto* entry = found == sessions_.end() ? nullptr : found->second.last();
  for (; entry && !budget.is_full(); entry = entry->in_session.before) {
    // What a child run did is told by its parent.
    if (!entry->ended || !entry->request.parent.empty()) continue;
    const auto* body = get_if<run_ended>(*entry->events.back());
    if (body->how.kind != ending_kind::completed && !what.with_stopped) continue;
    // Of an old run only its ending is left, with its text.
    const auto& input = entry->request.input;
    auto said = tells_of_tools(entry->events) ? run_messages(input, entry->events) : run_messages(input, body->content);
    if (!budget.add(std::move(said))) break;
  }
  return budget.take();
}

event_batch event_book::read(const pull_limits& pull) const {
  event_batch nothing{.run = pull.run, .events = {}, .next = pull.from, .end = batch_end::more};
  auto found = rows_.find(pull.run);
  if (found == rows_.end()) {
    nothing.end = batch_end::unknown;
    return nothing;
  }
  const auto& entry = found->second;
  if (pull.from < entry.first) {
    nothing.end = batch_end::gone;
    nothing.next = entry.first;
    return nothing;
  }
  if (pull.from >= entry.next()) {
    if (entry.ended) nothing.end = batch_end::ended;
    if (pause_at_end(entry.events)) nothing.end = batch_end::paused;
    return nothing;
  }
  return cut_batch(entry.events, pull);
}

run_list event_book::list(std::uint32_t runs_max) const {
  std::vector<const std::pair<const run_id, row>*> newest;
  newest.reserve(rows_.size());
  for (const auto& entry : rows_) newest.push_back(&entry);
  auto count = std::min<std::size_t>(runs_max, newest.size());
  std::partial_sort(newest.begin(), newest.begin() + static_cast<std::ptrdiff_t>(count), newest.end(),
                    [](const auto* a, const auto* b) { return a->second.number > b->second.number; });
  run_list list;
  for (std::size_t i = 0; i < count; ++i) {
    list.runs.push_back(summary_of(newest[i]->first, newest[i]->second));
  }
  return list;
}

run_summary event_book::summary_of(const run_id& id, const row& which) {
  run_summary summary{id, which.request.agent, which.session->first, run_status::running, which.created_at_ms, {}};
  if (const auto* stands = which.stands()) {
    summary.ended = get_if<run_ended>(**stands)->how;
    summary.status = status_of(*summary.ended);
  } else if (pause_at_end(which.events)) {
    summary.status = run_status::paused;
  }
  return summary;
}

/// Frees what may be freed until `bytes_wanted` more fit. False if they do not. Endings outlive the events before them, but
/// only on a quarter of the space, so that the newest runs can still be read whole.
bool event_book::make_room(std::size_t bytes_wanted) {
  while (bytes_ + bytes_wanted > limits_.bytes_max) {
    auto too_many_stripped = stripped_bytes_ > limits_.bytes_max / 4;
    if (!ended_whole_.empty() && !too_many_stripped) {
      strip_oldest();
    } else if (!ended_stripped_.empty()) {
      forget_oldest();
    } else {
      return false;
    }
  }
  return true;
}

void event_book::strip_oldest() {
  auto id = std::move(ended_whole_.front());
  ended_whole_.pop_front();
  auto& entry = rows_.at(id);
  auto ending = entry.events.back();
  bytes_ -= sum_of_costs(entry.events) - cost_bytes(*ending);
  entry.first = ending->index;
  entry.events = {std::move(ending)};
  stripped_bytes_ += cost_of(entry);
  ended_stripped_.push_back(std::move(id));
}

void event_book::forget_oldest() {
  auto found = rows_.find(ended_stripped_.front());
  auto& entry = found->second;
  auto freed = cost_of(entry);
  bytes_ -= freed;
  stripped_bytes_ -= freed;
  const auto& request = entry.request;
  if (!request.idempotency_key.empty()) made_by_key_.erase(key{request.user, request.idempotency_key});
  entry.session->second.leave(entry, &row::in_session);
  if (entry.session->second.empty()) sessions_.erase(sessions_.find(entry.session->first));
  rows_.erase(found);
  ended_stripped_.pop_front();
}

std::size_t event_book::cost_of(const row& which) {
  return row_cost(which.request, which.session->first) + sum_of_costs(which.events);
}

}  // namespace oncue::core
