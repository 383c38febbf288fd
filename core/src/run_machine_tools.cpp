// The calls of a turn: which run, which wait for a person, which are answered by us; pauses; runs that work for this one.
#include <algorithm>
#include <utility>

#include "oncue/core/duration.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/retry.hpp"
#include "oncue/core/run_machine.hpp"
#include "oncue/core/text.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::core {

namespace {

constexpr auto was_stopped = "stopped: the run ended before this call was answered";

/// How a child's ending reads as the answer of the call that it worked for.
std::pair<bool, std::string> answer_of(const run_ended& ended, const agent_id& agent) {
  const auto& how = ended.how;
  switch (how.kind) {
    case ending_kind::completed: return {false, ended.content};
    case ending_kind::failed: return {true, "the agent '" + agent.value + "' failed: " + how.message};
    case ending_kind::cancelled: return {true, "the agent '" + agent.value + "' was cancelled: " + how.message};
  }
  return {true, {}};
}

}  // namespace

run_machine::tool_work& run_machine::tools() {
  if (!tools_) {
    tools_ = std::make_unique<tool_work>();
    tools_->box = tool_box{setup_.entry->tools};
  }
  return *tools_;
}

// -- the calls of a turn -------------------------------------------------------------

/// In the model's order: first all that begin are logged, then the wrong ones are answered, then the others start.
void run_machine::begin_calls(std::vector<tool_call> calls) {
  phase_ = run_phase::tools;
  auto& work = tools();
  work.calls.clear();
  std::vector<std::string> problems;
  for (auto& call : calls) {
    turn_call one;
    one.number = ++work.last_number;
    one.tool = work.box.find(call.name);
    one.call = std::move(call);
    if (one.tool) one.facts.source = source_of(*one.tool);
    auto problem = refusal_of(one);
    if (problem.empty() && one.tool->need != tool_need::nothing) {
      one.is = turn_call::state::waiting;
      one.facts.need = one.tool->need;
      if (one.facts.need == tool_need::user_input) one.facts.inputs = inputs_of(*one.tool, one.call);
    } else {
      announce(one);
    }
    work.calls.push_back(std::move(one));
    problems.push_back(std::move(problem));
  }
  for (std::size_t i = 0; i < problems.size(); ++i) {
    if (!problems[i].empty()) answer(work.calls[i], true, std::move(problems[i]));
  }
  for (auto& call : work.calls) {
    if (call.is == turn_call::state::running) start(call);
  }
  next_turn();
}

/// A person has decided: the calls that waited begin, or are answered.
void run_machine::resume_calls() {
  phase_ = run_phase::tools;
  auto decisions = std::exchange(tools_->decisions, {});
  for (auto& call : tools_->calls) {
    call.tool = tools_->box.find(call.call.name);
    if (call.number == 0) call.number = ++tools_->last_number;
    if (call.is != turn_call::state::waiting) continue;
    auto is_it = [&](const tool_decision& x) { return x.call_id == call.call.id; };
    auto word = std::find_if(decisions.begin(), decisions.end(), is_it);
    decide(call, word == decisions.end() ? tool_decision{} : *word);
  }
  for (auto& call : tools_->calls) {
    if (call.is == turn_call::state::running) start(call);
  }
  next_turn();
}

void run_machine::decide(turn_call& which, const tool_decision& word) {
  which.facts.note = word.note;
  auto is_refused = word.confirmed == false || (which.facts.need == tool_need::confirmation && !word.confirmed);
  which.facts.confirmed = !is_refused;
  if (is_refused) {
    announce(which);
    answer(which, true, "a person refused this call" + (word.note.empty() ? "" : ": " + word.note));
    return;
  }
  if (which.facts.need == tool_need::result) {
    announce(which);
    answer(which, false, word.result.value_or(""));
    return;
  }
  if (which.facts.need == tool_need::user_input) {
    which.facts.inputs = word.inputs;
    which.call = with_inputs(std::move(which.call), word.inputs);
  }
  auto problem = tools_->box.problem_with(which.call);
  if (which.tool && (source_of(*which.tool) != which.facts.source || which.tool->need != which.facts.need)) {
    problem = "the tool '" + which.call.name + "' is another one by now than the person was asked about";
  }
  announce(which);
  if (!problem.empty()) answer(which, true, std::move(problem));
}

/// Why a call is not made, as a sentence for the model; empty: it is.
std::string run_machine::refusal_of(const turn_call& which) {
  auto asks_person = which.tool && which.tool->need != tool_need::nothing;
  // What a person will fill in may be missing yet.
  if (!which.tool || which.tool->need != tool_need::user_input) {
    auto problem = tools_->box.problem_with(which.call);
    if (!problem.empty()) return problem;
  }
  if (asks_person && setup_.depth > 0) {
    return "a person would have to decide on this call, and a run that works for another one cannot ask anybody";
  }
  if (which.tool->kind == tool_kind::agent) {
    auto is_agent = [](const turn_call& x) { return x.tool && x.tool->kind == tool_kind::agent; };
    auto begun = std::count_if(tools_->calls.begin(), tools_->calls.end(), is_agent);
    if (static_cast<std::size_t>(begun) >= limits::children_max) {
      return "at most " + std::to_string(limits::children_max) + " agents may be called at the same time";
    }
  }
  if (which.tool->kind == tool_kind::agent && setup_.depth + 1 > limits::agent_depth_max) {
    return "this agent was called by an agent that was called by another, and so on: " +
           std::to_string(limits::agent_depth_max) + " runs are above this one, which is the limit";
  }
  return {};
}

void run_machine::announce(turn_call& which) {
  which.is = turn_call::state::running;
  which.started_us = now_us_;
  if (which.tool && which.tool->kind == tool_kind::agent && which.facts.confirmed != false) {
    auto unix_ms = now_us_ / 1000 + setup_.unix_offset_ms;
    auto first = next_random(random_);
    which.facts.child.value = make_uuid_v7(unix_ms, first, next_random(random_));
  }
  log(boxed<tool_call_started>{{which.number, which.call, which.facts}});
}

void run_machine::start(turn_call& which) {
  if (which.tool->kind == tool_kind::agent) {
    start_child(which);
    return;
  }
  tools_->open.push_back(which.number);
  start_tool what{which.number, setup_.id, which.call};
  if (what.call.arguments.empty()) what.call.arguments = "{}";
  emit(effect::open_tool{which.tool, std::move(what)});
}

void run_machine::answer(turn_call& which, bool failed, std::string result, bool stopped) {
  which.is = turn_call::state::answered;
  tool_call_ended event;
  event.number = which.number;
  event.call = which.call;
  event.facts = which.facts;
  event.failed = failed;
  event.stopped = stopped;
  event.result = result;
  event.duration_ms = static_cast<std::uint64_t>(now_us_ - which.started_us) / 1000;
  which.result = std::move(result);
  log(boxed<tool_call_ended>{std::move(event)});
}

void run_machine::next_turn() {
  if (phase_ != run_phase::tools || has_running_calls()) return;
  if (wish_) {
    end(std::move(wish_->how));
    return;
  }
  auto& calls = tools_->calls;
  auto waits = [](const turn_call& x) { return x.is == turn_call::state::waiting; };
  if (std::any_of(calls.begin(), calls.end(), waits)) {
    pause();
    return;
  }
  for (const auto& x : calls) tools_->bytes += x.call.arguments.size() + x.result.size();
  if (tools_->bytes > limits::run_tool_bytes_max) {
    fail(failure_code::output_limit,
         "what its tools were asked and have answered grew above " + std::to_string(limits::run_tool_bytes_max) + " bytes");
    return;
  }
  for (auto& x : calls) {
    history_.push_back({chat_role::tool, tool_answer_text(std::move(x.result)), {}, std::move(x.call.id)});
  }
  calls.clear();
  turn_text_from_ = text_.size();
  ++turn_;
  open_attempt();
}

run_machine::turn_call* run_machine::running_call(tool_no number) {
  if (phase_ != run_phase::tools) return nullptr;
  for (auto& call : tools_->calls) {
    if (call.number == number && call.is == turn_call::state::running) return &call;
  }
  return nullptr;
}

bool run_machine::has_running_calls() const {
  auto runs = [](const turn_call& x) { return x.is == turn_call::state::running; };
  return tools_ && std::any_of(tools_->calls.begin(), tools_->calls.end(), runs);
}

// -- tools ---------------------------------------------------------------------------

void run_machine::on(tool_result&& x) {
  auto* call = running_call(x.number);
  if (!call) return;
  answer(*call, x.failed, std::move(x.text));
  next_turn();
}

void run_machine::on(tool_closed&& x) {
  forget_tool(x.number, x.abandoned);
  if (auto* call = running_call(x.number)) {
    answer(*call, true, "the tool ended without an answer");
    next_turn();
  }
}

void run_machine::on(signal::tool_lost&& x) {
  if (tools_ && std::count(tools_->open.begin(), tools_->open.end(), x.number) > 0) on(tool_closed{x.number});
}

void run_machine::forget_tool(tool_no number, bool abandoned) {
  if (!tools_ || std::erase(tools_->open, number) == 0) return;
  if (phase_ == run_phase::ended) ++(abandoned ? tools_->tools_abandoned : tools_->tools_stopped);
  settle();
}

/// A child has deadlines of its own.
bool run_machine::has_deadline(const turn_call& which) {
  return which.is == turn_call::state::running && which.tool && which.tool->kind != tool_kind::agent;
}

steady_us run_machine::deadline_of(const turn_call& which) {
  return which.started_us + std::chrono::microseconds{which.tool->timeout}.count();
}

void run_machine::check_tool_deadlines() {
  for (auto& call : tools_->calls) {
    if (!has_deadline(call) || now_us_ < deadline_of(call)) continue;
    emit(effect::stop_tool{call.number});
    answer(call, true, "it did not answer within " + format_duration(call.tool->timeout) + " (timeout) and was stopped");
  }
  next_turn();
}

void run_machine::stop_tools_and_children() {
  if (!tools_) return;
  for (auto number : tools_->open) {
    if (!planted(mutant::tool_left_running)) emit(effect::stop_tool{number});
  }
  for (const auto& child : tools_->children) emit(effect::cancel_child{cancel_of(child.id)});
  tools_->tools_at_end = static_cast<std::uint32_t>(tools_->open.size());
  tools_->children_at_end = static_cast<std::uint32_t>(tools_->children.size());
}

/// The log says of every call that began how it ended, and a model that reads it later is told the same.
void run_machine::answer_stopped_calls() {
  if (!tools_) return;
  for (auto& call : tools_->calls) {
    if (call.is == turn_call::state::running) answer(call, true, was_stopped, true);
  }
}

// -- pause ---------------------------------------------------------------------------

void run_machine::pause() {
  phase_ = run_phase::paused;
  closing_us_ = now_us_;
  log(content_completed{});
  run_paused event;
  for (const auto& call : tools_->calls) {
    if (call.is == turn_call::state::waiting) event.waiting_for.push_back({call.call, call.facts});
  }
  if (const auto& timeout = setup_.entry->agent.pause_timeout) {
    event.expires_at_ms = now_us_ / 1000 + setup_.unix_offset_ms + timeout->count();
  }
  tools_->expires_at_ms = event.expires_at_ms;
  log(boxed<run_paused>{std::move(event)});
  emit(effect::change_status{run_status::paused});
}

/// A paused run holds nothing: when the journal has its pause, and nothing of it is open, it goes.
void run_machine::leave_paused() {
  if (closed_ || !unconfirmed_.empty() || !is_closed()) return;
  closed_ = true;
  emit(effect::close{run_status::paused, tools_->expires_at_ms});
}

// -- children ------------------------------------------------------------------------

void run_machine::start_child(turn_call& which) {
  child_run child;
  child.id = which.facts.child;
  child.number = which.number;
  child.agent = which.tool->agent;
  tools_->children.push_back(std::move(child));
  run_request request;
  request.id = which.facts.child;
  request.agent = which.tool->agent;
  request.input = text_argument(which.call, agent_tool_argument);
  request.session = setup_.session;
  request.user = setup_.user;
  request.parent = setup_.id;
  request.root = setup_.root.empty() ? setup_.id : setup_.root;
  request.depth = setup_.depth + 1;
  request.traceparent = setup_.traceparent;
  emit(effect::start_child{std::move(request)});
}

/// What the child says is said here too: whoever reads this run sees its children at work. A grandchild's words come
/// through its parent's log as they are.
void run_machine::on(signal::child_said&& x) {
  if (!tools_) return;
  auto& children = tools_->children;
  auto child = std::find_if(children.begin(), children.end(), [&](const child_run& c) { return c.id == x.child; });
  if (child == children.end()) return;
  const run_ended* ended = nullptr;
  for (auto& event : x.events) {
    if (const auto* names = get_if<run_started>(*event)) child->names = *names;
    if (const auto* last = get_if<run_ended>(*event)) ended = last;
    if (phase_ == run_phase::ended) continue;
    if (const auto* inner = get_if<child_event>(*event)) {
      log(boxed<child_event>{*inner});
    } else {
      log(boxed<child_event>{{child->id, setup_.id, child->agent, child->names.agent_name, child->names.model,
                              child->names.model_provider, event}});
    }
  }
  if (ended) {
    auto [failed, text] = answer_of(*ended, child->agent);
    auto number = child->number;
    child_is_over(x.child);
    if (auto* call = running_call(number)) {
      answer(*call, failed, std::move(text));
      next_turn();
    }
  } else if (phase_ != run_phase::ended) {
    child->pull_due = true;
    if (unjournalled_bytes() <= limits::unjournalled_bytes_high) pull_due_children();
  }
}

void run_machine::pull_due_children() {
  if (!tools_ || unjournalled_bytes() > limits::unjournalled_bytes_high || phase_ == run_phase::ended) return;
  for (auto& child : tools_->children) {
    if (std::exchange(child.pull_due, false)) emit(effect::pull_child{child.id});
  }
}

void run_machine::on(signal::child_lost&& x) {
  if (!tools_) return;
  auto& children = tools_->children;
  auto child = std::find_if(children.begin(), children.end(), [&](const child_run& c) { return c.id == x.child; });
  if (child == children.end()) return;
  auto number = child->number;
  child_is_over(x.child);
  if (auto* call = running_call(number)) {
    answer(*call, true, std::move(x.why));
    next_turn();
  }
}

void run_machine::on(signal::child_stopped&& x) { child_is_over(x.child, x.has_ended); }

/// `has_ended`: that was seen, or said; else it is only not waited for any more.
void run_machine::child_is_over(const run_id& child, bool has_ended) {
  if (!tools_ || std::erase_if(tools_->children, [&](const child_run& c) { return c.id == child; }) == 0) return;
  if (phase_ == run_phase::ended && has_ended) ++tools_->children_stopped;
  settle();
}

/// The child's own reason names itself, as a run's that nobody gave a reason for.
cancel_request run_machine::cancel_of(const run_id& child) const {
  cancel_request request;
  request.run = child;
  request.by = "parent";
  request.wait_ms = static_cast<std::uint32_t>(limits::close_grace.count());
  return request;
}

}  // namespace oncue::core
