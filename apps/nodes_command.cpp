// `oncue nodes`: which nodes share a server's store, as that server sees them.
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "client_commands.hpp"
#include "exit_codes.hpp"
#include "oncue/core/agentos_client.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/safe_text.hpp"
#include "server_client.hpp"
#include "table.hpp"
#include "terminal.hpp"

namespace oncue::apps {

namespace {

std::variant<core::listed_nodes, std::string> find(server_client& server) {
  auto reply = server.ask({.path = "/nodes"});
  if (auto* error = std::get_if<std::string>(&reply)) return std::move(*error);
  const auto& answer = std::get<server_answer>(reply);
  if (answer.status == 404) return server.url() + " does not list nodes: it is no oncue server, or an older one";
  if (!answer.good()) return server.refusal(answer);
  return core::read_nodes(answer.body);
}

/// "9.2 s", "-1.2 s" for one that is late; nothing for a node that is dead, or alone.
std::string lease_words(const core::listed_node& node) {
  if (!node.lease_left_ms || node.state == "dead") return {};
  const auto left = *node.lease_left_ms;
  const auto size = left < 0 ? 0 - static_cast<std::uint64_t>(left) : static_cast<std::uint64_t>(left);
  std::string words{left < 0 ? "-" : ""};
  words += core::format_microseconds(size * 1000);
  return words;
}

std::string link_words(const core::listed_node& node, std::uint64_t self) {
  if (node.incarnation == self) return "this node";
  if (node.state == "dead" || node.link == "none") return {};
  if (node.link == "up" && node.round_trip_us != 0) return "up, " + core::format_microseconds(node.round_trip_us);
  return node.link;
}

std::string paint_state(std::string_view cell) {
  const auto& style = styles_for(STDOUT_FILENO);
  std::string words{cell.starts_with("up") ? style.green : cell.starts_with("late") ? style.yellow : style.dim};
  return words.append(cell).append(style.off);
}

void say_problems(const core::listed_nodes& found) {
  const auto& style = styles_for(STDERR_FILENO);
  std::string text;
  if (!found.problem.empty()) {
    text += std::string{style.yellow} + "the shared store cannot be asked now" + std::string{style.off} + ": " +
            core::safe_text(found.problem, {}) + "; this is what was known before\n";
  }
  for (const auto& node : found.nodes) {
    if (node.link_problem.empty() || node.state == "dead") continue;
    text +=
        std::string{style.dim} + core::safe_text(node.name + ": " + node.link_problem, {}) + std::string{style.off} + "\n";
  }
  write_all(STDERR_FILENO, text);
}

}  // namespace

int nodes_command(const nodes_options& options) {
  ::signal(SIGPIPE, SIG_IGN);
  auto made = server_client::make(options.server);
  if (const auto* error = std::get_if<std::string>(&made)) {
    print_error(*error);
    return exit_usage;
  }
  auto result = find(*std::get<std::unique_ptr<server_client>>(made));
  if (const auto* error = std::get_if<std::string>(&result)) {
    print_error(*error);
    return exit_failed;
  }
  const auto& found = std::get<core::listed_nodes>(result);
  if (options.json) {
    write_all(STDOUT_FILENO, found.json + "\n");
    return exit_completed;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& node : found.nodes) {
    auto runs = std::to_string(node.running) + "/" + std::to_string(node.queued) + "/" + std::to_string(node.room);
    rows.push_back({node.name, node.incarnation == 0 ? "" : std::to_string(node.incarnation),
                    node.state + (node.draining ? ", draining" : ""), lease_words(node), std::move(runs),
                    link_words(node, found.self), node.version, node.url});
  }
  write_all(STDOUT_FILENO, table({{"NODE"},
                                  {"INCARNATION", 4},
                                  {"STATE", 0, 0, paint_state},
                                  {"LEASE", 2},
                                  {"RUNS", 1},
                                  {"LINK", 3},
                                  {"VERSION", 6},
                                  {"URL", 5, 16}},
                                 rows, terminal_columns(STDOUT_FILENO)));
  say_problems(found);
  return exit_completed;
}

}  // namespace oncue::apps
