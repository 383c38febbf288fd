// Questions that go to several nodes at once: the first that knows the answer ends one, and so do the last that does not,
// and the time. Keeps who asked; says to whom what is to be answered.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "oncue/messages/ids.hpp"

namespace oncue::core {

/// `Asker` is whatever the caller answers to.
template <class Asker>
class link_questions {
 public:
  using time_us = std::int64_t;

  /// The question's number, never 0. `nodes` is not empty.
  std::uint64_t ask(Asker who, std::set<incarnation_no> nodes, time_us until) {
    open_.emplace(++last_, question{std::move(who), std::move(nodes), until});
    return last_;
  }

  /// This node has answered. Who asked, if that ends the question: because it knew, or was the last.
  std::optional<Asker> answered(std::uint64_t number, incarnation_no node, bool knows) {
    auto found = open_.find(number);
    if (found == open_.end() || found->second.nodes.erase(node) == 0) return {};
    if (!knows && !found->second.nodes.empty()) return {};
    return take(found);
  }

  /// Nothing comes from this node any more. Who asked what nobody is left to answer.
  std::vector<Asker> lost(incarnation_no node) {
    return take_if([&](question& x) { return x.nodes.erase(node) > 0 && x.nodes.empty(); });
  }

  /// Who has waited long enough.
  std::vector<Asker> late(time_us now) {
    return take_if([&](question& x) { return x.until <= now; });
  }

  std::size_t size() const { return open_.size(); }

 private:
  struct question {
    Asker who;
    std::set<incarnation_no> nodes;  // that have not answered
    time_us until = 0;
  };
  using table = std::unordered_map<std::uint64_t, question>;

  Asker take(typename table::iterator at) {
    auto who = std::move(at->second.who);
    open_.erase(at);
    return who;
  }

  template <class Predicate>
  std::vector<Asker> take_if(Predicate predicate) {
    std::vector<Asker> result;
    for (auto it = open_.begin(); it != open_.end();) {
      auto at = it++;
      if (predicate(at->second)) result.push_back(take(at));
    }
    return result;
  }

  table open_;
  std::uint64_t last_ = 0;
};

}  // namespace oncue::core
