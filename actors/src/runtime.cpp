#include "oncue/runtime.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <stdexcept>
#include <thread>
#include <utility>

#include "cluster_node.hpp"
#include "loop_unit.hpp"
#include "node_tools.hpp"
#include "oncue/actors/alarm_clock.hpp"
#include "oncue/actors/http_model_stream.hpp"
#include "oncue/actors/memory_journal.hpp"
#include "oncue/actors/neighbours.hpp"
#include "oncue/actors/node_env.hpp"
#include "oncue/actors/scripted_model_stream.hpp"
#include "oncue/actors/store_journal.hpp"
#include "oncue/actors/supervisor.hpp"
#include "oncue/actors/watch.hpp"
#include "oncue/core/config.hpp"
#include "oncue/core/event_tail.hpp"
#include "oncue/io/http_client.hpp"
#include "oncue/io/sqlite_store.hpp"
#include "oncue/io/world.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue {

namespace {

bool is_shared(const runtime_options& options) { return options.store && !options.store->url.empty(); }

caf::actor_system_config& configure(caf::actor_system_config& config, const runtime_options& options) {
  init_messages();
  // CAF's own default is at least four; more workers than cores only wake each other.
  auto workers = options.worker_threads > 0 ? options.worker_threads : std::max(1u, std::thread::hardware_concurrency());
  config.set("caf.scheduler.max-threads", workers);
  // Idle workers of the other policy poll all the time; this one sleeps on a condition.
  config.set("caf.scheduler.policy", "sharing");
  config.set("caf.logger.console.verbosity", "quiet");
  if (is_shared(options)) {
    auto problem = actors::configure_links(config, options.cluster);
    if (!problem.empty()) throw std::runtime_error{problem};
  }
  return config;
}

core::catalog default_catalog(const std::vector<core::tool_spec>& functions) {
  core::environment env{.openai_api_key_set = !io::environment_variable(std::string{core::openai_key_variable}).empty(),
                        .openai_base_url = io::environment_variable("OPENAI_BASE_URL"),
                        .openai_model = io::environment_variable("OPENAI_MODEL")};
  auto result = core::default_config(env);
  if (const auto* error = std::get_if<core::config_error>(&result)) throw std::invalid_argument{to_string(*error)};
  auto& config = std::get<core::config>(result);
  for (const auto& function : functions) config.agents.front().tools.push_back(function.name);
  return core::make_catalog(config);
}

/// Journal, supervisor and alarm clock are not supervised: without them nothing the node says would be true.
template <class Handle>
void end_process_with(const Handle& handle, const char* what) {
  handle->attach_functor([what](const caf::error& reason) {
    if (!reason || reason == caf::exit_reason::user_shutdown) return;
    std::fprintf(stderr, "oncue: the %s died (%s); the process ends\n", what, to_string(reason).c_str());
    std::abort();
  });
}

}  // namespace

struct runtime::node {
  explicit node(runtime_options options)
      : loops{options.io_threads}, system{configure(config, options)}, client{std::make_shared<io::http_client>(loops)} {
    for (std::size_t i = 0; i < loops.size(); ++i) units.push_back(actors::loop_unit::make(loops.at(i), system));
    std::vector<core::tool_spec> functions;
    for (const auto& tool : options.tools) functions.push_back(tool.spec);
    if (options.catalog.agents.empty()) options.catalog = default_catalog(functions);
    auto access = std::make_shared<actors::provider_access>();
    access->client = client;
    access->read_secret = options.read_secret ? options.read_secret : io::environment_variable;
    access->unix_ms = io::unix_ms;

    auto env = std::make_shared<actors::node_env>();
    catalog = std::make_shared<const core::catalog>(core::with_functions(options.catalog, functions));
    env->catalog = catalog;
    env->limits = options.limits;
    std::shared_ptr<io::member_store> members;
    if (is_shared(options)) {
      members = open_shared(*options.store, options.cluster);
    } else if (options.store) {
      open_store(*options.store);
    } else {
      journal = actors::spawn_memory_journal(system, {.bytes_max = options.journal_bytes_max});
    }
    env->journal = journal;
    env->archive = archive;
    env->alarms = actors::spawn_alarm_clock(system);
    env->unix_ms = io::unix_ms;
    env->random = io::random_bits;
    env->open_model = [this, access, alarms = env->alarms](std::shared_ptr<const core::agent_entry> entry) {
      if (entry->model.provider == core::provider_kind::scripted) {
        return actors::spawn_scripted_model_stream(system, std::move(entry), alarms);
      }
      return actors::spawn_http_model_stream(system, std::move(entry), access);
    };
    alarms = env->alarms;
    tools = std::make_unique<actors::node_tools>(
        system, actors::node_tools_parts{&loops, client, alarms, access->read_secret, std::move(options.tools)});
    tools->serve(*catalog, *env);
    supervisor = actors::spawn_supervisor(system, env);
    if (members) enter(std::move(members), env, options);
    end_process_with(caf::actor_cast<caf::strong_actor_ptr>(supervisor)->get(), "supervisor");
    end_process_with(caf::actor_cast<caf::strong_actor_ptr>(journal)->get(), "journal");
    end_process_with(caf::actor_cast<caf::strong_actor_ptr>(alarms)->get(), "alarm clock");
  }

  void open_store(const core::store_settings& settings) {
    auto opened = io::sqlite_store::open({.settings = settings, .now_ms = io::unix_ms()});
    if (auto* problem = std::get_if<std::string>(&opened)) throw std::runtime_error{*problem};
    auto reads = io::sqlite_archive::open(settings.path);
    if (auto* problem = std::get_if<std::string>(&reads)) throw std::runtime_error{*problem};
    archive = actors::spawn_store_archive(system, std::get<0>(std::move(reads)));
    journal = actors::spawn_store_journal(system, std::get<0>(std::move(opened)), archive, io::unix_ms, true,
                                          {units.begin(), units.end()});
    end_process_with(caf::actor_cast<caf::strong_actor_ptr>(archive)->get(), "archive");
  }

  /// As above, for a database that many nodes share.
  std::shared_ptr<io::member_store> open_shared(const core::store_settings& settings,
                                                const core::cluster_settings& cluster_settings) {
    auto opened = actors::open_shared_store(settings, cluster_settings);
    archive = actors::spawn_store_archive(system, std::move(opened.archive));
    journal = actors::spawn_store_journal(system, std::move(opened.store), archive, io::unix_ms, true,
                                          {units.begin(), units.end()});
    end_process_with(caf::actor_cast<caf::strong_actor_ptr>(archive)->get(), "archive");
    return std::move(opened.members);
  }

  void enter(std::shared_ptr<io::member_store> members, std::shared_ptr<const actors::node_env> env,
             const runtime_options& options) {
    try {
      cluster = std::make_unique<actors::cluster_node>(system, std::move(env), supervisor, std::move(members),
                                                       options.cluster, options.version);
    } catch (...) {
      stop();
      wait_for_actors();
      throw;
    }
    neighbours = cluster->neighbours();
    end_process_with(caf::actor_cast<caf::strong_actor_ptr>(neighbours)->get(), "neighbours' actor");
    end_process_with(caf::actor_cast<caf::strong_actor_ptr>(cluster->membership())->get(), "membership");
    end_process_with(caf::actor_cast<caf::strong_actor_ptr>(cluster->keeper())->get(), "lease keeper");
  }

  void stop() {
    {
      caf::scoped_actor self{system, true};
      self->request(supervisor, actors::local_answer,
                    drain_node{0, static_cast<std::uint64_t>(core::limits::close_grace.count())})
          .receive([](const drain_reply&) {}, [](const caf::error&) {});
      neighbours = nullptr;
      if (cluster) cluster->leave();
      // Servers of tools may need the clock to be let go of.
      tools->stop();
      self->send_exit(supervisor, caf::exit_reason::user_shutdown);
      self->send_exit(journal, caf::exit_reason::user_shutdown);
      self->send_exit(alarms, caf::exit_reason::user_shutdown);
      if (archive) self->send_exit(archive, caf::exit_reason::user_shutdown);
    }
    tools.reset();
    supervisor = nullptr;
    journal = nullptr;
    alarms = nullptr;
    archive = nullptr;
    // A stream ends when its transfer has ended, and the system waits for all actors.
    client->shut_down();
    client.reset();
  }

  /// The last actors may be on the loops.
  void wait_for_actors() {
    system.await_all_actors_done();
    for (auto& unit : units) unit->leave();
  }

  ~node() { wait_for_actors(); }

  caf::actor_system_config config;
  io::event_loops loops;                                  // outlives the actors, the last of which may let go of the client
  std::vector<std::shared_ptr<actors::loop_unit>> units;  // of the loops, in their order
  caf::actor_system system;
  std::shared_ptr<io::http_client> client;
  std::unique_ptr<actors::node_tools> tools;
  supervisor_actor supervisor;
  journal_actor journal;
  archive_actor archive;  // null with a journal in memory
  alarm_clock_actor alarms;
  std::unique_ptr<actors::cluster_node> cluster;  // null on a node that is alone
  neighbours_actor neighbours;                    // null on a node that is alone
  std::shared_ptr<const core::catalog> catalog;
};

// -- events ----------------------------------------------------------------------

struct run_events::impl {
  impl(std::shared_ptr<runtime::node> the_node, run_id the_run, event_index from)
      : node{std::move(the_node)},
        supervisor{node->supervisor},
        self{node->system, true},
        run{std::move(the_run)},
        next{from},
        source{self.ptr()} {}

  void open(event_source_actor from) {
    source.on(std::move(from));
    pull();
  }

  /// Asks the supervisor who has the run's events now.
  void open() {
    self->request(supervisor, actors::local_answer, subscribe_run{run})
        .receive([this](subscribe_reply& reply) { open(std::move(reply.source)); },
                 [this](const caf::error& what) { error = "the supervisor did not answer: " + to_string(what); });
  }

  void pull() {
    self->send(source.who(), pull_limits{run, next, core::limits::pull_events_max, core::limits::pull_bytes_max},
               caf::actor_cast<subscriber_actor>(self));
  }

  void take(event_batch& batch) {
    if (!core::is_answer(batch, next)) return;
    if (batch.end == batch_end::unknown) {
      error = "there is no run '" + run.value + "'";
    } else if (batch.end == batch_end::gone) {
      error = "events below " + std::to_string(batch.next) + " of run '" + run.value + "' are no longer kept";
    } else {
      next = batch.next;
      at_end = batch.end == batch_end::ended;
      at_pause = batch.end == batch_end::paused;
      buffer.insert(buffer.end(), batch.events.begin(), batch.events.end());
      if (at_end || at_pause) return;
      if (batch.events.empty()) {
        open();
      } else {
        pull();
      }
    }
  }

  /// One message, if one comes before the time is over.
  template <class Timeout>
  bool receive(const Timeout& timeout) {
    bool came = true;
    self->receive([this](event_batch& batch) { take(batch); },
                  [this](const caf::down_msg& down) {
                    if (!at_end && !at_pause && down.source == source.who().address()) open();
                  },
                  caf::after(timeout) >> [&came] { came = false; });
    return came;
  }

  std::shared_ptr<runtime::node> node;
  supervisor_actor supervisor;  // its own: the node's may be let go of at this moment, by the thread that ends the runtime
  caf::scoped_actor self;
  run_id run;
  event_index next;
  actors::watch<caf::blocking_actor, event_source_actor> source;
  std::deque<event_ptr> buffer;
  bool at_end = false;
  bool at_pause = false;
  std::string error;
};

run_events::run_events() = default;
run_events::run_events(run_events&&) noexcept = default;
run_events& run_events::operator=(run_events&&) noexcept = default;
run_events::~run_events() = default;
run_events::run_events(std::unique_ptr<impl> reader) : impl_{std::move(reader)} {}

event_ptr run_events::next() { return next(std::chrono::milliseconds::max()); }

event_ptr run_events::next(std::chrono::milliseconds at_most) {
  if (!impl_) return {};
  auto forever = at_most == std::chrono::milliseconds::max();
  auto until = std::chrono::steady_clock::now() + (forever ? std::chrono::hours{1} : at_most);
  while (impl_->buffer.empty() && !impl_->at_end && !impl_->at_pause && impl_->error.empty()) {
    auto left = until - std::chrono::steady_clock::now();
    if (forever) left = std::chrono::hours{1};
    auto came = impl_->receive(std::max(left, decltype(left)::zero()));
    if (!came && !forever) return {};
  }
  if (impl_->buffer.empty()) return {};
  auto event = std::move(impl_->buffer.front());
  impl_->buffer.pop_front();
  return event;
}

bool run_events::ended() const { return impl_ && impl_->at_end && impl_->buffer.empty(); }

bool run_events::paused() const { return impl_ && impl_->at_pause && impl_->buffer.empty(); }

const std::string& run_events::error() const {
  static const std::string none;
  return impl_ ? impl_->error : none;
}

// -- runtime ---------------------------------------------------------------------

runtime::runtime(runtime_options options) : node_{std::make_shared<node>(std::move(options))} {}
runtime::~runtime() { node_->stop(); }

started_run runtime::start(run_request request) { return ask_for_run(std::move(request)); }
started_run runtime::resume(continue_run request) { return ask_for_run(std::move(request)); }

template <class Request>
started_run runtime::ask_for_run(Request request) {
  started_run result;
  auto events = std::make_unique<run_events::impl>(node_, run_id{}, 0);
  events->self->request(node_->supervisor, actors::local_answer, std::move(request))
      .receive(
          [&](start_reply& reply) {
            result.refused = std::move(reply.refused);
            result.id = events->run = std::move(reply.run);
            result.session = std::move(reply.session);
            events->next = reply.from;
            if (!result.refused) events->open(std::move(reply.source));
          },
          [&](const caf::error& what) {
            result.refused = refusal{refusal_code::draining, "the supervisor did not answer: " + to_string(what)};
          });
  if (!result.refused) result.events = run_events{std::move(events)};
  return result;
}

cancel_reply runtime::cancel(cancel_request request) {
  caf::scoped_actor self{node_->system, true};
  cancel_reply result{.run = request.run};
  self->request(node_->supervisor, actors::local_answer, std::move(request))
      .receive([&](cancel_reply& reply) { result = std::move(reply); }, [](const caf::error&) {});
  return result;
}

run_events runtime::read(const run_id& run, event_index from) {
  auto events = std::make_unique<run_events::impl>(node_, run, from);
  events->open();
  return run_events{std::move(events)};
}

std::vector<run_summary> runtime::runs(std::uint32_t runs_max) {
  caf::scoped_actor self{node_->system, true};
  std::vector<run_summary> result;
  self->request(node_->supervisor, actors::local_answer, list_runs{runs_max})
      .receive([&](run_list& list) { result = std::move(list.runs); }, [](const caf::error&) {});
  return result;
}

drain_reply runtime::drain(std::chrono::milliseconds grace) {
  caf::scoped_actor self{node_->system, true};
  drain_reply result;
  drain_node what{static_cast<std::uint64_t>(grace.count()), static_cast<std::uint64_t>(core::limits::close_grace.count())};
  self->request(node_->supervisor, actors::local_answer, what)
      .receive([&](drain_reply& reply) { result = std::move(reply); }, [](const caf::error&) {});
  return result;
}

caf::actor_system& runtime::system() { return node_->system; }
supervisor_actor runtime::supervisor() const { return node_->supervisor; }
journal_actor runtime::journal() const { return node_->journal; }
archive_actor runtime::archive() const { return node_->archive; }
neighbours_actor runtime::neighbours() const { return node_->neighbours; }
io::event_loops& runtime::loops() { return node_->loops; }
const std::shared_ptr<const core::catalog>& runtime::catalog() const { return node_->catalog; }

tools_listed runtime::list_tools(const std::string& server) {
  caf::scoped_actor self{node_->system, true};
  tools_listed result{"no server has this id", {}};
  if (auto actor = node_->tools->server(server)) {
    self->request(actor, actors::local_answer, oncue::list_tools{})
        .receive([&](tools_listed& listed) { result = std::move(listed); },
                 [&](const caf::error& error) { result.problem = "its actor is gone: " + to_string(error); });
  }
  return result;
}

}  // namespace oncue
