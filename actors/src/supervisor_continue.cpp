// Paused runs: they live in the journal alone, come back as an actor when somebody continues them, and end when nobody did
// in time.
#include <algorithm>
#include <utility>

#include "error_words.hpp"
#include "oncue/actors/supervisor.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/pauses.hpp"
#include "oncue/io/log.hpp"

namespace oncue::actors {

/// A continue on its way: from the lookup in the journal to the run's new actor.
struct supervisor_state::continuing {
  continue_run wanted;
  start_promise promise;
  run_request request;  // as the run was created
  std::shared_ptr<const core::agent_entry> entry;
  std::vector<event_ptr> events;  // the whole log; the last one is its run_continued
};

caf::result<start_reply> supervisor_state::resume(continue_run& request) {
  auto promise = self_->make_response_promise<start_reply>();
  auto what = std::make_shared<continuing>();
  what->wanted = std::move(request);
  what->promise = promise;
  look_up(std::move(what));
  return promise;
}

void supervisor_state::refuse(const std::shared_ptr<continuing>& what, refusal why) {
  ++totals_.refused_total;
  start_reply reply;
  reply.refused = std::move(why);
  reply.run = what->wanted.run;
  what->promise.deliver(std::move(reply));
}

void supervisor_state::look_up(std::shared_ptr<continuing> what) {
  using enum node_roster::row_state;
  if (auto* row = roster_.find(what->wanted.run)) {
    // Its pause is known already, but its actor is still there: this waits until it has gone.
    auto is_leaving = row->state == running && row->status == run_status::paused;
    if ((row->state == queued || row->state == running) && !is_leaving) {
      refuse(what, core::cannot_continue(what->wanted.run, run_status::running));
    } else if (row->handle.is_owed) {
      refuse(what, {refusal_code::journal_unavailable, "the run's actor died, and the journal does not take its ending"});
    } else {
      row->waiters.emplace_back([this, what] { look_up(what); });
    }
    return;
  }
  self_->request(env_->journal, local_answer, find_paused{what->wanted.run})
      .then([this, what](paused_run& kept) { found_paused(what, kept); },
            [this, what](const caf::error& error) {
              refuse(what, {refusal_code::journal_unavailable, "the journal did not answer: " + words_of(error)});
            });
}

void supervisor_state::found_paused(std::shared_ptr<continuing> what, paused_run& kept) {
  const auto& wanted = what->wanted;
  auto is_other = [](const auto& asked, const auto& is) { return !asked.empty() && asked != is; };
  if (!kept.summary || is_other(wanted.session, kept.summary->session) || is_other(wanted.agent, kept.summary->agent)) {
    return refuse(what, core::cannot_continue_unknown(wanted.run));
  }
  // Somebody else's continue may have been quicker.
  if (roster_.find(wanted.run)) return refuse(what, core::cannot_continue(wanted.run, run_status::running));
  const auto* waiting = core::pause_at_end(kept.events);
  if (kept.summary->status != run_status::paused || !waiting) {
    return refuse(what, core::cannot_continue(wanted.run, kept.summary->status));
  }
  if (auto wrong = core::problem_with(waiting->waiting_for, wanted.decisions); !wrong.empty()) {
    return refuse(what, {refusal_code::invalid_input, std::move(wrong)});
  }
  what->entry = env_->catalog->find(kept.summary->agent);
  if (!what->entry) {
    auto why = "agent: there is no agent '" + kept.summary->agent.value + "' any more";
    return refuse(what, {refusal_code::unknown_agent, std::move(why)});
  }
  what->request = std::move(kept.request);
  what->request.on_busy_session = session_policy::enqueue;
  auto now_ms = env_->unix_ms();
  if (auto refused = roster_.admit(what->request, now_ms)) return refuse(what, std::move(*refused));
  what->events = std::move(kept.events);
  run_continued said{std::move(what->wanted.decisions), std::move(what->wanted.by)};
  what->events.emplace_back(run_event{what->events.back()->index + 1, now_ms, boxed<run_continued>{std::move(said)}});
  self_->request(env_->journal, local_answer, reopen_run{wanted.run, what->events.back()})
      .then([this, what](const reopen_reply& reply) { reopened(what, reply); },
            [this, what](const caf::error& error) {
              reopen_reply none;
              none.refused = {refusal_code::journal_unavailable, "the journal did not answer: " + words_of(error)};
              reopened(what, none);
            });
}

void supervisor_state::reopened(std::shared_ptr<continuing> what, const reopen_reply& reply) {
  auto id = what->request.id;
  if (reply.refused) {
    wake(roster_.not_created(id));
    refuse(what, *reply.refused);
    after_a_run_left();
    return;
  }
  io::log(io::log_level::info, "run_continued", {{"run", id.value}, {"by", what->wanted.by}});
  auto memory = core::replay(what->events);
  auto continued = what->events.back();
  start_reply answer{{}, id, what->request.session, {}};
  answer.from = continued->index;
  auto setup = setup_of(what->request, what->entry, reply.epoch);
  setup.next_index = continued->index + 1;
  // The time that a person took does not count.
  setup.created_us -= static_cast<core::steady_us>(memory.active_us);
  auto& row = roster_.created(id, spawn(std::move(setup), &memory, {continued}));
  answer.source = row.handle.actor;
  begin_created(row);
  what->promise.deliver(std::move(answer));
}

// -- expiry --------------------------------------------------------------------------

void supervisor_state::end_expired_runs() {
  next_expiry_ms_ = 0;
  end_expired what{env_->unix_ms(), core::limits::expired_runs_max};
  self_->request(env_->journal, local_answer, what)
      .then(
          [this](const expired_runs& reply) {
            for (const auto& run : reply.ended) {
              io::log(io::log_level::warning, "run_expired", {{"run", run.value}});
              count(run_status::failed);
            }
            expires_at(reply.next_at_ms);
          },
          [this](const caf::error&) {
            expires_at(env_->unix_ms() + core::limits::finish_retry.count());  // the store may work again then
          });
}

/// Some run in the journal expires then: an alarm for the first of them.
void supervisor_state::expires_at(std::int64_t at_ms) {
  if (at_ms == 0 || (next_expiry_ms_ != 0 && next_expiry_ms_ <= at_ms)) return;
  next_expiry_ms_ = at_ms;
  auto in_ms = std::max<std::int64_t>(at_ms - env_->unix_ms(), 0);
  auto at_us = to_steady_us(self_->clock().now()) + in_ms * 1000;
  self_->send(env_->alarms, set_alarm{at_us}, caf::actor_cast<alarm_client_actor>(self_));
}

}  // namespace oncue::actors
