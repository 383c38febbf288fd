#define CAF_SUITE core.duration

#include "oncue/core/duration.hpp"

#include <caf/test/unit_test.hpp>
#include <limits>
#include <vector>

using namespace oncue::core;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

CAF_TEST(a duration is numbers with units from large to small) {
  const std::vector<std::pair<std::string, milliseconds>> table = {
      {"8s", 8s},
      {"500ms", 500ms},
      {"2m", 2min},
      {"1h", 1h},
      {"1.5s", 1500ms},
      {"1m30s", 90s},
      {"1h1m1s1ms", 3661001ms},
      {"0s", 0ms},
      {"0.001s", 1ms},
      {"0.5m", 30s},
      {"1.25h", 75min},
      {"24h", 24h},
      {"1d", 24h},
      {"0d12h", 12h},
      {"0.5d", 12h},
      {"0.0009765625d", 84375ms},
      {"86400000ms", 24h},
      {"1.000000000s", 1s},
      {"007s", 7s},
      {"0.0001h", 360ms},
      {"1h0.5s", 3600500ms},
      {"0h0m0s0ms", 0ms},
      {"0.0000025h", 9ms},
  };
  for (const auto& [text, expected] : table) {
    CAF_MESSAGE(text);
    const auto result = parse_duration(text);
    const auto* value = std::get_if<milliseconds>(&result);
    CAF_REQUIRE(value != nullptr);
    CAF_CHECK_EQUAL(value->count(), expected.count());
  }
}

CAF_TEST(a bad duration is refused with a sentence that says what to write) {
  const std::string not_one = " is not a duration: expected one such as \"8s\", \"500ms\" or \"1m30s\"";
  const std::string too_long = " is too long: at most 24 h";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "expected a duration such as \"8s\", \"500ms\" or \"1m30s\", got an empty text"},
      {"8", "\"8\" has no unit: write \"8s\" for seconds or \"8ms\" for milliseconds"},
      {"1.5", "\"1.5\" has no unit: write \"1.5s\" for seconds or \"1.5ms\" for milliseconds"},
      {"0", "\"0\" has no unit: write \"0s\" for seconds or \"0ms\" for milliseconds"},
      {"-8s", "\"-8s\" is negative: expected a duration of 0 or more"},
      {"8sec", "\"8sec\" has the unknown unit \"sec\": units are d, h, m, s and ms"},
      {"8 s", "\"8 s\" has the unknown unit \" s\": units are d, h, m, s and ms"},
      {"8S", "\"8S\" has the unknown unit \"S\": units are d, h, m, s and ms"},
      {"2d", "\"2d\"" + too_long},
      {"2w", "\"2w\" has the unknown unit \"w\": units are d, h, m, s and ms"},
      {"0.00000000001d", "\"0.00000000001d\" is finer than 1 ms: expected whole milliseconds"},
      {"1s\n", "\"1s\\n\" has the unknown unit \"s\\n\": units are d, h, m, s and ms"},
      {"30s1m", "\"30s1m\" has its units out of order: expected d, h, m, s, ms, each at most once"},
      {"1s1s", "\"1s1s\" has its units out of order: expected d, h, m, s, ms, each at most once"},
      {"0.5ms", "\"0.5ms\" is finer than 1 ms: expected whole milliseconds"},
      {"1.0005s", "\"1.0005s\" is finer than 1 ms: expected whole milliseconds"},
      {"0.00000001h", "\"0.00000001h\" is finer than 1 ms: expected whole milliseconds"},
      {"1m30", "\"1m30\"" + not_one},
      {"s", "\"s\"" + not_one},
      {".5s", "\".5s\"" + not_one},
      {"5.s", "\"5.s\"" + not_one},
      {"+5s", "\"+5s\"" + not_one},
      {" 5s", "\" 5s\"" + not_one},
      {"abc", "\"abc\"" + not_one},
      {"1.5.5s", "\"1.5.5s\"" + not_one},
      {"86400001ms", "\"86400001ms\"" + too_long},
      {"24h1ms", "\"24h1ms\"" + too_long},
      {"25h", "\"25h\"" + too_long},
      {"24.5h", "\"24.5h\"" + too_long},
      {"999999999999999h", "\"999999999999999h\"" + too_long},
      {"12345678901234567s", "\"12345678901234567s\" is too long for a duration: at most 16 characters"},
  };
  for (const auto& [text, expected] : table) {
    const auto result = parse_duration(text);
    const auto* error = std::get_if<std::string>(&result);
    CAF_REQUIRE(error != nullptr);
    CAF_CHECK_EQUAL(*error, expected);
  }
}

CAF_TEST(the longest duration is the callers) {
  auto of = [](std::string_view text) { return parse_duration(text, 3650 * 24h); };
  CAF_CHECK_EQUAL(std::get<milliseconds>(of("3650d")).count(), milliseconds{3650 * 24h}.count());
  CAF_CHECK_EQUAL(std::get<milliseconds>(of("30d12h")).count(), milliseconds{732h}.count());
  CAF_CHECK_EQUAL(std::get<std::string>(of("3650d1ms")), "\"3650d1ms\" is too long: at most 3650 d");
}

CAF_TEST(a setting is written exactly) {
  const std::vector<std::pair<milliseconds, std::string>> table = {
      {0ms, "0 s"},
      {1ms, "1 ms"},
      {500ms, "500 ms"},
      {999ms, "999 ms"},
      {8s, "8 s"},
      {1500ms, "1.5 s"},
      {1050ms, "1.05 s"},
      {1001ms, "1.001 s"},
      {90s, "1 min 30 s"},
      {60s, "1 min"},
      {90500ms, "1 min 30.5 s"},
      {1h, "1 h"},
      {24h, "24 h"},
      {47h, "47 h"},
      {48h, "2 d"},
      {73h, "3 d 1 h"},
      {3661s, "1 h 1 min 1 s"},
      {60005ms, "1 min 5 ms"},
      {-8s, "-8 s"},
  };
  for (const auto& [value, expected] : table) CAF_CHECK_EQUAL(format_duration(value), expected);
  CAF_CHECK_EQUAL(format_duration(milliseconds::min()), "106751991167 d 7 h 12 min 55.808 s");
}

CAF_TEST(a measurement is written with as many digits as one wants to read) {
  const std::vector<std::pair<std::uint64_t, std::string>> table = {
      {0, "0 µs"},
      {430, "430 µs"},
      {999, "999 µs"},
      {1000, "1 ms"},
      {1200, "1.2 ms"},
      {1249, "1.2 ms"},
      {1250, "1.3 ms"},
      {12'340, "12.3 ms"},
      {99'949, "99.9 ms"},
      {99'950, "100 ms"},
      {123'400, "123 ms"},
      {999'499, "999 ms"},
      {999'500, "1 s"},
      {1'000'000, "1 s"},
      {3'400'000, "3.4 s"},
      {59'949'999, "59.9 s"},
      {59'950'000, "1 min"},
      {90'400'000, "1 min 30 s"},
      {3'600'000'000, "1 h"},
      {90'600'000, "1 min 31 s"},
  };
  for (const auto& [value, expected] : table) CAF_CHECK_EQUAL(format_microseconds(value), expected);
  CAF_CHECK(!format_microseconds(std::numeric_limits<std::uint64_t>::max()).empty());
}
