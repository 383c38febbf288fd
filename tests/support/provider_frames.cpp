#include "provider_frames.hpp"

#include <charconv>

#include "provider.hpp"

namespace oncue::test {

std::optional<std::string> scenario_segment::text(std::string_view key) const {
  for (const auto& [name_, value] : parameters) {
    if (name_ == key) {
      return value;
    }
  }
  return std::nullopt;
}

std::int64_t scenario_segment::number(std::string_view key, std::int64_t otherwise) const {
  auto value = text(key);
  if (value) {
    std::from_chars(value->data(), value->data() + value->size(), otherwise);
  }
  return otherwise;
}

scenario_segment parse_segment(std::string_view segment) {
  scenario_segment result;
  bool first = true;
  while (first || !segment.empty()) {
    auto part = segment.substr(0, segment.find(';'));
    segment.remove_prefix(std::min(segment.size(), part.size() + 1));
    if (first) {
      result.name = part;
    } else {
      auto equals = std::min(part.find('='), part.size());
      result.parameters.emplace_back(part.substr(0, equals), part.substr(std::min(part.size(), equals + 1)));
    }
    first = false;
  }
  return result;
}

std::string json_quote(std::string_view text) {
  constexpr char hex[] = "0123456789abcdef";
  std::string result = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (byte < 0x20) {
      result += "\\u00";
      result += hex[byte >> 4];
      result += hex[byte & 15];
    } else {
      result += c;
    }
  }
  return result += '"';
}

namespace {

constexpr std::string_view chunk_start =
    R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"misbehaving",)"
    R"("system_fingerprint":"fp_1","choices":[)";

}  // namespace

std::string chunk_json(std::string_view delta_json, std::string_view finish_reason) {
  std::string result(chunk_start);
  result += R"({"index":0,"delta":)";
  result += delta_json;
  result += R"(,"logprobs":null,"finish_reason":)";
  result += finish_reason.empty() ? "null" : json_quote(finish_reason);
  return result += "}]}";
}

std::string usage_json(std::uint64_t output_tokens) {
  return std::string(chunk_start) + R"(],"usage":{"prompt_tokens":7,"completion_tokens":)" + std::to_string(output_tokens) +
         R"(,"total_tokens":)" + std::to_string(output_tokens + 7) +
         R"(,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":1}}})";
}

std::string content_delta_json(std::string_view text) { return R"({"content":)" + json_quote(text) + "}"; }

std::string event(std::string_view json, std::string_view eol) {
  std::string result = "data: ";
  result += json;
  result += eol;
  return result += eol;
}

std::string word(std::uint64_t i) { return "w" + std::to_string(i) + " "; }

std::string foreign_word(std::uint64_t i) {
  constexpr std::string_view words[] = {"Grüße ", "東京 ", "🌍🚀 ", "naïve ", "Ω≈ç "};
  return std::string(words[i % std::size(words)]);
}

namespace {

/// The same sequence on every machine.
class dice {
 public:
  explicit dice(std::uint64_t seed) : state_(seed * 2654435769u + 1) {}
  std::uint64_t below(std::uint64_t n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 33) % n;
  }

 private:
  std::uint64_t state_;
};

std::string_view eol_of(const std::string& which, dice& random) {
  constexpr std::string_view all[] = {"\n", "\r\n", "\r"};
  if (which == "lf") return all[0];
  if (which == "crlf") return all[1];
  if (which == "cr") return all[2];
  return all[random.below(3)];
}

}  // namespace

std::vector<frame> frames_of(const scenario_segment& segment, bool with_usage) {
  const bool foreign = segment.name == "split_utf8";
  const bool lines = segment.name == "split_lines";
  const auto n = static_cast<std::uint64_t>(segment.number("n", 10));
  dice random(static_cast<std::uint64_t>(segment.number("seed", 1)));
  const auto which = segment.text("eol").value_or("mixed");
  std::vector<frame> result;
  auto add = [&](std::string_view json, std::uint64_t deltas) {
    frame next{event(json, lines ? eol_of(which, random) : "\n"), deltas};
    if (lines && random.below(3) == 0) {
      next.bytes = ": still here" + std::string(eol_of(which, random)) + next.bytes;
    }
    result.push_back(std::move(next));
  };
  add(chunk_json(R"({"role":"assistant","content":""})"), 0);
  if (segment.name == "big_delta") {
    add(chunk_json(content_delta_json(expected_text("big_delta;bytes=" + segment.text("bytes").value_or("10485760")))), 1);
  } else {
    for (std::uint64_t i = 0; i < n; ++i) {
      add(chunk_json(content_delta_json(foreign ? foreign_word(i) : word(i))), 1);
    }
  }
  add(chunk_json("{}", "stop"), 0);
  if (with_usage || segment.name == "usage") {
    add(usage_json(n), 0);
  }
  add("[DONE]", 0);
  return result;
}

std::vector<std::size_t> cuts_of(const scenario_segment& segment, std::string_view body) {
  std::vector<std::size_t> result;
  if (segment.name == "split_utf8") {
    // After each leading byte, and before each last one, of a character of several bytes.
    for (std::size_t i = 1; i < body.size(); ++i) {
      if ((static_cast<unsigned char>(body[i]) & 0xc0) == 0x80) {
        result.push_back(i);
      }
    }
  } else if (segment.name == "split_lines") {
    dice random(static_cast<std::uint64_t>(segment.number("seed", 1)) + 99);
    for (std::size_t i = 1 + random.below(7); i < body.size(); i += 1 + random.below(60)) {
      result.push_back(i);
    }
  }
  return result;
}

std::string expected_text(std::string_view text) {
  auto segment = parse_segment(text);
  std::string result;
  if (segment.name == "big_delta") {
    return std::string(static_cast<std::size_t>(segment.number("bytes", 10485760)), 'x');
  }
  const auto n = static_cast<std::uint64_t>(segment.number("n", 10));
  for (std::uint64_t i = 0; i < n; ++i) {
    result += segment.name == "split_utf8" ? foreign_word(i) : word(i);
  }
  return result;
}

std::string expected_body(std::string_view text) {
  std::string result;
  for (const auto& next : frames_of(parse_segment(text), false)) {
    result += next.bytes;
  }
  return result;
}

std::string error_body(int status, std::string_view key) {
  std::string message = "The server had an error while processing your request";
  std::string type = "server_error";
  std::string code = "null";
  switch (status) {
    case 400:
      message = "Invalid value: 'messages' is not of the expected type";
      type = "invalid_request_error";
      break;
    case 401: {
      auto shown = key.size() < 12 ? std::string(key)
                                   : std::string(key.substr(0, 8)) + std::string(key.size() - 12, '*') +
                                         std::string(key.substr(key.size() - 4));
      message = "Incorrect API key provided: " + shown + ". You can find your API key at https://platform.openai.com.";
      type = "invalid_request_error";
      code = R"("invalid_api_key")";
      break;
    }
    case 403:
      message = "Country, region, or territory not supported";
      type = "request_forbidden";
      code = R"("unsupported_country_region_territory")";
      break;
    case 404:
      message = "The model `misbehaving` does not exist or you do not have access to it.";
      type = "invalid_request_error";
      code = R"("model_not_found")";
      break;
    case 429:
      message = "Rate limit reached for requests";
      type = "requests";
      code = R"("rate_limit_exceeded")";
      break;
    case 503: message = "The engine is currently overloaded, please try again later"; break;
    default: break;
  }
  return R"({"error":{"message":)" + json_quote(message) + R"(,"type":)" + json_quote(type) + R"(,"param":null,"code":)" +
         code + "}}";
}

std::string models_body() {
  return R"({"object":"list","data":[{"id":"misbehaving","object":"model","created":1700000000,"owned_by":"oncue"}]})";
}

}  // namespace oncue::test
