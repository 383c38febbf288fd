#define CAF_SUITE core.openai_stream

#include "oncue/core/openai_stream.hpp"

#include <caf/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "oncue/core/limits.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

std::string to_text(const token_usage& u) {
  return std::to_string(u.input_tokens) + "/" + std::to_string(u.output_tokens) + "/" + std::to_string(u.reasoning_tokens) +
         "/" + std::to_string(u.cache_read_tokens);
}

/// "T text", "R reasoning", "D finish_reason input/output/reasoning/cached [id name arguments]…", "F code status message".
std::string to_text(const model_message& message) {
  if (auto* delta = std::get_if<model_delta>(&message)) {
    CAF_CHECK_EQUAL(delta->attempt, 7u);
    return (delta->kind == delta_kind::text ? "T " : "R ") + delta->text;
  }
  if (auto* done = std::get_if<model_done>(&message)) {
    CAF_CHECK_EQUAL(done->attempt, 7u);
    auto text = "D " + done->finish_reason + " " + to_text(done->usage);
    for (const auto& call : done->tool_calls) text += " [" + call.id + " " + call.name + " " + call.arguments + "]";
    return text;
  }
  const auto& failed = std::get<model_failed>(message);
  CAF_CHECK_EQUAL(failed.attempt, 7u);
  return "F " + std::string(to_string(failed.code)) + " " + std::to_string(failed.provider_status) +
         (failed.retryable ? " retryable " : " final ") + failed.message;
}

using texts = std::vector<std::string>;

texts decode(std::string_view body, std::size_t piece_bytes = std::string_view::npos, std::string_view reason = {}) {
  openai_stream_decoder decoder(7, {"my-own-secret"});
  std::vector<model_message> out;
  while (!body.empty()) {
    std::string piece(body.substr(0, piece_bytes));
    body.remove_prefix(piece.size());
    decoder.feed(piece, out);
  }
  decoder.end(out, reason);
  CAF_CHECK(decoder.ended());
  auto given = out.size();
  decoder.feed("data: {\"choices\":[{\"delta\":{\"content\":\"late\"}}]}\n\ndata: [DONE]\n\n", out);
  decoder.end(out);
  CAF_CHECK_EQUAL(out.size(), given);
  texts result;
  for (const auto& message : out) result.push_back(to_text(message));
  return result;
}

/// A stream of one event per line.
std::string stream(std::initializer_list<std::string_view> data) {
  std::string body;
  for (auto line : data) body += "data: " + std::string(line) + "\n\n";
  return body;
}

std::string with_line_ends(std::string_view text, std::string_view line_end) {
  std::string result;
  for (char c : text) result += c == '\n' ? std::string(line_end) : std::string(1, c);
  return result;
}

std::string delta(std::string_view members) {
  return R"({"choices":[{"index":0,"delta":{)" + std::string(members) + "}}]}";
}

constexpr std::string_view hi = R"({"choices":[{"index":0,"delta":{"content":"hi"}}]})";
constexpr std::string_view stop = R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";

}  // namespace

CAF_TEST(the streams of all providers are understood however they are cut) {
  struct {
    const char* file;
    texts expected;
  } const files[] = {
      {"openai_text", {"T Hello", "T ! Grüße aus 東京 🌸", "T \nHow can I help?", "D stop 19/10/0/8"}},
      {"openai_tools",
       {R"(D tool_calls 82/45/0/0 [call_DdmO9pD3xa9XTPNJ32zg2hcA get_weather {"location":"Paris"}])"
        R"( [call_K3mGqVxT1rD8wqkq0ZLbH7Yh get_time {"zone":"Europe/Paris"}])"}},
      {"azure_text", {"T Color", "T  is a hue.", "D stop 0/0/0/0"}},
      {"llama_cpp_text", {"R The user", "R  says hi.", "T Hi", "T  there!", "D stop 10/28/0/7"}},
      {"llama_cpp_tools", {R"x(D tool_calls 172/21/0/0 [fdqN1nZ7v5KpR2sT0uW9xY4a python {"code":"print(\"hi\")"}])x"}},
      {"vllm_continuous_usage", {"R 9.8 has more", "R  tenths.", "T \n\n9.8", "T  is greater", "T .", "D stop 12/5/0/0"}},
      {"vllm_tools",
       {R"(D tool_calls 0/0/0/0 [chatcmpl-tool-040af537f3e14bd6986646facde02ce3 get_current_weather {"city": "Dallas"}])"}},
      {"ollama_tools",
       {"R Okay, the user", "R  wants the weather.", "T Let me look.",
        R"(D tool_calls 166/131/0/0 [call_8vqsz0ns get_current_weather {"format":"celsius","location":"Toronto"}])"
        R"( [call_o2tk1x7d get_current_weather {"format":"celsius","location":"Montréal"}])"}},
      {"ollama_tools_without_index",
       {R"(D stop 0/0/0/0 [call_5eqcu1xf get_current_weather {"location":"Boston"}])"
        R"( [call_1g77vh6p get_current_weather {"location":"Salem"}])"}},
      {"openrouter_text", {"R , so I need", "R  to be brief", "T It is", "T  42.", "D stop 17/52/40/3"}},
      {"openrouter_error", {"T It is", "F provider_refused 0 final Provider disconnected unexpectedly"}},
      {"openrouter_rate_limited",
       {"F provider_rate_limited 429 retryable Rate limit exceeded: free-models-per-min.: slow down"}},
      {"deepseek_reasoning", {"R 嗯，用户", "R 打招呼。", "T 你好", "T ！", "D stop 17/9/5/0"}},
      {"deepseek_tools",
       {R"(D tool_calls 201/24/0/192 [call_0_1fae4489-50ec-4bfa-bb75-5f1a4ab3f0cd get_weather {"location": "Hangzhou"}])"}},
  };
  for (const auto& f : files) {
    std::ifstream file(std::string(ONCUE_TEST_DATA) + "/providers/" + f.file + ".sse", std::ios::binary);
    std::string recorded{std::istreambuf_iterator<char>(file), {}};
    CAF_MESSAGE(f.file);
    CAF_REQUIRE(recorded.starts_with(": "));
    for (auto line_end : {"\n", "\r", "\r\n"}) {
      auto body = with_line_ends(recorded, line_end);
      for (std::size_t piece_bytes : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, body.size()}) {
        CAF_CHECK_EQUAL(decode(body, piece_bytes), f.expected);
      }
    }
  }
}

CAF_TEST(the end of a stream tells whether the answer is whole) {
  struct {
    std::string body;
    std::string_view reason;
    std::string last;
  } const ends[] = {
      {stream({hi, stop, "[DONE]"}), "", "D stop 0/0/0/0"},
      {stream({hi, stop, "[DONE]", hi, stop, "[DONE]", "nonsense"}), "", "D stop 0/0/0/0"},
      {stream({hi, stop}), "", "D stop 0/0/0/0"},
      {stream({hi, stop}), "connection reset", "D stop 0/0/0/0"},
      {stream({hi, "[DONE]"}), "", "D  0/0/0/0"},
      {stream({hi}) + "data: [DONE]", "", "D  0/0/0/0"},
      {stream({hi}) + "data: " + std::string(stop), "", "D stop 0/0/0/0"},
      {stream({hi}) + "data: " + std::string(stop.substr(0, 40)), "",
       "F provider_protocol 0 final the stream was cut before its end"},
      {stream({hi}), "", "F provider_protocol 0 final the stream was cut before its end"},
      {stream({hi}), "connection\nreset",
       "F provider_protocol 0 final the stream was cut before its end: connection reset"},
      {stream({delta(R"("role":"assistant","content":"")")}), "",
       "F provider_protocol 0 retryable the stream was cut before its end"},
      {": hello\n\n", "", "F provider_protocol 0 retryable the stream was cut before its first event"},
      {"", "", "F provider_protocol 0 retryable the stream was cut before its first event"},
      {"<!doctype html><title>Welcome</title>", "",
       "F provider_protocol 0 final expected an event stream, got a web page: is base_url right?"},
  };
  for (const auto& e : ends) {
    CAF_CHECK_EQUAL(decode(e.body, 5, e.reason).back(), e.last);
    CAF_CHECK_EQUAL(decode(e.body, e.body.size(), e.reason).back(), e.last);
  }
}

CAF_TEST(the parts of a delta are told apart) {
  struct {
    std::string delta;
    texts expected;
  } const deltas[] = {
      {R"("content":null)", {}},
      {R"("content":"")", {}},
      {R"("content":[{"type":"text","text":"a"},{"type":"text","text":""},{"type":"image_url"},{"type":"text","text":"b"}])",
       {"T a", "T b"}},
      {R"("refusal":"I must not.")", {"T I must not."}},
      {R"("reasoning_content":"x","reasoning":"x","content":"y")", {"R x", "T y"}},
      {R"("reasoning_content":"x","reasoning":null)", {"R x"}},
      {R"("reasoning_content":"","reasoning":"z")", {"R z"}},
      {R"("function_call":{"name":"f","arguments":"{}"})", {}},
      {R"("content":7,"reasoning":{},"tool_calls":"x","refusal":[1])", {}},
      {R"("content":"a\u0000b \ud83d\ude00")", {std::string("T a\0b 😀", 10)}},
      {"\"content\":\"a\xFF\"", {"T a\xEF\xBF\xBD"}},
  };
  for (const auto& d : deltas) {
    auto expected = d.expected;
    expected.push_back("D  0/0/0/0");
    CAF_CHECK_EQUAL(decode(stream({delta(d.delta), "[DONE]"})), expected);
  }
}

CAF_TEST(chunks that say nothing of the first choice are passed over) {
  auto body = stream(
      {R"({"choices":[{"index":1,"delta":{"content":"other"},"finish_reason":"length"},{"index":0,"delta":{"content":"a"}}]})",
       R"({"choices":null})", R"({"choices":{}})", R"({"choices":[null,7]})", "{}", R"({"object":"ping"})", "  ",
       R"({"choices":[{"delta":{"content":"b"},"finish_reason":"length","usage":{"prompt_tokens":3,"completion_tokens":4.0}}]})",
       R"({"choices":[{"message":{"content":"ab"}}]})", R"({"choices":[],"usage":null})", R"({"choices":[],"error":null})",
       "[DONE]"});
  body = "event: ping\ndata: still here\n\n" + body;
  CAF_CHECK_EQUAL(decode(body), (texts{"T a", "T b", "D length 3/4/0/0"}));
}

CAF_TEST(errors in the middle of a stream end it with the words of the provider) {
  struct {
    std::string events;
    std::string failure;
  } const errors[] = {
      {stream({R"({"error":{"message":"The server had an error","type":"server_error","code":null}})"}),
       "F provider_refused 0 retryable The server had an error"},
      {stream({R"({"error":"llama runner process has terminated"})"}),
       "F provider_refused 0 final llama runner process has terminated"},
      {stream({R"({"error":{"code":503,"message":"overloaded"}})"}), "F provider_refused 503 retryable overloaded"},
      {stream({R"({"error":{"code":400,"message":"bad"}})"}), "F provider_refused 400 final bad"},
      {stream({R"({"error":{"code":"rate_limit_exceeded","message":"slow"}})"}),
       "F provider_rate_limited 0 retryable slow"},
      {stream({R"([{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED"}}])"}),
       "F provider_rate_limited 429 retryable quota"},
      {stream({R"({"object":"error","message":"too long","type":"BadRequestError","code":400})"}),
       "F provider_refused 400 final too long"},
      {stream({R"({"choices":[{"index":0,"error":{"code":502,"message":"upstream"},"finish_reason":"error"}]})"}),
       "F provider_refused 502 retryable upstream"},
      {stream({R"({"choices":[{"index":0,"delta":{},"finish_reason":"error"}]})"}),
       "F provider_refused 0 final the provider ended the stream with an error and no message"},
      {"event: error\ndata: {\"message\":\"went away\"}\n\n", "F provider_refused 0 final went away"},
      {"event: error\ndata: plain\ndata: words\n\n", "F provider_refused 0 final plain words"},
      {"event: error\ndata: {\"error\":\"x\"}", "F provider_refused 0 final x"},
  };
  for (const auto& e : errors) {
    CAF_CHECK_EQUAL(decode(e.events), texts{e.failure});
    auto after_a_delta = e.failure;
    if (auto at = after_a_delta.find("retryable"); at != std::string::npos) after_a_delta.replace(at, 9, "final");
    CAF_CHECK_EQUAL(decode(stream({hi}) + e.events), (texts{"T hi", after_a_delta}));
  }
}

CAF_TEST(what is not understood fails with a short and harmless excerpt) {
  constexpr auto what = "F provider_protocol 0 final expected a JSON object in every event of the stream, got: ";
  CAF_CHECK_EQUAL(decode(stream({R"({"choices":[)"})), texts{what + std::string(R"({"choices":[)")});
  CAF_CHECK_EQUAL(decode(stream({"7"})), texts{what + std::string("7")});
  CAF_CHECK_EQUAL(decode(stream({"[1]"})), texts{what + std::string("[1]")});
  CAF_CHECK_EQUAL(decode(stream({"\x1B[31mred\x07 key my-own-secret sk-abcdefgh"})),
                  texts{what + std::string("[31mred key [redacted] [redacted]")});
  auto longest = decode(stream({"{" + std::string(10'000, 'x')})).back();
  CAF_CHECK_LESS_OR_EQUAL(longest.size(), limits::error_message_chars_max + 40);
  CAF_CHECK(longest.ends_with("x…"));
}

CAF_TEST(tool calls are put together by index or else by id) {
  auto call = [](std::string_view fragment) { return delta(R"("tool_calls":[)" + std::string(fragment) + "]"); };
  struct {
    std::vector<std::string> fragments;
    std::string calls;
  } const calls[] = {
      {{R"({"index":1,"id":"b","function":{"name":"g","arguments":"2"}})",
        R"({"index":0,"id":"a","function":{"name":"f","arguments":"1"}})", R"({"index":1,"function":{"arguments":"3"}})"},
       " [a f 1] [b g 23]"},
      {{R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}})"},
       " [a f {}] [b f {}]"},
      {{R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}})",
        R"({"index":0,"id":"b","function":{"name":"f","arguments":":1}"}})"},
       R"( [a f {"x":1}])"},
      {{R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"}})",
        R"({"index":0,"id":"a","function":{"name":"f","arguments":" "}})"},
       " [a f {} ]"},
      {{R"({"id":"a","function":{"name":"f","arguments":"1"}})", R"({"function":{"arguments":"2"}})",
        R"({"id":"a","function":{"arguments":"3"}})", R"({"function":{"name":"g"}})"},
       " [a f 123] [call_7_1 g ]"},
      {{R"({"index":0,"id":"a","function":{"name":"f","arguments":{"x":[1,null]}}})"}, R"( [a f {"x":[1,null]}])"},
      {{R"({"index":9223372036854775807,"id":"a"})", R"({"id":"b"})"}, " [a  ] [b  ]"},
      {{"null", "7", R"({"index":0,"function":null})"}, " [call_7_0  ]"},
  };
  for (const auto& c : calls) {
    std::string body;
    for (const auto& fragment : c.fragments) body += stream({call(fragment)});
    CAF_CHECK_EQUAL(decode(body + stream({"[DONE]"})), texts{"D  0/0/0/0" + c.calls});
  }
}

CAF_TEST(tool calls above the limits fail the answer) {
  std::string many;
  for (std::size_t i = 0; i <= limits::tool_calls_max; ++i) {
    many += stream({delta(R"("tool_calls":[{"index":)" + std::to_string(i) + R"(,"function":{"name":"f"}}])")});
  }
  CAF_CHECK_EQUAL(decode(many).back(), "F provider_protocol 0 final expected at most 128 tool calls in one answer");
  std::string piece(limits::tool_call_bytes_max / 4, 'x');
  std::string large;
  for (int i = 0; i < 5; ++i) {
    large += stream({delta(R"("tool_calls":[{"index":0,"function":{"arguments":")" + piece + R"("}}])")});
  }
  CAF_CHECK_EQUAL(decode(large).back(),
                  "F provider_protocol 0 final expected at most 1048576 bytes of arguments in a tool call");
  auto deep = std::string(100'000, '[') + std::string(100'000, ']');
  CAF_CHECK_EQUAL(decode(stream({delta(R"("tool_calls":[{"function":{"arguments":{"a":)" + deep + "}}}]")})).back(),
                  "F provider_protocol 0 final the arguments of a tool call are nested too deep");
  CAF_CHECK_EQUAL(decode(stream({R"({"choices":[{"finish_reason":"error","delta":{"tool_calls":[{"function":{"arguments":)"
                                 R"({"a":)" +
                                 deep + "}}}]}}]}"})),
                  texts{"F provider_protocol 0 final the arguments of a tool call are nested too deep"});
}

CAF_TEST(deep nesting does no harm) {
  auto deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  CAF_CHECK_EQUAL(decode(stream({deep})).size(), 1u);
  CAF_CHECK_EQUAL(decode(stream({R"({"error":)" + deep + "}"})).size(), 1u);
  CAF_CHECK_EQUAL(decode(stream({delta(R"("content":)" + deep), "[DONE]"})), texts{"D  0/0/0/0"});
  CAF_CHECK_EQUAL(decode("event: error\ndata: " + deep + "\n\n").size(), 1u);
  CAF_CHECK_EQUAL(decode(deep).size(), 1u);
}

CAF_TEST(an event above the limit fails the answer) {
  openai_stream_decoder decoder(7);
  std::vector<model_message> out;
  std::string megabyte(1u << 20, 'x');
  decoder.feed("data: ", out);
  for (int i = 0; i < 17 && !decoder.ended(); ++i) decoder.feed(megabyte, out);
  CAF_REQUIRE_EQUAL(out.size(), 1u);
  CAF_CHECK_EQUAL(to_text(out[0]),
                  "F provider_protocol 0 final expected at most 16777216 bytes in one event of the stream");
}

CAF_TEST(a server that does not stream is understood too) {
  struct {
    std::string body;
    std::string_view reason;
    texts expected;
  } const bodies[] = {
      {"\n\n \r\n"
       R"({"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hello",)"
       R"("reasoning_content":"hm"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}})"
       "\n",
       "",
       {"R hm", "T Hello", "D stop 1/2/0/0"}},
      {R"({"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]})",
       "connection reset",
       {"D tool_calls 0/0/0/0 [a f {}]"}},
      {R"({"error":{"message":"no such model","code":404}})", "", {"F provider_refused 404 final no such model"}},
      {R"({"choices":[]})",
       "",
       {R"(F provider_protocol 0 final expected a stream, or one JSON object with choices, got: {"choices":[]})"}},
      {R"({"choices":[{"mess)",
       "",
       {R"(F provider_protocol 0 final expected a stream, or one JSON object with choices, got: {"choices":[{"mess)"}},
      {R"({"choices":[{"mess)", "reset", {"F provider_protocol 0 retryable the answer was cut before its end: reset"}},
  };
  for (const auto& b : bodies) {
    CAF_CHECK_EQUAL(decode(b.body, 1, b.reason), b.expected);
    CAF_CHECK_EQUAL(decode(b.body, 1000, b.reason), b.expected);
  }
}
