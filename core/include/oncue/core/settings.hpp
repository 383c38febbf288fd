// What a node is told at its start besides its models and agents: where it listens, where it keeps its journal, how much
// it admits. Checked values with their defaults; nothing here reads a file or the environment, and no secret is held: a
// key is named by its variable.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oncue/core/limits.hpp"

namespace oncue::core {

using std::chrono::milliseconds;

/// How many runs a node admits.
struct roster_limits {
  std::size_t live_max = limits::runs_live_max;        ///< admitted and not ended
  std::size_t running_max = limits::runs_running_max;  ///< of these, talking to a model
  std::size_t queued_max = limits::runs_queued_max;    ///< of these, waiting for a place or for their session

  friend bool operator==(const roster_limits&, const roster_limits&) = default;
};

enum class log_format : std::uint8_t { text, json };
enum class log_level : std::uint8_t { debug, info, warning, error, off };

struct server_settings {
  std::string host = "127.0.0.1";  ///< a name or an address; IPv6 without brackets
  std::uint16_t port = 7777;       ///< 0: any free one
  /// Origins whose pages may read the answers: scheme, host, and port if it is not the scheme's own.
  std::vector<std::string> cors_origins = {"http://localhost:3000", "https://agno.com",        "https://www.agno.com",
                                           "https://app.agno.com",  "https://os-stg.agno.com", "https://os.agno.com"};
  /// Names besides loopback's by which the node may be called when it has no key. Without a port.
  std::vector<std::string> allowed_hosts;
  std::string key_env = "OS_SECURITY_KEY";  ///< name of the variable that holds the bearer key; empty: there is no key
  milliseconds drain_grace = limits::drain_grace_default;
  milliseconds heartbeat = limits::heartbeat_interval;  ///< of a silent stream
  std::size_t event_loops = 1;                          ///< threads for sockets, and for the runs that they feed
  core::log_format log_format = core::log_format::text;
  core::log_level log_level = core::log_level::info;

  friend bool operator==(const server_settings&, const server_settings&) = default;
};

/// What a confirmed event survives.
enum class store_durability : std::uint8_t {
  process,  ///< the end of the process, also by SIGKILL
  power,    ///< the loss of power too: every commit waits for the disk
};

struct store_settings {
  std::string path;  ///< of the database's file; empty: the program chooses
  store_durability durability = store_durability::process;
  milliseconds compact_after = limits::compact_after_default;         ///< ended so long: its deltas become one text
  std::optional<milliseconds> retention = limits::retention_default;  ///< ended so long: forgotten; absent: kept for ever
  std::uint64_t size_bytes_max = limits::store_size_bytes_default;    ///< above it the oldest ended runs are forgotten
  std::string url;      ///< "postgresql://...", shared by many nodes; then no file. May hold a password: never shown
  std::string url_env;  ///< name of the variable that holds such a URL; empty: none

  friend bool operator==(const store_settings&, const store_settings&) = default;
};

/// What makes a node with a shared store one of many.
struct cluster_settings {
  std::string node_name;       ///< for people, one a node; empty: the host's name
  std::string advertised_url;  ///< of its HTTP server, for people; empty: none is told
  milliseconds lease = limits::lease_default;
  std::string link_host = "127.0.0.1";  ///< where links from other nodes are taken; empty: none are
  std::uint16_t link_port = 0;          ///< 0: any free one
  std::string link_advertised;          ///< how other nodes reach it, "host" or "host:port"; empty: link_host
  std::string ca_file;                  ///< of the cluster's own authority; all three files, or none
  std::string cert_file;                ///< this node's certificate
  std::string key_file;                 ///< and its key
  bool plain_links = false;             ///< links without certificates beyond loopback too
  std::uint32_t restarts_max = limits::restarts_default;  ///< of one run, if its policy is to restart

  friend bool operator==(const cluster_settings&, const cluster_settings&) = default;
};

/// Where a server listens.
struct listen_address {
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const listen_address&, const listen_address&) = default;
};

}  // namespace oncue::core
