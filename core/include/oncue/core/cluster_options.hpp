// What the command line says of a node among many, checked and laid over what the configuration file says. Reads no file,
// no environment and no clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "oncue/core/settings.hpp"

namespace oncue::core {

/// Absent: not given.
struct cluster_options {
  std::optional<std::string> node_name;        ///< --node-name
  std::optional<std::string> lease;            ///< --lease: a duration
  std::optional<std::string> link;             ///< --link: "host:port", or "none"
  std::optional<std::string> link_advertised;  ///< --link-advertise: "host" or "host:port"
  std::optional<std::string> ca_file;          ///< --link-ca
  std::optional<std::string> cert_file;        ///< --link-cert
  std::optional<std::string> key_file;         ///< --link-key
  std::optional<std::string> advertised_url;   ///< --advertise-url
  bool plain_links = false;                    ///< --plain-links

  /// The first one that was given, as it is written on the command line; empty: none was.
  std::string first_given() const;
};

/// Returns what is wrong, a sentence that begins with the option; then `target` is as it was.
std::optional<std::string> apply_cluster_options(cluster_settings& target, const cluster_options& options);

/// Takes the port of "host:port" where the settings leave it open; a text without one changes nothing.
void set_port(cluster_settings& settings, std::string_view address);

/// "127.0.0.1:7800, with certificates", "[::1]:7800, plain", "none": where a node takes links and from whom, for people.
/// A port that is not known yet is left out.
std::string shown_links(const cluster_settings& settings);

}  // namespace oncue::core
