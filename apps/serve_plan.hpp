// What `oncue serve` is to do: the command line, the environment and the configuration file put together and checked,
// before anything is opened.
#pragma once

#include <string>
#include <variant>

#include "commands.hpp"
#include "oncue/core/config.hpp"

namespace oncue::apps {

struct serve_plan {
  core::config config;
  core::listen_address address;
  std::string key;          ///< that clients must send; empty: none
  std::string config_path;  ///< empty: there is no file

  /// The store is shared: this node is one of many.
  bool shared() const { return !config.store.url.empty(); }
};

/// The alternative says what is wrong with the command line, the environment or the file.
std::variant<serve_plan, std::string> make_serve_plan(const serve_options& options);

/// "http://127.0.0.1:7777"
std::string url_of(const std::string& host, std::uint16_t port);

}  // namespace oncue::apps
