#include "serve_plan.hpp"

#include <unistd.h>

#include <array>
#include <optional>
#include <utility>

#include "load_config.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/store_url.hpp"
#include "oncue/core/text.hpp"
#include "oncue/io/world.hpp"

namespace oncue::apps {

namespace {

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

/// The host's name as a node may be called; "node" if it has none that will do.
std::string default_node_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "node";
  auto text = std::string{name.data()}.substr(0, core::limits::node_name_chars_max);
  return core::is_valid_run_id(text) ? text : "node";
}

using problem = std::optional<std::string>;

problem find_store(core::store_settings& store, const serve_options& options) {
  auto place = [&](const std::string& name, std::string_view text) -> problem {
    auto placed = core::with_place(store, text);
    if (auto* wrong = std::get_if<std::string>(&placed)) return name + ": " + *wrong;
    store = std::get<core::store_settings>(std::move(placed));
    return {};
  };
  if (options.store) return place("--store", *options.store);
  if (!store.url_env.empty()) {
    const auto name = store.url_env;
    const auto text = io::environment_variable(name);
    if (text.empty()) return name + ": expected the store's URL, as store.url_env says, but the variable is not set";
    if (auto wrong = core::store_url_problem(text)) return name + ": " + *wrong;
    return place(name, text);
  }
  if (store.path.empty() && store.url.empty()) store.path = default_store_path();
  return {};
}

/// The files are read again by whoever uses them: here they are only missed in time.
problem find_link_files(const core::cluster_settings& cluster) {
  const std::pair<std::string_view, const std::string*> files[] = {
      {"CA", &cluster.ca_file}, {"certificate", &cluster.cert_file}, {"key", &cluster.key_file}};
  for (const auto& [what, path] : files) {
    if (path->empty()) continue;
    auto read = io::read_file(*path, core::limits::config_file_bytes_max);
    if (const auto* error = std::get_if<io::file_error>(&read))
      return "the " + std::string{what} + " for links cannot be read: " + error->message;
  }
  return {};
}

problem join_others(core::config& config, const serve_options& options) {
  if (config.store.url.empty()) {
    const auto given = options.cluster.first_given();
    if (given.empty()) return {};
    return given + ": only with a store that nodes share: --store postgresql://…";
  }
  if (options.durability) return "--durability: only with a store in a file: the database decides for a shared one";
  if (auto wrong = core::apply_cluster_options(config.cluster, options.cluster)) return wrong;
  if (config.cluster.node_name.empty()) config.cluster.node_name = default_node_name();
  return find_link_files(config.cluster);
}

}  // namespace

std::string url_of(const std::string& host, std::uint16_t port) {
  auto shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return "http://" + shown + ":" + std::to_string(port);
}

std::variant<serve_plan, std::string> make_serve_plan(const serve_options& options) {
  auto loaded = load_config(options.config_path);
  if (auto* error = std::get_if<std::string>(&loaded)) return std::move(*error);
  auto& [config, env, path] = std::get<loaded_config>(loaded);
  serve_plan result;
  result.config = std::move(config);
  result.config_path = path;
  auto& settings = result.config.server;

  auto address = core::resolve_listen(settings, env, options.host, options.port);
  if (auto* error = std::get_if<std::string>(&address)) return std::move(*error);
  result.address = std::get<core::listen_address>(address);
  if (!settings.key_env.empty()) result.key = io::environment_variable(settings.key_env);
  if (result.key.empty() && !core::is_loopback(result.address.host) && !options.insecure) {
    return "refusing to listen on " + result.address.host +
           " without a key: everybody who reaches it could start runs and read " + "what was said. Set " +
           (settings.key_env.empty() ? "server.key_env" : settings.key_env) +
           ", listen on 127.0.0.1, or say --insecure if that is what you want";
  }
  if (auto wrong = find_store(result.config.store, options)) return std::move(*wrong);
  if (auto wrong = join_others(result.config, options)) return std::move(*wrong);
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

}  // namespace oncue::apps
