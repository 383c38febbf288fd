#define CAF_SUITE core.mcp_lines

#include "oncue/core/mcp_lines.hpp"

#include <caf/test/unit_test.hpp>
#include <string>
#include <vector>

using oncue::core::mcp_line_decoder;

namespace {

std::vector<std::string> lines_of(mcp_line_decoder& decoder, std::string_view text, std::size_t piece_bytes) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    // A copy of its own for each piece: a view that is kept too long is seen by the sanitizers.
    std::string piece(text.substr(0, piece_bytes));
    text.remove_prefix(piece.size());
    std::string_view rest = piece;
    while (auto line = decoder.next(rest)) lines.emplace_back(*line);
    CAF_CHECK(rest.empty());
  }
  return lines;
}

}  // namespace

CAF_TEST(lines are the same however the bytes are cut) {
  const std::string text = "{\"a\":1}\n\n\r\n{\"b\":2}\r\nserver started\n  {\"c\":3}\n[1]\nlog {\n\t\n{\"last\"";
  const std::vector<std::string> expected{"{\"a\":1}", "{\"b\":2}", "  {\"c\":3}", "[1]"};
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    mcp_line_decoder decoder;
    CAF_CHECK(lines_of(decoder, text, piece) == expected);
    CAF_CHECK_EQUAL(decoder.left_out(), 2u);
  }
}

CAF_TEST(a line that is too long is left out and the next is found) {
  const std::string text =
      "{\"a\":\"" + std::string(100, 'x') + "\"}\n{\"b\":2}\n{" + std::string(15, ' ') + "}\n{\"c\":3}\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    mcp_line_decoder decoder{16};
    CAF_CHECK(lines_of(decoder, text, piece) == (std::vector<std::string>{"{\"b\":2}", "{\"c\":3}"}));
    CAF_CHECK_EQUAL(decoder.left_out(), 2u);
  }
}
