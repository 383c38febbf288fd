#define CAF_SUITE core.tool_text

#include "oncue/core/tool_text.hpp"

#include <caf/test/unit_test.hpp>

#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"

using namespace oncue::core;

CAF_TEST(a text that fits stays as it is) {
  CAF_CHECK_EQUAL(tool_text("", 10), "");
  CAF_CHECK_EQUAL(tool_text("0123456789", 10), "0123456789");
  CAF_CHECK_EQUAL(tool_text("line\n", 10), "line\n");
}

CAF_TEST(a longer text is cut between two characters and says so) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "ü";
  for (std::size_t most = 0; most < 200; ++most) {
    auto cut = tool_text(text, most);
    CAF_CHECK(cut.size() <= most);
    CAF_CHECK(is_utf8(cut));
    CAF_CHECK_EQUAL(cut.find("the whole text has 200 bytes") != std::string::npos, most >= 36);
  }
  CAF_CHECK_EQUAL(tool_text(text, 200), text);
}

CAF_TEST(what is no UTF8 is replaced and counts as what it became) {
  CAF_CHECK_EQUAL(tool_text("a\xff"
                            "b",
                            10),
                  "a\xEF\xBF\xBD"
                  "b");
  auto cut = tool_text(std::string(100, '\xff'), 90);
  CAF_CHECK(cut.size() <= 90 && is_utf8(cut));
}

CAF_TEST(an output loses one line break at its end) {
  CAF_CHECK_EQUAL(program_output_text("42\n", 10), "42");
  CAF_CHECK_EQUAL(program_output_text("42\r\n", 10), "42");
  CAF_CHECK_EQUAL(program_output_text("42\n\n", 10), "42\n");
  CAF_CHECK_EQUAL(program_output_text("\n", 10), "");
  CAF_CHECK_EQUAL(program_output_text("0123456789\n", 10), "0123456789");
}

CAF_TEST(a failure says how it ended and what was said last) {
  CAF_CHECK_EQUAL(program_failure_text("exited with code 3", "", 100), "the program exited with code 3");
  CAF_CHECK_EQUAL(program_failure_text("exited with code 3", "no disk\n", 100),
                  "the program exited with code 3; its standard error ends with:\nno disk");
}

CAF_TEST(a flood says so and shows its beginning) {
  auto text = program_flood_text(std::string(200, 'x'), 120);
  CAF_CHECK(text.starts_with("the program wrote more than 120 bytes and was stopped; its output begins with:\nxxx"));
  CAF_CHECK_EQUAL(text.size(), 120u);
  for (std::size_t most = 0; most < 100; ++most) {
    auto cut = program_flood_text("\xc3\xbc\xff\xc3\xbc", most);
    CAF_CHECK(cut.size() <= most && is_utf8(cut));
  }
}

CAF_TEST(the end of a stream is kept and begins with a whole character) {
  constexpr auto most = limits::child_stderr_bytes_kept;
  text_end end;
  end.add("short");
  CAF_CHECK_EQUAL(end.text(), "short");
  for (int i = 0; i < 5000; ++i) end.add("ü");
  end.add("x");
  CAF_CHECK(end.text().size() <= most && end.text().size() >= most - 3);
  CAF_CHECK(is_utf8(end.text()));
  CAF_CHECK(end.text().ends_with("üx"));
  end.add(std::string(most, 'y'));
  CAF_CHECK_EQUAL(end.text(), std::string(most, 'y'));
}
