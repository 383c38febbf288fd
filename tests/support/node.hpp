// A whole node on CAF's test coordinator: one thread, virtual time, and the order of jobs in the test's hand. Two verbs:
// settle() lets every waiting message be handled while time stands still, advance() moves time. CAF's own run() is not
// used: it fires time-outs that are not due.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "oncue/actors/alarm_clock.hpp"
#include "oncue/actors/memory_journal.hpp"
#include "oncue/actors/node_env.hpp"
#include "oncue/actors/run.hpp"
#include "oncue/actors/scripted_model_stream.hpp"
#include "oncue/actors/store_journal.hpp"
#include "oncue/actors/subscription.hpp"
#include "oncue/actors/supervisor.hpp"
#include "oncue/core/retry.hpp"
#include "oncue/io/sqlite_store.hpp"

namespace oncue::test {

/// What a reader has seen. Owned by the test, written by the recorder (same thread).
struct recording {
  std::vector<event_ptr> events;
  bool ended = false;
  std::string lost;
};

/// A subscriber that keeps everything. `eager` ones pull at once; others pull when the test sends `pull_now`.
class recorder_state {
 public:
  static constexpr const char* name = "recorder";
  using base = subscriber_actor::base;

  recorder_state(subscriber_actor::pointer self, supervisor_actor supervisor, run_id run, recording* out, event_index from)
      : self_{self}, events_{self, std::move(supervisor), std::move(run), from}, out_{out} {}

  subscriber_actor::behavior_type make_behavior() {
    self_->set_down_handler([this](const caf::down_msg& down) { events_.on_down(down); });
    events_.open();
    return {[this](event_batch& batch) {
      for (auto& event : events_.take(batch)) out_->events.push_back(std::move(event));
      using enum actors::subscription_state;
      if (events_.state() == reading) {
        events_.pull();
        return;
      }
      out_->ended = events_.state() == ended;
      out_->lost = events_.why();
      self_->quit();
    }};
  }

 private:
  subscriber_actor::pointer self_;
  actors::subscription<base> events_;
  recording* out_;
};

/// A model stream that does what the test says, and notes what it was told.
struct puppet_call {
  attempt_no attempt = 0;
  model_request request;
  delta_sink_actor sink;
  caf::actor_addr self;
  bool closed = false;
  int pauses = 0;
  std::uint64_t taken = 0;
  int resumes = 0;
};

struct puppets {
  std::vector<std::shared_ptr<puppet_call>> calls;  ///< one an attempt, in the order of opening
  bool deaf = false;                                ///< ignores close_stream
};

inline model_stream_actor::behavior_type puppet(model_stream_actor::pointer self, puppets* all) {
  auto call = std::make_shared<puppet_call>();
  // Also when its run is gone, and with it the only one that knew of it.
  self->attach_functor([call](const caf::error&) { call->closed = true; });
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  return {
      [=](model_request& request, attempt_no attempt, const delta_sink_actor& sink) {
        call->attempt = attempt;
        call->request = std::move(request);
        call->sink = sink;
        call->self = self->address();
        all->calls.push_back(call);
        self->monitor(sink);
      },
      [=](close_stream) {
        if (all->deaf) return;
        call->closed = true;
        self->send(call->sink, model_closed{call->attempt});
        self->quit();
      },
      [=](deltas_taken x) { call->taken = x.bytes; },
      [=](pause_stream) { ++call->pauses; },
      [=](resume_stream) { ++call->resumes; },
  };
}

/// A tool that does what the test says, and notes what it was told.
struct puppet_tool_call {
  std::string tool;
  start_tool what;
  tool_sink_actor sink;
  caf::actor_addr self;
  bool stopped = false;
};

struct puppet_tools {
  std::vector<std::shared_ptr<puppet_tool_call>> calls;  ///< in the order of starting
  bool deaf = false;                                     ///< does not close when it is told to stop
};

inline tool_call_actor::behavior_type puppet_tool(tool_call_actor::pointer self, puppet_tools* all,
                                                  const std::string& name) {
  auto call = std::make_shared<puppet_tool_call>();
  call->tool = name;
  self->set_down_handler([self, call](const caf::down_msg&) {
    call->stopped = true;
    self->quit();
  });
  return {
      [=](start_tool& what, const tool_sink_actor& sink) {
        call->what = std::move(what);
        call->sink = sink;
        call->self = self->address();
        all->calls.push_back(call);
        self->monitor(sink);
      },
      [=](stop_tool) {
        call->stopped = true;
        if (all->deaf) return;
        self->send(call->sink, tool_closed{call->what.number});
        self->quit();
      },
  };
}

/// In front of another model stream: tells what the model is told. Goes when that one goes, and the other way round.
inline model_stream_actor::behavior_type overheard(model_stream_actor::pointer self, const model_stream_actor& real,
                                                   const std::function<void(const model_request&)>& on_call) {
  self->link_to(real);
  return {
      [=](model_request& request, attempt_no attempt, delta_sink_actor& sink) {
        on_call(request);
        self->send(real, std::move(request), attempt, std::move(sink));
      },
      [=](deltas_taken x) { self->send(real, x); },
      [=](close_stream x) { self->send<caf::message_priority::high>(real, x); },
      [=](pause_stream x) { self->send<caf::message_priority::high>(real, x); },
      [=](resume_stream x) { self->send<caf::message_priority::high>(real, x); },
  };
}

/// A start's answer in words, for a check.
inline std::string refused(const std::shared_ptr<std::optional<start_reply>>& reply) {
  if (!*reply) return "no answer";
  if ((*reply)->existing) return "existing";
  return (*reply)->refused ? std::string{to_string((*reply)->refused->code)} : "started";
}

/// A cancel's answer in words, for a check.
inline std::string outcome(const std::shared_ptr<std::optional<cancel_reply>>& reply) {
  return *reply ? std::string{to_string((*reply)->outcome)} : "no answer";
}

enum class model_kind { puppet, scripted };
enum class journal_kind { memory, sqlite };

struct node_options {
  model_kind model = model_kind::puppet;
  core::scripted_spec scripted;
  core::deadlines limits;
  core::retry_policy retry;
  core::roster_limits roster;
  core::event_book_limits book;
  journal_kind journal = journal_kind::memory;
  core::store_settings store{.path = ":memory:"};  ///< of an sqlite journal
  std::function<void(core::agent_entry&)> change_agent;
  std::function<void(core::catalog&)> change_catalog;                              ///< more agents beside it
  std::function<journal_actor(caf::actor_system&, journal_actor)> before_journal;  ///< puts an actor in front of it
  /// Puts a store in front of an sqlite journal's.
  std::function<std::shared_ptr<io::run_store>(std::shared_ptr<io::run_store>)> wrap_store;
  std::function<void(const model_request&)> on_call;  ///< sees what scripted models are told
};

class node {
 public:
  explicit node(node_options options = {}) : options_{std::move(options)}, system_{configure(config_)} {
    auto entry = std::make_shared<core::agent_entry>();
    entry->agent.id = {"writer"};
    entry->agent.name = "Writer";
    entry->agent.limits = options_.limits;
    entry->agent.retry = options_.retry;
    entry->model.name = "test-model";
    entry->model.scripted = options_.scripted;
    if (options_.change_agent) options_.change_agent(*entry);
    auto catalog = std::make_shared<core::catalog>();
    catalog->agents[entry->agent.id] = entry;
    if (options_.change_catalog) options_.change_catalog(*catalog);

    auto env = std::make_shared<actors::node_env>();
    env->catalog = catalog;
    env->limits = options_.roster;
    env->journal =
        options_.journal == journal_kind::sqlite ? open_store() : actors::spawn_memory_journal(system_, options_.book);
    if (options_.before_journal) env->journal = options_.before_journal(system_, env->journal);
    env->alarms = actors::spawn_alarm_clock(system_);
    env->open_model = [this](const std::shared_ptr<const core::agent_entry>& which) { return open_model(which); };
    env->open_tool = [this](const core::tool_ptr& tool) { return system_.spawn(puppet_tool, &tools_, tool->name); };
    env->unix_ms = [this] { return unix_ms(); };
    env->random = [this] { return core::next_random(random_); };
    env_ = env;
    supervisor_ = actors::spawn_supervisor(system_, env);
    settle();
  }

  ~node() {
    // What the test owns may be gone already: its readers leave before anything else moves.
    for (auto& handle : watched_) caf::anon_send_exit(handle, caf::exit_reason::kill);
    for (auto& handle : spawned_) caf::anon_send_exit(handle, caf::exit_reason::kill);
    settle();
    // Runs leave in order, so that no actor is left for the system to wait for.
    caf::anon_send(supervisor_, drain_node{0, 0});
    settle();
    advance(std::chrono::milliseconds{0});
    advance(core::limits::close_grace);
    caf::anon_send_exit(supervisor_, caf::exit_reason::kill);
    caf::anon_send_exit(env_->journal, caf::exit_reason::kill);
    caf::anon_send_exit(env_->alarms, caf::exit_reason::kill);
    // An sqlite journal wakes itself up: it does not go when nobody knows it any more.
    if (store_) {
      caf::anon_send_exit(store_journal_, caf::exit_reason::kill);
      caf::anon_send_exit(archive_, caf::exit_reason::kill);
      store_journal_ = nullptr;
      archive_ = nullptr;
    }
    supervisor_ = nullptr;
    settle();
    spawned_.clear();
    watched_.clear();
    puppets_.calls.clear();
    tools_.calls.clear();
    env_ = nullptr;
    // What still waits in the virtual clock holds actors: let it go off into the void.
    scheduler().trigger_timeouts();
    settle();
  }

  node(const node&) = delete;
  node& operator=(const node&) = delete;

  caf::scheduler::test_coordinator& scheduler() {
    return static_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }
  caf::actor_system& system() { return system_; }
  const supervisor_actor& supervisor() const { return supervisor_; }
  const actors::node_env& env() const { return *env_; }
  /// Of an sqlite journal: the store itself, and its reader. Null with a journal in memory.
  io::sqlite_store* store() const { return store_.get(); }
  const archive_actor& archive() const { return archive_; }
  puppets& models() { return puppets_; }
  puppet_tools& tools() { return tools_; }
  puppet_tool_call& tool(std::size_t call = 0) { return *tools_.calls.at(call); }
  /// The tool answers, and closes.
  void answer(std::string text, std::size_t call = 0) {
    auto& what = tool(call);
    caf::anon_send(what.sink, tool_result{what.what.number, false, std::move(text)});
    caf::anon_send(what.sink, tool_closed{what.what.number});
    caf::anon_send_exit(caf::actor_cast<caf::actor>(what.self), caf::exit_reason::kill);
    settle();
  }
  void say_calls(std::vector<tool_call> calls, std::size_t attempt = 0) {
    say(model_done{0, "tool_calls", {}, std::move(calls)}, attempt);
    say(model_closed{}, attempt);
  }
  puppet_call& model(std::size_t attempt = 0) { return *puppets_.calls.at(attempt); }

  /// Handles every waiting message; time stands still.
  void settle() {
    while (scheduler().has_job()) scheduler().run_once();
  }
  /// Handles one waiting message. False if there is none.
  bool step() { return scheduler().try_run_once(); }
  /// Handles waiting messages, the next actor chosen by `random`, at most `count` of them.
  void shuffle(std::uint64_t& random, std::size_t count) {
    auto& jobs = scheduler().jobs;
    for (; count > 0 && !jobs.empty(); --count) {
      auto k = static_cast<std::ptrdiff_t>(core::next_random(random) % jobs.size());
      std::rotate(jobs.begin(), jobs.begin() + k, jobs.begin() + k + 1);
      scheduler().run_once();
    }
  }
  void advance(std::chrono::milliseconds by) {
    scheduler().advance_time(by);
    settle();
  }

  /// Sends a request and gives the answer when it has come: look after settle().
  template <class Reply, class... Ts>
  std::shared_ptr<std::optional<Reply>> ask(Ts... what) {
    auto answer = std::make_shared<std::optional<Reply>>();
    auto asker = system_.spawn([=, this](caf::event_based_actor* self) {
      self->request(supervisor_, caf::infinite, what...)
          .then([=](Reply& reply) { *answer = std::move(reply); }, [=](const caf::error&) {});
    });
    watched_.push_back(caf::actor_cast<caf::actor>(asker));
    return answer;
  }

  std::shared_ptr<std::optional<start_reply>> start(std::string id, std::string input = "tell") {
    return ask<start_reply>(run_request{.id = {std::move(id)}, .agent = {"writer"}, .input = std::move(input)});
  }
  std::shared_ptr<std::optional<start_reply>> start_in(std::string session, std::string id, std::string input = "tell",
                                                       session_policy policy = session_policy::enqueue) {
    return ask<start_reply>(run_request{.id = {std::move(id)},
                                        .agent = {"writer"},
                                        .input = std::move(input),
                                        .session = {std::move(session)},
                                        .on_busy_session = policy});
  }
  std::shared_ptr<std::optional<cancel_reply>> cancel(std::string id, std::uint32_t wait_ms = 1000) {
    return ask<cancel_reply>(cancel_request{.run = {std::move(id)}, .reason = "enough", .by = "test", .wait_ms = wait_ms});
  }

  /// Starts and settles; the run's actor.
  run_actor run(std::string id) {
    auto reply = start(std::move(id));
    settle();
    return caf::actor_cast<run_actor>((*reply)->source);
  }

  subscriber_actor record(std::string id, recording& out, event_index from = 0) {
    auto handle =
        system_.spawn<subscriber_actor::stateful_impl<recorder_state>>(supervisor_, run_id{std::move(id)}, &out, from);
    spawned_.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  }

  /// The puppet says something to its run.
  template <class Message>
  void say(Message message, std::size_t attempt = 0) {
    message.attempt = model(attempt).attempt;
    caf::anon_send(model(attempt).sink, std::move(message));
    settle();
  }
  void say_text(std::string text, std::size_t attempt = 0) {
    say(model_delta{0, delta_kind::text, std::move(text)}, attempt);
  }

  /// How many actors of runs and streams are alive, besides the node's own.
  std::size_t live_actors() { return system_.registry().running(); }

 private:
  static caf::actor_system_config& configure(caf::actor_system_config& config) {
    config.set("caf.scheduler.policy", "testing");
    config.set("caf.logger.console.verbosity", "quiet");
    return config;
  }

  model_stream_actor open_model(const std::shared_ptr<const core::agent_entry>& which) {
    if (options_.model == model_kind::scripted) {
      auto real = actors::spawn_scripted_model_stream(system_, which, env_->alarms);
      return options_.on_call ? system_.spawn(overheard, real, options_.on_call) : real;
    }
    return system_.spawn(puppet, &puppets_);
  }

  std::int64_t unix_ms() { return 1'700'000'000'000 + actors::to_steady_us(scheduler().clock().now()) / 1000; }

  /// One store and one thread for both: also in memory, where there is no second connection.
  journal_actor open_store() {
    auto opened = io::sqlite_store::open({.settings = options_.store, .now_ms = unix_ms()});
    if (auto* problem = std::get_if<std::string>(&opened)) throw std::runtime_error{*problem};
    store_ = std::move(std::get<0>(opened));
    archive_ = actors::spawn_store_archive(system_, {store_, &store_->reads()}, false);
    std::shared_ptr<io::run_store> front = store_;
    if (options_.wrap_store) front = options_.wrap_store(front);
    store_journal_ = actors::spawn_store_journal(
        system_, front, archive_, [this] { return unix_ms(); }, false);
    return store_journal_;
  }

  node_options options_;
  caf::actor_system_config config_;
  caf::actor_system system_;
  std::shared_ptr<const actors::node_env> env_;
  supervisor_actor supervisor_;
  puppets puppets_;
  puppet_tools tools_;
  std::uint64_t random_ = 42;
  std::shared_ptr<io::sqlite_store> store_;
  journal_actor store_journal_;
  archive_actor archive_;
  std::vector<caf::actor> spawned_;
  std::vector<caf::actor> watched_;
};

}  // namespace oncue::test
