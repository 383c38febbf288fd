// oncue for people who write no actors: start a run, iterate over its events, cancel it from any thread. A small front to
// the supervisor; whoever wants actors takes supervisor() and system() and makes a subscriber (actors/subscription.hpp).
//
//   oncue::runtime runtime{oncue::runtime_options{}};
//   auto run = runtime.start({.agent = {"story-writer-agent"}, .input = "write a story"});
//   if (run.refused) …
//   for (const auto& event : run.events)
//     if (const auto* delta = oncue::get_if<oncue::content_delta>(event)) std::cout << delta->text;
//
// Thread-safe: every function may be called from any thread, and blocks only the thread that calls it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "oncue/core/catalog.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/roster.hpp"
#include "oncue/core/settings.hpp"
#include "oncue/io/event_loop.hpp"
#include "oncue/messages/actors.hpp"
#include "oncue/tool_function.hpp"

namespace caf {
class actor_system;
}

namespace oncue {

/// A C++ function that agents may call. `spec.name`, `description` and `parameters` (a JSON schema) are what the model is
/// told; `spec.need` may ask a person first. The function runs on a thread of its own.
struct function_tool {
  core::tool_spec spec;
  tool_function run;
};

struct runtime_options {
  /// Agents and their models. Empty: the default agent, with the model that the environment names (OPENAI_API_KEY,
  /// OPENAI_BASE_URL, OPENAI_MODEL) or else the offline demo model.
  core::catalog catalog;
  /// Functions, for the agents that name them in `agent_spec::tools`; and for the default agent, all of them.
  std::vector<function_tool> tools;
  std::size_t worker_threads = 0;  ///< for actors; 0: one a core
  std::size_t io_threads = 1;      ///< for sockets
  core::roster_limits limits;
  /// A journal on disk. Absent: one in memory, which ends with the process and keeps no sessions.
  std::optional<core::store_settings> store;
  /// With a store that has a URL: this node is one of those that share it.
  core::cluster_settings cluster;
  std::string version;  ///< of the program, for the other nodes and for people
  std::size_t journal_bytes_max = core::limits::memory_journal_bytes_max;  ///< of the one in memory
  /// Value of an environment variable that holds an API key. Empty: the process's environment.
  std::function<std::string(const std::string&)> read_secret;
};

/// Reads one run's events in order. Belongs to one thread at a time. Leaving it does not touch the run.
class run_events {
 public:
  run_events();
  run_events(run_events&&) noexcept;
  run_events& operator=(run_events&&) noexcept;
  ~run_events();

  /// Waits for the next event. Null after the ending, after a pause, and when nothing more can be read: see error().
  event_ptr next();

  /// Waits at most so long. Null also if nothing came in time.
  event_ptr next(std::chrono::milliseconds at_most);

  /// True once the run's ending has been read.
  bool ended() const;

  /// True once a pause has been read behind which nothing comes until somebody continues the run, or ends it.
  bool paused() const;

  /// Why there is nothing more although the ending was not read: no such run, events no longer kept. Else empty.
  const std::string& error() const;

  class iterator {
   public:
    using value_type = run_event;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    iterator() = default;
    explicit iterator(run_events* from) : from_{from}, event_{from->next()} {}
    const run_event& operator*() const { return *event_; }
    const run_event* operator->() const { return &*event_; }
    iterator& operator++() {
      event_ = from_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !event_; }

   private:
    run_events* from_ = nullptr;
    event_ptr event_;
  };

  iterator begin() { return iterator{this}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class runtime;
  struct impl;
  explicit run_events(std::unique_ptr<impl> reader);
  std::unique_ptr<impl> impl_;
};

struct started_run {
  std::optional<refusal> refused;  ///< then there is no run
  run_id id;
  session_id session;
  run_events events;  ///< from the first one on
};

class runtime {
 public:
  /// Starts the node: worker threads, event loops, the journal, the supervisor. Throws std::runtime_error with one sentence
  /// when the store cannot be used, std::invalid_argument when agents and tools do not fit together; runs that an earlier
  /// process left open in it are ended.
  explicit runtime(runtime_options options = {});

  /// Cancels what is live, waits for that at most core::limits::close_grace, and stops. A reader that is
  /// still there can read what it has been sent, and then gets an error.
  ~runtime();

  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  /// Starts a run. `request.id` empty: an id is made.
  started_run start(run_request request);

  /// Stops a run at once, in whatever phase it is, and says what became of it. Waits for that answer at most
  /// `request.wait_ms`; the stop itself waits for nothing.
  cancel_reply cancel(cancel_request request);
  cancel_reply cancel(const run_id& run) { return cancel(cancel_request{.run = run}); }

  /// Goes on with a paused run: `events` are those from its run_continued on. Every call that waits must be decided.
  started_run resume(continue_run request);

  /// A run's events from index `from` on, live or ended.
  run_events read(const run_id& run, event_index from = 0);

  /// Newest first.
  std::vector<run_summary> runs(std::uint32_t runs_max = 100);

  /// Takes no new run, gives live ones `grace` to end, then cancels them.
  drain_reply drain(std::chrono::milliseconds grace);

  caf::actor_system& system();
  supervisor_actor supervisor() const;
  journal_actor journal() const;
  /// What is kept on disk, for reading. Null with a journal in memory.
  archive_actor archive() const;
  /// The other nodes of its cluster. Null on a node that is alone.
  neighbours_actor neighbours() const;
  io::event_loops& loops();
  /// The agents, with the functions among their tools.
  const std::shared_ptr<const core::catalog>& catalog() const;
  /// Asks a server of tools which ones it has; starts it if it has not been started. Waits for at most its start_timeout.
  tools_listed list_tools(const std::string& server);

 private:
  friend class run_events;
  template <class Request>
  started_run ask_for_run(Request request);
  struct node;
  std::shared_ptr<node> node_;
};

}  // namespace oncue
