// `oncue ps`: a server's runs, the newest first.
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "client_commands.hpp"
#include "exit_codes.hpp"
#include "oncue/core/agentos_client.hpp"
#include "oncue/io/world.hpp"
#include "run_words.hpp"
#include "server_client.hpp"
#include "table.hpp"

namespace oncue::apps {

namespace {

using runs_or_error = std::variant<std::vector<core::listed_run>, std::string>;

runs_or_error list(server_client& server, const std::string& status, const ps_options& options, std::size_t runs_max) {
  auto reply = server.ask(
      {.path = "/runs",
       .query = {{"status", status}, {"agent_id", options.agent.value_or("")}, {"limit", std::to_string(runs_max)}}});
  if (auto* error = std::get_if<std::string>(&reply)) return std::move(*error);
  const auto& answer = std::get<server_answer>(reply);
  if (!answer.good()) return server.refusal(answer);
  return core::read_runs(answer.body);
}

/// A server lists by one status at a time: three questions for the runs that are not over.
runs_or_error find(server_client& server, const ps_options& options) {
  if (options.status || options.all) return list(server, options.status.value_or(""), options, options.runs_max);
  std::vector<core::listed_run> live;
  for (auto status : {run_status::pending, run_status::running, run_status::paused}) {
    auto some = list(server, std::string{to_string(status)}, options, core::limits::runs_listed_max);
    if (auto* error = std::get_if<std::string>(&some)) return std::move(*error);
    for (auto& run : std::get<std::vector<core::listed_run>>(some)) {
      // It may have got another status between two questions: the later one is right.
      std::erase_if(live, [&](const auto& other) { return other.id == run.id; });
      live.push_back(std::move(run));
    }
  }
  std::stable_sort(live.begin(), live.end(),
                   [](const auto& a, const auto& b) { return a.created_at_ms > b.created_at_ms; });
  return live;
}

}  // namespace

int ps_command(const ps_options& options) {
  ::signal(SIGPIPE, SIG_IGN);
  auto made = server_client::make(options.server);
  if (const auto* error = std::get_if<std::string>(&made)) {
    print_error(*error);
    return exit_usage;
  }
  auto& server = *std::get<std::unique_ptr<server_client>>(made);
  auto found = find(server, options);
  if (const auto* error = std::get_if<std::string>(&found)) {
    print_error(*error);
    return exit_failed;
  }
  const auto& runs = std::get<std::vector<core::listed_run>>(found);
  std::string text;
  if (options.json) {
    for (const auto& run : runs) text += run.json + "\n";
    write_all(STDOUT_FILENO, text);
    return exit_completed;
  }
  if (runs.empty()) {
    const auto filtered = options.all || options.status || options.agent;
    write_all(STDERR_FILENO, filtered ? "no such runs\n" : "no runs are live; 'oncue ps --all' lists ended ones too\n");
    return exit_completed;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& run : runs) {
    rows.push_back({run.id, run.agent, run.status, age_words(run.created_at_ms, io::unix_ms()), run.session});
  }
  auto paint = [](std::string_view status) { return status_words(status, styles_for(STDOUT_FILENO)); };
  text = table({{"RUN ID"}, {"AGENT", 2, 8}, {"STATUS", 0, 0, paint}, {"AGE", 1}, {"SESSION", 3, 8}}, rows,
               terminal_columns(STDOUT_FILENO));
  write_all(STDOUT_FILENO, text);
  return exit_completed;
}

}  // namespace oncue::apps
