// The command line: which subcommand, with which options. What they mean is in the commands.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "client_commands.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "terminal.hpp"

namespace {

using namespace oncue::apps;

void add_model_options(CLI::App& command, std::optional<std::string>& config_path, std::optional<std::string>& agent,
                       oncue::core::config_overrides& overrides) {
  command.add_option("--agent", agent, "Agent to use (see 'oncue agents'); default: the configuration's first");
  command.add_option("--model", overrides.model, "Model to use: an id from the configuration, or a provider's model name");
  command.add_option("--base-url", overrides.base_url, "OpenAI-compatible endpoint, e.g. http://127.0.0.1:8080/v1");
  command.add_option("--first-token-timeout", overrides.first_token_timeout,
                     "Fail if no token came after this time, e.g. 30s, or none");
  command.add_option("--config", config_path,
                     "Configuration file; default: $ONCUE_CONFIG, ./oncue.toml, ~/.config/oncue/oncue.toml");
}

/// For a store that nodes share.
void add_cluster_options(CLI::App& command, oncue::core::cluster_options& options) {
  const auto group = "Many nodes (with --store postgresql://…)";
  auto add = [&](const char* name, std::optional<std::string>& value, const char* about) {
    command.add_option(name, value, about)->group(group);
  };
  add("--node-name", options.node_name, "What this node is called; else cluster.name: the host's name");
  add("--lease", options.lease, "A node that is silent for so long is dead; else cluster.lease: 10s");
  add("--link", options.link,
      "HOST:PORT where links from other nodes are taken, or none; else cluster.link_host, link_port");
  add("--link-advertise", options.link_advertised, "HOST or HOST:PORT by which other nodes reach it");
  add("--link-ca", options.ca_file, "The cluster's own authority, in PEM form");
  add("--link-cert", options.cert_file, "This node's certificate");
  add("--link-key", options.key_file, "And its key");
  command.add_flag("--plain-links", options.plain_links, "Links without certificates beyond this machine")->group(group);
  add("--advertise-url", options.advertised_url, "Where this node's HTTP server can be reached, for people and tools");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"oncue runs LLM agents that stop on cue.", "oncue"};
  app.set_version_flag("--version", "oncue " ONCUE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  oncue run \"write a very long story about a dragon who learns to code\"\n"
      "  oncue run --cancel-after 8s \"write a very long story\"\n"
      "  OPENAI_BASE_URL=http://127.0.0.1:8080/v1 oncue run \"hello\"   a local llama.cpp, Ollama or vLLM server\n"
      "  oncue init && oncue agents && oncue doctor\n"
      "Without a configured model, a built-in demo model tells a story: no key, no network.");

  int code = exit_usage;

  run_options run;
  auto* run_app =
      app.add_subcommand("run", "Start a run and stream its text; Ctrl-C cancels it and keeps what was written");
  run_app->add_option("prompt", run.prompt, "What to tell the agent; - reads standard input")->required();
  add_model_options(*run_app, run.config_path, run.agent, run.overrides);
  run_app->add_option("--timeout", run.overrides.timeout, "Fail if the run is not over after this time, e.g. 5m, or none");
  run_app->add_option("--cancel-after", run.cancel_after, "Cancel the run after this time, e.g. 8s");
  run_app->add_option("--run-id", run.run_id, "Id of the run, 1 to 128 of A-Z a-z 0-9 . _ : - ; default: a new UUID");
  run_app->add_flag("--json", run.json, "One event a line, as AgentOS objects with event_index");
  run_app->add_flag("--yes", run.yes, "Allow every tool call that a person has to allow, without asking");
  run_app->add_option("--url", run.server.url, "Run it on this server (see 'oncue serve') instead of in this process");
  run_app->add_option("--key", run.server.key, "With --url: the server's key; better in $OS_SECURITY_KEY");
  run_app->add_option("--session", run.session, "With --url: the session that the run belongs to");
  run_app
      ->add_option(
          "--on-node-loss", run.on_node_loss,
          "With --url: when the run's node is lost, end it (fail, the default), or begin it anew on another one if "
          "nothing was said yet (restart)")
      ->check(CLI::IsMember({"fail", "restart"}));
  run_app->add_flag("--background", run.background, "With --url: print the run's id and leave; 'oncue attach' follows it");
  run_app->footer(
      "The text goes to standard output, all else to standard error.\n"
      "A tool that a person has to allow is asked for at the terminal; without one it is refused.\n"
      "Ctrl-C or SIGTERM cancels the run; a second one leaves at once.\n"
      "Exit codes: 0 completed, 1 failed, 2 usage, 124 a deadline passed, 130 cancelled.");
  run_app->callback([&] { code = run_command(run); });

  serve_options serve;
  auto* serve_app = app.add_subcommand("serve", "Serve the agents over HTTP, as AgentOS does, with a journal on disk");
  serve_app->add_option("--config", serve.config_path,
                        "Configuration file; default: $ONCUE_CONFIG, ./oncue.toml, ~/.config/oncue/oncue.toml");
  serve_app->add_option("--host", serve.host, "Address to listen on; else $AGENT_OS_HOST, else server.host: 127.0.0.1");
  serve_app->add_option("--port", serve.port, "Port; 0: any free one; else $AGENT_OS_PORT, else server.port: 7777");
  serve_app->add_option("--store", serve.store,
                        "The journal's file, or the postgresql://… URL of a database that nodes share; else "
                        "store.path or store.url: ~/.local/state/oncue/journal.db");
  serve_app->add_option("--durability", serve.durability, "What a journalled event survives: process, or power (slower)")
      ->check(CLI::IsMember({"process", "power"}));
  serve_app->add_option("--log-format", serve.log_format, "Log lines on standard error")
      ->check(CLI::IsMember({"text", "json"}));
  serve_app->add_option("--log-level", serve.log_level, "Least important lines to log")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}));
  add_cluster_options(*serve_app, serve.cluster);
  serve_app->add_flag("--insecure", serve.insecure, "Listen on any address although no key is set");
  serve_app->footer(
      "With a key in $OS_SECURITY_KEY clients need it as a bearer token; without one only this machine is served.\n"
      "SIGTERM or Ctrl-C: no new runs, live ones get server.drain_grace, the rest is cancelled; a second one leaves at "
      "once.");
  serve_app->callback([&] { code = serve_command(serve); });

  client_commands client;
  add_client_commands(app, client, code);

  agents_options agents;
  auto* agents_app = app.add_subcommand("agents", "List the agents and their models");
  agents_app->add_option("--config", agents.config_path, "Configuration file");
  agents_app->add_flag("--json", agents.json, "As JSON");
  agents_app->callback([&] { code = agents_command(agents); });

  init_options init;
  auto* init_app = app.add_subcommand("init", "Write a commented configuration file");
  init_app->add_option("path", init.path, "Where to write it")->capture_default_str();
  init_app->add_flag("--force", init.force, "Overwrite a file that is there");
  init_app->callback([&] { code = init_command(init); });

  doctor_options doctor;
  auto* doctor_app =
      app.add_subcommand("doctor", "Check an agent: its tools start, its model streams and stops when closed");
  add_model_options(*doctor_app, doctor.config_path, doctor.agent, doctor.overrides);
  doctor_app->callback([&] { code = doctor_command(doctor); });

  auto named = app.get_subcommands([&](const CLI::App* command) { return argc > 1 && command->get_name() == argv[1]; });
  if (argc > 1 && argv[1][0] != '-' && named.empty()) {
    print_error("there is no command '" + std::string{argv[1]} + "'; 'oncue --help' lists them");
    return exit_usage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    print_error(error.what());
    write_all(STDERR_FILENO, "Run 'oncue --help', or 'oncue run --help', for what is possible.\n");
    return exit_usage;
  } catch (const std::exception& error) {
    print_error(error.what());
    return exit_failed;
  }
  return code;
}
