// A provider's answer. The messages are the same for every way of cutting the bytes, and exactly one of them is an ending.
#include <vector>

#include "fuzz.hpp"
#include "oncue/core/openai_stream.hpp"
#include "oncue/core/text.hpp"

using namespace oncue;

namespace {

std::string shown(const core::model_message& message) {
  if (const auto* delta = std::get_if<model_delta>(&message)) {
    fuzz::require(!delta->text.empty() && core::is_utf8(delta->text), "a delta is text");
    return std::to_string(static_cast<int>(delta->kind)) + delta->text;
  }
  if (const auto* done = std::get_if<model_done>(&message)) {
    auto text = "done " + done->finish_reason;
    for (const auto& call : done->tool_calls) text += "|" + call.id + "|" + call.name + "|" + call.arguments;
    return text;
  }
  return "failed " + std::get<model_failed>(message).message;
}

std::vector<std::string> decoded(std::string_view bytes, bool cut) {
  core::openai_stream_decoder decoder(7, {"sk-0123456789"});
  std::vector<core::model_message> out;
  auto seed = fuzz::seed_of(bytes);
  while (!bytes.empty() && !decoder.ended()) {
    auto piece = cut ? fuzz::take_piece(bytes, seed) : std::exchange(bytes, {});
    decoder.feed(piece, out);
  }
  decoder.end(out);
  std::vector<std::string> result;
  int endings = 0;
  for (const auto& message : out) {
    fuzz::require(endings == 0, "nothing comes behind the ending");
    endings += std::holds_alternative<model_delta>(message) ? 0 : 1;
    result.push_back(shown(message));
  }
  fuzz::require(endings == 1, "there is exactly one ending");
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = fuzz::text_of(data, size);
  fuzz::require(decoded(bytes, false) == decoded(bytes, true), "the messages do not depend on the cuts");
  return 0;
}
