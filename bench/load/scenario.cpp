#include "scenario.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace oncue::bench::load {

namespace {

constexpr std::size_t block_bytes_max = 64 << 10;
constexpr std::size_t time_digits_max = 19;  // of an int64

const std::string chunk_start =
    R"({"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":)";

std::string frame(const std::string& json) { return "data: " + json + "\n\n"; }

std::string delta_frame(const std::string& delta, const char* finish_reason = "null") {
  return frame(chunk_start + R"([{"index":0,"delta":)" + delta + R"(,"finish_reason":)" + finish_reason + "}]}");
}

std::string content_frame(const std::string& text) { return delta_frame(R"({"content":")" + text + R"("})"); }

std::string http_chunk(const std::string& bytes) {
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

std::string usage_json(std::uint64_t n) {
  return R"({"prompt_tokens":10,"completion_tokens":)" + std::to_string(n) + R"(,"total_tokens":)" +
         std::to_string(n + 10) + "}";
}

}  // namespace

scenario_settings parse_scenario(std::string_view text) {
  auto name = text.substr(0, text.find(';'));
  if (name != "words") throw std::runtime_error{"there is no scenario '" + std::string{name} + "', only 'words'"};
  scenario_settings how;
  const struct {
    std::string_view name;
    std::uint64_t& value;
  } known[] = {{"n", how.n},         {"gap_us", how.gap_us}, {"first_ms", how.first_ms}, {"last_ms", how.last_ms},
               {"bytes", how.bytes}, {"times", how.times}};
  text.remove_prefix(name.size());
  while (!text.empty()) {
    text.remove_prefix(1);
    auto pair = text.substr(0, text.find(';'));
    text.remove_prefix(pair.size());
    auto equals = pair.find('=');
    auto* found =
        std::find_if(std::begin(known), std::end(known), [&](const auto& x) { return x.name == pair.substr(0, equals); });
    auto value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
    if (found == std::end(known)) throw std::runtime_error{"a scenario has no '" + std::string{pair} + "'"};
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), found->value);
    if (error != std::errc{} || end != value.data() + value.size()) {
      throw std::runtime_error{"'" + std::string{pair} + "' wants a number that is not negative"};
    }
  }
  how.bytes = std::max<std::uint64_t>(how.bytes, time_digits_max + 5);
  if (how.bytes > 1 << 20) throw std::runtime_error{"a delta has at most 1048576 bytes"};
  if (how.gap_us == 0 && how.n * (how.bytes + 200) > 256 << 20) throw std::runtime_error{"an answer has at most 256 MiB"};
  return how;
}

scenario::scenario(const scenario_settings& how) : how_{how} {
  head_ =
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
  role_ = http_chunk(delta_frame(R"({"role":"assistant","content":""})"));
  head_and_role_ = head_ + role_;
  delta_ = http_chunk(content_frame(text("0")));
  time_at_ = delta_.find("t=0 ") + 2;
  auto finish = delta_frame("{}", R"("stop")");
  auto usage = frame(chunk_start + R"([],"usage":)" + usage_json(how_.n) + "}");
  auto done = frame("[DONE]");
  ending_[0] = http_chunk(finish + done) + "0\r\n\r\n";
  ending_[1] = http_chunk(finish + usage + done) + "0\r\n\r\n";
  if (how_.gap_us == 0) make_all_deltas();
  if (is_one_write()) {
    for (int i : {0, 1}) whole_[i] = head_and_role_ + all_deltas_ + ending_[i];
  }
}

std::string scenario::text(std::string_view time) const {
  auto text = "t=" + std::string{time} + " ";
  text.resize(how_.bytes, 'x');
  return text;
}

std::string_view scenario::delta(std::int64_t time_ns) {
  auto* at = delta_.data() + time_at_;
  auto* end = std::to_chars(at, at + time_digits_max, time_ns).ptr;
  *end++ = ' ';
  // What an earlier, longer time has left.
  for (; end < at + time_digits_max + 1; ++end) *end = 'x';
  return delta_;
}

void scenario::make_all_deltas() {
  auto one = content_frame(text("0"));
  auto a_block = std::max<std::size_t>(1, block_bytes_max / one.size());
  deltas_in_block_ = how_.n == 0 ? a_block : how_.n;
  std::string block;
  for (std::uint64_t made = 0; made < deltas_in_block_;) {
    block.clear();
    for (std::size_t i = 0; i < a_block && made < deltas_in_block_; ++i, ++made) block += one;
    all_deltas_ += http_chunk(block);
  }
}

std::string scenario::whole_json() const {
  std::string words;
  for (std::uint64_t i = 0; i < how_.n; ++i) words += text("0");
  return json_answer(200, R"({"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench",)"
                          R"("choices":[{"index":0,"message":{"role":"assistant","content":")" +
                              words + R"("},"finish_reason":"stop"}],"usage":)" + usage_json(how_.n) + "}");
}

std::string json_answer(int status, std::string_view json) {
  auto reason = status == 200 ? "OK" : status == 400 ? "Bad Request" : status == 404 ? "Not Found" : "Error";
  return "HTTP/1.1 " + std::to_string(status) + " " + reason +
         "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(json.size()) + "\r\n\r\n" +
         std::string{json};
}

}  // namespace oncue::bench::load
