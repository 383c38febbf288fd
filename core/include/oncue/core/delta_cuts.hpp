// Where the deltas of an ended run were cut, in a few bytes each: what is left of them when their text is kept once, as
// the ending's content. Together with that content every delta can be had again as it was: same index, same time, same
// bytes. The reasoning, which no ending holds, is kept along. Pure; decoding takes any bytes and never reads past them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oncue/messages/ids.hpp"

namespace oncue::core {

struct delta_cut {
  event_index index = 0;
  std::int64_t at_ms = 0;
  bool reasoning = false;   ///< else a content delta
  std::uint64_t bytes = 0;  ///< of its text

  friend bool operator==(const delta_cut&, const delta_cut&) = default;
};

struct delta_cuts {
  std::vector<delta_cut> cuts;  ///< by rising index
  std::string reasoning;        ///< the text of the reasoning ones

  friend bool operator==(const delta_cuts&, const delta_cuts&) = default;
};

/// About four bytes a cut, and the reasoning.
std::string encode(const delta_cuts& what);

/// Nothing if the bytes are not what encode() made, or the reasoning is not as long as its cuts say.
std::optional<delta_cuts> decode_cuts(std::string_view data);

}  // namespace oncue::core
