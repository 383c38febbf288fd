// What all seeds together have tried: how often an event met a run in a phase while a fault was in force. Says which of
// the cells nothing has hit, and why some cannot be hit.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "oncue/messages/run.hpp"

namespace oncue::sim {

class coverage {
 public:
  static constexpr std::size_t phases = static_cast<std::size_t>(enum_max(run_phase{})) + 1;
  using row = std::array<std::uint64_t, phases>;

  void hit(const std::string& event, const std::string& fault, run_phase phase, std::uint64_t times = 1) {
    cells_[{event, fault}][static_cast<std::size_t>(phase)] += times;
  }
  void add(const std::string& what, std::uint64_t count = 1) { counts_[what] += count; }
  void add(const coverage& other);

  /// As lines, so that one process can hand it to another.
  std::string as_lines() const;
  void read_line(const std::string& line);

  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

  void print(std::ostream& out) const;
  /// Cells that can be hit and were not.
  std::vector<std::string> missed() const;

 private:
  std::map<std::pair<std::string, std::string>, row> cells_;
  std::map<std::string, std::uint64_t> counts_;
};

/// What people do, and what goes wrong, by the names that the table has.
const std::vector<std::string>& event_names();
const std::vector<std::string>& fault_names();
/// One of all, counted through again and again.
struct cell {
  std::string event;
  std::string fault;
  run_phase phase = run_phase::queued;
};
cell cell_of(std::uint64_t number);

/// Why such a cell cannot be hit, or only by chance; empty: it can.
std::string why_impossible(const std::string& event, const std::string& fault, run_phase phase);

}  // namespace oncue::sim
