// A whole node for the tests of agents: the real supervisor, runs and journal, in one thread, on virtual time, with models
// that say what the test wants. No sleep, no socket, no key, no file. Nothing happens by itself: start(), cancel() and the
// others only send; settle() lets it happen, and advance() moves time. The same test does the same each time, also in an
// order of messages that a seed chooses (`shuffle`). Belongs to one thread. When it goes, it drains its runs and takes down
// all its actors; what the test has spawned itself it takes along if it was told of it, with own().
//
//   testkit::scripted_model model;
//   model.answers(testkit::answer{}.say("Once").wait(60ms).say(" upon a time"));
//   testkit::node node{{.model = model}};
//   auto run = node.start("write a story");
//   node.settle();                                 // "Once" has been said
//   auto receipt = node.cancel(run.id);
//   node.settle();
//   CHECK(receipt->outcome == cancel_outcome::cancelled);
//   CHECK(run.events.text() == "Once");
//   CHECK(run.events.whole() == "");
#pragma once

#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/fwd.hpp>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "oncue/messages/actors.hpp"
#include "oncue/messages/type_ids.hpp"
#include "oncue/runtime.hpp"
#include "oncue/testkit/recorder.hpp"
#include "oncue/testkit/scripted_model.hpp"

namespace oncue::testkit {

enum class journal_kind : std::uint8_t {
  memory,
  sqlite,  ///< the journal of a server, in a database in memory
};

struct node_options {
  /// The program's own options. Of these count the catalog (empty: "story-writer-agent", with all functions), the tools,
  /// the limits and journal_bytes_max; its models are not called, its files not opened.
  runtime_options runtime;
  scripted_model model;                          ///< of all agents but those below
  std::map<std::string, scripted_model> models;  ///< by the agent's id
  journal_kind journal = journal_kind::memory;
  /// The order of messages is the one that this seed chooses. Absent: as they come.
  std::optional<std::uint64_t> shuffle;
  /// True time: a function tool that runs for so long without a testkit::wait() is said to block.
  milliseconds patience{10'000};
  /// A settle() that takes more turns than this has found two actors that feed each other.
  std::size_t turns_max = 5'000'000;
};

/// An answer that may not have come yet. Copies are the same answer.
template <class Reply>
class pending {
 public:
  bool came() const { return reply_->has_value(); }
  explicit operator bool() const { return came(); }
  /// Throws std::logic_error when it has not come, with what the node waits for.
  const Reply& get() const {
    if (came()) return **reply_;
    auto node = node_.lock();
    throw std::logic_error{"testkit: no answer has come" + (node ? "\n" + (*node)() : ", and there is no node any more")};
  }
  const Reply* operator->() const { return &get(); }
  const Reply& operator*() const { return get(); }

  pending() = default;
  explicit pending(node_story node) : node_{std::move(node)} {}
  void set(Reply reply) const { *reply_ = std::move(reply); }

 private:
  node_story node_;
  std::shared_ptr<std::optional<Reply>> reply_ = std::make_shared<std::optional<Reply>>();
};

struct test_run {
  run_id id;
  pending<start_reply> reply;
  recorder events;  ///< from the first one on

  /// The refusal's code; empty: it was not refused, or not answered yet.
  std::string refused() const;
};

class node {
 public:
  /// Throws std::invalid_argument when agents and tools do not fit together.
  explicit node(node_options options = {});
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  // -- what is asked of it; happens with the next turns ------------------------------

  /// Without an id the run is "run-1" and so on; without an agent it is the only one there is, or the default one.
  test_run start(run_request request);
  template <class Text>
  requires std::convertible_to<Text, std::string> test_run start(const Text& input) {
    return start(run_request{.input = input});
  }
  pending<cancel_reply> cancel(cancel_request request);
  pending<cancel_reply> cancel(const run_id& run) { return cancel(cancel_request{.run = run, .by = "test"}); }
  /// Goes on with a paused run.
  test_run resume(continue_run request);
  pending<drain_reply> drain(milliseconds grace = milliseconds{0});
  /// One more reader, of a run that has been started.
  recorder record(const run_id& run, event_index from = 0);
  /// The run's actor dies, as if it had crashed. Throws std::logic_error when it has none yet.
  void kill(const test_run& run);

  // -- its turns and its time --------------------------------------------------------

  void settle();                                ///< until nobody has anything to do; time stands still
  std::size_t step(std::size_t turns_max = 1);  ///< at most so many messages; how many there were
  void advance(milliseconds by);                ///< from time-out to time-out, settling at each
  /// The same until `condition` holds. Throws std::logic_error when it does not within this virtual time, with what the
  /// node waits for.
  void advance_until(const std::function<bool()>& condition, milliseconds at_most);
  /// What is open in it, who waits for what, and when the next time-out is: lines of text, to look at when a test fails.
  std::string waits_for() const;
  void shuffle(std::uint64_t seed);     ///< from now on in this seed's order
  std::uint64_t roll(std::uint64_t n);  ///< a number below `n`, of the same seed: when to do something
  milliseconds now() const;             ///< virtual time since it was made

  // -- what it is like; these settle --------------------------------------------------

  std::vector<run_summary> runs();
  std::optional<run_status> status(const run_id& run);  ///< absent: no such run
  node_stats stats();

  // -- for actors of your own ----------------------------------------------------------

  caf::actor_system& system();
  const supervisor_actor& supervisor() const;
  const journal_actor& journal() const;
  const archive_actor& archive() const;  ///< null with a journal in memory
  /// The node takes this actor along when it goes.
  template <class Handle>
  Handle own(Handle handle) {
    take(caf::actor_cast<caf::actor>(handle));
    return handle;
  }
  /// Actors that are alive, the node's own four or so among them.
  std::size_t live_actors();

 private:
  void take(caf::actor handle);
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace oncue::testkit
