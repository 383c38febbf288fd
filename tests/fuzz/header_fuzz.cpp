// The headers that open doors. Whatever they are, nobody comes in by a text that is not exactly right.
#include "fuzz.hpp"
#include "oncue/core/http_text.hpp"

using namespace oncue;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  core::header_parameter(text, "boundary");
  if (core::is_traceparent(text)) {
    fuzz::require(text.find_first_of("\r\n\"") == text.npos || text.size() > 55, "a trace context is hex");
  }
  fuzz::require(core::equals_secret(text, "sk-secret") == (text == "sk-secret"), "a key is compared whole");
  auto token = core::bearer_token(text);
  fuzz::require(text.find(token) != text.npos, "a key is a part of its header");
  if (core::is_allowed_host(text, {})) {
    auto name = core::host_name(text).value();
    fuzz::require(name.size() == 9 || name == "::1", "a host is one of loopback's names");
  }
  const std::string origins[] = {"https://agno.com"};
  if (core::is_allowed_origin(text, origins)) {
    fuzz::require(text.size() == 16 || text.size() == 20, "an origin is the one that is allowed");
  }
  if (auto origin = core::parse_origin(text)) {
    auto again = core::parse_origin(origin->scheme + "://" + origin->host +
                                    (origin->port ? ":" + std::to_string(origin->port) : ""));
    fuzz::require(again == origin, "an origin is read as it was");
  }
  return 0;
}
