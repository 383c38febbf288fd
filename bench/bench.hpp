// What a benchmark is and what it says: named measurements, each with its unit and, where there is one, a target. A
// benchmark asserts nothing about time. It throws when what it wanted to measure did not happen at all.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oncue::bench {

struct measurement {
  std::string name;
  double value = 0;
  std::string unit;
  std::optional<double> at_most;  ///< the target
};

/// Targets for the percentiles of one distribution.
struct percentile_targets {
  std::optional<double> p50;
  std::optional<double> p99;
};

class results {
 public:
  void add(std::string name, double value, std::string unit, std::optional<double> at_most = {}) {
    all_.push_back({std::move(name), value, std::move(unit), at_most});
  }

  /// Adds "<name> p50", "<name> p99" and "<name> max".
  void add_percentiles(const std::string& name, std::vector<double> values, const std::string& unit,
                       percentile_targets at_most = {});

  const std::vector<measurement>& all() const { return all_; }

 private:
  std::vector<measurement> all_;
};

struct options {
  bool quick = false;  ///< about a second, to prove that the benchmark works; its numbers mean little

  std::size_t pick(std::size_t whole, std::size_t small) const { return quick ? small : whole; }
};

struct benchmark {
  std::string_view name;
  std::string_view about;
  void (*measure)(const options&, results&);
};

/// The benchmark did not do what it is there for.
inline void expect(bool happened, const std::string& what) {
  if (!happened) throw std::runtime_error{"expected " + what};
}

void run_cost(const options&, results&);
void run_latency(const options&, results&);
void delta_cost(const options&, results&);
void provider_delta_cost(const options&, results&);
void run_memory(const options&, results&);
void cancel_latency(const options&, results&);
void cancel_to_socket(const options&, results&);
void idle(const options&, results&);
void http_deltas(const options&, results&);
void http_cancel(const options&, results&);
void http_stalled(const options&, results&);
void http_silent(const options&, results&);
void tool_cost(const options&, results&);
void tool_cancel(const options&, results&);
void paused_runs(const options&, results&);

}  // namespace oncue::bench
