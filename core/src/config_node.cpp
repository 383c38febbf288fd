#include "config_node.hpp"

#include "cluster_rules.hpp"
#include "oncue/core/store_url.hpp"

namespace oncue::core {
namespace {

const names server_keys = {"host",        "port",      "cors_origins", "allowed_hosts", "key_env",
                           "drain_grace", "heartbeat", "event_loops",  "log_format",    "log_level"};
const names store_keys = {"path", "url", "url_env", "durability", "compact_after", "retention", "size_bytes_max"};
const names cluster_keys = {"name",    "advertised_url", "lease",    "link_host",   "link_port",   "link_advertised",
                            "ca_file", "cert_file",      "key_file", "plain_links", "restarts_max"};
const names limit_keys = {"live_runs", "running_runs", "queued_runs"};

// In the order of the enumerations.
const names log_formats = {"text", "json"};
const names log_levels = {"debug", "info", "warning", "error", "off"};
const names durabilities = {"process", "power"};

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

template <class Enum>
void choose(const section& source, std::string_view key, const names& words, Enum& target) {
  if (auto chosen = source.choice(key, words)) target = static_cast<Enum>(*chosen);
}

}  // namespace

server_settings decode_server(const section& source) {
  source.allow_only(server_keys);
  server_settings result;
  if (const auto host = source.text("host")) {
    source.check("host", host_problem(without_brackets(*host)));
    result.host = without_brackets(*host);
  }
  source.count("port", result.port, 0, 65535);
  if (auto origins = source.texts("cors_origins", limits::host_names_max, origin_problem)) {
    for (auto& origin : *origins) origin = lower(std::move(origin));
    result.cors_origins = std::move(*origins);
  }
  auto host_rule = [](std::string_view host) { return host_problem(without_brackets(host)); };
  if (auto hosts = source.texts("allowed_hosts", limits::host_names_max, host_rule)) {
    for (auto& host : *hosts) host = lower(std::string{without_brackets(host)});
    result.allowed_hosts = std::move(*hosts);
  }
  if (const auto variable = source.text("key_env")) {
    source.check("key_env", variable_problem(*variable));
    result.key_env = *variable;
  }
  source.duration("drain_grace", result.drain_grace, milliseconds{0}, limits::drain_grace_max);
  source.duration("heartbeat", result.heartbeat, limits::heartbeat_min, limits::heartbeat_max);
  source.count("event_loops", result.event_loops, 1, limits::event_loops_max);
  choose(source, "log_format", log_formats, result.log_format);
  choose(source, "log_level", log_levels, result.log_level);
  return result;
}

store_settings decode_store(const section& source) {
  source.allow_only(store_keys);
  store_settings result;
  auto alone = [&](std::string_view key, std::initializer_list<std::string_view> others) {
    for (auto other : others) {
      if (source.has(other))
        source.reject(key, "expected only one place for the store, but store." + std::string{other} + " is there too");
    }
  };
  if (const auto path = source.text_not_empty("path")) {
    source.check("path", store_path_problem(*path));
    result.path = *path;
  }
  if (const auto url = source.text("url")) {
    source.check("url", store_url_problem(*url));
    alone("url", {"path", "url_env"});
    result.url = *url;
  }
  if (const auto variable = source.text_not_empty("url_env")) {
    source.check("url_env", variable_problem(*variable));
    alone("url_env", {"path"});
    result.url_env = *variable;
  }
  choose(source, "durability", durabilities, result.durability);
  source.duration("compact_after", result.compact_after, milliseconds{0}, limits::retention_max);
  source.deadline("retention", result.retention, limits::retention_max);
  source.count("size_bytes_max", result.size_bytes_max, limits::store_size_bytes_min, limits::store_size_bytes_max);
  return result;
}

cluster_settings decode_cluster(const section& source) {
  source.allow_only(cluster_keys);
  cluster_settings result;
  auto take = [&](std::string_view key, std::string& target, problem (*rule)(std::string_view)) {
    if (auto value = source.text(key)) {
      source.check(key, rule(*value));
      target = std::move(*value);
    }
  };
  take("name", result.node_name, node_name_problem);
  take("advertised_url", result.advertised_url, base_url_problem);
  source.duration("lease", result.lease, limits::lease_min, limits::lease_max);
  if (const auto host = source.text("link_host")) {
    if (!host->empty()) source.check("link_host", host_problem(without_brackets(*host)));
    result.link_host = without_brackets(*host);
  }
  source.count("link_port", result.link_port, 0, 65535);
  take("link_advertised", result.link_advertised, advertised_problem);
  take("ca_file", result.ca_file, store_path_problem);
  take("cert_file", result.cert_file, store_path_problem);
  take("key_file", result.key_file, store_path_problem);
  result.plain_links = source.flag("plain_links").value_or(false);
  source.count("restarts_max", result.restarts_max, 0, limits::restarts_ceiling);
  if (auto wrong = links_problem(result)) source.reject(wrong->key, wrong->why);
  return result;
}

roster_limits decode_node_limits(const section& source) {
  source.allow_only(limit_keys);
  roster_limits result;
  source.count("live_runs", result.live_max, 1, limits::runs_ceiling);
  source.count("running_runs", result.running_max, 1, limits::runs_ceiling);
  source.count("queued_runs", result.queued_max, 0, limits::runs_ceiling);
  return result;
}

std::variant<listen_address, std::string> resolve_listen(const server_settings& settings, const environment& env,
                                                         const std::optional<std::string>& host_option,
                                                         const std::optional<std::string>& port_option) {
  listen_address result{settings.host, settings.port};
  auto said = [](const std::optional<std::string>& option, const std::string& variable) {
    return option ? option : variable.empty() ? std::nullopt : std::optional{variable};
  };
  if (auto host = said(host_option, env.agent_os_host)) {
    const std::string name = host_option ? "--host" : "AGENT_OS_HOST";
    if (auto wrong = host_problem(without_brackets(*host))) return name + ": " + *wrong;
    result.host = without_brackets(*host);
  }
  if (auto text = said(port_option, env.agent_os_port)) {
    const std::string name = port_option ? "--port" : "AGENT_OS_PORT";
    auto port = port_of(*text);
    if (!port) return name + ": expected a whole number from 0 to 65535, got " + in_quotes(*text);
    result.port = *port;
  }
  return result;
}

}  // namespace oncue::core
