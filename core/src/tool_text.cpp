#include "oncue/core/tool_text.hpp"

#include <algorithm>

#include "oncue/core/limits.hpp"
#include "oncue/core/safe_text.hpp"
#include "oncue/core/text.hpp"

namespace oncue::core {

namespace {

std::string_view without_line_break(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string tool_text(std::string_view raw, std::size_t bytes_max) {
  // Repairing makes no text shorter: more than this is never shown. Its last character may be cut, and is cut off again.
  auto text = utf8_repaired(raw.substr(0, bytes_max + 1));
  if (text.size() <= bytes_max) return text;
  auto note = "\n[cut: the whole text has " + std::to_string(raw.size()) + " bytes]";
  if (note.size() > bytes_max) note.clear();
  text.resize(utf8_prefix(text, bytes_max - note.size()));
  return text + note;
}

std::string program_output_text(std::string_view raw, std::size_t bytes_max) {
  return tool_text(without_line_break(raw), bytes_max);
}

std::string program_failure_text(std::string_view how, std::string_view errors_end, std::size_t bytes_max) {
  auto text = "the program " + std::string{how};
  errors_end = without_line_break(errors_end);
  if (!errors_end.empty()) text += "; its standard error ends with:\n" + std::string{errors_end};
  return tool_text(text, bytes_max);
}

std::string program_flood_text(std::string_view output, std::size_t bytes_max) {
  auto text =
      "the program wrote more than " + std::to_string(bytes_max) + " bytes and was stopped; its output begins with:\n";
  text += output;
  text = utf8_repaired(std::string_view{text}.substr(0, bytes_max));
  text.resize(utf8_prefix(text, bytes_max));
  return text;
}

void text_end::add(std::string_view bytes) {
  constexpr auto most = limits::child_stderr_bytes_kept;
  if (bytes.size() >= most) {
    cut_ = cut_ || !kept_.empty() || bytes.size() > most;
    kept_ = bytes.substr(bytes.size() - most);
    return;
  }
  kept_ += bytes;
  if (kept_.size() <= most) return;
  cut_ = true;
  kept_.erase(0, kept_.size() - most);
}

std::string_view text_end::text() const {
  std::string_view text = kept_;
  auto is_rest = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  // A character has at most three bytes behind its first.
  for (int i = 0; cut_ && i < 3 && !text.empty() && is_rest(text.front()); ++i) text.remove_prefix(1);
  return text;
}

}  // namespace oncue::core
