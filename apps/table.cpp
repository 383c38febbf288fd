#include "table.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "oncue/core/safe_text.hpp"

namespace oncue::apps {

namespace {

constexpr std::size_t gap = 2;  // between two columns

/// The character at the front of valid UTF-8, and its length in bytes.
struct character {
  char32_t code = 0;
  std::size_t bytes = 1;
};

character first_of(std::string_view utf8) {
  const auto lead = static_cast<unsigned char>(utf8.front());
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (bytes == 1 || bytes > utf8.size()) return {lead, 1};
  char32_t code = lead & (0xFFu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) code = code << 6 | (static_cast<unsigned char>(utf8[i]) & 0x3Fu);
  return {code, bytes};
}

/// As terminals have it: East Asian wide characters and emoji take two columns, marks above others none (Unicode TR 11).
std::size_t columns_of(char32_t code) {
  struct range {
    char32_t from, to;
  };
  constexpr range none[] = {{0x300, 0x36F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};
  constexpr range two[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xAC00, 0xD7A3},
                           {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                           {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD}};
  auto in = [code](const range& r) { return code >= r.from && code <= r.to; };
  if (std::any_of(std::begin(none), std::end(none), in)) return 0;
  return std::any_of(std::begin(two), std::end(two), in) ? 2 : 1;
}

using widths = std::vector<std::optional<std::size_t>>;  // absent: left out

std::size_t sum_of(const widths& all) {
  std::size_t sum = 0;
  for (const auto& width : all) {
    if (width) sum += *width + gap;
  }
  return sum == 0 ? 0 : sum - gap;
}

/// Makes room: the most expendable column is cut, then left out, then the next one.
void fit(widths& all, const std::vector<column>& columns, std::size_t columns_max) {
  for (;;) {
    const auto sum = sum_of(all);
    if (sum <= columns_max) return;
    std::optional<std::size_t> victim;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (all[i] && columns[i].expendable > (victim ? columns[*victim].expendable : 0)) victim = i;
    }
    if (!victim) return;
    auto& width = all[*victim];
    const auto least = columns[*victim].width_min;
    const auto excess = sum - columns_max;
    if (least != 0 && *width >= least + excess) {
      *width -= excess;
    } else {
      width.reset();
    }
  }
}

}  // namespace

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  while (!utf8.empty()) {
    const auto [code, bytes] = first_of(utf8);
    width += columns_of(code);
    utf8.remove_prefix(bytes);
  }
  return width;
}

std::string cut_to(std::string_view utf8, std::size_t columns_max) {
  if (display_width(utf8) <= columns_max) return std::string{utf8};
  std::size_t width = 0;
  std::size_t end = 0;
  while (end < utf8.size()) {
    const auto [code, bytes] = first_of(utf8.substr(end));
    if (width + columns_of(code) + 1 > columns_max) break;
    width += columns_of(code);
    end += bytes;
  }
  return std::string{utf8.substr(0, end)} + (columns_max == 0 ? "" : "…");
}

std::string table(const std::vector<column>& columns, const std::vector<std::vector<std::string>>& rows,
                  std::size_t columns_max) {
  auto cells = rows;
  widths all;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto width = display_width(columns[i].title);
    for (auto& row : cells) {
      auto cell = core::safe_text(row[i], {});
      row[i] = cell.empty() ? std::string(1, '-') : std::move(cell);
      width = std::max(width, display_width(row[i]));
    }
    all.emplace_back(width);
  }
  if (columns_max != 0) fit(all, columns, columns_max);

  std::string text;
  auto add_line = [&](auto cell_of, bool painted) {
    std::size_t blanks = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (!all[i]) continue;
      const auto cell = cut_to(cell_of(i), *all[i]);
      text += std::string(blanks, ' ');
      text += painted && columns[i].paint ? columns[i].paint(cell) : cell;
      blanks = *all[i] - display_width(cell) + gap;
    }
    text += '\n';
  };
  add_line([&](std::size_t i) { return columns[i].title; }, false);
  for (const auto& row : cells) add_line([&](std::size_t i) { return row[i]; }, true);
  return text;
}

std::string age_words(std::int64_t at_ms, std::int64_t now_ms) {
  if (at_ms <= 0) return {};
  const auto seconds = std::max<std::int64_t>(now_ms - at_ms, 0) / 1000;
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86'400) + " d";
}

}  // namespace oncue::apps
