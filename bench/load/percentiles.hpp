// Many measurements as the few numbers that are reported of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

namespace oncue::bench::load {

using json = nlohmann::ordered_json;

/// {"count", "p50", "p90", "p99", "max"}, a tenth of the unit exact; of no value: only the count. Sorts them.
inline json percentiles(std::vector<float>& values) {
  json said{{"count", values.size()}};
  if (values.empty()) return said;
  std::sort(values.begin(), values.end());
  auto rounded = [](float value) { return std::round(static_cast<double>(value) * 10) / 10; };
  auto at = [&](double share) {
    auto index = static_cast<std::size_t>(share * static_cast<double>(values.size()));
    return rounded(values[std::min(values.size() - 1, index)]);
  };
  said["p50"] = at(0.5);
  said["p90"] = at(0.9);
  said["p99"] = at(0.99);
  said["max"] = rounded(values.back());
  return said;
}

}  // namespace oncue::bench::load
