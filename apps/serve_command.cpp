// `oncue serve`: the node with its journal on disk and its HTTP server, from the first line it says to an orderly end.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <future>
#include <map>
#include <utility>

#include "commands.hpp"
#include "exit_codes.hpp"
#include "load_config.hpp"
#include "oncue/actors/gateway.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/mcp_tools.hpp"
#include "oncue/core/text.hpp"
#include "oncue/io/http_server.hpp"
#include "oncue/io/log.hpp"
#include "oncue/io/signal_watch.hpp"
#include "oncue/io/world.hpp"
#include "oncue/runtime.hpp"
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

/// Where the journal is if nobody says: the user's state folder (XDG base directories).
std::string default_store_path() {
  auto folder = io::environment_variable("XDG_STATE_HOME");
  if (folder.empty()) {
    auto home = io::environment_variable("HOME");
    if (home.empty()) return "oncue-journal.db";
    folder = home + "/.local/state";
  }
  return folder + "/oncue/journal.db";
}

bool is_loopback(std::string_view host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

std::string url_of(const std::string& host, std::uint16_t port) {
  auto shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return "http://" + shown + ":" + std::to_string(port);
}

struct plan {
  core::config config;
  core::listen_address address;
  std::string key;
  std::string config_path;
};

/// What is wrong with the command line, the environment or the file; or all that serving needs.
std::variant<plan, std::string> make_plan(const serve_options& options) {
  auto loaded = load_config(options.config_path);
  if (auto* error = std::get_if<std::string>(&loaded)) return std::move(*error);
  auto& [config, env, path] = std::get<loaded_config>(loaded);
  plan result;
  result.config = std::move(config);
  result.config_path = path;
  auto& settings = result.config.server;

  auto address = core::resolve_listen(settings, env, options.host, options.port);
  if (auto* error = std::get_if<std::string>(&address)) return std::move(*error);
  result.address = std::get<core::listen_address>(address);
  if (!settings.key_env.empty()) result.key = io::environment_variable(settings.key_env);
  if (result.key.empty() && !is_loopback(result.address.host) && !options.insecure) {
    return "refusing to listen on " + result.address.host +
           " without a key: everybody who reaches it could start runs and read " + "what was said. Set " +
           (settings.key_env.empty() ? "server.key_env" : settings.key_env) +
           ", listen on 127.0.0.1, or say --insecure if that is what you want";
  }
  if (options.store) result.config.store.path = *options.store;
  if (result.config.store.path.empty()) result.config.store.path = default_store_path();
  if (options.durability == "power") result.config.store.durability = core::store_durability::power;
  if (options.durability == "process") result.config.store.durability = core::store_durability::process;
  using level = core::log_level;
  const std::pair<std::string_view, level> levels[] = {{"debug", level::debug},
                                                       {"info", level::info},
                                                       {"warning", level::warning},
                                                       {"error", level::error},
                                                       {"off", level::off}};
  for (const auto& [name, value] : levels) {
    if (options.log_level == name) settings.log_level = value;
  }
  if (options.log_format)
    settings.log_format = *options.log_format == "json" ? core::log_format::json : core::log_format::text;
  return result;
}

std::string agent_list(const core::catalog& catalog) {
  std::string list;
  for (const auto& [id, entry] : catalog.agents) {
    if (!list.empty()) list += ", ";
    list += id.value + " (" + entry->model.name + ")";
  }
  return list;
}

void say_where(const plan& what, const std::string& url, const core::catalog& catalog) {
  const auto& style = styles_for(STDOUT_FILENO);
  auto line = [&](std::string_view name, std::string_view value) {
    return "  " + std::string{style.dim} + std::string{name} + std::string{style.off} + std::string(9 - name.size(), ' ') +
           std::string{value} + "\n";
  };
  std::string text = "oncue " ONCUE_VERSION " listens on " + url + "\n";
  text += line("store", what.config.store.path + (what.config.store.durability == core::store_durability::power
                                                      ? " (survives a power cut)"
                                                      : " (survives a crash of the process)"));
  text += line("agents", agent_list(catalog));
  text += line("config", what.config_path.empty() ? "none, see 'oncue init'" : what.config_path);
  text += line("key", what.key.empty() ? "none: programs on this machine only" : "needed, as a bearer token");
  text += line("docs", url + "/docs");
  write_all(STDOUT_FILENO, text);
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

std::shared_ptr<const actors::gateway_env> make_env(runtime& node, const plan& what,
                                                    std::shared_ptr<const core::catalog> catalog, bool insecure) {
  auto env = std::make_shared<actors::gateway_env>();
  const auto& settings = what.config.server;
  env->supervisor = node.supervisor();
  env->journal = node.journal();
  env->archive = node.archive();
  env->tools = tools_of(node, *catalog);
  env->catalog = std::move(catalog);
  env->doors = {what.key, insecure, settings.allowed_hosts, settings.cors_origins};
  if (!is_loopback(what.address.host)) env->doors.allowed_hosts.push_back(what.address.host);
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

int serve(const plan& what, bool insecure) {
  auto catalog = std::make_shared<const core::catalog>(core::make_catalog(what.config));
  std::promise<int> stopped;  // outlives the watch
  runtime node{{.catalog = *catalog,
                .io_threads = what.config.server.event_loops,
                .limits = what.config.limits,
                .store = what.config.store}};
  auto env = make_env(node, what, catalog, insecure);
  io::http_server server{
      node.loops(), {.host = what.address.host, .port = what.address.port}, actors::make_gateway(node.system(), env)};
  auto url = url_of(what.address.host, server.port());
  io::signal_watch watch{node.loops().at(0), [&stopped, first = true](int number) mutable {
                           if (!std::exchange(first, false)) ::_exit(exit_failed);
                           stopped.set_value(number);
                         }};
  say_where(what, url, *catalog);
  io::log(io::log_level::info, "listening",
          {{"url", url}, {"store", what.config.store.path}, {"agents", agent_list(*catalog)}});
  stopped.get_future().get();
  end_in_order(node, server, what.config.server.drain_grace);
  return exit_completed;
}

}  // namespace

int serve_command(const serve_options& options) {
  auto made = make_plan(options);
  if (const auto* error = std::get_if<std::string>(&made)) {
    print_error(*error);
    return exit_usage;
  }
  const auto& what = std::get<plan>(made);
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
