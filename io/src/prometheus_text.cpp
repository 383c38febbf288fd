#include "oncue/io/prometheus_text.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace oncue::io {

std::string prometheus_text(const std::vector<core::metric_family>& families) {
  std::vector<prometheus::MetricFamily> converted;
  converted.reserve(families.size());
  for (const auto& family : families) {
    const bool counts = family.type == core::metric_family::kind::counter;
    auto& target = converted.emplace_back();
    target.name = family.name;
    target.help = family.help;
    target.type = counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    for (const auto& sample : family.samples) {
      auto& metric = target.metric.emplace_back();
      for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
      (counts ? metric.counter.value : metric.gauge.value) = sample.value;
    }
  }
  return prometheus::TextSerializer{}.Serialize(converted);
}

}  // namespace oncue::io
