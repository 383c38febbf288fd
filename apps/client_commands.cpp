#include "client_commands.hpp"

#include <CLI/CLI.hpp>

namespace oncue::apps {

namespace {

constexpr auto key_note = "The key is taken from $OS_SECURITY_KEY unless --key gives it.\n";

void add_ps(CLI::App& app, ps_options& options, int& code) {
  auto* command = app.add_subcommand("ps", "List a server's runs that are not over");
  command->add_flag("-a,--all", options.all, "Ended runs too, the newest first");
  command->add_option("--status", options.status, "Only runs with this status")
      ->transform(CLI::IsMember({"PENDING", "RUNNING", "PAUSED", "COMPLETED", "ERROR", "CANCELLED"}, CLI::ignore_case));
  command->add_option("--agent", options.agent, "Only runs of this agent");
  command->add_option("--limit", options.runs_max, "At most so many, with --all or --status")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_server_options(*command, options.server);
  command->add_flag("--json", options.json, "One run a line, as the server's objects");
  command->footer(std::string{key_note} + "Exit codes: 0 listed, 1 the server was not reached or refused, 2 usage.");
  command->callback([&] { code = ps_command(options); });
}

void add_cancel(CLI::App& app, cancel_options& options, int& code) {
  auto* command = app.add_subcommand("cancel", "Cancel runs on a server, and say what became of them");
  command->add_option("RUN_ID", options.runs, "The run's id; several are cancelled one after the other")->required();
  command->add_option("--reason", options.reason, "Kept with the run's ending");
  command->add_option("--wait", options.wait, "How long the answer may wait for the ending, e.g. 5s; the stop never waits")
      ->capture_default_str();
  command
      ->add_option("--mode", options.mode,
                   "What may end first: nothing (immediate), tools that run (after_tools), the turn (after_turn)")
      ->check(CLI::IsMember({"immediate", "after_tools", "after_turn"}))
      ->capture_default_str();
  command->add_option("--grace", options.grace, "With the two other modes: stop at once after this time; default: 30s");
  add_server_options(*command, options.server);
  command->add_flag("--json", options.json, "One receipt a line, as JSON");
  command->footer(std::string{key_note} +
                  "A run that is not there yet is cancelled when it is started (for 24 hours).\n"
                  "Exit codes: 0 cancelled, or the cancel was accepted; 1 a run had ended before, or is unknown, or the\n"
                  "server was not reached; 2 usage.");
  command->callback([&] { code = cancel_command(options); });
}

void add_attach(CLI::App& app, attach_options& options, int& code) {
  auto* command = app.add_subcommand("attach", "Follow a run on a server: what it has said, then live");
  command->add_option("RUN_ID", options.run, "The run's id")->required();
  command->add_option("--from", options.from, "Begin with the event of this index")->capture_default_str();
  command->add_flag("--yes", options.yes, "Allow the tool calls that a paused run waits for, without asking");
  command->add_flag("--cancel-on-interrupt", options.cancel_on_interrupt, "Ctrl-C cancels the run");
  add_server_options(*command, options.server);
  command->add_flag("--json", options.json, "One event a line, as AgentOS objects with event_index");
  command->footer(
      std::string{key_note} +
      "A run that waits for a person asks at the terminal. Ctrl-C detaches: the run goes on. A lost connection is made "
      "again for 30 s, where it broke.\n"
      "Exit codes: those of the run (0 completed, 1 failed, 124 a deadline passed, 130 cancelled); 3 detached;\n"
      "1 the run is unknown or the server was not reached; 2 usage.");
  command->callback([&] { code = attach_command(options); });
}

void add_logs(CLI::App& app, logs_options& options, int& code) {
  auto* command = app.add_subcommand("logs", "Show what a run on a server has done so far: one line an event");
  command->add_option("RUN_ID", options.run, "The run's id")->required();
  auto* text = command->add_flag("--text", options.text, "Only the run's text");
  add_server_options(*command, options.server);
  command->add_flag("--json", options.json, "One event a line, as AgentOS objects")->excludes(text);
  command->footer(std::string{key_note} +
                  "'oncue attach' follows a run that is not over.\n"
                  "Exit codes: 0 shown, 1 the run is unknown or the server was not reached, 2 usage.");
  command->callback([&] { code = logs_command(options); });
}

void add_sessions(CLI::App& app, sessions_options& options, int& code) {
  auto* command = app.add_subcommand("sessions", "List a server's sessions, or show the conversation of one");
  command->add_option("SESSION_ID", options.session, "Show this one");
  command->add_option("--agent", options.agent, "Only sessions of this agent");
  command->add_option("--user", options.user, "Only sessions of this user");
  command->add_option("--limit", options.sessions_max, "At most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--page", options.page, "Which page of them")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  add_server_options(*command, options.server);
  command->add_flag("--json", options.json, "One session a line, as the server's objects");
  command->footer(std::string{key_note} +
                  "Exit codes: 0 shown, 1 the session is unknown or the server was not reached, 2 usage.");
  command->callback([&] { code = sessions_command(options); });
}

void add_nodes(CLI::App& app, nodes_options& options, int& code) {
  auto* command = app.add_subcommand("nodes", "List the nodes that share a server's store, as that server sees them");
  add_server_options(*command, options.server);
  command->add_flag("--json", options.json, "The server's document, on one line");
  command->footer(
      std::string{key_note} +
      "RUNS: running, queued, and how many more could begin. LEASE: how long the node counts as alive if nothing\n"
      "is heard of it. LINK: from the node that was asked to this one, with its last round trip.\n"
      "Exit codes: 0 listed, 1 the server was not reached or refused, 2 usage.");
  command->callback([&] { code = nodes_command(options); });
}

}  // namespace

void add_server_options(CLI::App& command, server_options& options) {
  command.add_option("--url", options.url, "The server; default: $ONCUE_URL, http://127.0.0.1:7777");
  command.add_option("--key", options.key, "The server's key; better in $OS_SECURITY_KEY, where other users do not see it");
}

void add_client_commands(CLI::App& app, client_commands& options, int& code) {
  add_ps(app, options.ps, code);
  add_cancel(app, options.cancel, code);
  add_attach(app, options.attach, code);
  add_logs(app, options.logs, code);
  add_sessions(app, options.sessions, code);
  add_nodes(app, options.nodes, code);
}

}  // namespace oncue::apps
