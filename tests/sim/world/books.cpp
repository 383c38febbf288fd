#include "books.hpp"

#include <utility>

#include "oncue/core/pauses.hpp"
#include "support/promises.hpp"

namespace oncue::sim {

namespace {

std::string cut(const std::string& text) {
  return text.size() <= 16 ? text : text.substr(0, 13) + "… (" + std::to_string(text.size()) + " bytes)";
}

std::string named(const char* promise, const std::string& broken) {
  return broken.empty() ? broken : std::string{promise} + ": " + broken;
}

}  // namespace

std::string words_of(const run_event& event) {
  auto text = "#" + std::to_string(event.index) + " ";
  if (get_if<run_started>(event)) return text + "run_started";
  if (const auto* x = get_if<model_request_started>(event)) return text + "attempt " + std::to_string(x->attempt);
  if (const auto* x = get_if<model_request_retrying>(event)) {
    return text + "retry in " + std::to_string(x->delay_ms) + " ms: " + std::string{to_string(x->code)};
  }
  if (const auto* x = get_if<content_delta>(event)) return text + "'" + cut(x->text) + "'";
  if (get_if<reasoning_delta>(event)) return text + "reasoning";
  if (get_if<model_request_completed>(event)) return text + "the model is done";
  if (get_if<content_completed>(event)) return text + "content_completed";
  if (const auto* x = get_if<tool_call_started>(event)) return text + "calls " + x->call.name;
  if (const auto* x = get_if<tool_call_ended>(event)) {
    return text + x->call.name + (x->stopped ? " stopped" : x->failed ? " failed" : " answered");
  }
  if (get_if<run_paused>(event)) return text + "paused";
  if (get_if<run_continued>(event)) return text + "continued";
  if (const auto* x = get_if<child_event>(event)) return text + "child " + words_of(*x->event);
  if (const auto* x = get_if<run_ended>(event)) {
    auto words = text + "ENDED " + std::string{to_string(status_of(x->how))};
    if (x->how.kind == ending_kind::failed) words += " " + std::string{to_string(x->how.code)};
    return words + " (" + std::to_string(x->content.size()) + " bytes)";
  }
  return text + "?";
}

const tracked_run* run_books::find(const run_id& run) const {
  auto found = runs_.find(run.value);
  return found == runs_.end() ? nullptr : &found->second;
}

const std::string& run_books::run_of(const std::string& input) const {
  auto found = by_input_.find(input);
  return found == by_input_.end() ? none_ : found->second;
}

void run_books::created(const run_request& request, incarnation_no owner, const std::vector<event_ptr>& events) {
  const auto& id = request.id.value;
  if (runs_.contains(id)) return;  // the answer to the first try was lost
  auto& run = runs_[id];
  run.request = request;
  run.owner = owner;
  run.created_ms = luck_.now_ms();
  if (auto drained = drained_ms_.find(owner); drained != drained_ms_.end()) {
    luck_.broken(id, named("I13", test::takes_no_more(drained->second, run.created_ms)));
  }
  by_input_.emplace(request.input, id);
  luck_.tell(id, "is created, owner " + std::to_string(owner));
  for (const auto& event : events) log(id, run, event);
}

void run_books::log(const std::string& id, tracked_run& run, const event_ptr& event) {
  if (event->index < run.durable_next) return;
  if (event->index > run.durable_next) luck_.broken(id, "I4: the database took an event behind a gap: " + words_of(*event));
  if (run.ending) luck_.broken(id, "I1: an event after the ending: " + words_of(*event));
  run.durable_next = event->index + 1;
  run.log.push_back(event);
  luck_.tell(id, "logged " + words_of(*event));
  if (get_if<run_started>(*event)) enter(id, run, run_phase::queued);
  if (get_if<model_request_retrying>(*event)) enter(id, run, run_phase::backing_off);
  if (get_if<tool_call_started>(*event)) enter(id, run, run_phase::tools);
  if (get_if<run_continued>(*event)) {
    enter(id, run, run_phase::queued);
    run.model_fails = run.tool_fails = false;
    run.was_continued = true;
    run.begun_ms = 0;
  }
  if (get_if<model_request_started>(*event) && run.begun_ms == 0) run.begun_ms = luck_.now_ms();
  if (const auto* pause = get_if<run_paused>(*event)) {
    enter(id, run, run_phase::paused);
    run.at_work = false;
    if (on_pause) on_pause({id}, *pause);
  }
}

void run_books::appended(const run_id& id, incarnation_no writer, std::span<const event_ptr> events) {
  auto& run = runs_[id.value];
  for (const auto& event : events) {
    if (event->index >= run.durable_next && run.owner != writer) {
      luck_.broken(id.value, "fencing: node " + std::to_string(writer) + " wrote to a run of node " +
                                 std::to_string(run.owner) + ": " + words_of(*event));
    }
    log(id.value, run, event);
  }
}

void run_books::ended(const run_id& id, const event_ptr& ending, bool in_its_place) {
  auto& run = runs_[id.value];
  if (run.ending) {
    luck_.broken(id.value, named("I1", test::same_ending(run.ending, ending)));
    return;
  }
  log(id.value, run, ending);
  run.ending = ending;
  run.ended_in_its_place = in_its_place;
  run.ended_ms = luck_.now_ms();
  run.at_work = false;
  enter(id.value, run, run_phase::ended);
  const auto& how = get_if<run_ended>(*ending)->how;
  auto name = std::string{to_string(status_of(how))};
  if (how.kind == ending_kind::failed) name += " " + std::string{to_string(how.code)};
  if (how.kind == ending_kind::cancelled && (how.by == "drain" || how.by == "parent" || how.by == "interrupt"))
    name += " by " + how.by;
  seen_.add("ending " + name);
}

void run_books::owned(const run_id& id, incarnation_no owner) {
  auto& run = runs_[id.value];
  run.owner = owner;
  run.at_work = false;
  run.begun_ms = 0;
  if (run.phase != run_phase::paused) enter(id.value, run, run_phase::queued);
  luck_.tell(id.value, owner == 0 ? "is nobody's now" : "is node " + std::to_string(owner) + "'s now");
}

void run_books::died(incarnation_no node) {
  luck_.tell("", "incarnation " + std::to_string(node) + " is dead from now on");
  dead_.insert(node);
  strikes_node("lease over", node);
  in_force("lease over", luck_.now_ms() + 1000);
}

int run_books::life_of_owner(const tracked_run& run) const {
  auto found = lives_.find(run.owner);
  return found == lives_.end() || dead_.contains(run.owner) ? -1 : found->second;
}

void run_books::move(const std::string& input, run_phase to) {
  auto found = runs_.find(run_of(input));
  if (found == runs_.end() || found->second.ending || found->second.phase == run_phase::paused) return;
  if (found->second.phase != to) enter(found->first, found->second, to);
}

void run_books::enter(const std::string& id, tracked_run& run, run_phase to) {
  run.phase = to;
  if (on_phase) on_phase(id, to);
}

std::shared_ptr<spoken> run_books::model_asked(const std::string& input, int life, attempt_no attempt) {
  auto answer = std::make_shared<spoken>();
  auto found = runs_.find(run_of(input));
  if (found == runs_.end()) {
    luck_.broken("", "I5: a model was called for a run that is not in the database");
    return answer;
  }
  auto& [id, run] = *found;
  run.answers[attempt].push_back(answer);
  // Who has lost the run may not know it yet; all others may not call.
  if (life_of_owner(run) != life) return answer;
  // One that was killed may have sent its call already: the stream finds nobody to talk to.
  if (run.ending && !run.ended_in_its_place) luck_.broken(id, "I1: a model was called after the ending");
  if (run.phase == run_phase::paused) luck_.broken(id, "a model was called while the run waits for a person");
  if (!run.at_work) check_session(id, run);
  run.at_work = true;
  run.model_fails = run.tool_fails = false;
  move(input, run_phase::connecting);
  return answer;
}

/// A session has one run at a time. Nobody sees a run begin before its first attempt is logged: so one that goes on after
/// a pause may begin at the same moment as a later one.
void run_books::check_session(const std::string& id, const tracked_run& run) {
  if (!run.request.parent.empty() || run.request.session.empty()) return;
  for (const auto& [other_id, other] : runs_) {
    if (other_id == id || !other.at_work || !other.request.parent.empty()) continue;
    if (other.request.session != run.request.session) continue;
    auto is_seen = other.begun_ms > 0 && other.begun_ms + waits_ms_ < luck_.now_ms();
    if ((run.was_continued || other.was_continued) && !is_seen) continue;
    luck_.broken(id, "sessions: it calls its model while " + other_id + " is at work");
  }
}

void run_books::model_fails(const std::string& input) {
  auto found = runs_.find(run_of(input));
  if (found == runs_.end() || found->second.ending || std::exchange(found->second.model_fails, true)) return;
  seen_.hit("strikes", "model fails", found->second.phase);
}

void run_books::tool_fails(const run_id& id) {
  auto found = runs_.find(id.value);
  if (found == runs_.end() || found->second.ending || std::exchange(found->second.tool_fails, true)) return;
  seen_.hit("strikes", "tool fails", found->second.phase);
}

void run_books::read_slowly(const run_id& id) {
  auto found = runs_.find(id.value);
  if (found == runs_.end()) return;
  found->second.is_read_slowly = true;
  seen_.hit("strikes", "slow reader", found->second.phase);
}

void run_books::meets(const std::string& event, const run_id& id) {
  auto found = runs_.find(id.value);
  if (found == runs_.end()) return;
  const auto& run = found->second;
  auto hit = [&](const std::string& fault) { seen_.hit(event, fault, run.phase); };
  auto calm = true;
  for (const auto& [fault, until] : in_force_) {
    if (until < luck_.now_ms()) continue;
    hit(fault);
    calm = false;
  }
  if (run.model_fails) hit("model fails");
  if (run.tool_fails) hit("tool fails");
  if (run.is_read_slowly) hit("slow reader");
  if (calm && !run.model_fails && !run.tool_fails && !run.is_read_slowly) hit("none");
}

void run_books::strikes(const std::string& fault, const run_id& id) {
  auto found = runs_.find(id.value);
  if (found == runs_.end()) return;
  seen_.hit("strikes", fault, found->second.phase);
  if (fault == "actor lost") found->second.at_work = false;
}

void run_books::strikes_node(const std::string& fault, incarnation_no node) {
  for (const auto& [id, run] : runs_) {
    if (run.owner == node) seen_.hit("strikes", fault, run.phase);
  }
}

}  // namespace oncue::sim
