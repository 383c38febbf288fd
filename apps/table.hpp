// A table for people: columns side by side, as narrow as their cells, and where a terminal is too narrow the less important
// columns are cut or left out. Cells come from outside and are made harmless. In a pipe nothing is cut.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace oncue::apps {

struct column {
  std::string title;
  /// 0: never cut nor left out. Else the column with the highest number is the first to go.
  int expendable = 0;
  std::size_t width_min = 0;  ///< it is cut down to this before it is left out; 0: it is not cut
  /// A cell's colour, from its text; empty: none. It must not change the width.
  std::string (*paint)(std::string_view cell) = nullptr;
};

/// Lines with a head. `columns_max`: the terminal's width; 0: as wide as it gets.
std::string table(const std::vector<column>& columns, const std::vector<std::vector<std::string>>& rows,
                  std::size_t columns_max);

/// How many columns of a terminal the text takes.
std::size_t display_width(std::string_view utf8);

/// At most so many columns of it; a cut one ends in "…".
std::string cut_to(std::string_view utf8, std::size_t columns_max);

/// "12 s", "3 min", "2 h", "5 d": how long ago that is. Empty if nobody knows when it was.
std::string age_words(std::int64_t at_ms, std::int64_t now_ms);

}  // namespace oncue::apps
