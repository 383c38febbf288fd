// The subcommands. Each takes what the command line said and returns the process's exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "oncue/core/cluster_options.hpp"
#include "oncue/core/config.hpp"

namespace oncue::apps {

/// Which server a command is a client of.
struct server_options {
  std::optional<std::string> url;  ///< default: $ONCUE_URL, http://127.0.0.1:7777
  std::optional<std::string> key;  ///< default: $OS_SECURITY_KEY
};

struct run_options {
  std::optional<std::string> config_path;
  std::string prompt;  ///< "-": standard input
  std::optional<std::string> agent;
  core::config_overrides overrides;
  std::optional<std::string> cancel_after;  ///< a duration
  std::string run_id;
  bool json = false;
  bool yes = false;                         ///< calls that a person has to allow are allowed
  server_options server;                    ///< with a URL the run is that server's
  std::optional<std::string> session;       ///< of the server
  std::optional<std::string> on_node_loss;  ///< of the server: fail or restart
  bool background = false;                  ///< on the server, and nobody waits for it
};

int run_command(const run_options& options);
/// With a URL in `server`.
int run_remote_command(const run_options& options);

struct serve_options {
  std::optional<std::string> config_path;
  std::optional<std::string> host;
  std::optional<std::string> port;
  std::optional<std::string> store;       ///< path of the journal, or URL of the database that nodes share
  std::optional<std::string> durability;  ///< process or power
  std::optional<std::string> log_format;  ///< text or json
  std::optional<std::string> log_level;   ///< debug, info, warning, error, off
  bool insecure = false;                  ///< listen on any address without a key
  core::cluster_options cluster;
};

int serve_command(const serve_options& options);

struct agents_options {
  std::optional<std::string> config_path;
  bool json = false;
};

int agents_command(const agents_options& options);

struct init_options {
  std::string path = "oncue.toml";
  bool force = false;
};

int init_command(const init_options& options);

struct doctor_options {
  std::optional<std::string> config_path;
  std::optional<std::string> agent;
  core::config_overrides overrides;
};

int doctor_command(const doctor_options& options);

}  // namespace oncue::apps
