// The commands that are clients of a server, and how they stand on the command line. Each takes what was said there and
// returns the process's exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"

namespace CLI {
class App;
}

namespace oncue::apps {

struct ps_options {
  server_options server;
  bool all = false;                   ///< ended runs too
  std::optional<std::string> status;  ///< only these
  std::optional<std::string> agent;
  std::uint32_t runs_max = 50;  ///< with `all` or `status`
  bool json = false;
};
int ps_command(const ps_options& options);

struct cancel_options {
  server_options server;
  std::vector<std::string> runs;
  std::string reason;
  std::string wait = "5s";           ///< a duration
  std::string mode = "immediate";    ///< or after_tools, after_turn
  std::optional<std::string> grace;  ///< of the two other modes; a duration
  bool json = false;
};
int cancel_command(const cancel_options& options);

struct attach_options {
  server_options server;
  bool yes = false;  ///< calls that a person has to allow are allowed
  std::string run;
  std::uint64_t from = 0;
  bool cancel_on_interrupt = false;
  bool json = false;
};
int attach_command(const attach_options& options);

struct logs_options {
  server_options server;
  std::string run;
  bool text = false;
  bool json = false;
};
int logs_command(const logs_options& options);

struct sessions_options {
  server_options server;
  std::string session;  ///< empty: the list
  std::optional<std::string> agent;
  std::optional<std::string> user;
  std::uint32_t sessions_max = 20;
  std::uint32_t page = 1;
  bool json = false;
};
int sessions_command(const sessions_options& options);

struct nodes_options {
  server_options server;
  bool json = false;
};
int nodes_command(const nodes_options& options);

/// What the command line says is written here while it is read: it must stay where it is until then.
struct client_commands {
  ps_options ps;
  cancel_options cancel;
  attach_options attach;
  logs_options logs;
  sessions_options sessions;
  nodes_options nodes;
};

/// Adds the subcommands. The one that is meant leaves its exit code in `code`.
void add_client_commands(CLI::App& app, client_commands& options, int& code);

/// --url and --key.
void add_server_options(CLI::App& command, server_options& options);

}  // namespace oncue::apps
