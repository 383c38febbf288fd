#include "oncue/actors/store_journal.hpp"

#include <algorithm>
#include <utility>

#include "oncue/core/limits.hpp"
#include "oncue/io/log.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::actors {

namespace {

caf::error store_error(const std::string& problem) { return caf::make_error(caf::sec::runtime_error, problem); }

/// What was read, or the sentence as an error.
template <class T>
caf::result<T> result_of(io::store_result<T> what) {
  if (auto* problem = std::get_if<std::string>(&what)) {
    io::log(io::log_level::error, "store_read_failed", {{"problem", *problem}});
    return store_error(*problem);
  }
  return std::move(std::get<T>(what));
}

const std::vector<event_ptr>* events_of(const io::store_write& what) {
  if (const auto* x = std::get_if<append_events>(&what)) return &x->events;
  if (const auto* x = std::get_if<finish_run>(&what)) return &x->events;
  if (const auto* x = std::get_if<create_run>(&what)) return &x->events;
  return nullptr;
}

/// True if this is a write to that run's log.
bool is_of(const io::store_write& what, const run_id& run) {
  return std::visit(
      [&]<class Write>(const Write& x) {
        if constexpr (std::is_same_v<Write, create_run>) return x.request.id == run;
        if constexpr (std::is_same_v<Write, record_cancel>) return x.request.run == run;
        if constexpr (requires { x.run; }) return x.run == run;
        return false;
      },
      what);
}

}  // namespace

// -- the archive -------------------------------------------------------------------

/// A store that cannot be read now may be readable again soon: whoever asks waits for a moment, and then is told.
template <class Question>
auto store_archive_state::find(const Question& what) -> caf::result<found_by<Question>> {
  auto promise = self_->make_response_promise<found_by<Question>>();
  find_for(what, promise, self_->clock().now() + core::limits::database_wait_max);
  return promise;
}

template <class Question, class Promise>
void store_archive_state::find_for(const Question& what, Promise promise, std::chrono::steady_clock::time_point until) {
  auto result = archive_->find(what);
  auto* problem = std::get_if<std::string>(&result);
  if (!problem) {
    promise.deliver(std::move(std::get<0>(result)));
  } else if (self_->clock().now() >= until) {
    io::log(io::log_level::error, "store_read_failed", {{"problem", *problem}});
    promise.deliver(store_error(*problem));
  } else {
    self_->run_delayed(core::limits::read_retry, [this, what, promise, until] { find_for(what, promise, until); });
  }
}

store_archive_actor::behavior_type store_archive_state::make_behavior() {
  return {
      [this](const pull_limits& pull, const subscriber_actor& reader) { read(pull, reader, 1); },
      [this](const find_run& what) { return find(what); },
      [this](const find_runs& what) { return find(what); },
      [this](const find_owner& what) { return find(what); },
      [this](const find_session& what) { return find(what); },
      [this](const find_sessions& what) { return find(what); },
      [this](checkpoint_store) {
        auto problem = archive_->checkpoint();
        if (!problem.empty()) io::log(io::log_level::warning, "store_checkpoint_failed", {{"problem", problem}});
      },
  };
}

/// A reader waits longer: its run may be at work.
void store_archive_state::read(const pull_limits& pull, const subscriber_actor& reader, int tries) {
  auto batch = archive_->read(pull);
  if (const auto* problem = std::get_if<std::string>(&batch)) {
    if (tries == 1) {
      io::log(io::log_level::error, "store_read_failed", {{"problem", *problem}, {"run", pull.run.value}});
    }
    if (tries < core::limits::read_tries_max) {
      self_->run_delayed(core::limits::read_retry, [this, pull, reader, tries] { read(pull, reader, tries + 1); });
      return;
    }
    // It must not wait for ever: it is told that nothing is to be had here.
    batch = event_batch{.run = pull.run, .events = {}, .next = pull.from, .end = batch_end::unknown};
  }
  self_->send(reader, std::move(std::get<event_batch>(batch)));
}

archive_actor spawn_store_archive(caf::actor_system& system, std::shared_ptr<io::run_archive> archive, bool own_thread) {
  using impl = store_archive_actor::stateful_impl<store_archive_state>;
  return own_thread ? system.spawn<impl, caf::detached>(std::move(archive)) : system.spawn<impl>(std::move(archive));
}

// -- the journal -------------------------------------------------------------------

store_journal_actor::behavior_type store_journal_state::make_behavior() {
  self_->run_delayed(core::limits::upkeep_interval, [this] { keep_up(); });
  return {
      [this](const pull_limits& pull, const subscriber_actor& reader) { self_->send(archive_, pull, reader); },
      [this](create_run& what) { return enqueue<create_reply>(others_, std::move(what)); },
      [this](append_events& what, const journal_client_actor& client) { add(others_, std::move(what), client); },
      [this](finish_run& what, const journal_client_actor& client) { add(endings_, std::move(what), client); },
      // Behind the appends of its run that still wait: what was said is kept.
      [this](end_orphan& what) { return enqueue<end_orphan_reply>(others_, std::move(what)); },
      // A cancel ends a run that is paused by then, so it must not overtake what the run has waiting.
      [this](record_cancel& what) {
        auto overtakes = !waits(what.request.run) || planted(mutant::cancel_overtakes_log);
        auto& where = overtakes ? endings_ : others_;
        return enqueue<record_cancel_reply>(where, std::move(what));
      },
      [this](const find_paused& what) {
        if (waits(what.run)) {
          commit(endings_);
          commit(others_);
        }
        return result_of(store_->reads().find(what));
      },
      // Behind the appends, as are those of the run that goes on: its actor begins with the answer.
      [this](reopen_run& what) { return enqueue<reopen_reply>(others_, std::move(what)); },
      [this](end_expired& what) { return enqueue<expired_runs>(others_, std::move(what)); },
      [this](const load_history& what) { return result_of(store_->reads().load(what)); },
      [this](const list_runs& what) { return result_of(store_->reads().list(what)); },
      [this](create_session& what) { return enqueue<session_reply>(others_, std::move(what)); },
      [this](change_session& what) { return enqueue<session_reply>(others_, std::move(what)); },
      [this](delete_sessions& what) { return enqueue<sessions_deleted>(others_, std::move(what)); },
      [this](commit_writes what) {
        endings_.is_called = endings_.is_called && !what.endings;
        commit(endings_);
        if (what.endings) return;
        others_.is_called = false;
        commit(others_);
      },
      [this](own_as what) { store_->own_as(what.self); },
  };
}

template <class Reply, class Write>
store_journal_state::promise<Reply> store_journal_state::enqueue(lane& where, Write what) {
  auto answer_later = self_->make_response_promise<Reply>();
  add(where, std::move(what), answer_later);
  return answer_later;
}

/// True if something of this run is not written yet, but in the lane that is written later.
bool store_journal_state::waits(const run_id& run) const {
  return std::any_of(others_.writes.begin(), others_.writes.end(),
                     [&](const io::store_write& write) { return is_of(write, run); });
}

void store_journal_state::add(lane& where, io::store_write what, answer_to who) {
  if (const auto* events = events_of(what)) {
    where.events += events->size();
    for (const auto& event : *events) where.bytes += cost_bytes(*event);
  }
  where.writes.push_back(std::move(what));
  where.askers.push_back({std::move(who), self_->clock().now()});
  auto is_full = where.writes.size() >= core::limits::commit_events_max ||
                 where.events >= core::limits::commit_events_max || where.bytes >= core::limits::commit_bytes_max;
  if (!is_full) {
    call(where);
    return;
  }
  commit(endings_);
  commit(others_);
}

/// The word to write comes behind all that is in the mailbox by now: that is the group.
void store_journal_state::call(lane& where) {
  if (where.is_called) return;
  where.is_called = true;
  if (&where == &endings_) {
    self_->send<caf::message_priority::high>(self_, commit_writes{true});
  } else {
    self_->send(self_, commit_writes{false});
  }
}

void store_journal_state::commit(lane& which) {
  if (which.writes.empty() || away_) return;
  auto writes = std::exchange(which.writes, {});
  auto askers = std::exchange(which.askers, {});
  auto answers = store_->commit(writes);
  if (answers.empty()) {
    which.writes = std::move(writes);
    which.askers = std::move(askers);
    wait_for_store();
    return;
  }
  which.events = 0;
  which.bytes = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    answer(askers[i].who, answers[i], std::holds_alternative<finish_run>(writes[i]));
  }
  watch();
}

void store_journal_state::answer(answer_to& who, io::store_answer& answer, bool is_ending) {
  auto tell = [&](const journal_client_actor& client, auto& x) {
    auto* here = self_->context();
    if (!places_.empty()) self_->context(places_[client.id() % places_.size()].get());
    // The confirmation overtakes what a fast model has put into the run's mailbox: the readers wait for it.
    if (is_ending) {
      self_->send<caf::message_priority::high>(client, std::move(x));
    } else {
      self_->send(client, std::move(x));
    }
    self_->context(here);
  };
  std::visit(
      [&]<class Who>(Who& asking) {
        if constexpr (std::is_same_v<Who, journal_client_actor>) {
          if (auto* done = std::get_if<appended>(&answer)) tell(asking, *done);
          if (auto* done = std::get_if<finished>(&answer)) tell(asking, *done);
          if (auto* why = std::get_if<journal_refused>(&answer)) tell(asking, *why);
        } else if (auto* failed = std::get_if<io::store_failed>(&answer)) {
          asking.deliver(store_error(failed->message));
        } else {
          std::visit(
              [&]<class Reply>(Reply& reply) {
                if constexpr (std::is_same_v<Who, promise<Reply>>) asking.deliver(std::move(reply));
              },
              answer);
        }
      },
      who);
}

/// The store cannot be reached. What the runs have said waits until it can, or until this node loses its lease; a request
/// that somebody waits for is answered before long that it could not be done.
void store_journal_state::wait_for_store() {
  if (std::exchange(away_, true)) return;
  watch();
  self_->run_delayed(core::limits::database_retry, [this] {
    away_ = false;
    refuse_late_requests(endings_);
    refuse_late_requests(others_);
    commit(endings_);
    commit(others_);
  });
}

void store_journal_state::refuse_late_requests(lane& which) {
  auto now = self_->clock().now();
  std::vector<io::store_write> writes;
  std::vector<asker> askers;
  for (std::size_t i = 0; i < which.writes.size(); ++i) {
    auto& [who, since] = which.askers[i];
    if (!std::holds_alternative<journal_client_actor>(who) && now - since >= core::limits::database_wait_max) {
      io::store_answer none = io::store_failed{store_->problem()};
      answer(who, none, false);
    } else {
      writes.push_back(std::move(which.writes[i]));
      askers.push_back(std::move(which.askers[i]));
    }
  }
  which.writes = std::move(writes);
  which.askers = std::move(askers);
}

/// After each commit: says once that the store fails, and once that it works again; lets the file be looked after.
void store_journal_state::watch() {
  const auto& problem = store_->problem();
  if (problem.empty() == failing_) {
    failing_ = !problem.empty();
    if (failing_) {
      io::log(io::log_level::error, "store_failed", {{"problem", problem}});
    } else {
      io::log(io::log_level::info, "store_works_again", {{"path", store_->path()}});
    }
  }
  if (store_->wants_checkpoint()) self_->send(archive_, checkpoint_store{});
}

/// One small step of upkeep, and the time of the next.
void store_journal_state::keep_up() {
  auto result = store_->maintain(unix_ms_());
  if (!result.problem.empty()) io::log(io::log_level::warning, "store_upkeep_failed", {{"problem", result.problem}});
  if (store_->wants_checkpoint()) self_->send(archive_, checkpoint_store{});
  self_->run_delayed(result.more ? core::limits::upkeep_pause : core::limits::upkeep_interval, [this] { keep_up(); });
}

journal_actor spawn_store_journal(caf::actor_system& system, std::shared_ptr<io::run_store> store,
                                  const archive_actor& archive, std::function<std::int64_t()> unix_ms, bool own_thread,
                                  run_places places) {
  using impl = store_journal_actor::stateful_impl<store_journal_state>;
  auto reader = caf::actor_cast<store_archive_actor>(archive);
  auto journal =
      own_thread
          ? system.spawn<impl, caf::detached>(std::move(store), std::move(reader), std::move(unix_ms), std::move(places))
          : system.spawn<impl>(std::move(store), std::move(reader), std::move(unix_ms), std::move(places));
  return caf::actor_cast<journal_actor>(journal);
}

}  // namespace oncue::actors
