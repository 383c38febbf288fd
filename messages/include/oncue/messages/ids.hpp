// Names and numbers that messages carry: run, agent, session and user ids, attempts, event indices.
// Promises that an id of one sort is never taken for one of another sort. Checks nothing: core/ids.hpp does.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace oncue {

/// A string that only compares with strings of its own sort.
template <class Tag>
struct text_id {
  std::string value;

  bool empty() const noexcept { return value.empty(); }
  friend auto operator<=>(const text_id&, const text_id&) = default;
};

template <class Inspector, class Tag>
bool inspect(Inspector& f, text_id<Tag>& x) {
  return f.object(x).fields(f.field("value", x.value));
}

using run_id = text_id<struct run_id_tag>;
using agent_id = text_id<struct agent_id_tag>;
using session_id = text_id<struct session_id_tag>;
using user_id = text_id<struct user_id_tag>;

/// One try of one model call, counted through the whole run from 1. Late messages of an old attempt are told by it.
using attempt_no = std::uint32_t;

/// Which owner of a run is writing, counted from 1: a node that lost its run holds an old epoch, and can change nothing.
using run_epoch = std::uint32_t;

/// Which life of which node: issued by the store when a node enters, and never again. 0: none.
using incarnation_no = std::uint64_t;

/// Position of an event in its run's log: gapless from 0.
using event_index = std::uint64_t;

}  // namespace oncue

template <class Tag>
struct std::hash<oncue::text_id<Tag>> {
  std::size_t operator()(const oncue::text_id<Tag>& id) const noexcept { return std::hash<std::string>{}(id.value); }
};
