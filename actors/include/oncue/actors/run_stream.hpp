// One run's events on their way to one HTTP client, as Server-Sent Events. It is the cursor of an HTTP call: it asks the
// run for more only when the client has taken what came before, so a client that does not read costs one batch, and holds
// back nobody (I8). Promises frames in the log's order with no gap and no duplicate (I4), and after the ending, or a pause,
// nothing. What becomes of the node that has the run is told in comments of the stream. It
// never cancels a run: whether a client that leaves means a cancel is the call's decision.
#pragma once

#include <optional>
#include <string>

#include "oncue/actors/subscription.hpp"
#include "oncue/core/agentos_json.hpp"
#include "oncue/io/http_server.hpp"

namespace oncue::actors {

/// How a run is shown to this client.
struct stream_plan {
  core::run_labels labels;
  event_index from = 0;
  bool with_index = false;    ///< each event carries event_index, as in agno's background streams
  bool with_id = false;       ///< each frame carries `id:`, as a browser's EventSource wants it
  bool content_only = false;  ///< RunContent and how it ended, nothing in between (agno's stream_events=false)
  bool kept_unknown = false;  ///< events may have gone out of retention: 410 then, instead of a stream
  std::string opening;        ///< frames before the first event
  /// The ending's index, when it has one. A client that lacks only the RunCompleted behind a RunCancelled, which the log
  /// does not have, is read the ending again and shown what comes after it.
  std::optional<event_index> ended_at;
  /// This frame comes as soon as everything below the index has been sent.
  std::optional<std::pair<event_index, std::string>> caught_up;
};

class run_stream {
 public:
  run_stream(http_call_actor::pointer self, io::exchange answer, io::http_headers headers,
             std::chrono::milliseconds heartbeat, supervisor_actor supervisor, stream_plan plan);

  /// Starts to read, from where a start_reply or a subscribe_reply said, or from wherever the run is now.
  void open(event_source_actor source);
  void open();

  void on_batch(event_batch& batch);
  void on_ready();
  void on_down(const caf::down_msg& down) { events_.on_down(down); }

  /// The answer is complete: the call may quit.
  bool done() const { return done_; }

 private:
  void open_answer();
  void show(const run_event& event);
  void show_note(event_batch& batch);
  void write();
  void lose();

  http_call_actor::pointer self_;
  io::exchange answer_;
  io::http_headers headers_;
  std::chrono::milliseconds heartbeat_;
  stream_plan plan_;
  core::agentos_renderer renderer_;
  subscription<http_call_actor::base> events_;
  std::string json_;
  std::string frames_;
  bool open_ = false;
  bool done_ = false;
};

}  // namespace oncue::actors
