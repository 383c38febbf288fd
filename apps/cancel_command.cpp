// `oncue cancel`: stops runs on a server and shows the receipts.
#include <unistd.h>

#include <csignal>

#include "client_commands.hpp"
#include "exit_codes.hpp"
#include "oncue/core/agentos_client.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/text.hpp"
#include "run_words.hpp"
#include "server_client.hpp"

namespace oncue::apps {

namespace {

bool was_cancelled(const cancel_reply& reply) {
  using enum cancel_outcome;
  return reply.outcome == cancelled || reply.outcome == accepted || reply.outcome == intent_stored;
}

/// "run r1 · cancelled · the cancel took 189 µs, the provider's connection is closed (it was streaming)"
std::string receipt_line(const std::string& run, const cancel_reply& reply, const styles& style) {
  std::string line = "run " + run + " · ";
  auto status = reply.status ? std::string{to_string(*reply.status)} : std::string{};
  switch (reply.outcome) {
    case cancel_outcome::cancelled:
      line.append(style.green).append("cancelled").append(style.off);
      // A repeat has the first one's answer, but not its measurements.
      line += reply.phase_at_cancel ? receipt_words(reply, false) : " · it had been cancelled before";
      if (!reply.upstream_closed) line += " · the provider's connection is not closed yet";
      if (!reply.durable) line += " · not in the journal yet";
      break;
    case cancel_outcome::accepted:
      line.append(style.yellow).append("accepted").append(style.off);
      line += " · the run is being stopped";
      if (reply.upstream_closed) line += ", the provider's connection is closed";
      if (reply.phase_at_cancel) line += " (it was " + std::string{to_string(*reply.phase_at_cancel)} + ")";
      break;
    case cancel_outcome::already_ended:
      line.append(style.red).append("already ended").append(style.off);
      line += " · status " + (status.empty() ? "unknown" : status);
      if (!reply.durable) line += ", not in the journal yet";
      break;
    case cancel_outcome::intent_stored:
      line.append(style.yellow).append("not started yet").append(style.off);
      line += " · a run that is started with this id within 24 h is cancelled at once";
      break;
    case cancel_outcome::unknown:
      line.append(style.red).append("unknown").append(style.off);
      line += " · there is no such run, and no room to remember the cancel";
      break;
  }
  return line + "\n";
}

}  // namespace

int cancel_command(const cancel_options& options) {
  ::signal(SIGPIPE, SIG_IGN);
  auto usage_error = [](std::string_view message) {
    print_error(message);
    return static_cast<int>(exit_usage);
  };
  auto wait = core::parse_duration(options.wait);
  if (const auto* error = std::get_if<std::string>(&wait)) return usage_error("--wait: " + *error);
  auto wait_ms = std::get<std::chrono::milliseconds>(wait);
  if (wait_ms > core::limits::cancel_wait_max) {
    return usage_error("--wait: expected at most " + core::format_duration(core::limits::cancel_wait_max));
  }
  std::string grace_ms;
  if (options.grace) {
    auto grace = core::parse_duration(*options.grace, core::limits::cancel_grace_max);
    if (const auto* error = std::get_if<std::string>(&grace)) return usage_error("--grace: " + *error);
    if (options.mode == "immediate") return usage_error("--grace: only with --mode after_tools or after_turn");
    grace_ms = std::to_string(std::get<std::chrono::milliseconds>(grace).count());
  }
  for (const auto& run : options.runs) {
    if (!core::is_valid_run_id(run)) return usage_error("RUN_ID: expected 1 to 128 characters of A-Z a-z 0-9 . _ : -");
  }
  auto made = server_client::make(options.server);
  if (const auto* error = std::get_if<std::string>(&made)) return usage_error(*error);
  auto& server = *std::get<std::unique_ptr<server_client>>(made);

  int code = exit_completed;
  for (const auto& run : options.runs) {
    auto reply = server.ask({.method = "POST",
                             .path = "/runs/" + core::percent_encoded(run) + "/cancel",
                             .query = {{"receipt", "true"},
                                       {"wait_ms", std::to_string(wait_ms.count())},
                                       {"reason", options.reason},
                                       {"mode", options.mode == "immediate" ? "" : options.mode},
                                       {"grace_ms", grace_ms}}},
                            wait_ms + core::limits::client_answer_timeout);
    if (const auto* error = std::get_if<std::string>(&reply)) {
      print_error(*error);
      return exit_failed;
    }
    const auto& answer = std::get<server_answer>(reply);
    auto read = core::read_receipt(answer.body);
    const auto* receipt = std::get_if<cancel_reply>(&read);
    // A receipt has an outcome; without one the status decides whether this is agno's {} or a refusal.
    const auto refused = !answer.good() && (!receipt || receipt->run.empty());
    if (refused || !receipt) {
      print_error("run " + run + ": " + (refused ? server.refusal(answer) : std::get<std::string>(read)));
      code = exit_failed;
      continue;
    }
    if (!was_cancelled(*receipt)) code = exit_failed;
    auto line = options.json ? answer.body + "\n" : receipt_line(run, *receipt, styles_for(STDOUT_FILENO));
    write_all(STDOUT_FILENO, line);
  }
  return code;
}

}  // namespace oncue::apps
