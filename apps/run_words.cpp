#include "run_words.hpp"

#include <algorithm>

#include "oncue/core/duration.hpp"
#include "oncue/core/text.hpp"
#include "oncue/core/tool_set.hpp"

namespace oncue::apps {

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string ending_words(const run_ended& ended, std::size_t characters, const styles& style) {
  if (!ended.content.empty()) characters = count_characters(ended.content);
  auto kept = std::to_string(characters) + (characters == 1 ? " character" : " characters");
  // A server does not always say how long a run took.
  auto took = [&](std::string_view word) {
    return ended.duration_us == 0 ? "" : std::string{word} + core::format_microseconds(ended.duration_us);
  };
  std::string line;
  switch (ended.how.kind) {
    case ending_kind::completed:
      line.append(style.green).append("completed").append(style.off).append(took(" in ") + " · " + kept);
      break;
    case ending_kind::cancelled:
      line.append(style.yellow).append("cancelled").append(style.off);
      line += took(" after ") + " (" + ended.how.message + ") · " + (characters == 0 ? "no text yet" : kept + " kept");
      break;
    case ending_kind::failed:
      line.append(style.red).append("failed").append(style.off).append(took(" after ") + ": " + ended.how.message);
      if (ended.how.provider_status != 0) line += " (HTTP " + std::to_string(ended.how.provider_status) + ")";
      if (characters != 0) line += " · " + kept + " kept";
      break;
  }
  if (ended.usage.output_tokens != 0) line += " · " + std::to_string(ended.usage.output_tokens) + " tokens";
  return line;
}

std::string receipt_words(const cancel_reply& receipt, bool demo_model) {
  std::string words;
  switch (receipt.outcome) {
    case cancel_outcome::cancelled:
      // A run that nobody worked at has nothing to close, and nothing to measure.
      if (receipt.latency_us > 0) words += " · the cancel took " + core::format_microseconds(receipt.latency_us);
      words +=
          receipt.latency_us > 0 && receipt.upstream_closed && !demo_model ? ", the provider's connection is closed" : "";
      if (receipt.tools > 0) {
        words += ", " + std::to_string(receipt.tools_stopped) + " of " + std::to_string(receipt.tools) + " tools stopped";
      }
      if (receipt.tools_abandoned > 0) words += ", " + std::to_string(receipt.tools_abandoned) + " given up";
      if (receipt.children > 0) {
        words +=
            ", " + std::to_string(receipt.children_stopped) + " of " + std::to_string(receipt.children) + " agents stopped";
      }
      if (receipt.phase_at_cancel) words += " (it was " + std::string{to_string(*receipt.phase_at_cancel)} + ")";
      break;
    case cancel_outcome::already_ended: words += " · the cancel came too late"; break;
    case cancel_outcome::accepted:
    case cancel_outcome::intent_stored:
    case cancel_outcome::unknown: break;
  }
  return words;
}

std::string tool_line(const tool_call& call) { return core::call_line(call); }

std::string first_line(std::string_view text) {
  constexpr std::size_t bytes_max = 200;
  auto line = text.substr(0, text.find('\n'));
  if (line.size() <= bytes_max) return std::string{line};
  return std::string{line.substr(0, core::utf8_prefix(line, bytes_max))} + " …";
}

std::string status_words(std::string_view status, const styles& style) {
  std::string words;
  if (status == "COMPLETED") words = style.green;
  if (status == "ERROR") words = style.red;
  if (status == "CANCELLED") words = style.yellow;
  if (status == "RUNNING") words = style.bold;
  if (status == "PENDING" || status == "PAUSED") words = style.dim;
  return words.append(status).append(style.off);
}

}  // namespace oncue::apps
