// `oncue run --url`: a run on a server, shown as one of this process is.
#include <unistd.h>

#include <csignal>

#include "commands.hpp"
#include "exit_codes.hpp"
#include "interrupts.hpp"
#include "oncue/core/agentos_client.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/roster.hpp"
#include "oncue/core/text.hpp"
#include "oncue/io/output_watch.hpp"
#include "oncue/io/world.hpp"
#include "prompt.hpp"
#include "remote_run.hpp"

namespace oncue::apps {

namespace {

/// What a server decides for itself: its agents, their models, their deadlines.
std::optional<std::string> not_here(const run_options& options) {
  const std::pair<bool, std::string_view> local[] = {
      {options.overrides.model.has_value(), "--model"},
      {options.overrides.base_url.has_value(), "--base-url"},
      {options.overrides.first_token_timeout.has_value(), "--first-token-timeout"},
      {options.overrides.timeout.has_value(), "--timeout"},
      {options.config_path.has_value(), "--config"},
  };
  for (const auto& [given, name] : local) {
    if (given) return std::string{name} + ": not with --url: the server's own configuration decides";
  }
  if (options.background && options.cancel_after) return "--cancel-after: not with --background: nobody waits for the run";
  return {};
}

/// The server's first agent, which is its default. The alternative is an error sentence in the second.
std::pair<std::string, std::string> first_agent(server_client& server) {
  auto reply = server.ask({.path = "/agents"});
  if (const auto* error = std::get_if<std::string>(&reply)) return {"", *error};
  const auto& answer = std::get<server_answer>(reply);
  if (!answer.good()) return {"", server.refusal(answer)};
  auto read = core::read_agents(answer.body);
  if (const auto* error = std::get_if<std::string>(&read)) return {"", *error};
  const auto& agents = std::get<std::vector<std::string>>(read);
  if (agents.empty()) return {"", "the server has no agents"};
  return {agents.front(), ""};
}

int start_in_background(server_client& server, server_request start, const run_options& options, const std::string& run) {
  start.form.insert(start.form.end(), {{"stream", "false"}, {"background", "true"}});
  auto reply = server.ask(start);
  if (const auto* error = std::get_if<std::string>(&reply)) {
    print_error(*error);
    return exit_failed;
  }
  const auto& answer = std::get<server_answer>(reply);
  if (!answer.good()) {
    print_error(server.refusal(answer));
    return answer.status == 400 || answer.status == 409 || answer.status == 422 ? exit_usage : exit_failed;
  }
  if (options.json) {
    write_all(STDOUT_FILENO, answer.body + "\n");
    return exit_completed;
  }
  write_all(STDOUT_FILENO, run + "\n");
  const auto& style = styles_for(STDERR_FILENO);
  auto hint = "it runs on " + server.url() + "; 'oncue attach --url " + server.url() + " " + run + "' follows it\n";
  write_all(STDERR_FILENO, std::string{style.dim} + hint + std::string{style.off});
  return exit_completed;
}

}  // namespace

int run_remote_command(const run_options& options) {
  auto usage_error = [](std::string_view message) {
    print_error(message);
    return static_cast<int>(exit_usage);
  };
  if (auto error = not_here(options)) return usage_error(*error);
  std::optional<std::chrono::milliseconds> cancel_after;
  if (options.cancel_after) {
    auto parsed = core::parse_duration(*options.cancel_after);
    if (const auto* error = std::get_if<std::string>(&parsed)) return usage_error("--cancel-after: " + *error);
    cancel_after = std::get<std::chrono::milliseconds>(parsed);
  }
  // The id is made here, so that a Ctrl-C can name the run before the server has answered.
  run_request request{.id = {options.run_id}, .agent = {options.agent.value_or("")}, .input = prompt_of(options.prompt)};
  if (request.id.empty()) request.id.value = core::make_uuid_v7(io::unix_ms(), io::random_bits(), io::random_bits());
  if (options.session) request.session.value = *options.session;
  if (auto wrong = core::check_request(request)) return usage_error(wrong->message);

  ::signal(SIGPIPE, SIG_IGN);  // a closed pipe is told by its watch or by write(2), and cancels the run
  auto made = server_client::make(options.server);
  if (const auto* error = std::get_if<std::string>(&made)) return usage_error(*error);
  auto& server = *std::get<std::unique_ptr<server_client>>(made);
  if (request.agent.empty()) {
    auto [agent, error] = first_agent(server);
    if (!error.empty()) {
      print_error(error);
      return exit_failed;
    }
    request.agent.value = std::move(agent);
  }
  server_request start{
      .method = "POST",
      .path = "/agents/" + core::percent_encoded(request.agent.value) + "/runs",
      .form = {{"message", request.input}, {"run_id", request.id.value}, {"session_id", request.session.value}}};
  if (options.on_node_loss) start.form.emplace_back("on_node_loss", *options.on_node_loss);
  if (options.background) return start_in_background(server, std::move(start), options, request.id.value);

  start.form.emplace_back("stream", "true");
  run_display display{request.id, options.json};
  remote_run run{server, display, {.run = request.id, .agent = request.agent.value, .decides = true, .yes = options.yes}};
  interrupts watch{server.loop(), [&run](std::string_view name) { run.cancel(name); }};
  io::output_watch output{server.loop(), STDOUT_FILENO, [&run] { run.cancel("the output was closed"); }};
  std::optional<cancel_timer> timer;
  if (cancel_after) timer.emplace(run, *cancel_after);
  return run.follow(start);
}

}  // namespace oncue::apps
