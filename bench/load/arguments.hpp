// The words of a command line: "--name value" pairs and nothing else. A name that nobody asked for, a value that is missing
// or no number is a usage_error, so that a mistyped measurement fails at once and does not measure something else.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace oncue::bench::load {

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class arguments {
 public:
  /// The words behind the program's name, and behind the command's if there is one.
  arguments(int argc, char** argv, int first);

  std::string text(const std::string& name);
  std::string text(const std::string& name, const std::string& otherwise);
  std::int64_t number(const std::string& name);
  std::int64_t number(const std::string& name, std::int64_t otherwise);
  double real(const std::string& name, double otherwise);
  /// Every value of a name that may be repeated.
  std::vector<std::int64_t> numbers(const std::string& name);
  bool has(const std::string& name);

  /// Throws if there is a name that none of the above has asked for. Call it when all is read.
  void expect_all_read() const;

 private:
  std::optional<std::string> find(const std::string& name);

  std::vector<std::pair<std::string, std::string>> pairs_;
  std::set<std::string> asked_;
};

/// Runs a program's body: 0; 1 and the error on standard error; 2 and the usage.
int run_program(const char* program, const char* usage, void (*body)(int argc, char** argv), int argc, char** argv);

}  // namespace oncue::bench::load
