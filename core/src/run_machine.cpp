// What each signal means. The log, the ending and the deadlines are in run_machine_log.cpp.
#include "oncue/core/run_machine.hpp"

#include <algorithm>
#include <utility>

#include "oncue/core/limits.hpp"
#include "oncue/core/retry.hpp"

namespace oncue::core {

namespace {

constexpr steady_us grace_us = std::chrono::microseconds{limits::close_grace}.count();

}  // namespace

run_machine::run_machine(run_setup setup)
    : setup_{std::move(setup)}, now_us_{setup_.created_us}, random_{setup_.seed}, next_index_{setup_.next_index} {}

void run_machine::step(run_signal&& what, steady_us now_us, run_effects& out) {
  now_us_ = std::max(now_us_, now_us);
  out_ = &out;
  std::visit([this](auto& x) { on(std::move(x)); }, what);
  arm();
  out_ = nullptr;
}

bool run_machine::is_current(attempt_no attempt) const { return phase_ != run_phase::ended && attempt == attempt_; }

/// A call is under way: its deltas, its end and its failure count.
bool run_machine::in_call() const {
  return phase_ == run_phase::connecting || phase_ == run_phase::waiting || phase_ == run_phase::streaming;
}

// -- the model call --------------------------------------------------------------

void run_machine::on(signal::begin&& x) {
  if (phase_ != run_phase::queued) return;
  if (!x.problem.empty()) {
    // Never silently without its history: the answer would look right and be wrong.
    fail(failure_code::journal_failed, std::move(x.problem));
    return;
  }
  session_history_ = std::move(x.history);
  turn_ = 1;
  open_attempt();
}

void run_machine::open_attempt() {
  ++attempt_;
  ++attempts_of_call_;
  ++open_attempts_;
  phase_ = run_phase::connecting;
  opened_us_ = activity_us_ = now_us_;
  paused_for_journal_ = false;
  call_first_token_us_ = 0;
  emit(effect::open_stream{attempt_, next_request()});
  log(model_request_started{attempt_});
}

model_request run_machine::next_request() const {
  model_request request{.messages = {}, .traceparent = setup_.traceparent};
  request.messages.reserve(session_history_.size() + history_.size() + 2);
  auto add = [&](const std::vector<chat_message>& said) {
    request.messages.insert(request.messages.end(), said.begin(), said.end());
  };
  const auto& agent = setup_.entry->agent;
  auto system = agent.description;
  if (!system.empty() && !agent.instructions.empty()) system += "\n\n";
  system += agent.instructions;
  if (!system.empty()) request.messages.push_back({chat_role::system, std::move(system), {}, {}});
  add(session_history_);
  request.messages.push_back({chat_role::user, setup_.input, {}, {}});
  add(history_);
  return request;
}

void run_machine::on(model_opened&& x) {
  if (is_current(x.attempt) && phase_ == run_phase::connecting) phase_ = run_phase::waiting;
}

void run_machine::on(model_delta&& x) {
  if (!is_current(x.attempt) || !in_call() || x.text.empty()) return;
  if (phase_ != run_phase::streaming) {
    phase_ = run_phase::streaming;
    call_first_token_us_ = static_cast<std::uint64_t>(std::max<steady_us>(now_us_ - opened_us_, 1));
    if (run_first_token_us_ == 0) {
      run_first_token_us_ = static_cast<std::uint64_t>(std::max<steady_us>(now_us_ - setup_.created_us, 1));
    }
  }
  activity_us_ = now_us_;
  add_delta(std::move(x));
}

void run_machine::on(model_done&& x) {
  if (!is_current(x.attempt) || !in_call()) return;
  usage_ += x.usage;
  log(boxed<model_request_completed>{{x.attempt, std::move(x.finish_reason), x.usage, call_first_token_us_}});
  attempts_of_call_ = 0;
  if (x.tool_calls.empty()) {
    log(content_completed{});
    end({.kind = ending_kind::completed});
    return;
  }
  history_.push_back({chat_role::assistant, text_.substr(turn_text_from_), x.tool_calls, {}});
  if (turn_ >= setup_.entry->agent.turns_max) {
    fail(failure_code::turn_limit, "the model asked for tools in turn " + std::to_string(turn_) + " of at most " +
                                       std::to_string(setup_.entry->agent.turns_max) + " (turns_max)");
    return;
  }
  phase_ = run_phase::tools;
  calls_.clear();
  for (const auto& call : x.tool_calls) {
    log(boxed<tool_call_started>{{call}});
    calls_.push_back({call, now_us_, false, {}});
  }
  emit(effect::start_tools{std::move(x.tool_calls)});
}

void run_machine::on(model_failed&& x) {
  if (!is_current(x.attempt) || !in_call()) return;
  const auto& policy = setup_.entry->agent.retry;
  if (!x.retryable || phase_ == run_phase::streaming || attempts_of_call_ >= policy.attempts_max) {
    fail(x.code, std::move(x.message), x.provider_status);
    return;
  }
  auto delay = retry_delay(policy, attempts_of_call_, x.retry_after_ms, next_random(random_));
  auto retry_us = now_us_ + std::chrono::microseconds{delay}.count();
  const auto& total = setup_.entry->agent.limits.total;
  if (delay > limits::retry_after_max ||
      (total && retry_us >= setup_.created_us + std::chrono::microseconds{*total}.count())) {
    fail(x.code, x.message + " (not tried again: the provider asks for a wait that is too long for this run)",
         x.provider_status);
    return;
  }
  phase_ = run_phase::backing_off;
  retry_us_ = retry_us;
  log(boxed<model_request_retrying>{
      {x.attempt, x.code, x.provider_status, static_cast<std::uint64_t>(delay.count()), std::move(x.message)}});
}

void run_machine::on(model_closed&& x) { forget_attempt(x.attempt); }

void run_machine::on(signal::stream_lost&& x) {
  if (x.attempt <= closed_through_) return;
  forget_attempt(x.attempt);
  if (is_current(x.attempt) && in_call()) {
    fail(failure_code::provider_protocol, "the model stream of attempt " + std::to_string(x.attempt) + " died");
  }
}

void run_machine::forget_attempt(attempt_no attempt) {
  if (attempt <= closed_through_ || attempt > attempt_) return;
  open_attempts_ -= attempt - closed_through_;
  closed_through_ = attempt;
  settle();
}

// -- tools, pause, children ---------------------------------------------------------

void run_machine::on(signal::tool_ended&& x) {
  if (phase_ != run_phase::tools && phase_ != run_phase::paused) return;
  auto call = std::find_if(calls_.begin(), calls_.end(), [&](const auto& c) { return c.call.id == x.call_id && !c.ended; });
  if (call == calls_.end()) return;
  call->ended = true;
  call->result = x.result;
  log(boxed<tool_call_ended>{
      {call->call, x.failed, std::move(x.result), static_cast<std::uint64_t>(now_us_ - call->started_us) / 1000}});
  next_turn();
}

void run_machine::next_turn() {
  if (phase_ != run_phase::tools) return;
  if (!std::all_of(calls_.begin(), calls_.end(), [](const auto& c) { return c.ended; })) return;
  for (auto& c : calls_) history_.push_back({chat_role::tool, std::move(c.result), {}, std::move(c.call.id)});
  calls_.clear();
  turn_text_from_ = text_.size();
  ++turn_;
  open_attempt();
}

void run_machine::on(signal::tools_need_decision&&) {
  if (phase_ != run_phase::tools) return;
  phase_ = run_phase::paused;
  run_paused event;
  for (const auto& c : calls_) {
    if (!c.ended) event.waiting_for.push_back(c.call);
  }
  log(std::move(event));
  emit(effect::change_status{run_status::paused});
}

void run_machine::on(signal::decided&&) {
  if (phase_ != run_phase::paused) return;
  phase_ = run_phase::tools;
  log(run_continued{});
  emit(effect::change_status{run_status::running});
  emit(effect::continue_tools{});
  next_turn();
}

void run_machine::on(signal::child_started&& x) {
  // A child that was being spawned while the run was stopped is stopped as soon as it is known.
  if (phase_ == run_phase::ended) emit(effect::cancel_child{x.child});
  closed_ = false;
  children_.push_back(std::move(x.child));
}

void run_machine::on(signal::child_ended&& x) {
  std::erase(children_, x.child);
  settle();
}

void run_machine::on(signal::tools_stopped&&) {
  tools_stopping_ = false;
  settle();
}

// -- cancel and time ----------------------------------------------------------------

void run_machine::on(signal::cancel&& x) {
  auto wait_us = std::min<steady_us>(x.request.wait_ms, limits::cancel_wait_max.count()) * 1000;
  if (waiters_.size() >= limits::cancel_waiters_max) wait_us = 0;
  waiters_.push_back({x.ticket, now_us_, now_us_ + wait_us});
  if (phase_ != run_phase::ended) {
    phase_at_cancel_ = phase_;
    if (x.request.reason.empty()) x.request.reason = "Run " + setup_.id.value + " was cancelled";
    end({.kind = ending_kind::cancelled, .message = std::move(x.request.reason), .by = std::move(x.request.by)});
  } else {
    settle();
  }
}

void run_machine::on(signal::timer&&) {
  if (armed_us_ != 0 && now_us_ >= armed_us_) armed_us_ = 0;
  if (phase_ == run_phase::ended) {
    if (!journalled_ && finish_retry_us_ != 0 && now_us_ >= finish_retry_us_) send_finish();
    if (!is_closed() && now_us_ >= ended_us_ + grace_us) abandon_what_is_open();
    settle();
  } else {
    check_deadlines();
  }
}

void run_machine::check_deadlines() {
  const auto& limits = setup_.entry->agent.limits;
  auto passed = [this](steady_us from, const std::optional<milliseconds>& limit) {
    return limit && now_us_ >= from + std::chrono::microseconds{*limit}.count();
  };
  auto within = [](const std::optional<milliseconds>& limit) {
    return " within " + std::to_string(limit->count()) + " ms";
  };
  if (passed(setup_.created_us, limits.total)) {
    fail(failure_code::deadline_total, "total deadline: the run was not over" + within(limits.total));
  } else if ((phase_ == run_phase::connecting || phase_ == run_phase::waiting) && passed(opened_us_, limits.first_token)) {
    fail(failure_code::deadline_first_token, "first-token deadline: no token came" + within(limits.first_token));
  } else if (phase_ == run_phase::streaming && !paused_for_journal_ && passed(activity_us_, limits.idle)) {
    fail(failure_code::deadline_idle, "idle deadline: no further token came" + within(limits.idle));
  } else if (phase_ == run_phase::backing_off && now_us_ >= retry_us_) {
    open_attempt();
  }
}

void run_machine::arm() {
  steady_us next = 0;
  auto consider = [&next](steady_us at) { next = next == 0 ? at : std::min(next, at); };
  auto consider_limit = [&](steady_us from, const std::optional<milliseconds>& limit) {
    if (limit) consider(from + std::chrono::microseconds{*limit}.count());
  };
  if (phase_ == run_phase::ended) {
    if (finish_retry_us_ != 0 && !journalled_) consider(finish_retry_us_);
    if (!is_closed()) consider(ended_us_ + grace_us);
    for (const auto& waiter : waiters_) consider(waiter.answer_by_us);
  } else {
    const auto& limits = setup_.entry->agent.limits;
    consider_limit(setup_.created_us, limits.total);
    if (phase_ == run_phase::connecting || phase_ == run_phase::waiting) consider_limit(opened_us_, limits.first_token);
    if (phase_ == run_phase::streaming && !paused_for_journal_) consider_limit(activity_us_, limits.idle);
    if (phase_ == run_phase::backing_off) consider(retry_us_);
  }
  // A timer that runs already and comes earlier is enough: when it comes, the deadlines are looked at again. So a
  // delta, which only moves the idle deadline on, costs no timer.
  if (next == 0 || closed_ || (armed_us_ != 0 && armed_us_ <= next)) return;
  armed_us_ = next;
  emit(effect::arm_timer{next});
}

}  // namespace oncue::core
