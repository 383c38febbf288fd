// The model call, cancel and time. Tools, pauses and children are in run_machine_tools.cpp, the log and the ending in
// run_machine_log.cpp.
#include "oncue/core/run_machine.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "oncue/core/limits.hpp"
#include "oncue/core/retry.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::core {

namespace {

constexpr steady_us grace_us = std::chrono::microseconds{limits::close_grace}.count();

/// Every call has an id, and no two of an answer have the same: results are told apart by it.
void make_ids_unique(std::vector<tool_call>& calls, attempt_no attempt) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto& id = calls[i].id;
    if (id.empty()) id = "call_" + std::to_string(attempt) + "_" + std::to_string(i);
    while (!seen.insert(id).second) id += "_" + std::to_string(i);
  }
}

}  // namespace

run_machine::run_machine(run_setup setup)
    : setup_{std::move(setup)}, now_us_{setup_.created_us}, random_{setup_.seed}, next_index_{setup_.next_index} {}

run_machine::run_machine(run_setup setup, run_memory memory) : run_machine{std::move(setup)} {
  text_ = std::move(memory.text);
  turn_text_from_ = memory.turn_text_from;
  usage_ = memory.usage;
  attempt_ = closed_through_ = memory.attempt;
  turn_ = memory.turn;
  run_first_token_us_ = memory.first_token_us;
  history_ = std::move(memory.history);
  tools().last_number = memory.last_number;
  tools_->decisions = std::move(memory.decisions);
  for (auto& x : memory.calls) {
    turn_call call;
    call.number = x.number;
    call.call = std::move(x.call);
    call.facts = std::move(x.facts);
    call.is = x.answered ? turn_call::state::answered : turn_call::state::waiting;
    call.result = std::move(x.result);
    tools_->calls.push_back(std::move(call));
  }
}

void run_machine::step(run_signal&& what, steady_us now_us, run_effects& out) {
  now_us_ = std::max(now_us_, now_us);
  out_ = &out;
  std::visit([this](auto& x) { on(std::move(x)); }, what);
  arm();
  out_ = nullptr;
}

bool run_machine::is_current(attempt_no attempt) const {
  return phase_ != run_phase::ended && (attempt == attempt_ || planted(mutant::old_attempt_heard));
}

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
  if (!x.no_tools.empty()) {
    fail(failure_code::tools_unavailable, std::move(x.no_tools));
    return;
  }
  session_history_ = std::move(x.history);
  if (!x.listed.empty()) tools().box.add(std::move(x.listed));
  if (turn_ > 0) {
    resume_calls();
    return;
  }
  turn_ = 1;
  open_attempt();
}

void run_machine::open_attempt() {
  if (!planted(mutant::attempt_reused)) ++attempt_;
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
  model_request request;
  request.traceparent = setup_.traceparent;
  request.tools = tools_ ? tools_->box.definitions() : tool_box{setup_.entry->tools}.definitions();
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
  make_ids_unique(x.tool_calls, attempt_);
  seal_pending();
  model_request_completed answered{x.attempt,   std::move(x.finish_reason), x.usage, call_first_token_us_, x.tool_calls,
                                   text_.size()};
  log(boxed<model_request_completed>{std::move(answered)});
  attempts_of_call_ = 0;
  if (x.tool_calls.empty()) {
    log(content_completed{});
    end({.kind = ending_kind::completed});
    return;
  }
  chat_message said{chat_role::assistant, text_.substr(turn_text_from_), {}, {}};
  for (const auto& call : x.tool_calls) said.tool_calls.push_back(sendable(call));
  history_.push_back(std::move(said));
  if (turn_ >= setup_.entry->agent.turns_max) {
    fail(failure_code::turn_limit, "the model asked for tools in turn " + std::to_string(turn_) + " of at most " +
                                       std::to_string(setup_.entry->agent.turns_max) + " (turns_max)");
    return;
  }
  begin_calls(std::move(x.tool_calls));
}

void run_machine::on(model_failed&& x) {
  if (!is_current(x.attempt) || !in_call()) return;
  const auto& policy = setup_.entry->agent.retry;
  auto has_spoken = phase_ == run_phase::streaming && !planted(mutant::retried_after_tokens);
  if (wish_ || !x.retryable || has_spoken || attempts_of_call_ >= policy.attempts_max) {
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

// -- cancel and time ----------------------------------------------------------------

void run_machine::on(signal::cancel&& x) {
  auto wait_us = std::min<steady_us>(x.request.wait_ms, limits::cancel_wait_max.count()) * 1000;
  if (waiters_.size() >= limits::cancel_waiters_max) wait_us = 0;
  waiters_.push_back({x.ticket, now_us_, now_us_ + wait_us});
  if (phase_ == run_phase::ended) {
    settle();
    return;
  }
  if (planted(mutant::cancel_ignored_in_retry) && phase_ == run_phase::backing_off) return;
  if (!phase_at_cancel_) phase_at_cancel_ = phase_;
  if (x.request.reason.empty()) x.request.reason = "Run " + setup_.id.value + " was cancelled";
  ending how{.kind = ending_kind::cancelled, .message = std::move(x.request.reason), .by = std::move(x.request.by)};
  auto at_work = phase_ == run_phase::tools && has_running_calls();
  auto has_something_to_end = x.request.mode == cancel_mode::after_tools  ? at_work
                              : x.request.mode == cancel_mode::after_turn ? at_work || in_call()
                                                                          : false;
  if (!has_something_to_end) {
    end(wish_ ? std::move(wish_->how) : std::move(how));
    return;
  }
  auto wanted_ms = x.request.grace_ms > 0 ? x.request.grace_ms : limits::cancel_grace_default.count();
  auto at_most_us =
      now_us_ + std::min<steady_us>(static_cast<steady_us>(wanted_ms), limits::cancel_grace_max.count()) * 1000;
  if (!wish_) wish_ = std::make_unique<stop_wish>(stop_wish{std::move(how), at_most_us});
  wish_->at_most_us = std::min(wish_->at_most_us, at_most_us);
  answer_waiters();
}

void run_machine::on(signal::timer&&) {
  if (armed_us_ != 0 && now_us_ >= armed_us_ && !planted(mutant::timer_works_once)) armed_us_ = 0;
  if (phase_ == run_phase::ended) {
    if (!journalled_ && finish_retry_us_ != 0 && now_us_ >= finish_retry_us_) send_finish();
    if (!is_closed() && now_us_ >= closing_us_ + grace_us) abandon_what_is_open();
    settle();
  } else {
    check_deadlines();
    if (phase_ == run_phase::paused && !is_closed() && now_us_ >= closing_us_ + grace_us) abandon_what_is_open();
    settle();
    answer_waiters();
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
  if (wish_ && now_us_ >= wish_->at_most_us) {
    end(std::move(wish_->how));
  } else if (phase_ != run_phase::paused && passed(setup_.created_us, limits.total)) {
    fail(failure_code::deadline_total, "total deadline: the run was not over" + within(limits.total));
  } else if ((phase_ == run_phase::connecting || phase_ == run_phase::waiting) && passed(opened_us_, limits.first_token)) {
    fail(failure_code::deadline_first_token, "first-token deadline: no token came" + within(limits.first_token));
  } else if (phase_ == run_phase::streaming && !paused_for_journal_ && passed(activity_us_, limits.idle)) {
    fail(failure_code::deadline_idle, "idle deadline: no further token came" + within(limits.idle));
  } else if (phase_ == run_phase::backing_off && now_us_ >= retry_us_) {
    open_attempt();
  } else if (phase_ == run_phase::tools) {
    check_tool_deadlines();
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
    if (!is_closed()) consider(closing_us_ + grace_us);
    for (const auto& waiter : waiters_) consider(waiter.answer_by_us);
  } else {
    const auto& limits = setup_.entry->agent.limits;
    if (phase_ != run_phase::paused) consider_limit(setup_.created_us, limits.total);
    if (phase_ == run_phase::paused && !is_closed()) consider(closing_us_ + grace_us);
    if (phase_ == run_phase::connecting || phase_ == run_phase::waiting) consider_limit(opened_us_, limits.first_token);
    if (phase_ == run_phase::streaming && !paused_for_journal_) consider_limit(activity_us_, limits.idle);
    if (phase_ == run_phase::backing_off) consider(retry_us_);
    if (wish_) {
      consider(wish_->at_most_us);
      for (const auto& waiter : waiters_) consider(waiter.answer_by_us);
    }
    if (phase_ == run_phase::tools) {
      for (const auto& call : tools_->calls) {
        if (has_deadline(call)) consider(deadline_of(call));
      }
    }
  }
  // A timer that runs already and comes earlier is enough: when it comes, the deadlines are looked at again. So a
  // delta, which only moves the idle deadline on, costs no timer.
  if (next == 0 || closed_ || (armed_us_ != 0 && armed_us_ <= next)) return;
  armed_us_ = next;
  emit(effect::arm_timer{next});
}

}  // namespace oncue::core
