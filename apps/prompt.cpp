#include "prompt.hpp"

#include <unistd.h>

#include <cerrno>

#include "oncue/core/limits.hpp"

namespace oncue::apps {

std::string prompt_of(const std::string& argument) {
  if (argument != "-") return argument;
  std::string text;
  char buffer[16'384];
  while (text.size() <= core::limits::input_bytes_max) {
    auto got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace oncue::apps
