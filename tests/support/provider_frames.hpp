// What the provider says, as bytes: scenario segments and their parameters, server-sent events of an OpenAI-compatible
// stream, error bodies. No sockets, no time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oncue::test {

/// "words;n=20;gap_ms=5"
struct scenario_segment {
  std::string name;
  std::vector<std::pair<std::string, std::string>> parameters;

  std::optional<std::string> text(std::string_view key) const;
  std::int64_t number(std::string_view key, std::int64_t otherwise) const;
};

scenario_segment parse_segment(std::string_view segment);

/// A JSON string literal. Bytes above 0x7f stay as they are.
std::string json_quote(std::string_view text);

/// `{"role":"assistant"}` or `{"content":"x"}` as a whole chunk object.
std::string chunk_json(std::string_view delta_json, std::string_view finish_reason = {});
std::string usage_json(std::uint64_t output_tokens);
std::string content_delta_json(std::string_view text);

/// "data: <json>" and an empty line.
std::string event(std::string_view json, std::string_view eol = "\n");

/// The i-th word of words, and of split_utf8.
std::string word(std::uint64_t i);
std::string foreign_word(std::uint64_t i);

/// One event of a stream; `deltas` counts those with content.
struct frame {
  std::string bytes;
  std::uint64_t deltas = 0;
};

/// The whole stream of words, one_byte, split_utf8, split_lines, big_delta and usage, [DONE] included.
std::vector<frame> frames_of(const scenario_segment& segment, bool with_usage);

/// The places where split_utf8 and split_lines cut a body; ascending, without 0 and the end.
std::vector<std::size_t> cuts_of(const scenario_segment& segment, std::string_view body);

/// OpenAI's error object for a status. `key`: what came as Authorization's bearer; 401 echoes its beginning and end.
std::string error_body(int status, std::string_view key);

std::string models_body();

}  // namespace oncue::test
