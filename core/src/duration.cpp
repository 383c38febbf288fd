#include "oncue/core/duration.hpp"

#include <array>
#include <charconv>

#include "oncue/core/json_text.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::core {
namespace {

using std::chrono::milliseconds;

struct unit {
  std::string_view name;
  std::uint64_t in_ms;
};

constexpr std::array<unit, 5> units = {{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes characters from the front of `text` as long as `wanted` says yes.
template <class Predicate>
std::string_view take_while(std::string_view& text, Predicate wanted) {
  std::size_t n = 0;
  while (n < text.size() && wanted(text[n])) ++n;
  auto taken = text.substr(0, n);
  text.remove_prefix(n);
  return taken;
}

/// Digits only, and few enough for 64 bits: parse_duration() has bounded them.
std::uint64_t to_number(std::string_view digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::string not_a_duration(std::string_view text) {
  return in_quotes(text) + " is not a duration: expected one such as \"8s\", \"500ms\" or \"1m30s\"";
}

std::string no_unit(std::string_view text) {
  const auto number = std::string{text};
  return in_quotes(text) + " has no unit: write \"" + number + "s\" for seconds or \"" + number + "ms\" for milliseconds";
}

}  // namespace

std::variant<milliseconds, std::string> parse_duration(std::string_view text, milliseconds max) {
  const auto max_ms = static_cast<std::uint64_t>(max.count());
  static_assert(limits::duration_chars_max <= 18, "numbers of that many digits fit 64 bits");
  if (text.empty()) return "expected a duration such as \"8s\", \"500ms\" or \"1m30s\", got an empty text";
  if (text.size() > limits::duration_chars_max)
    return in_quotes(text) + " is too long for a duration: at most " + std::to_string(limits::duration_chars_max) +
           " characters";
  if (text.front() == '-') return in_quotes(text) + " is negative: expected a duration of 0 or more";

  std::uint64_t total_ms = 0;
  std::size_t next_unit = 0;
  for (auto rest = text; !rest.empty();) {
    const auto whole = take_while(rest, is_digit);
    if (whole.empty()) return not_a_duration(text);
    std::string_view fraction;
    if (!rest.empty() && rest.front() == '.') {
      rest.remove_prefix(1);
      fraction = take_while(rest, is_digit);
      if (fraction.empty()) return not_a_duration(text);
    }
    const auto name = take_while(rest, [](char c) { return c != '.' && !is_digit(c); });
    if (name.empty()) return next_unit == 0 && rest.empty() ? no_unit(text) : not_a_duration(text);

    std::size_t which = 0;
    while (which < units.size() && units[which].name != name) ++which;
    if (which == units.size())
      return in_quotes(text) + " has the unknown unit " + in_quotes(name) + ": units are d, h, m, s and ms";
    if (which < next_unit)
      return in_quotes(text) + " has its units out of order: expected d, h, m, s, ms, each at most once";
    next_unit = which + 1;

    const auto in_ms = units[which].in_ms;
    while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
    std::uint64_t fraction_ms = 0;
    if (!fraction.empty()) {
      // The largest unit is 2^10 · 3^3 · 5^5 ms: with more than 10 digits that do not end in 0 there is always a rest.
      std::uint64_t scale = 1;
      for (std::size_t i = 0; i < fraction.size() && i < 11; ++i) scale *= 10;
      if (fraction.size() > 10 || to_number(fraction) * in_ms % scale != 0)
        return in_quotes(text) + " is finer than 1 ms: expected whole milliseconds";
      fraction_ms = to_number(fraction) * in_ms / scale;
    }
    const auto count = to_number(whole);
    if (count <= max_ms / in_ms) total_ms += count * in_ms + fraction_ms;
    if (count > max_ms / in_ms || total_ms > max_ms)
      return in_quotes(text) + " is too long: at most " + format_duration(max);
  }
  return milliseconds{total_ms};
}

std::string format_duration(milliseconds duration) {
  if (duration.count() < 0 && duration != milliseconds::min()) return "-" + format_duration(-duration);
  auto rest_ms = static_cast<std::uint64_t>(duration.count());
  std::string out;
  auto add = [&](std::string value, std::string_view name) {
    if (!out.empty()) out += ' ';
    out += std::move(value) + ' ';
    out += name;
  };
  // A day is said by its hours, as people do; from two days on they count days.
  if (const auto days = rest_ms / 86'400'000; days >= 2) {
    add(std::to_string(days), "d");
    rest_ms %= 86'400'000;
  }
  if (const auto hours = rest_ms / 3'600'000) add(std::to_string(hours), "h");
  rest_ms %= 3'600'000;
  if (const auto minutes = rest_ms / 60'000) add(std::to_string(minutes), "min");
  rest_ms %= 60'000;
  if (rest_ms >= 1000) {
    auto seconds = std::to_string(rest_ms / 1000);
    if (const auto ms = rest_ms % 1000) {
      auto digits = std::to_string(1000 + ms).substr(1);
      digits.erase(digits.find_last_not_of('0') + 1);
      seconds += "." + digits;
    }
    add(std::move(seconds), "s");
  } else if (rest_ms > 0) {
    add(std::to_string(rest_ms), "ms");
  }
  return out.empty() ? "0 s" : out;
}

std::string format_microseconds(std::uint64_t duration_us) {
  if (duration_us < 1000) return std::to_string(duration_us) + " µs";
  // One digit behind the point below 100, none above; a value that would round up to the next unit is written in it.
  auto in_unit = [](std::uint64_t us, std::uint64_t unit_us, std::string_view name) {
    auto tenths = (us + unit_us / 20) / (unit_us / 10);
    if (tenths >= 1000) tenths = (us + unit_us / 2) / unit_us * 10;
    auto out = std::to_string(tenths / 10);
    if (tenths % 10 != 0) out += "." + std::to_string(tenths % 10);
    return out + ' ' + std::string{name};
  };
  if (duration_us < 999'500) return in_unit(duration_us, 1000, "ms");
  if (duration_us < 59'950'000) return in_unit(duration_us, 1'000'000, "s");
  return format_duration(std::chrono::seconds{duration_us / 1'000'000 + (duration_us % 1'000'000 >= 500'000 ? 1 : 0)});
}

}  // namespace oncue::core
