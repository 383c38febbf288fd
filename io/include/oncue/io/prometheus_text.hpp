// Samples as Prometheus scrapes them: the text exposition format, version 0.0.4. Escapes what the format wants escaped;
// says nothing about what is counted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oncue/core/node_samples.hpp"

namespace oncue::io {

inline constexpr std::string_view prometheus_content_type = "text/plain; version=0.0.4; charset=utf-8";

std::string prometheus_text(const std::vector<core::metric_family>& families);

}  // namespace oncue::io
