// Request targets. What was read is read again from its encoding.
#include "fuzz.hpp"
#include "oncue/core/agentos_client.hpp"
#include "oncue/core/agentos_routes.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/core/text.hpp"

using namespace oncue;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto target = core::parse_target(fuzz::text_of(data, size));
  if (!target) return 0;
  core::match_route("GET", target.segments);
  std::string encoded;
  for (const auto& segment : target.segments) {
    fuzz::require(core::is_utf8(segment), "segments are UTF-8");
    encoded += "/" + core::percent_encoded(segment);
  }
  core::field_pairs kept;
  for (auto& field : target.query) {
    if (!field.second.empty()) kept.push_back(field);
  }
  auto again = core::parse_target(encoded + "?" + core::form_encoded(kept));
  fuzz::require(again && again.segments == target.segments && again.query == kept, "an encoded target is read as it was");
  return 0;
}
