// `oncue attach`: follows a run on a server, from its beginning or from an event on, until it ends or the user leaves.
#include <unistd.h>

#include <csignal>

#include "client_commands.hpp"
#include "exit_codes.hpp"
#include "interrupts.hpp"
#include "oncue/core/text.hpp"
#include "oncue/io/output_watch.hpp"
#include "remote_run.hpp"

namespace oncue::apps {

int attach_command(const attach_options& options) {
  ::signal(SIGPIPE, SIG_IGN);
  auto usage_error = [](std::string_view message) {
    print_error(message);
    return static_cast<int>(exit_usage);
  };
  if (!core::is_valid_run_id(options.run)) {
    return usage_error("RUN_ID: expected 1 to 128 characters of A-Z a-z 0-9 . _ : -");
  }
  auto made = server_client::make(options.server);
  if (const auto* error = std::get_if<std::string>(&made)) return usage_error(*error);
  auto& server = *std::get<std::unique_ptr<server_client>>(made);

  run_display display{{options.run}, options.json};
  // Who only looks on in a pipe decides nothing.
  auto may_decide = options.yes || (is_terminal(STDIN_FILENO) && is_terminal(STDERR_FILENO) && !options.json);
  remote_run run{server,
                 display,
                 {.run = {options.run},
                  .agent = {},
                  .from = options.from,
                  .cancel_when_output_gone = false,
                  .decides = may_decide,
                  .yes = options.yes}};
  interrupts watch{server.loop(), [&](std::string_view name) {
                     if (options.cancel_on_interrupt) {
                       run.cancel(name);
                     } else {
                       run.detach();
                     }
                   }};
  io::output_watch output{server.loop(), STDOUT_FILENO, [&run] { run.detach(); }};
  auto code = run.follow(run.events_request());
  if (run.detached()) {
    auto where = options.server.url ? " --url " + server.url() : std::string{};
    display.say("detached: the run goes on. 'oncue cancel" + where + " " + options.run + "' stops it, 'oncue attach" +
                where + " " + options.run + "' follows it again.");
  }
  return code;
}

}  // namespace oncue::apps
