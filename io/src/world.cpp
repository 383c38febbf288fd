#include "oncue/io/world.hpp"

#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace oncue::io {

std::int64_t unix_ms() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

std::int64_t boot_us() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
}

std::string host_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "node";
  std::string name{buffer.data()};
  name.resize(std::min(name.find('.'), name.size()));
  return name.empty() ? "node" : name;
}

std::uint64_t random_bits() {
  // At most 256 bytes are never cut short once the kernel's pool is ready, which it is before any program of ours.
  thread_local std::array<std::uint64_t, 32> pool;
  thread_local std::size_t left = 0;
  if (left == 0) {
    if (::getrandom(pool.data(), sizeof pool, 0) != static_cast<ssize_t>(sizeof pool)) {
      throw std::runtime_error{"getrandom failed"};
    }
    left = pool.size();
  }
  return std::exchange(pool[--left], 0);
}

std::string environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? value : "";
}

std::variant<std::string, file_error> read_file(const std::string& path, std::size_t bytes_max) {
  auto error = [&](const std::string& what, bool missing = false) { return file_error{missing, path + ": " + what}; };
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) {
    auto code = errno;
    return error(std::strerror(code), code == ENOENT || code == ENOTDIR);
  }
  if (!S_ISREG(facts.st_mode)) return error("is not a regular file");
  std::ifstream file{path, std::ios::binary};
  if (!file) return error(std::strerror(errno));
  std::string text;
  char buffer[16'384];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(file.gcount()));
    if (text.size() > bytes_max) return error("is larger than " + std::to_string(bytes_max) + " bytes");
  }
  if (file.bad()) return error("cannot be read");
  return text;
}

}  // namespace oncue::io
