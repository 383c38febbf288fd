#include "oncue/core/delta_cuts.hpp"

namespace oncue::core {

namespace {

/// Seven bits a byte, the lowest first; the top bit says that more come.
void put(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> get(std::string_view& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

/// Small numbers of either sign become small numbers: a clock may step back.
std::uint64_t folded(std::int64_t x) { return (static_cast<std::uint64_t>(x) << 1) ^ static_cast<std::uint64_t>(x >> 63); }
std::int64_t unfolded(std::uint64_t x) { return static_cast<std::int64_t>((x >> 1) ^ (~(x & 1) + 1)); }

}  // namespace

std::string encode(const delta_cuts& what) {
  std::string out;
  put(out, what.cuts.size());
  delta_cut before;
  for (const auto& cut : what.cuts) {
    put(out, cut.index - before.index);
    put(out, folded(static_cast<std::int64_t>(static_cast<std::uint64_t>(cut.at_ms) -
                                              static_cast<std::uint64_t>(before.at_ms))));
    put(out, cut.bytes << 1 | (cut.reasoning ? 1 : 0));
    before = cut;
  }
  return out + what.reasoning;
}

std::optional<delta_cuts> decode_cuts(std::string_view data) {
  auto count = get(data);
  // Each cut has three bytes at least: a count that cannot be true costs no memory.
  if (!count || *count > data.size() / 3) return std::nullopt;
  delta_cuts what;
  what.cuts.reserve(*count);
  delta_cut cut;
  std::uint64_t reasoning_bytes = 0;
  for (std::uint64_t i = 0; i < *count; ++i) {
    auto gap = get(data);
    auto later = get(data);
    auto size = get(data);
    if (!gap || !later || !size || (i > 0 && *gap == 0)) return std::nullopt;
    cut.index += *gap;
    cut.at_ms =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(cut.at_ms) + static_cast<std::uint64_t>(unfolded(*later)));
    cut.reasoning = (*size & 1) != 0;
    cut.bytes = *size >> 1;
    if (cut.reasoning) {
      if (cut.bytes > data.size()) return std::nullopt;
      reasoning_bytes += cut.bytes;
    }
    what.cuts.push_back(cut);
  }
  if (reasoning_bytes != data.size()) return std::nullopt;
  what.reasoning = data;
  return what;
}

}  // namespace oncue::core
