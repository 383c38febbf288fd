// For the fuzz targets, which scripts/fuzz builds with libFuzzer: each is one file, feeds one parser with whatever bytes
// there are, and checks one promise of it besides that nothing breaks.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace oncue::fuzz {

/// A broken promise ends the process, which makes libFuzzer keep the input.
inline void require(bool holds, const char* promise) {
  if (!holds) {
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
  }
}

/// Takes the next piece of `bytes`: of 1 to 16 bytes, as long as `seed` has it. The same seed cuts in the same way.
inline std::string_view take_piece(std::string_view& bytes, std::uint32_t& seed) {
  seed = seed * 1'664'525u + 1'013'904'223u;
  auto piece = bytes.substr(0, 1 + (seed >> 28));
  bytes.remove_prefix(piece.size());
  return piece;
}

/// The input as text, and a seed for the cutting that depends on it.
inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}
inline std::uint32_t seed_of(std::string_view text) {
  std::uint32_t seed = 2'166'136'261u;
  for (char c : text.substr(0, 64)) seed = (seed ^ static_cast<unsigned char>(c)) * 16'777'619u;
  return seed;
}

}  // namespace oncue::fuzz
