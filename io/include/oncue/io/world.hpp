// The small doors to the world: wall clock, chance, environment and files. Everything else that wants one of them is
// handed a function, so that a test can hand it another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

namespace oncue::io {

/// Unix time in milliseconds.
std::int64_t unix_ms();

/// Microseconds since the machine was started; counts on while it sleeps.
std::int64_t boot_us();

/// The machine's name, up to the first dot; "node" if it has none.
std::string host_name();

/// 64 bits from the kernel's generator, which is asked for 32 of them at a time. From any thread; not in a process that was
/// forked from one and goes on without exec, where they would come a second time.
std::uint64_t random_bits();

/// An environment variable's value; empty if it is unset.
std::string environment_variable(const std::string& name);

struct file_error {
  bool missing = false;  ///< there is no such file; else it is there and cannot be read
  std::string message;   ///< "oncue.toml: permission denied"
};

/// A regular file's bytes, at most `bytes_max`; a larger one is an error.
std::variant<std::string, file_error> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace oncue::io
