#define CAF_SUITE core.json_text

#include "oncue/core/json_text.hpp"

#include <caf/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "oncue/core/text.hpp"

using namespace oncue::core;

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  append_json_escaped(out, text);
  return out;
}

}  // namespace

CAF_TEST(text comes out as JSON with UTF8 as it is) {
  using namespace std::string_literals;
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", ""},
      {"tok0 ", "tok0 "},
      {"say \"hi\"", "say \\\"hi\\\""},
      {"back\\slash", "back\\\\slash"},
      {"a/b", "a/b"},
      {"\b\f\n\r\t", "\\b\\f\\n\\r\\t"},
      {"\0\x01\x1f\x7f"s, "\\u0000\\u0001\\u001f\x7f"},
      {"größer 中文 🦊", "größer 中文 🦊"},
      {"12345678\n12345678", "12345678\\n12345678"},
  };
  for (const auto& [text, expected] : table) CAF_CHECK_EQUAL(escaped(text), expected);
  std::string out = "x:";
  append_json_string(out, "a\"b");
  CAF_CHECK_EQUAL(out, "x:\"a\\\"b\"");
}

CAF_TEST(each ill formed piece of UTF8 becomes one replacement character) {
  const std::string r = "\xEF\xBF\xBD";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"a\x80z", "a" + r + "z"},                                         // a continuation alone
      {"a\xC0\xAFz", "a" + r + r + "z"},                                 // overlong: C0 is never a lead
      {"\xE0\x80\x80", r + r + r},                                       // overlong
      {"\xED\xA0\x80", r + r + r},                                       // a surrogate
      {"\xF4\x90\x80\x80", r + r + r + r},                               // above U+10FFFF
      {"\xE4\xB8", r},                                                   // cut at the end
      {"\xF0\x9F\xA6\"", r + "\\\""},                                    // cut by a quote
      {"\xE4\xB8\xE4\xB8\xAD", r + "中"},                                // cut by the next character
      {"\xFF\xFE", r + r},                                               //
      {"\xF4\x8F\xBF\xBF\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF\xEF\xBF\xBF"},  // the last of each length are well formed
  };
  for (const auto& [text, expected] : table) CAF_CHECK_EQUAL(escaped(text), expected);
}

CAF_TEST(every byte at every place of a word comes back from a JSON parser) {
  std::size_t bad = 0;
  for (int c = 0; c < 128; ++c) {
    for (std::size_t place = 0; place < 19; ++place) {
      for (char filler : {'a', ' ', '!', '\x7f', '[', '#'}) {
        std::string text(19, filler);
        text[place] = static_cast<char>(c);
        if (nlohmann::json::parse("\"" + escaped(text) + "\"").get<std::string>() != text) ++bad;
      }
    }
  }
  CAF_CHECK_EQUAL(bad, 0u);
  // Whatever bytes come in, UTF-8 comes out.
  std::uint32_t seed = 1;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (int i = 0; i < 24; ++i) {
      seed = seed * 1664525u + 1013904223u;
      constexpr unsigned char interesting[] = {'a',  '"',  0x80, 0xBF, 0xC2, 0xE0, 0xA0, 0xED,
                                               0x9F, 0xF0, 0x90, 0xF4, 0x8F, 0xE4, 0xFF, '\n'};
      text += static_cast<char>(interesting[seed >> 28]);
    }
    const auto out = escaped(text);
    if (!is_utf8(out) || out.find('\n') != std::string::npos) ++bad;
    if (is_utf8(text) && nlohmann::json::parse("\"" + out + "\"").get<std::string>() != text) ++bad;
  }
  CAF_CHECK_EQUAL(bad, 0u);
}

CAF_TEST(a quoted text is short and on one line and no key) {
  CAF_CHECK_EQUAL(in_quotes("a\nb"), "\"a\\nb\"");
  CAF_CHECK_EQUAL(in_quotes("sk-proj-0123456789abcdef"), "\"[redacted]\"");
  CAF_CHECK_EQUAL(in_quotes(std::string(60, 'x')), "\"" + std::string(60, 'x') + "\"");
  CAF_CHECK_EQUAL(in_quotes(std::string(61, 'x')), "\"" + std::string(60, 'x') + "…\"");
  CAF_CHECK_EQUAL(in_quotes(std::string(59, 'x') + "中文"), "\"" + std::string(59, 'x') + "…\"");
}
