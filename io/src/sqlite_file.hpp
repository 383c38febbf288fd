// The file around the database: its directory, its rights, and the lock by which it is one process's alone.
#pragma once

#include <string>

namespace oncue::io {

/// Makes the file (0600) and its directory (0700) if they are not there. A sentence, or nothing.
std::string make_store_file(const std::string& path);

/// Holds "<path>.lock" for as long as it lives. The kernel lets go of it when the process ends, however it ends.
class file_lock {
 public:
  file_lock() = default;
  file_lock(file_lock&& other) noexcept;
  file_lock& operator=(file_lock&& other) noexcept;
  ~file_lock();

  /// A sentence, or nothing.
  std::string take(const std::string& path);

 private:
  int file_ = -1;
};

}  // namespace oncue::io
