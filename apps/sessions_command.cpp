// `oncue sessions`: a server's sessions, or what was said in one of them.
#include <unistd.h>

#include <csignal>

#include "client_commands.hpp"
#include "exit_codes.hpp"
#include "oncue/core/agentos_client.hpp"
#include "oncue/core/safe_text.hpp"
#include "oncue/io/world.hpp"
#include "run_words.hpp"
#include "server_client.hpp"
#include "table.hpp"

namespace oncue::apps {

namespace {

int failed(std::string_view message) {
  print_error(message);
  return exit_failed;
}

int list(server_client& server, const sessions_options& options) {
  auto reply = server.ask({.path = "/sessions",
                           .query = {{"type", "agent"},
                                     {"component_id", options.agent.value_or("")},
                                     {"user_id", options.user.value_or("")},
                                     {"limit", std::to_string(options.sessions_max)},
                                     {"page", std::to_string(options.page)},
                                     {"sort_by", "updated_at"},
                                     {"sort_order", "desc"}}});
  if (const auto* error = std::get_if<std::string>(&reply)) return failed(*error);
  const auto& answer = std::get<server_answer>(reply);
  if (!answer.good()) return failed(server.refusal(answer));
  auto read = core::read_sessions(answer.body);
  if (const auto* error = std::get_if<std::string>(&read)) return failed(*error);
  const auto& [sessions, total] = std::get<core::listed_sessions>(read);

  std::string text;
  if (options.json) {
    for (const auto& session : sessions) text += session.json + "\n";
    write_all(STDOUT_FILENO, text);
    return exit_completed;
  }
  if (sessions.empty()) {
    write_all(STDERR_FILENO, total == 0 ? "no sessions\n" : "no sessions on this page\n");
    return exit_completed;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& session : sessions) {
    auto age = age_words(session.updated_at_ms, io::unix_ms());
    rows.push_back({session.id, session.name, session.agent, age.empty() ? age : age + " ago"});
  }
  text = table({{"SESSION ID"}, {"NAME", 1, 8}, {"AGENT", 3, 8}, {"UPDATED", 2}}, rows, terminal_columns(STDOUT_FILENO));
  write_all(STDOUT_FILENO, text);
  if (total > sessions.size()) {
    write_all(STDERR_FILENO, std::to_string(total) + " sessions; --limit and --page show the others\n");
  }
  return exit_completed;
}

std::string conversation(const std::vector<core::listed_run>& runs) {
  const auto& style = styles_for(STDOUT_FILENO);
  auto shown = [](const std::string& text) {
    auto whole = is_terminal(STDOUT_FILENO) ? without_controls(text) : text;
    return whole.ends_with('\n') ? whole : whole + "\n";
  };
  std::string text;
  for (const auto& run : runs) {
    if (!text.empty()) text += '\n';
    text.append(style.bold).append("> " + shown(run.input)).append(style.off);
    if (!run.content.empty()) text += shown(run.content);
    text.append(style.dim).append("run " + core::safe_text(run.id, {}) + " · ").append(style.off);
    text += status_words(core::safe_text(run.status, {}), style) + "\n";
  }
  return text;
}

int show(server_client& server, const sessions_options& options) {
  const auto path = "/sessions/" + core::percent_encoded(options.session);
  auto reply = server.ask({.path = path, .query = {{"type", "agent"}}});
  if (const auto* error = std::get_if<std::string>(&reply)) return failed(*error);
  const auto& answer = std::get<server_answer>(reply);
  if (!answer.good()) return failed(server.refusal(answer));
  auto read = core::read_session(answer.body);
  if (const auto* error = std::get_if<std::string>(&read)) return failed(*error);
  const auto& session = std::get<core::listed_session>(read);
  if (options.json) {
    write_all(STDOUT_FILENO, session.json + "\n");
    return exit_completed;
  }

  auto runs_reply = server.ask({.path = path + "/runs", .query = {{"type", "agent"}}});
  if (const auto* error = std::get_if<std::string>(&runs_reply)) return failed(*error);
  const auto& runs_answer = std::get<server_answer>(runs_reply);
  std::vector<core::listed_run> runs;
  if (runs_answer.good()) {
    auto runs_read = core::read_runs(runs_answer.body);
    if (const auto* error = std::get_if<std::string>(&runs_read)) return failed(*error);
    runs = std::move(std::get<std::vector<core::listed_run>>(runs_read));
  } else if (runs_answer.status != 404) {  // a session that was made and never used may not have any
    return failed(server.refusal(runs_answer));
  }
  std::string head{styles_for(STDERR_FILENO).dim};
  head += "session " + core::safe_text(session.id, {}) + " · " + core::safe_text(session.name, {});
  if (!session.agent.empty()) head += " · " + core::safe_text(session.agent, {});
  head += " · " + std::to_string(runs.size()) + (runs.size() == 1 ? " run" : " runs");
  write_all(STDERR_FILENO, head.append(styles_for(STDERR_FILENO).off).append("\n"));
  write_all(STDOUT_FILENO, conversation(runs));
  return exit_completed;
}

}  // namespace

int sessions_command(const sessions_options& options) {
  ::signal(SIGPIPE, SIG_IGN);
  auto made = server_client::make(options.server);
  if (const auto* error = std::get_if<std::string>(&made)) {
    print_error(*error);
    return exit_usage;
  }
  auto& server = *std::get<std::unique_ptr<server_client>>(made);
  return options.session.empty() ? list(server, options) : show(server, options);
}

}  // namespace oncue::apps
