#include "terminal.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace oncue::apps {

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

const styles& styles_for(int descriptor) {
  static const styles plain{};
  static const styles coloured{"\033[2m", "\033[1m", "\033[31m", "\033[32m", "\033[33m", "\033[0m"};
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  auto wanted = (!no_color || !*no_color) && term && std::string_view{term} != "dumb";
  return wanted && is_terminal(descriptor) ? coloured : plain;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    auto written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void print_error(std::string_view message) {
  const auto& style = styles_for(STDERR_FILENO);
  std::string line;
  line.append(style.red).append("error:").append(style.off).append(" ").append(message).append("\n");
  write_all(STDERR_FILENO, line);
}

}  // namespace oncue::apps
