// `oncue init`: writes a commented configuration file, and never over one that is there unless told to.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "commands.hpp"
#include "exit_codes.hpp"
#include "terminal.hpp"

namespace oncue::apps {

int init_command(const init_options& options) {
  int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (options.force ? O_TRUNC : O_EXCL);
  int file = ::open(options.path.c_str(), flags, 0644);
  if (file < 0) {
    auto code = errno;
    print_error(options.path + ": " + std::strerror(code) +
                (code == EEXIST ? "; --force overwrites it, or give another path" : ""));
    return code == EEXIST ? exit_usage : exit_failed;
  }
  auto written = write_all(file, core::commented_config());
  if (::close(file) != 0 || !written) {
    print_error(options.path + ": " + std::strerror(errno));
    return exit_failed;
  }
  write_all(STDOUT_FILENO, "wrote " + options.path + "; every setting is explained in it. Try: oncue agents\n");
  return exit_completed;
}

}  // namespace oncue::apps
