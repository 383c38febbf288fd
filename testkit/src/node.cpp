#include "oncue/testkit/node.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "function_stage.hpp"
#include "oncue/actors/alarm_clock.hpp"
#include "oncue/actors/function_tool.hpp"
#include "oncue/actors/memory_journal.hpp"
#include "oncue/actors/node_env.hpp"
#include "oncue/actors/store_journal.hpp"
#include "oncue/actors/supervisor.hpp"
#include "oncue/core/config.hpp"
#include "oncue/core/retry.hpp"
#include "oncue/io/sqlite_store.hpp"
#include "oncue/testkit/turns.hpp"
#include "scripted_calls.hpp"

namespace oncue::testkit {

namespace {

constexpr std::int64_t began_unix_ms = 1'700'000'000'000;

/// Whoever asks the supervisor in the test's name.
struct question {
  static inline const char* name = "question";
};

std::vector<core::tool_spec> specs_of(const std::vector<function_tool>& tools) {
  std::vector<core::tool_spec> specs;
  for (const auto& tool : tools) specs.push_back(tool.spec);
  return specs;
}

core::catalog catalog_of(const runtime_options& options) {
  auto functions = specs_of(options.tools);
  if (!options.catalog.agents.empty()) return core::with_functions(options.catalog, functions);
  auto config = std::get<core::config>(core::default_config({}));
  for (const auto& function : functions) config.agents.front().tools.push_back(function.name);
  return core::with_functions(core::make_catalog(config), functions);
}

}  // namespace

struct node::impl {
  explicit impl(node_options&& the_options)
      : options{std::move(the_options)},
        catalog{std::make_shared<const core::catalog>(catalog_of(options.runtime))},
        system{configure_for_turns(config)},
        stage{std::make_shared<function_stage>(system, options.patience)},
        its_turns{system, stage.get(), options.turns_max},
        story{std::make_shared<const std::function<std::string()>>([this] { return waits_for(); })} {
    for (const auto& [agent, model] : options.models) {
      if (!catalog->find({agent})) throw std::invalid_argument{"testkit: models: there is no agent '" + agent + "'"};
    }
    for (auto& tool : options.runtime.tools) add_function(std::move(tool));
    if (options.shuffle) its_turns.shuffle(*options.shuffle);
    open_journal();
    alarms = actors::spawn_alarm_clock(system);
    auto env = std::make_shared<actors::node_env>();
    env->catalog = catalog;
    env->limits = options.runtime.limits;
    env->journal = journal;
    env->archive = archive;
    env->alarms = alarms;
    env->open_model = [this](const std::shared_ptr<const core::agent_entry>& entry) {
      return caf::actor_cast<model_stream_actor>(system.spawn<scripted_stream_actor::stateful_impl<scripted_stream_state>>(
          model_of(entry->agent.id).shared(), [this] { return its_turns.now(); }));
    };
    env->open_tool = [this](const core::tool_ptr& tool) {
      auto found = functions.find(tool->name);
      return found == functions.end() ? tool_call_actor{} : actors::spawn_function_tool(system, tool, found->second, stage);
    };
    env->unix_ms = [this] { return unix_ms(); };
    env->random = [this] { return core::next_random(random); };
    supervisor = actors::spawn_supervisor(system, env);
    its_turns.settle();
  }

  ~impl() {
    try {
      story = nullptr;
      leave();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "testkit: while the node was taken down: %s\n", error.what());
    }
    stage.reset();
    if (auto alive = system.registry().running(); alive > 0) {
      std::fprintf(stderr, "testkit: %zu actors are left that the node does not know: tell it of them with own()\n", alive);
      system.await_actors_before_shutdown(false);
    }
  }

  void leave() {
    // What the test owns may be gone already: its readers leave before anything else moves.
    for (auto& handle : owned) caf::anon_send_exit(handle, caf::exit_reason::kill);
    its_turns.settle();
    // Runs leave in order, so that no actor is left for the system to wait for.
    caf::anon_send(supervisor, drain_node{0, 0});
    its_turns.settle();
    its_turns.advance(core::limits::close_grace);
    for (const auto& handle : {caf::actor_cast<caf::actor>(supervisor), caf::actor_cast<caf::actor>(journal),
                               caf::actor_cast<caf::actor>(alarms), caf::actor_cast<caf::actor>(archive)}) {
      if (handle) caf::anon_send_exit(handle, caf::exit_reason::kill);
    }
    supervisor = nullptr;
    journal = nullptr;
    alarms = nullptr;
    archive = nullptr;
    its_turns.settle();
    owned.clear();
    // The test may keep its answers for longer than there are actors.
    for (auto& run : started) {
      if (!run.reply) continue;
      auto known = *run.reply;
      known.source = nullptr;
      run.reply.set(std::move(known));
    }
    // What still waits in the virtual clock holds actors: let it go off into the void.
    its_turns.scheduler().trigger_timeouts();
    its_turns.settle();
  }

  void add_function(function_tool tool) {
    auto named = [name = tool.spec.name, run = std::move(tool.run)](const nlohmann::json& arguments,
                                                                    const tool_context& call) {
      function_stage::call_me(name);
      return run(arguments, call);
    };
    functions[tool.spec.name] = std::make_shared<const tool_function>(std::move(named));
  }

  /// One store and one thread for both: in memory there is no second connection.
  void open_journal() {
    if (options.journal == journal_kind::memory) {
      journal = actors::spawn_memory_journal(system, {.bytes_max = options.runtime.journal_bytes_max});
      return;
    }
    auto settings = options.runtime.store.value_or(core::store_settings{});
    settings.path = ":memory:";
    settings.url.clear();
    auto opened = io::sqlite_store::open({.settings = settings, .now_ms = unix_ms()});
    if (auto* problem = std::get_if<std::string>(&opened)) throw std::runtime_error{*problem};
    std::shared_ptr<io::sqlite_store> store = std::move(std::get<0>(opened));
    archive = actors::spawn_store_archive(system, {store, &store->reads()}, false);
    journal = actors::spawn_store_journal(
        system, store, archive, [this] { return unix_ms(); }, false);
  }

  const scripted_model& model_of(const agent_id& agent) const {
    auto found = options.models.find(agent.value);
    return found == options.models.end() ? options.model : found->second;
  }

  std::int64_t unix_ms() const { return began_unix_ms + its_turns.now().count(); }

  std::string waits_for() const {
    std::vector<std::string> lines;
    for (const auto& run : started) {
      const auto& events = run.events;
      if (events.ended() || !events.lost().empty()) continue;
      auto how = !run.reply ? " was not answered" : events.paused() ? " is paused" : " has not ended";
      lines.push_back(run.id.value + how);
    }
    auto add = [&](const std::vector<std::string>& more) { lines.insert(lines.end(), more.begin(), more.end()); };
    add(options.model.shared()->waiting("the model"));
    for (const auto& [agent, model] : options.models) add(model.shared()->waiting("the model of '" + agent + "'"));
    add(its_turns.waiting());
    auto text = "at " + std::to_string(its_turns.now().count()) + " ms:";
    for (const auto& line : lines) text += "\n  " + line;
    return text;
  }

  agent_id usual_agent() const {
    if (catalog->agents.size() == 1) return catalog->agents.begin()->first;
    return agent_id{std::string{core::default_agent_id}};
  }

  /// Sends a request from an actor that waits for the answer.
  template <class Reply, class Request, class Then>
  void ask(Request request, Then then) {
    auto asker = system.spawn([to = supervisor, request = std::move(request), then](caf::stateful_actor<question>* self) {
      self->request(to, actors::local_answer, request).then(then, [](const caf::error&) {});
    });
    owned.push_back(caf::actor_cast<caf::actor>(asker));
  }

  template <class Reply, class Request>
  pending<Reply> ask(Request request) {
    pending<Reply> answer{story};
    ask<Reply>(std::move(request), [answer](Reply& reply) { answer.set(std::move(reply)); });
    return answer;
  }

  template <class Request>
  test_run ask_for_run(run_id id, Request request) {
    test_run run{std::move(id), pending<start_reply>{story}, {}};
    run.events.belong_to(story);
    started.push_back(run);
    ask<start_reply>(std::move(request), [this, run](start_reply& reply) {
      if (reply.refused) {
        run.events.lose("the run was refused: " + reply.refused->message);
      } else {
        owned.push_back(run.events.open(system, supervisor, reply.run, reply.from, reply.source));
      }
      run.reply.set(std::move(reply));
    });
    return run;
  }

  node_options options;
  std::shared_ptr<const core::catalog> catalog;
  caf::actor_system_config config;
  caf::actor_system system;
  std::shared_ptr<function_stage> stage;
  turns its_turns;
  std::map<std::string, std::shared_ptr<const tool_function>> functions;
  supervisor_actor supervisor;
  journal_actor journal;
  archive_actor archive;
  alarm_clock_actor alarms;
  std::uint64_t random = 42;
  std::uint64_t runs = 0;
  std::vector<caf::actor> owned;
  std::vector<test_run> started;
  std::shared_ptr<const std::function<std::string()>> story;
};

std::string test_run::refused() const {
  if (!reply.came() || !reply->refused) return {};
  return std::string{to_string(reply->refused->code)};
}

node::node(node_options options) : impl_{std::make_unique<impl>(std::move(options))} {}
node::~node() = default;

test_run node::start(run_request request) {
  if (request.id.value.empty()) request.id.value = "run-" + std::to_string(++impl_->runs);
  if (request.agent.value.empty()) request.agent = impl_->usual_agent();
  auto id = request.id;
  return impl_->ask_for_run(std::move(id), std::move(request));
}

test_run node::resume(continue_run request) {
  auto id = request.run;
  return impl_->ask_for_run(std::move(id), std::move(request));
}

pending<cancel_reply> node::cancel(cancel_request request) { return impl_->ask<cancel_reply>(std::move(request)); }

pending<drain_reply> node::drain(milliseconds grace) {
  return impl_->ask<drain_reply>(
      drain_node{static_cast<std::uint64_t>(grace.count()), static_cast<std::uint64_t>(core::limits::close_grace.count())});
}

recorder node::record(const run_id& run, event_index from) {
  recorder reader;
  reader.belong_to(impl_->story);
  impl_->owned.push_back(reader.open(impl_->system, impl_->supervisor, run, from));
  return reader;
}

void node::kill(const test_run& run) {
  if (!run.reply->source) throw std::logic_error{"testkit: kill(): " + run.id.value + " has no actor"};
  caf::anon_send_exit(run.reply->source, caf::exit_reason::kill);
}

void node::settle() { impl_->its_turns.settle(); }
std::size_t node::step(std::size_t turns_max) { return impl_->its_turns.step(turns_max); }
void node::advance(milliseconds by) { impl_->its_turns.advance(by); }
void node::advance_until(const std::function<bool()>& condition, milliseconds at_most) {
  if (impl_->its_turns.advance_until(condition, at_most)) return;
  throw std::logic_error{"testkit: it has not come within " + std::to_string(at_most.count()) + " ms\n" + waits_for()};
}
std::string node::waits_for() const { return impl_->waits_for(); }
void node::shuffle(std::uint64_t seed) { impl_->its_turns.shuffle(seed); }
std::uint64_t node::roll(std::uint64_t n) { return impl_->its_turns.roll(n); }
milliseconds node::now() const { return impl_->its_turns.now(); }

std::vector<run_summary> node::runs() {
  auto list = impl_->ask<run_list>(list_runs{core::limits::runs_listed_max});
  settle();
  return list->runs;
}

std::optional<run_status> node::status(const run_id& run) {
  auto all = runs();
  auto found = std::find_if(all.begin(), all.end(), [&](const run_summary& x) { return x.id == run; });
  return found == all.end() ? std::nullopt : std::optional{found->status};
}

node_stats node::stats() {
  auto answer = impl_->ask<node_stats>(get_stats{});
  settle();
  return *answer;
}

caf::actor_system& node::system() { return impl_->system; }
const supervisor_actor& node::supervisor() const { return impl_->supervisor; }
const journal_actor& node::journal() const { return impl_->journal; }
const archive_actor& node::archive() const { return impl_->archive; }
std::size_t node::live_actors() { return impl_->system.registry().running(); }
void node::take(caf::actor handle) { impl_->owned.push_back(std::move(handle)); }

}  // namespace oncue::testkit
