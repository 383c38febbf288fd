// Requests as they come from a socket. For every way of cutting the bytes the same requests are taken from their front, and
// what is refused is refused; how soon, and in which words, depends on what is there to be seen.
#include <memory>
#include <utility>
#include <vector>

#include "fuzz.hpp"
#include "http_request_parser.hpp"

using namespace oncue;

namespace {

constexpr std::size_t head_bytes_max = 64u << 10;  // libFuzzer's inputs are shorter: a cut trailer is never too long
constexpr std::size_t body_bytes_max = 200;

struct taken {
  std::vector<std::string> requests;
  bool refused = false;
  bool waits = false;  // for the rest of a request
};

std::string shown(const io::server_request& request) {
  fuzz::require(request.body.size() <= body_bytes_max, "bodies are bounded");
  auto text = request.method + " " + request.target + "\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\n";
  return text + "\n" + request.body;
}

taken take(std::string_view bytes, bool cut) {
  taken result;
  std::string input;
  auto seed = fuzz::seed_of(bytes);
  std::unique_ptr<io::detail::http_request_parser> parser;
  while (!bytes.empty()) {
    input += cut ? fuzz::take_piece(bytes, seed) : std::exchange(bytes, {});
    while (!input.empty()) {
      if (!parser) parser = std::make_unique<io::detail::http_request_parser>(head_bytes_max, body_bytes_max);
      input.erase(0, parser->feed(input));
      if (parser->refused() != 0) {
        result.refused = true;
        return result;
      }
      if (!parser->done()) break;
      result.requests.push_back(shown(parser->take()) + (parser->keep_alive() ? "|kept" : "|closed"));
      parser.reset();
    }
  }
  result.waits = parser != nullptr;
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = fuzz::text_of(data, size);
  auto whole = take(bytes, false), pieces = take(bytes, true);
  fuzz::require(whole.requests == pieces.requests, "the requests do not depend on the cuts");
  // The end of a body may be looked at only when more of it has come: until then it is neither taken nor refused.
  fuzz::require(whole.refused || whole.waits || !pieces.refused, "what is taken whole is taken in pieces");
  return 0;
}
