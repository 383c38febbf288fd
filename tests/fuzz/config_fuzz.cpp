// oncue.toml. Whatever it is, it is a configuration that makes a catalog, or one sentence that says where it is wrong; and
// the same text is always read in the same way.
#include <algorithm>

#include "fuzz.hpp"
#include "oncue/core/config.hpp"
#include "oncue/core/text.hpp"

using namespace oncue;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  core::environment env;
  env.function_tools = {"add"};
  auto read = core::decode_config(text, "oncue.toml", env);
  if (const auto* wrong = std::get_if<core::config_error>(&read)) {
    fuzz::require(!wrong->message.empty() && core::is_utf8(wrong->message), "what is wrong is said in UTF-8");
    auto lines = 1 + static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
    fuzz::require(wrong->line <= lines, "what is wrong is in the file");
    fuzz::require(core::decode_config(text, "oncue.toml", env) == read, "it is wrong in the same way each time");
    return 0;
  }
  const auto& config = std::get<core::config>(read);
  fuzz::require(!config.models.empty() && !config.agents.empty(), "there are a model and an agent");
  auto catalog = core::make_catalog(config);
  for (const auto& agent : config.agents) fuzz::require(catalog.find(agent.id) != nullptr, "each agent can be found");
  fuzz::require(core::decode_config(text, "oncue.toml", env) == read, "a configuration is read in the same way each time");
  core::resolve_listen(config.server, env, {}, {});
  return 0;
}
