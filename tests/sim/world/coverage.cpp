#include "coverage.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace oncue::sim {

namespace {

bool is_in(const std::vector<std::string>& list, const std::string& what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

}  // namespace

const std::vector<std::string>& event_names() {
  static const std::vector<std::string> names{"strikes",         "cancel",           "cancel elsewhere",
                                              "graceful cancel", "continue",         "start again",
                                              "reader comes",    "reader elsewhere", "reader vanishes"};
  return names;
}

const std::vector<std::string>& fault_names() {
  static const std::vector<std::string> names{"none",          "actor lost",   "node pause",  "node crash",  "machine lost",
                                              "lease over",    "lost reply",   "store away",  "store full",  "store cut",
                                              "link cut",      "link hold",    "link loss",   "link repeat", "drain",
                                              "journal pause", "keeper pause", "slow reader", "model fails", "tool fails"};
  return names;
}

std::string why_impossible(const std::string& event, const std::string& fault, run_phase phase) {
  using enum run_phase;
  if (fault == "none" && event == "strikes") return "nothing is no fault";
  if (fault == "none" && phase == backing_off) return "a run backs off because its model failed";
  if (fault == "actor lost" && phase == paused) return "a paused run has no actor";
  if (fault == "lease over" && event != "strikes") return "a lease ends by itself, so nobody can aim at that moment";
  if (fault == "model fails") {
    if (phase == queued) return "a run that waits has not called its model";
    if (event == "strikes" && phase != connecting) return "how a call goes is drawn when it begins";
  }
  if (fault == "tool fails") {
    if (phase != tools && phase != paused && phase != ended) return "no tool is at work then";
    if (event == "strikes" && phase != tools) return "how a tool's call goes is drawn when it begins";
  }
  return {};
}

cell cell_of(std::uint64_t number) {
  const auto& events = event_names();
  const auto& faults = fault_names();
  cell result;
  result.phase = static_cast<run_phase>(number % coverage::phases);
  number /= coverage::phases;
  result.fault = faults[number % faults.size()];
  number /= faults.size();
  result.event = events[number % events.size()];
  return result;
}

void coverage::add(const coverage& other) {
  for (const auto& [which, hits] : other.cells_) {
    for (std::size_t i = 0; i < phases; ++i) cells_[which][i] += hits[i];
  }
  for (const auto& [what, count] : other.counts_) counts_[what] += count;
}

std::string coverage::as_lines() const {
  std::ostringstream out;
  for (const auto& [which, hits] : cells_) {
    out << "cell\t" << which.first << '\t' << which.second;
    for (auto count : hits) out << '\t' << count;
    out << '\n';
  }
  for (const auto& [what, count] : counts_) out << "count\t" << what << '\t' << count << '\n';
  return out.str();
}

void coverage::read_line(const std::string& line) {
  std::istringstream in{line};
  std::string sort, first, second;
  std::getline(in, sort, '\t');
  std::getline(in, first, '\t');
  if (sort == "count") {
    std::uint64_t count = 0;
    in >> count;
    counts_[first] += count;
  } else if (sort == "cell") {
    std::getline(in, second, '\t');
    for (auto& hits : cells_[{first, second}]) {
      std::uint64_t count = 0;
      in >> count;
      hits += count;
    }
  }
}

void coverage::print(std::ostream& out) const {
  for (const auto& event : event_names()) {
    out << '\n' << std::left << std::setw(26) << event << std::right;
    for (std::size_t i = 0; i < phases; ++i) out << std::setw(12) << to_string(static_cast<run_phase>(i));
    out << '\n';
    for (const auto& fault : fault_names()) {
      auto found = cells_.find({event, fault});
      out << "  " << std::left << std::setw(24) << fault << std::right;
      for (std::size_t i = 0; i < phases; ++i) {
        auto hits = found == cells_.end() ? 0 : found->second[i];
        auto impossible = !why_impossible(event, fault, static_cast<run_phase>(i)).empty();
        if (hits == 0) {
          out << std::setw(12) << (impossible ? "-" : "NOT HIT");
        } else {
          out << std::setw(12) << hits;
        }
      }
      out << '\n';
    }
  }
}

std::vector<std::string> coverage::missed() const {
  std::vector<std::string> cells;
  for (const auto& event : event_names()) {
    for (const auto& fault : fault_names()) {
      auto found = cells_.find({event, fault});
      for (std::size_t i = 0; i < phases; ++i) {
        auto phase = static_cast<run_phase>(i);
        if ((found != cells_.end() && found->second[i] > 0) || !why_impossible(event, fault, phase).empty()) continue;
        cells.push_back(event + " × " + fault + " × " + std::string{to_string(phase)});
      }
    }
  }
  for (const auto& [which, _] : cells_) {
    if (!is_in(event_names(), which.first)) cells.push_back("an event that the table does not know: " + which.first);
    if (!is_in(fault_names(), which.second)) cells.push_back("a fault that the table does not know: " + which.second);
  }
  return cells;
}

}  // namespace oncue::sim
