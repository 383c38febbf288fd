// The usual chunk is read by a shortcut, all others by the decoder. Nobody may notice which it was: each chunk here is
// decoded twice, the second time with a member that no provider sends and that the shortcut therefore leaves to the
// decoder.
#define CAF_SUITE core.openai_shortcut

#include <caf/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/core/openai_stream.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

std::string decode(const std::string& chunk) {
  openai_stream_decoder decoder(7);
  std::vector<model_message> out;
  decoder.feed("data: " + chunk + "\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", out);
  decoder.end(out);
  std::string shown;
  for (const auto& message : out) {
    if (const auto* delta = std::get_if<model_delta>(&message)) {
      shown += (delta->kind == delta_kind::text ? "T " : "R ") + delta->text + "|";
    } else if (const auto* done = std::get_if<model_done>(&message)) {
      shown += "D " + done->finish_reason + " " + std::to_string(done->usage.input_tokens) + " " +
               std::to_string(done->tool_calls.size());
    } else {
      shown += "F " + std::get<model_failed>(message).message;
    }
  }
  return shown;
}

/// The same chunk, but not for the shortcut.
std::string estranged(std::string chunk) {
  auto brace = chunk.find('{');
  return brace == chunk.npos ? chunk : chunk.insert(brace + 1, R"("unheard_of":[],)");
}

std::string with_delta(const std::string& delta) { return R"({"choices":[{"index":0,"delta":)" + delta + "}]}"; }

}  // namespace

CAF_TEST(what the shortcut reads is what the decoder reads) {
  const std::string long_text(2 * limits::plain_chunk_bytes_max, 'x');
  const std::vector<std::string> chunks = {
      with_delta(R"({"content":"a word "})"),
      with_delta(R"({"role":"assistant","content":""})"),
      with_delta(R"({"content":"ü \u00fc \ud83d\ude00 \" \\ \n \u0000 end"})"),
      with_delta(R"({"content":"half \ud83d"})"),
      with_delta(R"({"content":"half \udc00"})"),
      with_delta(R"({"content":"half \uDC00"})"),
      with_delta("{\"content\":\"not utf-8 \xff\"}"),
      with_delta(R"({"content":")" + long_text + "\"}"),
      with_delta(R"({"content":null})"),
      with_delta(R"({"content":[{"text":"part"}]})"),
      with_delta(R"({"content":"one","content":"two"})"),
      with_delta(R"({"content":"a","refusal":"b"})"),
      with_delta(R"({"content":"a","refusal":null,"reasoning":null,"reasoning_content":null})"),
      with_delta(R"({"content":"a","reasoning_content":"b"})"),
      with_delta(R"({"content":"a","tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]})"),
      with_delta("{}"),
      with_delta("[]"),
      with_delta(R"({"content":"cut)"),
      R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":null,"choices":[{"index":0,)"
      R"("delta":{"content":"a"},"logprobs":null,"finish_reason":null}],"usage":null})",
      R"({"object":"error","choices":[{"index":0,"delta":{"content":"a"}}]})",
      R"({"object":7,"choices":[{"index":0,"delta":{"content":"a"}}]})",
      R"({"error":{"message":"no"},"choices":[{"index":0,"delta":{"content":"a"}}]})",
      R"({"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":5}})",
      R"({"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"length"}]})",
      R"({"choices":[{"index":1,"delta":{"content":"a"}}]})",
      R"({"choices":[{"index":0.0,"delta":{"content":"a"}}]})",
      R"({"choices":[{"index":-0,"delta":{"content":"a"}}]})",
      R"({"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]})",
      R"({"choices":[]})",
      R"({"choices":{}})",
      R"({"choices":[{"index":0,"delta":{"content":"a"}}],"choices":[]})",
      R"({"choices":[{"index":0,"delta":{"content":"a"}}],"created":123456789012345678901234567890})",
      R"({"choices":[{"index":0,"delta":{"content":"a"}}],"created":1e999})",
      R"({"choices":[{"index":0,"delta":{"content":"a"}}]} and more)",
      R"({"choices":[{"index":0,"delta":{"content":"a"}}],})",
  };
  for (const auto& chunk : chunks) {
    CAF_MESSAGE(chunk.substr(0, 200));
    auto stranger = estranged(chunk);
    auto expected = decode(stranger);
    // A broken chunk is quoted in the failure.
    if (auto quoted = expected.find(stranger); quoted != expected.npos) expected.replace(quoted, stranger.size(), chunk);
    CAF_CHECK_EQUAL(decode(chunk), expected);
  }
  CAF_CHECK_EQUAL(decode(chunks[0]), "T a word |D stop 0 0");
}
