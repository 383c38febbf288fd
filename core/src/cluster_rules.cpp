#include "cluster_rules.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "oncue/core/cluster_options.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/core/json_text.hpp"
#include "oncue/core/store_url.hpp"
#include "oncue/core/text.hpp"

namespace oncue::core {
namespace {

/// As the command line calls the keys that may be to blame.
std::string option_of(std::string_view key) {
  constexpr std::pair<std::string_view, std::string_view> options[] = {{"ca_file", "--link-ca"},
                                                                       {"cert_file", "--link-cert"},
                                                                       {"key_file", "--link-key"},
                                                                       {"link_host", "--link"},
                                                                       {"link_advertised", "--link-advertise"}};
  for (const auto& [name, option] : options) {
    if (name == key) return std::string{option};
  }
  return std::string{key};
}

std::optional<std::string> set_lease(milliseconds& target, const std::string& text) {
  auto parsed = parse_duration(text, limits::lease_max);
  if (auto* error = std::get_if<std::string>(&parsed)) return std::move(*error);
  target = std::get<milliseconds>(parsed);
  if (target < limits::lease_min)
    return "expected at least " + format_duration(limits::lease_min) + ", got " + in_quotes(text);
  return {};
}

std::optional<std::string> set_link(cluster_settings& target, const std::string& text) {
  if (text == "none") {
    target.link_host.clear();
    return {};
  }
  auto parsed = parse_host_and_port(text);
  if (auto* error = std::get_if<std::string>(&parsed)) return std::move(*error);
  auto& [host, port] = std::get<host_and_port>(parsed);
  target.link_host = std::move(host);
  target.link_port = port;
  return {};
}

}  // namespace

problem node_name_problem(std::string_view name) {
  if (is_valid_run_id(name) && name.size() <= limits::node_name_chars_max) return {};
  return "expected 1 to " + std::to_string(limits::node_name_chars_max) + " characters of A-Z a-z 0-9 . _ : -, got " +
         in_quotes(name);
}

problem advertised_problem(std::string_view text) {
  if (!host_problem(without_brackets(text))) return {};
  const auto parsed = parse_host_and_port(text);
  const auto* address = std::get_if<host_and_port>(&parsed);
  if (address && address->port != 0) return {};
  return "expected a host's name or address, with or without a port, such as \"node1.example.com:7800\", got " +
         in_quotes(text);
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{port} : std::nullopt;
}

std::variant<host_and_port, std::string> parse_host_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto host = text.substr(0, std::min(colon, text.size()));
  const auto port = colon == text.npos ? std::nullopt : port_of(text.substr(colon + 1));
  const bool bare_v6 = host.find(':') != host.npos && without_brackets(host) == host;
  if (!port || bare_v6 || host_problem(without_brackets(host)))
    return "expected an address and a port, such as \"127.0.0.1:7800\" or \"[::1]:7800\", got " + in_quotes(text);
  return host_and_port{std::string{without_brackets(host)}, *port};
}

std::optional<wrong_links> links_problem(const cluster_settings& settings) {
  const std::pair<std::string_view, const std::string&> files[] = {
      {"ca_file", settings.ca_file}, {"cert_file", settings.cert_file}, {"key_file", settings.key_file}};
  const auto given = std::count_if(std::begin(files), std::end(files), [](const auto& x) { return !x.second.empty(); });
  for (const auto& [key, file] : files) {
    if (given != 0 && file.empty())
      return wrong_links{key,
                         "expected the cluster's CA, this node's certificate and its key together: this one is missing"};
  }
  if (given == 0 && !settings.plain_links && !settings.link_host.empty() && !is_loopback(settings.link_host))
    return wrong_links{"link_host", "expected certificates for links beyond this machine, got " +
                                        in_quotes(settings.link_host) +
                                        " without them: whoever reached it could read and cancel every run. Give the "
                                        "CA, the certificate and the key, or allow plain links"};
  if (settings.link_advertised.empty() && (settings.link_host == "0.0.0.0" || settings.link_host == "::"))
    return wrong_links{"link_advertised", "expected the name or address by which other nodes reach this one, because " +
                                              in_quotes(settings.link_host) + " is every address"};
  return {};
}

std::string cluster_options::first_given() const {
  const std::pair<bool, std::string_view> all[] = {
      {node_name.has_value(), "--node-name"}, {lease.has_value(), "--lease"},
      {link.has_value(), "--link"},           {link_advertised.has_value(), "--link-advertise"},
      {ca_file.has_value(), "--link-ca"},     {cert_file.has_value(), "--link-cert"},
      {key_file.has_value(), "--link-key"},   {advertised_url.has_value(), "--advertise-url"},
      {plain_links, "--plain-links"},
  };
  for (const auto& [given, name] : all) {
    if (given) return std::string{name};
  }
  return {};
}

std::optional<std::string> apply_cluster_options(cluster_settings& target, const cluster_options& options) {
  auto result = target;
  std::optional<std::string> wrong;
  auto take = [&](std::string_view name, const std::optional<std::string>& given, auto set) {
    if (!given || wrong) return;
    if (auto why = set(*given)) wrong = std::string{name} + ": " + *why;
  };
  auto into = [](std::string& field, problem (*rule)(std::string_view)) {
    return [&field, rule](const std::string& text) {
      field = text;
      return rule(text);
    };
  };
  take("--node-name", options.node_name, into(result.node_name, node_name_problem));
  take("--lease", options.lease, [&](const std::string& text) { return set_lease(result.lease, text); });
  take("--link", options.link, [&](const std::string& text) { return set_link(result, text); });
  take("--link-advertise", options.link_advertised, into(result.link_advertised, advertised_problem));
  take("--link-ca", options.ca_file, into(result.ca_file, store_path_problem));
  take("--link-cert", options.cert_file, into(result.cert_file, store_path_problem));
  take("--link-key", options.key_file, into(result.key_file, store_path_problem));
  take("--advertise-url", options.advertised_url, into(result.advertised_url, base_url_problem));
  if (wrong) return wrong;
  result.plain_links = result.plain_links || options.plain_links;
  if (auto odd = links_problem(result)) return option_of(odd->key) + ": " + odd->why;
  target = std::move(result);
  return {};
}

void set_port(cluster_settings& settings, std::string_view address) {
  const auto parsed = parse_host_and_port(address);
  const auto* known = std::get_if<host_and_port>(&parsed);
  if (known && settings.link_port == 0) settings.link_port = known->port;
}

std::string shown_links(const cluster_settings& settings) {
  if (settings.link_host.empty()) return "none";
  const auto& host = settings.link_host;
  auto shown = host.find(':') == host.npos ? host : "[" + host + "]";
  if (settings.link_port != 0) shown += ":" + std::to_string(settings.link_port);
  return shown + (settings.ca_file.empty() ? ", plain" : ", with certificates");
}

}  // namespace oncue::core
