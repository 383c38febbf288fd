#include "openai_plain_chunk.hpp"

#include <simdjson.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "oncue/core/limits.hpp"

namespace oncue::core {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

bool is_scalar(const element& value) { return value.type() != element_type::OBJECT && value.type() != element_type::ARRAY; }

/// What may stand beside the content without meaning anything to the decoder.
enum class allowed : std::uint8_t { scalar, text, null, zero, taken };

struct known_key {
  std::string_view name;
  allowed what;
};

bool fits(const element& value, allowed what) {
  switch (what) {
    case allowed::scalar: return is_scalar(value);
    case allowed::text: return value.is_string();
    case allowed::null: return value.is_null();
    case allowed::zero: return value.is_uint64() && value.get_uint64().value_unsafe() == 0;
    case allowed::taken: return true;
  }
  return false;
}

/// Every key is known, comes once and has what it may have. `take` is called for those that the caller wants.
template <std::size_t size, class Take>
bool read(const object& from, const std::array<known_key, size>& keys, Take&& take) {
  std::uint32_t seen = 0;
  for (auto [name, value] : from) {
    std::size_t i = 0;
    while (i < size && keys[i].name != name) ++i;
    if (i == size || (seen >> i & 1u) != 0 || !fits(value, keys[i].what)) return false;
    seen |= 1u << i;
    if (keys[i].what == allowed::taken && !take(name, value)) return false;
  }
  return true;
}

constexpr std::array chunk_keys{
    known_key{"choices", allowed::taken},      known_key{"id", allowed::scalar},
    known_key{"object", allowed::taken},       known_key{"created", allowed::scalar},
    known_key{"model", allowed::scalar},       known_key{"system_fingerprint", allowed::scalar},
    known_key{"usage", allowed::null},         known_key{"service_tier", allowed::scalar},
    known_key{"obfuscation", allowed::scalar}, known_key{"provider", allowed::scalar},
};
constexpr std::array choice_keys{
    known_key{"delta", allowed::taken},
    known_key{"index", allowed::zero},
    known_key{"finish_reason", allowed::null},
    known_key{"logprobs", allowed::null},
    known_key{"native_finish_reason", allowed::null},
};
constexpr std::array delta_keys{
    known_key{"content", allowed::taken},          known_key{"role", allowed::text},
    known_key{"refusal", allowed::null},           known_key{"reasoning", allowed::null},
    known_key{"reasoning_content", allowed::null},
};

}  // namespace

std::optional<std::string> plain_content(std::string_view data) {
  // An escaped surrogate that has lost its other half is for the decoder.
  if (data.size() > limits::plain_chunk_bytes_max || data.find("\\ud") != data.npos || data.find("\\uD") != data.npos) {
    return std::nullopt;
  }
  thread_local simdjson::dom::parser parser;
  thread_local std::string padded;
  padded.assign(data).append(simdjson::SIMDJSON_PADDING, ' ');
  object chunk;
  if (parser.parse(padded.data(), data.size(), false).get(chunk) != simdjson::SUCCESS) return std::nullopt;
  std::optional<std::string> content;
  auto take_content = [&](std::string_view, const element& value) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return false;
    content.emplace(text);
    return true;
  };
  auto take_delta = [&](std::string_view, const element& value) {
    object delta;
    return value.get(delta) == simdjson::SUCCESS && read(delta, delta_keys, take_content);
  };
  auto take = [&](std::string_view name, const element& value) {
    if (name == "object") return value.is_string() && std::string_view{value} != "error";
    simdjson::dom::array choices;
    object choice;
    return value.get(choices) == simdjson::SUCCESS && choices.size() == 1 &&
           choices.at(0).get(choice) == simdjson::SUCCESS && read(choice, choice_keys, take_delta);
  };
  if (!read(chunk, chunk_keys, take)) return std::nullopt;
  return content;
}

}  // namespace oncue::core
