// `oncue logs`: what a run on a server has done so far, an event a line.
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "client_commands.hpp"
#include "exit_codes.hpp"
#include "oncue/core/agentos_client.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/safe_text.hpp"
#include "oncue/core/text.hpp"
#include "run_words.hpp"
#include "server_client.hpp"
#include "table.hpp"

namespace oncue::apps {

namespace {

std::string local_time(std::int64_t at_ms, const char* format) {
  auto seconds = static_cast<std::time_t>(at_ms / 1000);
  std::tm parts{};
  char text[32];
  if (!::localtime_r(&seconds, &parts)) return "?";
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

/// The few words that tell one event from another of its name.
struct detail {
  std::string operator()(const run_started& x) const { return x.agent_name + " · " + x.model; }
  std::string operator()(const model_request_retrying& x) const {
    return "in " + core::format_duration(std::chrono::milliseconds{x.delay_ms}) + ": " + x.message;
  }
  std::string operator()(const content_delta& x) const { return x.text; }
  std::string operator()(const reasoning_delta& x) const { return "(thinks) " + x.text; }
  std::string operator()(const model_request_completed& x) const {
    std::string text = x.finish_reason;
    auto add = [&text](const std::string& part) { text += (text.empty() ? "" : " · ") + part; };
    if (x.first_token_us != 0) add("first token after " + core::format_microseconds(x.first_token_us));
    if (x.usage.output_tokens != 0) add(std::to_string(x.usage.output_tokens) + " tokens");
    return text;
  }
  std::string operator()(const tool_call_started& x) const { return x.call.name + " " + x.call.arguments; }
  std::string operator()(const tool_call_ended& x) const { return x.call.name + " → " + x.result; }
  std::string operator()(const run_ended& x) const { return ending_words(x, 0, {}); }
  template <class T>
  std::string operator()(const boxed<T>& x) const {
    return (*this)(*x);
  }
  template <class Other>
  std::string operator()(const Other&) const {
    return {};
  }
};

std::string log_line(const core::incoming_event& event, std::size_t columns, const styles& style) {
  std::string index = event.index ? std::to_string(*event.index) : "";
  auto about = event.event ? core::safe_text(std::visit(detail{}, event.event->body), {}) : std::string{};
  auto name = core::safe_text(event.name, {});
  constexpr std::size_t index_width = 5, name_width = 21;
  auto padded = [](std::string text, std::size_t width, bool right) {
    auto blanks = std::string(width > text.size() ? width - text.size() : 0, ' ');
    return right ? blanks + text : text + blanks;
  };
  auto time = event.event ? local_time(event.event->at_ms, "%H:%M:%S") : "        ";
  auto head = time + padded(index, index_width, true) + "  ";
  auto middle = about.empty() ? name : padded(name, name_width, false) + "  ";
  auto used = head.size() + middle.size();
  if (columns != 0) about = used < columns ? cut_to(about, columns - used) : "";
  std::string line{style.dim};
  return line.append(head).append(style.off).append(middle).append(about).append("\n");
}

/// Writes the run's events up to where it is now. An error sentence if that could not be.
class log_writer {
 public:
  explicit log_writer(const logs_options& options) : options_{options} {}

  std::optional<std::string> write(event_feed& feed, bool live) {
    using clock = std::chrono::steady_clock;
    auto ended = false;
    for (;;) {
      auto got = feed.next(clock::now() + core::limits::client_answer_timeout);
      if (got == event_feed::got::refused) return core::read_refusal(feed.answer().status, feed.answer().body);
      if (got == event_feed::got::over) {
        // After its ending a run has nothing more to say, however the connection went.
        return ended || feed.failure().empty() ? std::nullopt : std::optional{feed.failure()};
      }
      // Live events may take their time; what was asked for has come.
      if (got == event_feed::got::quiet) return live ? std::nullopt : std::optional<std::string>{"the server fell silent"};
      if (got == event_feed::got::note) {
        (void)feed.take_notes();
        continue;
      }
      const auto& event = feed.event();
      if (!event.error.empty()) return event.error;
      if (event.name == "subscribed") return {};
      if (ended || !event.index) continue;  // the RunCompleted behind a RunCancelled; frames about the stream
      ended = event.event && get_if<run_ended>(*event.event);
      if (!show(event, feed.json())) return {};
    }
  }

  void end_text() const {
    if (options_.text && !at_line_start_ && is_terminal(STDOUT_FILENO)) write_all(STDOUT_FILENO, "\n");
  }

 private:
  bool show(const core::incoming_event& event, std::string_view json) {
    if (options_.json) return write_all(STDOUT_FILENO, std::string{json} + "\n");
    if (!options_.text) {
      return write_all(STDOUT_FILENO, log_line(event, terminal_columns(STDOUT_FILENO), styles_for(STDOUT_FILENO)));
    }
    const auto* delta = event.event ? get_if<content_delta>(*event.event) : nullptr;
    if (!delta) return true;
    at_line_start_ = delta->text.ends_with('\n');
    return write_all(STDOUT_FILENO, is_terminal(STDOUT_FILENO) ? without_controls(delta->text) : delta->text);
  }

  const logs_options& options_;
  bool at_line_start_ = true;
};

}  // namespace

int logs_command(const logs_options& options) {
  ::signal(SIGPIPE, SIG_IGN);
  auto failed = [](std::string_view message, int code = exit_failed) {
    print_error(message);
    return code;
  };
  if (!core::is_valid_run_id(options.run)) {
    return failed("RUN_ID: expected 1 to 128 characters of A-Z a-z 0-9 . _ : -", exit_usage);
  }
  auto made = server_client::make(options.server);
  if (const auto* error = std::get_if<std::string>(&made)) return failed(*error, exit_usage);
  auto& server = *std::get<std::unique_ptr<server_client>>(made);

  const auto path = "/runs/" + core::percent_encoded(options.run);
  auto reply = server.ask({.path = path});
  if (const auto* error = std::get_if<std::string>(&reply)) return failed(*error);
  const auto& answer = std::get<server_answer>(reply);
  if (!answer.good()) return failed("run " + options.run + ": " + server.refusal(answer));
  auto read = core::read_run(answer.body);
  if (const auto* error = std::get_if<std::string>(&read)) return failed(*error);
  const auto& run = std::get<core::listed_run>(read);
  const auto live = core::is_live_status(run.status);

  const auto& style = styles_for(STDERR_FILENO);
  if (!options.text && !options.json) {
    std::string line{style.dim};
    line += "run " + core::safe_text(run.id + " · " + run.agent + " · ", {}) + " ";
    line += local_time(run.created_at_ms, "%Y-%m-%d %H:%M:%S") + " · " + core::safe_text(run.status, {});
    write_all(STDERR_FILENO, line.append(style.off).append("\n"));
  }
  // Resuming tells where the past ends: a run that is live goes on for as long as it likes.
  auto stream = server.start({.method = "POST",
                              .path = "/agents/" + core::percent_encoded(run.agent) + path + "/resume",
                              .form = {{"last_event_index", "-1"}}});
  event_feed feed{stream};
  log_writer writer{options};
  auto error = writer.write(feed, live);
  stream.close();
  writer.end_text();
  if (error) return failed(*error);
  if (live && !options.json) {
    write_all(STDERR_FILENO, std::string{style.dim} + "the run is not over; 'oncue attach " + options.run + "' follows it" +
                                 std::string{style.off} + "\n");
  }
  return exit_completed;
}

}  // namespace oncue::apps
