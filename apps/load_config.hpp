// Finds and reads the configuration: --config, $ONCUE_CONFIG, ./oncue.toml, $XDG_CONFIG_HOME/oncue/oncue.toml
// (~/.config/oncue/oncue.toml). The first that is named or exists is the one; none is fine too.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "oncue/core/config.hpp"

namespace oncue::apps {

struct loaded_config {
  core::config config;
  core::environment env;
  std::string path;  ///< empty: there is no file
};

/// `named`: the value of --config. The alternative is an error sentence.
std::variant<loaded_config, std::string> load_config(const std::optional<std::string>& named);

}  // namespace oncue::apps
