// A disk that fails when a test says so: SQLite's own way into the system is put aside for as long as one lives.
#pragma once

#include <sqlite3.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>

namespace oncue::test {

class bad_disk {
 public:
  /// ENOSPC: nothing more can be written; any other error: writing fails with it.
  explicit bad_disk(int error) {
    error_ = error;
    set(reinterpret_cast<sqlite3_syscall_ptr>(&fail));
  }
  ~bad_disk() { set(nullptr); }
  bad_disk(const bad_disk&) = delete;
  bad_disk& operator=(const bad_disk&) = delete;

 private:
  static void set(sqlite3_syscall_ptr call) {
    auto* vfs = sqlite3_vfs_find(nullptr);
    for (const auto* name : {"pwrite64", "pwrite"}) vfs->xSetSystemCall(vfs, name, call);
  }
  static ssize_t fail(int, const void*, std::size_t, off_t) {
    errno = error_;
    return error_ == ENOSPC ? 0 : -1;
  }
  static inline int error_ = 0;
};

}  // namespace oncue::test
