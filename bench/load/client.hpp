// The client's commands: each does one piece of work at one contender and says in one JSON object what was seen. A command
// throws when the work did not happen; it asserts nothing about time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "percentiles.hpp"
#include "process_tree.hpp"
#include "run_stream.hpp"

namespace oncue::bench::load {

/// What all commands have in common.
struct client {
  explicit client(arguments& words);

  std::int64_t give_up_ns() const { return now_ns() + timeout_ns; }

  event_loop loop;
  run_target target;
  process_tree processes;
  std::int64_t timeout_ns;
};

/// From nothing to the first run of a server that is just starting.
json first_command(client& here, arguments& words);
/// Run after run, each to its end.
json runs_command(client& here, arguments& words);
/// Many live streams that never end.
json streams_command(client& here, arguments& words);
/// Runs that are cancelled in one of their phases.
json cancel_command(client& here, arguments& words);
/// Clients that do not read, and what others notice of it.
json stalled_command(client& here, arguments& words);

/// Live streams whose deltas are counted and timed.
class stream_crowd {
 public:
  /// Their keys at the provider are `prefix` and a number.
  stream_crowd(client& here, const run_target& target, std::string prefix)
      : here_{here}, target_{target}, prefix_{std::move(prefix)} {}

  /// When a stream is open; unless told otherwise, when it has seen a delta.
  std::function<bool(const run_stream&)> is_open = [](const run_stream& one) { return one.seen().deltas > 0; };

  /// Opens so many, at most so many a second, and waits until each is open, or the time is up.
  void open(std::size_t count, double per_second);

  /// Reads for so long; with what came in that time.
  struct measured {
    std::uint64_t deltas = 0;
    double seconds = 0;
    std::vector<float> delays_us;
  };
  measured read_for(std::int64_t span_ns);

  /// How many are open and not over.
  std::size_t live() const;
  /// What became of one that is over; empty: none is.
  std::string first_failure() const;
  std::uint64_t deltas() const;
  const std::vector<std::unique_ptr<run_stream>>& all() const { return streams_; }

 private:
  client& here_;
  const run_target& target_;
  std::string prefix_;
  delay_log delays_;
  std::vector<std::unique_ptr<run_stream>> streams_;
};

}  // namespace oncue::bench::load
