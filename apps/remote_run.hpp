// A run on a server, followed here: its stream's events go to the display, a broken connection is made again where it
// broke, without a gap or a duplicate, and a cancel goes to the server on a road of its own, so that it waits neither for
// the stream nor for the terminal. Blocks; `cancel` and `detach` are for other threads.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "person.hpp"
#include "run_display.hpp"
#include "server_client.hpp"

namespace oncue::apps {

struct remote_run_options {
  run_id run;
  std::string agent;                    ///< for the cancel's path; empty: not known
  event_index from = 0;                 ///< the first event that is wanted
  bool cancel_when_output_gone = true;  ///< else the run is left alone then
  bool decides = false;                 ///< a pause is answered: by the person at the terminal, or
  bool yes = false;                     ///< with a yes to every call that has to be allowed
};

class remote_run {
 public:
  remote_run(server_client& server, run_display& display, remote_run_options options);

  /// Follows the run from this request's stream on, until it has ended or nothing more can be known. The exit code.
  int follow(const server_request& first);

  /// GET /runs/{id}/events, from the first event on that is not there yet.
  server_request events_request() const;

  /// Cancels the run, the first time. From any thread.
  void cancel(std::string_view reason);
  /// Leaves the run alone and ends `follow`. From any thread.
  void detach();
  bool detached() const { return detached_; }

 private:
  /// What became of one stream: the exit code, why it broke, or where the run goes on.
  struct broken {
    std::string why;
    bool again = true;  ///< another try may help
  };
  using outcome = std::variant<int, broken, server_request>;

  outcome read(event_feed& feed);
  std::optional<outcome> take(event_feed& feed);
  std::optional<outcome> take_ending(run_event event, std::string json);
  outcome refused(const server_answer& answer);
  outcome over(const event_feed& feed);
  void say_notes(std::string_view notes);
  void say_note(std::string_view note);
  outcome decide();
  int conclude();
  std::optional<cancel_reply> receipt();
  bool pause(std::chrono::milliseconds delay);

  server_client& server_;
  run_display& display_;
  remote_run_options options_;
  event_index next_;
  bool begun_ = false;      // the display has been told who runs
  bool connected_ = false;  // at least once
  bool paused_ = false;     // waits for a person
  person person_;
  std::vector<tool_requirement> waiting_for_;
  std::string session_;  // of the run, as its events say
  std::string agent_;
  std::string child_cancelled_;  // a child whose RunCancelled came: its RunCompleted is no event of the log
  bool reconnecting_ = false;    // and nothing has come since
  time_point lost_at_{};
  std::int64_t started_at_ms_ = 0;
  std::optional<time_point> started_here_;
  std::optional<run_event> cancelled_;  // RunCancelled: shown with the next event, which has its numbers
  std::string cancelled_json_;

  // For other threads.
  std::mutex guard_;
  std::condition_variable changed_;
  std::optional<answer_stream> stream_;
  std::optional<answer_stream> cancel_;
  std::optional<time_point> cancelled_at_;
  std::atomic<bool> detached_ = false;
};

/// Cancels the run after a time, unless it goes away before.
class cancel_timer {
 public:
  cancel_timer(remote_run& run, std::chrono::milliseconds after);

 private:
  std::mutex guard_;
  std::condition_variable_any never_;
  std::jthread thread_;
};

}  // namespace oncue::apps
