// `oncue run`: one run, streamed to the terminal, cancelled by Ctrl-C, a signal or --cancel-after.
#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/spawn_options.hpp>
#include <csignal>
#include <future>
#include <utility>

#include "commands.hpp"
#include "console.hpp"
#include "exit_codes.hpp"
#include "interrupts.hpp"
#include "load_config.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/text.hpp"
#include "oncue/io/output_watch.hpp"
#include "oncue/io/world.hpp"
#include "oncue/runtime.hpp"
#include "prompt.hpp"
#include "terminal.hpp"

namespace oncue::apps {

int run_command(const run_options& options) {
  if (options.server.url) return run_remote_command(options);
  auto usage_error = [](std::string_view message) {
    print_error(message);
    return static_cast<int>(exit_usage);
  };
  for (auto [given, name] :
       {std::pair{options.session.has_value(), "--session"}, std::pair{options.background, "--background"},
        std::pair{options.on_node_loss.has_value(), "--on-node-loss"},
        std::pair{options.server.key.has_value(), "--key"}}) {
    if (given) return usage_error(std::string{name} + ": only with --url: it is for a run on a server");
  }
  auto loaded = load_config(options.config_path);
  if (const auto* error = std::get_if<std::string>(&loaded)) return usage_error(*error);
  auto& [config, env, path] = std::get<loaded_config>(loaded);
  agent_id agent = options.agent ? agent_id{*options.agent} : config.default_agent;
  if (auto error = core::apply_overrides(config, agent, options.overrides, env)) return usage_error(*error);

  std::optional<std::chrono::milliseconds> cancel_after;
  if (options.cancel_after) {
    auto parsed = core::parse_duration(*options.cancel_after);
    if (const auto* error = std::get_if<std::string>(&parsed)) return usage_error("--cancel-after: " + *error);
    cancel_after = std::get<std::chrono::milliseconds>(parsed);
  }

  run_request request{.id = {options.run_id}, .agent = agent};
  request.input = prompt_of(options.prompt);
  // The id is made here, so that a Ctrl-C can name the run before anybody has answered.
  if (request.id.empty()) {
    request.id.value = core::make_uuid_v7(io::unix_ms(), io::random_bits(), io::random_bits());
  }
  request.session.value = core::make_uuid_v7(io::unix_ms(), io::random_bits(), io::random_bits());

  auto catalog = core::make_catalog(config);
  auto entry = catalog.find(agent);
  if (!entry) return usage_error("--agent: there is no agent '" + agent.value + "'; 'oncue agents' lists them");
  if (auto wrong = core::check_request(request)) return usage_error(wrong->message);

  ::signal(SIGPIPE, SIG_IGN);  // a closed pipe is told by its watch or by write(2), and cancels the run
  std::promise<int> done;      // outlives the console, which may still be in set_value when the value is here
  runtime node{{.catalog = std::move(catalog)}};
  auto cancels =
      node.system().spawn<cancel_desk_actor::stateful_impl<cancel_desk_state>>(node.supervisor(), request.id, cancel_after);
  interrupts watch{node.loops().at(0), [cancels](std::string_view name) {
                     caf::anon_send(cancels, cancel_request{.reason = std::string{name}, .by = std::string{name}});
                   }};
  io::output_watch output{
      node.loops().at(0), STDOUT_FILENO,
      [cancels] { caf::anon_send(cancels, cancel_request{.reason = "the output was closed", .by = "output closed"}); }};
  console_options console{.request = request,
                          .labels = {request.id,
                                     agent,
                                     entry->agent.name,
                                     request.session,
                                     entry->model.name,
                                     std::string{core::to_string(entry->model.provider)},
                                     {}},
                          .demo_model = entry->model.provider == core::provider_kind::scripted,
                          .json = options.json,
                          .yes = options.yes,
                          .supervisor = node.supervisor(),
                          .cancels = cancels,
                          .done = [&done](int code) { done.set_value(code); }};
  // An actor lives as long as somebody holds it.
  auto held = node.system().spawn<subscriber_actor::stateful_impl<console_state>, caf::detached>(std::move(console));
  auto code = done.get_future().get();
  caf::anon_send_exit(cancels, caf::exit_reason::user_shutdown);
  return code;
}

}  // namespace oncue::apps
