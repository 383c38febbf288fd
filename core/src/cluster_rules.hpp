// Rules for the settings of a node among many, which the configuration file and the command line share; as in
// config_rules.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "config_rules.hpp"
#include "oncue/core/settings.hpp"

namespace oncue::core {

problem node_name_problem(std::string_view name);

/// "host" or "host:port".
problem advertised_problem(std::string_view text);

std::optional<std::uint16_t> port_of(std::string_view text);

/// "127.0.0.1:7800", "[::1]:7800".
struct host_and_port {
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
};
std::variant<host_and_port, std::string> parse_host_and_port(std::string_view text);

/// Settings that do not fit together: the key to blame, as the configuration file calls it, and why.
struct wrong_links {
  std::string_view key;
  std::string why;
};
/// All three files or none; and beyond loopback either them or `plain_links`. Looks into no file.
std::optional<wrong_links> links_problem(const cluster_settings& settings);

}  // namespace oncue::core
