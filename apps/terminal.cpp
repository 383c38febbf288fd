#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace oncue::apps {

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

std::size_t terminal_columns(int descriptor) {
  winsize size{};
  if (!is_terminal(descriptor) || ::ioctl(descriptor, TIOCGWINSZ, &size) != 0) return 0;
  if (size.ws_col != 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  return columns ? std::strtoul(columns, nullptr, 10) : 0;
}

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

std::string without_controls(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {
      ++i;  // C1, as UTF-8
    } else if (byte >= 0x20 ? byte != 0x7F : byte == '\n' || byte == '\t') {
      shown += text[i];
    }
  }
  return shown;
}

std::string error_line(std::string_view message) {
  const auto& style = styles_for(STDERR_FILENO);
  std::string line;
  return line.append(style.red).append("error:").append(style.off).append(" ").append(message);
}

void print_error(std::string_view message) { write_all(STDERR_FILENO, error_line(message) + "\n"); }

}  // namespace oncue::apps
