#include "load_config.hpp"

#include <utility>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/io/world.hpp"

namespace oncue::apps {

namespace {

struct candidate {
  std::string path;
  std::string named_by;  // not empty: a missing file is an error
};

std::vector<candidate> candidates(const std::optional<std::string>& named) {
  if (named) return {{*named, "--config"}};
  if (auto path = io::environment_variable("ONCUE_CONFIG"); !path.empty()) return {{path, "ONCUE_CONFIG"}};
  std::vector<candidate> list{{"oncue.toml", ""}};
  auto home = io::environment_variable("HOME");
  auto folder = io::environment_variable("XDG_CONFIG_HOME");
  if (folder.empty() && !home.empty()) folder = home + "/.config";
  if (!folder.empty()) list.push_back({folder + "/oncue/oncue.toml", ""});
  return list;
}

}  // namespace

std::variant<loaded_config, std::string> load_config(const std::optional<std::string>& named) {
  loaded_config loaded;
  loaded.env.openai_api_key_set = !io::environment_variable(std::string{core::openai_key_variable}).empty();
  loaded.env.openai_base_url = io::environment_variable("OPENAI_BASE_URL");
  loaded.env.openai_model = io::environment_variable("OPENAI_MODEL");
  loaded.env.agent_os_host = io::environment_variable("AGENT_OS_HOST");
  loaded.env.agent_os_port = io::environment_variable("AGENT_OS_PORT");

  auto result = [&]() -> std::variant<core::config, std::string> {
    auto take = [](core::config_result decoded) -> std::variant<core::config, std::string> {
      if (auto* error = std::get_if<core::config_error>(&decoded)) return to_string(*error);
      return std::move(std::get<core::config>(decoded));
    };
    for (auto& [path, named_by] : candidates(named)) {
      auto text = io::read_file(path, core::limits::config_file_bytes_max);
      if (auto* error = std::get_if<io::file_error>(&text)) {
        if (error->missing && named_by.empty()) continue;
        return "cannot read the configuration file" + (named_by.empty() ? "" : " that " + named_by + " names") + ": " +
               error->message;
      }
      loaded.path = path;
      return take(core::decode_config(std::get<std::string>(text), path, loaded.env));
    }
    return take(core::default_config(loaded.env));
  }();
  if (auto* error = std::get_if<std::string>(&result)) return std::move(*error);
  loaded.config = std::move(std::get<core::config>(result));
  return loaded;
}

}  // namespace oncue::apps
