#include "oncue/core/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>

namespace oncue::core {

namespace {

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// A decimal number, not negative, times `scale`; at most 1e15, so that it fits.
std::optional<std::uint64_t> scaled_number(std::string_view text, double scale) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number) || number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(std::ceil(std::min(number * scale, 1e15)));
}

struct calendar_fields {
  int day = 0;
  std::array<char, 4> month{};
  int year = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

std::optional<std::int64_t> unix_seconds(const calendar_fields& f) {
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  auto at = months.find(std::string_view(f.month.data()));
  if (std::string_view(f.month.data()).size() != 3 || at == std::string_view::npos || at % 3 != 0) return std::nullopt;
  auto date = std::chrono::year(f.year) / std::chrono::month(static_cast<unsigned>(at / 3 + 1)) /
              std::chrono::day(static_cast<unsigned>(f.day));
  auto within = [](int number, int max) { return number >= 0 && number <= max; };
  if (!date.ok() || !within(f.hour, 23) || !within(f.minute, 59) || !within(f.second, 60)) return std::nullopt;
  auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return std::int64_t{days} * 86'400 + std::int64_t{f.hour} * 3600 + std::int64_t{f.minute} * 60 + f.second;
}

/// An HTTP-date as unix seconds (RFC 9110, section 5.6.7: IMF-fixdate, RFC 850, asctime).
std::optional<std::int64_t> http_date(std::string_view text, std::int64_t now_unix_s) {
  if (text.size() > 40) return std::nullopt;
  std::string line(text);
  calendar_fields f;
  auto* month = f.month.data();
  if (std::sscanf(line.c_str(), "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &f.day, month, &f.year, &f.hour,
                  &f.minute, &f.second) == 6) {
    return unix_seconds(f);
  }
  if (std::sscanf(line.c_str(), "%*[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT", &f.day, month, &f.year, &f.hour,
                  &f.minute, &f.second) == 6) {
    f.year += 2000;
    auto seconds = unix_seconds(f);
    constexpr std::int64_t fifty_years_s = 50LL * 365 * 86'400;
    if (!seconds || *seconds <= now_unix_s + fifty_years_s) return seconds;
    f.year -= 100;
    return unix_seconds(f);
  }
  if (std::sscanf(line.c_str(), "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d", month, &f.day, &f.hour, &f.minute, &f.second,
                  &f.year) == 6) {
    return unix_seconds(f);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_retry_after(std::string_view retry_after, std::string_view retry_after_ms,
                                               std::int64_t now_unix_s) {
  if (auto ms = scaled_number(trimmed(retry_after_ms), 1)) return ms;
  auto text = trimmed(retry_after);
  if (auto ms = scaled_number(text, 1000)) return ms;
  auto date = http_date(text, now_unix_s);
  if (!date) return std::nullopt;
  return *date <= now_unix_s ? 0 : static_cast<std::uint64_t>(*date - now_unix_s) * 1000;
}

}  // namespace oncue::core
