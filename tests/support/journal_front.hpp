// An actor in front of a journal: passes everything on, notes which runs were ended, and does with questions for a
// session's history what the test says.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "support/node.hpp"

namespace oncue::test {

struct journal_front {
  std::set<std::string> ended;  ///< runs whose ending was passed on
  int asked = 0;                ///< questions for a history
  bool hold = false;            ///< they are answered when the test says so, with release()
  bool fail = false;
  std::map<std::string, std::string> behind;  ///< by run: which one comes first
  std::deque<std::pair<load_history, caf::typed_response_promise<history>>> held;
};

inline journal_actor::behavior_type front_of(journal_actor::pointer self, const journal_actor& real, journal_front* what) {
  auto pass_on = [self, real](auto& message) { return self->delegate(real, std::move(message)); };
  return {
      [=](pull_limits& pull, subscriber_actor& reader) { self->send(real, std::move(pull), std::move(reader)); },
      [=](create_run& x) { return pass_on(x); },
      [=](append_events& x, journal_client_actor& client) { self->send(real, std::move(x), std::move(client)); },
      [=](finish_run& x, journal_client_actor& client) {
        what->ended.insert(x.run.value);
        self->send<caf::message_priority::high>(real, std::move(x), std::move(client));
      },
      [=](end_orphan& x) {
        what->ended.insert(x.run.value);
        return pass_on(x);
      },
      [=](record_cancel& x) { return pass_on(x); },
      [=](find_paused& x) { return pass_on(x); },
      [=](reopen_run& x) { return pass_on(x); },
      [=](end_expired& x) { return pass_on(x); },
      [=](load_history& x) -> caf::result<history> {
        ++what->asked;
        if (what->fail) return caf::make_error(caf::sec::runtime_error, "the disk is gone");
        auto first = what->behind.find(x.before.value);
        if (first != what->behind.end()) return history{{}, {first->second}};
        if (!what->hold) return pass_on(x);
        auto promise = self->make_response_promise<history>();
        what->held.emplace_back(x, promise);
        return promise;
      },
      [=](list_runs& x) -> caf::result<run_list> {
        if (x.runs_max > 0) return pass_on(x);
        // Nobody asks for no runs at all: it is release()'s word.
        auto [question, promise] = what->held.front();
        what->held.pop_front();
        promise.delegate(real, question);
        return run_list{};
      },
      [=](create_session& x) { return pass_on(x); },
      [=](change_session& x) { return pass_on(x); },
      [=](delete_sessions& x) { return pass_on(x); },
  };
}

/// The question that has waited longest is answered.
inline void release(node& n) {
  caf::anon_send(n.env().journal, list_runs{0});
  n.settle();
}

inline node_options with_front(journal_front& what, node_options options = {}) {
  options.before_journal = [&what](caf::actor_system& system, journal_actor real) {
    return system.spawn(front_of, std::move(real), &what);
  };
  return options;
}

}  // namespace oncue::test
