// What must hold of a world: of each moment, and of all that was said and logged when it has come to rest.
#include <algorithm>
#include <utility>

#include "oncue/core/limits.hpp"
#include "support/promises.hpp"
#include "world.hpp"

namespace oncue::sim {

namespace {

constexpr std::int64_t close_grace_ms = core::limits::close_grace.count();
/// How long the messages of one thing that happens may take, while time goes on between them.
constexpr std::int64_t slack_ms = 300;

}  // namespace

void world::broken(const std::string& run, const char* promise, const std::string& what) {
  if (!what.empty()) luck_.broken(run, std::string{promise} + ": " + what);
}

/// Four times a virtual second.
void world::look_now() {
  auto now = luck_.now_ms();
  for (const auto& call : models_.calls) {
    if (!call->open || all_.is_dead(call->life) || all_.was_paused(call->life)) continue;
    const auto* run = books_.find({call->run});
    if (!run || !run->ending) continue;
    const auto* what = call->is_tool ? "a tool" : "a model stream";
    broken(call->run, "I9", test::nothing_left(run->ended_ms, now, close_grace_ms + slack_ms, what));
  }
}

void world::look_back() {
  for (const auto& run : db_.open_runs(false)) broken(run.value, "I10", test::has_a_home(run_status::running, false));
  for (const auto& [id, run] : books_.runs()) {
    check_run(id, run);
    check_answers(id, run);
    check_family(id, run);
  }
  for (const auto& what : clients_.history()) {
    if (what.what == "start") check_start(what);
    if (what.what == "cancel") check_cancel(what);
  }
  for (const auto& who : clients_.readers()) check_reader(who);
}

void world::check_run(const std::string& id, const tracked_run& run) {
  auto log = db_.whole_log({id});
  broken(id, "I1", test::one_ending(log));
  broken(id, "I4", test::gapless(log));
  broken(id, "I6", test::exact_text(log));
  broken(id, "I7", test::attempts_rise(log));
  if (!run.ended_in_its_place) broken(id, "tools", test::calls_answered(log));
  broken(id, "I5", test::prefix_of(run.log, log));
  if (log.size() != run.log.size()) broken(id, "I5", "the log has events that nobody has written");
  if (const auto* ended = test::ending_of(log)) {
    broken(id, "I11", test::cancelled_by_somebody(ended->how, was_asked_to_cancel(id, run)));
  }
}

/// Each attempt's text is what its stream said.
void world::check_answers(const std::string& id, const tracked_run& run) {
  attempt_no attempt = 0;
  spoken logged;
  auto compare = [&](bool is_whole) {
    if (attempt == 0) return;
    std::string wrong = "the log has an attempt that called no model";
    auto found = run.answers.find(attempt);
    if (found == run.answers.end()) {
      // Its node was lost between the log and the call.
      if (logged.text.empty() && logged.reasoning.empty()) wrong.clear();
    } else {
      for (const auto& said : found->second) {
        wrong = test::said_by(logged.text, said->text, is_whole);
        if (wrong.empty()) wrong = test::said_by(logged.reasoning, said->reasoning, is_whole);
        if (wrong.empty()) break;
      }
    }
    broken(id, "I7", wrong.empty() ? wrong : "attempt " + std::to_string(attempt) + ": " + wrong);
  };
  for (const auto& event : run.log) {
    if (const auto* x = get_if<model_request_started>(*event)) {
      compare(false);
      attempt = x->attempt;
      logged = {};
    }
    if (const auto* x = get_if<content_delta>(*event)) logged.text += x->text;
    if (const auto* x = get_if<reasoning_delta>(*event)) logged.reasoning += x->text;
    if (get_if<model_request_completed>(*event)) compare(true);
  }
  compare(false);
}

void world::check_family(const std::string& id, const tracked_run& run) {
  if (run.request.parent.empty()) return;
  const auto* parent = books_.find(run.request.parent);
  if (!parent || !parent->ending) return;
  auto child_ended = run.ending ? std::optional{run.ended_ms} : std::nullopt;
  // Found dead with its node, it is over a lease later; a store that is away keeps its ending back.
  broken(id, "I12", test::child_is_over(parent->ended_ms, child_ended, luck_.now_ms(), 2 * close_grace_ms + 5000));
  if (parent->ended_in_its_place) return;
  // Whatever the store does meanwhile, its calls are closed when its parent's are.
  for (const auto& call : models_.calls) {
    if (call->run != id || all_.was_paused(call->life) || all_.is_dead(call->life)) continue;
    auto from = std::max(parent->ended_ms, call->opened_ms);
    auto closed = call->closed_ms() < 0 ? luck_.now_ms() : call->closed_ms();
    auto wrong = test::child_is_over(from, closed, luck_.now_ms(), slack_ms);
    if (!wrong.empty()) wrong += " (a call from " + std::to_string(call->opened_ms) + " ms on)";
    broken(id, "I12", wrong);
    if (call->opened_ms > parent->ended_ms + slack_ms) broken(id, "I12", "a child began a call after its parent's ending");
  }
}

bool world::was_asked_to_cancel(const std::string& id, const tracked_run& run) {
  const auto& by = get_if<run_ended>(*run.ending)->how.by;
  if (by == "drain") {
    return std::any_of(clients_.history().begin(), clients_.history().end(),
                       [](const auto& x) { return x.what == "drain"; });
  }
  if (by == "parent") return !run.request.parent.empty();
  if (by == "interrupt") {
    return std::any_of(books_.runs().begin(), books_.runs().end(), [&](const auto& other) {
      return other.first != id && other.second.request.on_busy_session == session_policy::interrupt &&
             other.second.request.session == run.request.session;
    });
  }
  // A child may be stopped in its parent's words.
  const auto* asked = &run;
  std::string of = id;
  while (true) {
    for (const auto& what : clients_.history()) {
      if (what.what == "cancel" && what.run == of) return true;
    }
    if (asked->request.parent.empty()) return false;
    of = asked->request.parent.value;
    asked = books_.find(asked->request.parent);
    if (!asked) return false;
  }
}

void world::check_start(const operation& what) {
  const auto* run = books_.find({what.run});
  if (!what.answered() || !what.started || what.started->refused) return;
  if (!run) {
    broken(what.run, "I5", "a start was answered, and the database has no such run");
  } else if (what.started->run.value != what.run) {
    broken(what.run, "idempotency", "its key was answered with run " + what.started->run.value);
  }
}

void world::check_cancel(const operation& what) {
  if (!what.cancelled) return;
  const auto& reply = *what.cancelled;
  const auto* run = books_.find({what.run});
  if (!run || !run->ending) return;
  const auto& how = get_if<run_ended>(*run->ending)->how;
  auto by_run = reply.phase_at_cancel.has_value();
  // Stopped, and not durable yet, as it says; then its node lost the lease, or its actor died while the store took nothing:
  // whoever ended the run instead cannot know.
  auto only_there = reply.outcome == cancel_outcome::accepted && !reply.durable && by_run;
  auto lost_actor = run->ended_in_its_place && how.kind == ending_kind::failed && how.code == failure_code::actor_lost;
  auto was_lost = only_there && (books_.is_dead(what.owner) || lost_actor);
  auto is_own_intent = reply.outcome == cancel_outcome::intent_stored && run->created_ms < what.asked_ms;
  if (!was_lost && !is_own_intent) broken(what.run, "I2", test::honest_cancel(reply, how));
  if (!what.forced || !by_run || all_.was_paused(what.life)) return;
  auto stopped = reply.outcome == cancel_outcome::cancelled || reply.outcome == cancel_outcome::accepted;
  for (const auto& call : models_.calls) {
    if (!stopped || call->run != what.run || call->life != what.life || call->opened_ms > what.answered_ms) continue;
    auto closed = all_.is_dead(what.life) && call->closed_ms() < 0 ? what.answered_ms : call->closed_ms();
    broken(what.run, "I3", test::stops_at_once(what.answered_ms, closed, slack_ms));
  }
  if (what.was_at_work) {
    auto at_most = static_cast<std::int64_t>(what.wait_ms) + slack_ms;
    broken(what.run, "I3", test::answered_in_time(what.asked_ms, what.answered_ms, at_most));
  }
}

void world::check_reader(const reading& who) {
  const auto* run = books_.find({who.run});
  if (!run) return;
  if (auto wrong = test::prefix_of(who.events, run->log); !wrong.empty()) {
    auto last = std::min(who.events.size(), run->log.size()) - 1;
    broken(who.run, "I4",
           "reader " + std::to_string(who.number) + ": " + wrong + " (its last: " + words_of(*who.events[last]) +
               ", the log's: " + words_of(*run->log[last]) + ")");
  }
  if (who.ended && who.events.size() != run->log.size()) {
    broken(who.run, "I4",
           "a reader was told of the end at " + std::to_string(who.events.size()) + " events of " +
               std::to_string(run->log.size()));
  }
}

}  // namespace oncue::sim
