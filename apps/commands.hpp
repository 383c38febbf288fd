// The subcommands. Each takes what the command line said and returns the process's exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "oncue/core/config.hpp"

namespace oncue::apps {

struct run_options {
  std::optional<std::string> config_path;
  std::string prompt;  ///< "-": standard input
  std::optional<std::string> agent;
  core::config_overrides overrides;
  std::optional<std::string> cancel_after;  ///< a duration
  std::string run_id;
  bool json = false;
};

int run_command(const run_options& options);

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
