// What a tool said, as a model may read it: valid UTF-8, bounded, and honest about what was left out. Decides the words for
// a program that failed; knows nothing of processes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace oncue::core {

/// `raw` with what is not UTF-8 replaced by U+FFFD; at most `bytes_max` bytes. A longer one is cut between two characters
/// and ends in a note that says so, if there is room for it.
std::string tool_text(std::string_view raw, std::size_t bytes_max);

/// The same of a program's output: without the line break at its end.
std::string program_output_text(std::string_view raw, std::size_t bytes_max);

/// For a program that failed: `how` it ended ("exited with code 3"), and the end of what it wrote to standard error.
std::string program_failure_text(std::string_view how, std::string_view errors_end, std::size_t bytes_max);

/// For a program that was stopped because it said more than `bytes_max`: a sentence, and how `output` begins.
std::string program_flood_text(std::string_view output, std::size_t bytes_max);

/// The last bytes of a stream, at most limits::child_stderr_bytes_kept, and never the rest of a character.
class text_end {
 public:
  void add(std::string_view bytes);
  std::string_view text() const;

 private:
  std::string kept_;
  bool cut_ = false;
};

}  // namespace oncue::core
