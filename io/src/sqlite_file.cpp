#include "sqlite_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace oncue::io {

namespace {

std::string reason(int error) { return std::generic_category().message(error); }

/// Directories that are missing, for this user only.
std::string make_directories(const std::filesystem::path& directory) {
  struct stat status {};
  if (directory.empty() || ::stat(directory.c_str(), &status) == 0) return {};
  if (auto problem = make_directories(directory.parent_path()); !problem.empty()) return problem;
  if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return "cannot make the directory " + directory.string() + ": " + reason(errno);
}

}  // namespace

std::string make_store_file(const std::string& path) {
  if (auto problem = make_directories(std::filesystem::path{path}.parent_path()); !problem.empty()) {
    return "the store " + path + " cannot be made: " + problem;
  }
  // Closed again before SQLite opens the file: closing it later would let go of SQLite's own locks.
  auto file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
  auto error = errno;
  if (file < 0 && (error == EACCES || error == EROFS || error == EPERM) && ::access(path.c_str(), R_OK) == 0) {
    return "the store " + path + " is read-only";
  }
  if (file < 0) return "the store " + path + " cannot be opened: " + reason(error);
  struct stat status {};
  auto is_file = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  ::close(file);
  return is_file ? std::string{} : "the store " + path + " is not a file";
}

file_lock::file_lock(file_lock&& other) noexcept : file_{std::exchange(other.file_, -1)} {}

file_lock& file_lock::operator=(file_lock&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

file_lock::~file_lock() {
  if (file_ >= 0) ::close(file_);
}

std::string file_lock::take(const std::string& path) {
  auto name = path + ".lock";
  file_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  if (file_ < 0) return "the store " + path + " cannot be locked: " + name + ": " + reason(errno);
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) {
    // For people: who has it. What cannot be written is not missed.
    auto pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file_, 0) == 0) static_cast<void>(::pwrite(file_, pid.data(), pid.size(), 0) < 0);
    return {};
  }
  auto error = errno;
  if (error != EWOULDBLOCK) return "the store " + path + " cannot be locked: " + name + ": " + reason(error);
  char pid[16] = {};
  auto bytes = ::pread(file_, pid, sizeof pid - 1, 0);
  std::string owner{pid, static_cast<std::size_t>(bytes > 0 ? bytes : 0)};
  owner.resize(std::min(owner.find('\n'), owner.size()));
  return "the store " + path + " is in use by another process" + (owner.empty() ? "" : " (pid " + owner + ")");
}

}  // namespace oncue::io
