// How a run's log grows, and how it ends.
#include <algorithm>
#include <utility>

#include "oncue/core/limits.hpp"
#include "oncue/core/run_machine.hpp"
#include "oncue/core/text.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::core {

// -- the log ---------------------------------------------------------------------

void run_machine::add_delta(model_delta&& delta) {
  if (delta.kind == delta_kind::text) {
    auto room = setup_.entry->agent.run_text_bytes_max;
    auto used = text_.size() + (pending_kind_ == delta_kind::text ? pending_text_.size() : 0);
    if (used + delta.text.size() > room) {
      delta.text.resize(utf8_prefix(delta.text, room - std::min<std::uint64_t>(used, room)));
      if (pending_kind_ != delta_kind::text) seal_pending();
      pending_kind_ = delta_kind::text;
      pending_text_ += delta.text;
      fail(failure_code::output_limit, "the text grew above run_text_bytes_max (" + std::to_string(room) +
                                           " bytes); the first " + std::to_string(room) + " bytes are kept");
      return;
    }
  }
  if (pending_kind_ != delta.kind) seal_pending();
  pending_kind_ = delta.kind;
  if (pending_text_.empty() || planted(mutant::text_overwritten)) {
    pending_text_ = std::move(delta.text);
  } else {
    pending_text_ += delta.text;
  }
  flush();
  throttle();
}

void run_machine::log(event_body body) {
  seal_pending();
  auto at_ms = now_us_ / 1000 + setup_.unix_offset_ms;
  unconfirmed_.emplace_back(run_event{next_index_++, at_ms, std::move(body)});
  unconfirmed_bytes_ += cost_bytes(*unconfirmed_.back());
  if (phase_ != run_phase::ended) flush();
}

void run_machine::seal_pending() {
  if (pending_text_.empty()) return;
  auto text = std::exchange(pending_text_, {});
  auto kind = pending_kind_;
  if (kind == delta_kind::text) text_ += text;
  auto log_piece = [&](std::string piece) {
    if (kind == delta_kind::text) {
      log(content_delta{std::move(piece)});
    } else {
      log(reasoning_delta{std::move(piece)});
    }
  };
  if (text.size() <= limits::event_text_bytes_max) {
    log_piece(std::move(text));
    return;
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    auto length = utf8_prefix(rest, limits::event_text_bytes_max);
    log_piece(std::string{rest.substr(0, length)});
    rest.remove_prefix(length);
  }
}

/// Whatever piled up while the last append was on its way goes as the next one: no timer, no fixed batch.
void run_machine::flush() {
  if (append_in_flight_ || phase_ == run_phase::ended) return;
  if (!pending_text_.empty()) {
    append_in_flight_ = true;  // keeps log() from sending piece by piece
    seal_pending();
    append_in_flight_ = false;
  }
  if (unconfirmed_.empty()) return;
  append_in_flight_ = true;
  emit(effect::append{unconfirmed_.front()->index, unconfirmed_});
  if (planted(mutant::published_before_logged)) emit(effect::publish{unconfirmed_});
}

void run_machine::throttle() {
  if (phase_ == run_phase::ended || !has_open_attempt()) return;
  if (!paused_for_journal_ && unjournalled_bytes() > limits::unjournalled_bytes_high) {
    paused_for_journal_ = true;
    emit(effect::pause_stream{});
  } else if (paused_for_journal_ && unjournalled_bytes() <= limits::unjournalled_bytes_low) {
    paused_for_journal_ = false;
    activity_us_ = now_us_;  // the silence was ours
    emit(effect::resume_stream{});
  }
}

void run_machine::on(appended&& x) {
  append_in_flight_ = false;
  // The finish that is on its way carries all of it again. Only its answer says what stands at these indices: a cancel that
  // the journal had first may have turned the ending round.
  if (phase_ == run_phase::ended) return;
  auto is_confirmed = [&](const event_ptr& event) { return event->index < x.next; };
  auto end_of_confirmed = std::find_if_not(unconfirmed_.begin(), unconfirmed_.end(), is_confirmed);
  if (end_of_confirmed != unconfirmed_.begin()) {
    effect::publish confirmed{{unconfirmed_.begin(), end_of_confirmed}};
    for (const auto& event : confirmed.events) unconfirmed_bytes_ -= cost_bytes(*event);
    unconfirmed_.erase(unconfirmed_.begin(), end_of_confirmed);
    emit(std::move(confirmed));
  }
  flush();
  throttle();
  pull_due_children();
  settle();
}

void run_machine::on(journal_refused&& x) {
  append_in_flight_ = false;
  if (phase_ != run_phase::ended) {
    fail(failure_code::journal_failed, "the journal refused the run's events: " + x.message);
  } else if (!journalled_) {
    finish_retry_us_ = now_us_ + std::chrono::microseconds{limits::finish_retry}.count();
  }
}

// -- the ending ------------------------------------------------------------------

void run_machine::fail(failure_code code, std::string message, std::uint16_t provider_status) {
  end({.kind = ending_kind::failed, .code = code, .provider_status = provider_status, .message = std::move(message)});
}

/// Whatever the run has open is told to close, and nothing is opened any more.
void run_machine::stop() {
  // What a pause has left open has its time already, and gets no more.
  if (phase_ != run_phase::paused) closing_us_ = now_us_;
  phase_ = run_phase::ended;
  session_history_ = {};
  if (has_open_attempt() && !planted(mutant::stream_left_open)) emit(effect::close_stream{});
  stop_tools_and_children();
}

/// Sockets and tools first, the journal second: neither the store nor a reader can delay a stop.
void run_machine::end(ending how) {
  stop();
  // Whoever was told that the run will be cancelled was told the truth, however it would have ended by itself.
  if (wish_ && how.kind != ending_kind::cancelled) how = std::move(wish_->how);
  ending_ = std::move(how);
  if (!planted(mutant::ending_lacks_last_text)) seal_pending();
  answer_stopped_calls();
  log(boxed<run_ended>{
      {*ending_, text_, usage_, run_first_token_us_, static_cast<std::uint64_t>(now_us_ - setup_.created_us)}});
  if (planted(mutant::ended_twice)) log(event_body{unconfirmed_.back()->body});
  ended_index_ = next_index_ - 1;
  send_finish();
  settle();
}

/// Carries all that is not confirmed: an append still on its way may come later and is then skipped by the journal.
void run_machine::send_finish() {
  finish_retry_us_ = 0;
  emit(effect::finish{unconfirmed_.front()->index, unconfirmed_});
}

void run_machine::on(finished&& x) {
  if (journalled_ || !x.ended) return;
  if (phase_ != run_phase::ended) stop();  // somebody else ended this run: what stands in the journal stands
  journalled_ = true;
  finish_retry_us_ = 0;
  auto ours = !unconfirmed_.empty() && unconfirmed_.back() == x.ended;
  if (const auto* stands = get_if<run_ended>(*x.ended); stands && !ours) ending_ = stands->how;
  ended_index_ = x.ended->index;
  // The node hears of it before any reader does: who reads the ending and starts the session's next run finds it free.
  if (ending_) emit(effect::change_status{status_of(*ending_)});
  if (ours) {
    emit(effect::publish{std::exchange(unconfirmed_, {})});
  } else {
    unconfirmed_.clear();
    emit(effect::defer_to_journal{});
  }
  unconfirmed_bytes_ = 0;
  settle();
}

bool run_machine::is_closed() const {
  return !has_open_attempt() && (!tools_ || (tools_->open.empty() && tools_->children.empty()));
}

/// The grace period is over: what has not said that it is closed is killed, and counts as closed.
void run_machine::abandon_what_is_open() {
  if (has_open_attempt()) {
    emit(effect::kill_stream{});
    abandoned_ = true;
  }
  open_attempts_ = 0;
  closed_through_ = attempt_;
  if (!tools_) return;
  for (auto number : tools_->open) emit(effect::kill_tool{number});
  tools_->tools_abandoned += static_cast<std::uint32_t>(tools_->open.size());
  tools_->open.clear();
  tools_->children.clear();
}

/// Answers whoever can be answered now, and closes when nothing is left to wait for.
void run_machine::settle() {
  if (phase_ == run_phase::paused) leave_paused();
  if (phase_ != run_phase::ended || !ending_) return;
  answer_waiters();
  if (!closed_ && journalled_ && is_closed()) {
    closed_ = true;
    emit(effect::close{status_of(*ending_)});
  }
}

void run_machine::answer_waiters() {
  auto can_answer = [this](const cancel_waiter& waiter) {
    if (now_us_ >= waiter.answer_by_us) return true;
    if (!ending_ || !journalled_) return false;
    return ending_->kind != ending_kind::cancelled || is_closed() || planted(mutant::cancel_answered_too_early);
  };
  for (const auto& waiter : waiters_) {
    if (can_answer(waiter)) emit(effect::answer_cancel{waiter.ticket, reply_for(waiter)});
  }
  std::erase_if(waiters_, can_answer);
}

cancel_reply run_machine::reply_for(const cancel_waiter& waiter) const {
  cancel_reply reply;
  reply.run = setup_.id;
  reply.status = ending_ ? status_of(*ending_) : run_status::running;
  reply.phase_at_cancel = phase_at_cancel_;
  reply.upstream_closed = !has_open_attempt() && !abandoned_;
  reply.durable = journalled_;
  reply.latency_us = static_cast<std::uint64_t>(now_us_ - waiter.asked_us);
  if (tools_) {
    reply.tools = tools_->tools_at_end;
    reply.tools_stopped = tools_->tools_stopped;
    reply.tools_abandoned = tools_->tools_abandoned;
    reply.children = tools_->children_at_end;
    reply.children_stopped = tools_->children_stopped;
  }
  if (journalled_) reply.index = ended_index_;
  if (!ending_) {
    reply.outcome = cancel_outcome::accepted;  // it lets something come to its end first
  } else if (ending_->kind != ending_kind::cancelled && !planted(mutant::late_cancel_claims_success)) {
    reply.outcome = cancel_outcome::already_ended;
  } else {
    reply.outcome = journalled_ ? cancel_outcome::cancelled : cancel_outcome::accepted;
  }
  return reply;
}

}  // namespace oncue::core
