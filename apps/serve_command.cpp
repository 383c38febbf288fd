// `oncue serve`: the node with its journal on disk and its HTTP server, from the first line it says to an orderly end.
#include <sys/resource.h>
#include <unistd.h>

#include <caf/scoped_actor.hpp>
#include <csignal>
#include <exception>
#include <future>
#include <map>
#include <utility>

#include "commands.hpp"
#include "exit_codes.hpp"
#include "oncue/actors/gateway.hpp"
#include "oncue/actors/node_env.hpp"
#include "oncue/core/cluster_options.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/core/mcp_tools.hpp"
#include "oncue/core/store_url.hpp"
#include "oncue/io/http_server.hpp"
#include "oncue/io/log.hpp"
#include "oncue/io/signal_watch.hpp"
#include "oncue/io/world.hpp"
#include "oncue/messages/type_ids.hpp"
#include "oncue/runtime.hpp"
#include "serve_plan.hpp"
#include "terminal.hpp"

namespace oncue::apps {

namespace {

/// Every stream is a file descriptor: as many as the system lets us have.
void raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string agent_list(const core::catalog& catalog) {
  std::string list;
  for (const auto& [id, entry] : catalog.agents) {
    if (!list.empty()) list += ", ";
    list += id.value + " (" + entry->model.name + ")";
  }
  return list;
}

/// What this node is to the others, once it is one of them. With the port that it takes links on, if it chose that itself.
struct standing {
  incarnation_no incarnation = 0;
  core::cluster_settings settings;
};

standing ask_standing(runtime& node, const serve_plan& what) {
  standing result{0, what.config.cluster};
  if (!node.neighbours()) return result;
  caf::scoped_actor self{node.system()};
  self->request(node.neighbours(), actors::local_answer, list_nodes{})
      .receive(
          [&](const node_list& cluster) {
            result.incarnation = cluster.self;
            for (const auto& line : cluster.nodes) {
              if (cluster.self == 0 || line.node.incarnation != cluster.self) continue;
              core::set_port(result.settings, line.node.link_address);
            }
          },
          [](const caf::error&) {});
  return result;
}

void say_where(const serve_plan& what, const std::string& url, const core::catalog& catalog, const standing& in_cluster) {
  const auto& style = styles_for(STDOUT_FILENO);
  auto line = [&](std::string_view name, std::string_view value) {
    return "  " + std::string{style.dim} + std::string{name} + std::string{style.off} + std::string(9 - name.size(), ' ') +
           std::string{value} + "\n";
  };
  std::string text = "oncue " ONCUE_VERSION " listens on " + url + "\n";
  const auto& [incarnation, settings] = in_cluster;
  if (what.shared()) {
    auto number = incarnation == 0 ? std::string{} : " (incarnation " + std::to_string(incarnation) + ")";
    text += line("node", settings.node_name + number);
    text += line("store", core::shown_store(what.config.store) + " (shared with other nodes)");
    text += line("links", core::shown_links(settings));
    text += line("lease", core::format_duration(settings.lease));
  } else {
    auto power = what.config.store.durability == core::store_durability::power;
    text +=
        line("store", what.config.store.path + (power ? " (survives a power cut)" : " (survives a crash of the process)"));
  }
  text += line("agents", agent_list(catalog));
  text += line("config", what.config_path.empty() ? "none, see 'oncue init'" : what.config_path);
  text += line("key", what.key.empty() ? "none: programs on this machine only" : "needed, as a bearer token");
  text += line("docs", url + "/docs");
  write_all(STDOUT_FILENO, text);
}

void log_standing(const standing& in_cluster) {
  const auto& settings = in_cluster.settings;
  const auto links = core::shown_links(settings);
  io::log(io::log_level::info, "joined",
          {{"node", settings.node_name},
           {"incarnation", std::to_string(in_cluster.incarnation)},
           {"links", links},
           {"lease_ms", std::to_string(settings.lease.count())}});
}

/// What each agent may call. Servers of tools are started for it, all at the same time; one that does not start is said
/// so, and may start later: its agents' runs find out.
core::tools_of_agents tools_of(runtime& node, const core::catalog& catalog) {
  std::map<std::string, std::future<tools_listed>> asked;
  for (const auto& server : catalog.mcp_servers) {
    asked[server.id] = std::async(std::launch::async, [&node, id = server.id] { return node.list_tools(id); });
  }
  std::map<std::string, std::vector<core::tool_spec>> listed;
  for (const auto& server : catalog.mcp_servers) {
    auto answer = asked[server.id].get();
    if (!answer.problem.empty()) {
      print_error("the MCP server " + server.id + ": " + answer.problem);
      io::log(io::log_level::error, "tool_server_failed", {{"server", server.id}, {"problem", answer.problem}});
    }
    listed[server.id] = core::mcp_tools(server, answer.tools);
  }
  core::tools_of_agents all;
  for (const auto& [id, entry] : catalog.agents) {
    auto& tools = all[id];
    if (entry->tools) {
      for (const auto& tool : entry->tools->tools()) tools.push_back(*tool);
    }
    for (const auto& server : entry->agent.mcp_servers) {
      tools.insert(tools.end(), listed[server].begin(), listed[server].end());
    }
  }
  return all;
}

std::shared_ptr<const actors::gateway_env> make_env(runtime& node, const serve_plan& what,
                                                    std::shared_ptr<const core::catalog> catalog, bool insecure) {
  auto env = std::make_shared<actors::gateway_env>();
  const auto& settings = what.config.server;
  env->supervisor = node.supervisor();
  env->journal = node.journal();
  env->archive = node.archive();
  env->neighbours = node.neighbours();
  env->node_name = what.config.cluster.node_name;
  env->url = what.config.cluster.advertised_url;
  env->running_max = what.config.limits.running_max;
  env->tools = tools_of(node, *catalog);
  env->catalog = std::move(catalog);
  env->doors = {what.key, insecure, settings.allowed_hosts, settings.cors_origins};
  if (!core::is_loopback(what.address.host)) env->doors.allowed_hosts.push_back(what.address.host);
  env->facts.version = ONCUE_VERSION;
  env->facts.started_at_ms = io::unix_ms();
  env->facts.with_key = !what.key.empty();
  env->heartbeat = settings.heartbeat;
  env->unix_ms = io::unix_ms;
  env->random = io::random_bits;
  return env;
}

/// No new runs, a grace for the live ones, then the last words of every stream.
void end_in_order(runtime& node, io::http_server& server, std::chrono::milliseconds grace) {
  io::log(io::log_level::info, "draining", {{"grace_ms", std::to_string(grace.count())}});
  auto result = node.drain(grace);
  std::string left;
  for (const auto& run : result.left) left += (left.empty() ? "" : " ") + run.value;
  io::log(io::log_level::info, "drained",
          {{"ended", std::to_string(result.ended)}, {"cancelled", std::to_string(result.cancelled)}, {"left", left}});
  server.stop_listening();
  server.wait_for_streams(core::limits::last_words_max);
}

int serve(const serve_plan& what, bool insecure) {
  auto catalog = std::make_shared<const core::catalog>(core::make_catalog(what.config));
  std::promise<int> stopped;  // outlives the watch
  runtime node{{.catalog = *catalog,
                .io_threads = what.config.server.event_loops,
                .limits = what.config.limits,
                .store = what.config.store,
                .cluster = what.config.cluster,
                .version = ONCUE_VERSION}};
  auto env = make_env(node, what, catalog, insecure);
  io::http_server server{
      node.loops(), {.host = what.address.host, .port = what.address.port}, actors::make_gateway(node.system(), env)};
  auto url = url_of(what.address.host, server.port());
  io::signal_watch watch{node.loops().at(0), [&stopped, first = true](int number) mutable {
                           if (!std::exchange(first, false)) ::_exit(exit_failed);
                           stopped.set_value(number);
                         }};
  const auto in_cluster = ask_standing(node, what);
  say_where(what, url, *catalog, in_cluster);
  io::log(io::log_level::info, "listening",
          {{"url", url}, {"store", core::shown_store(what.config.store)}, {"agents", agent_list(*catalog)}});
  if (what.shared()) log_standing(in_cluster);
  stopped.get_future().get();
  end_in_order(node, server, what.config.server.drain_grace);
  return exit_completed;
}

}  // namespace

int serve_command(const serve_options& options) {
  auto made = make_serve_plan(options);
  if (const auto* error = std::get_if<std::string>(&made)) {
    print_error(*error);
    return exit_usage;
  }
  const auto& what = std::get<serve_plan>(made);
  ::signal(SIGPIPE, SIG_IGN);
  raise_open_files_limit();
  io::set_up_log(what.config.server.log_level, what.config.server.log_format);
  auto code = static_cast<int>(exit_failed);
  try {
    code = serve(what, options.insecure);
  } catch (const std::exception& error) {
    print_error(error.what());
  }
  io::close_log();
  return code;
}

}  // namespace oncue::apps
