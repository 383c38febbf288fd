// The program as the tests of its client commands start it, and what they look for in its output. For the e2e suites.
#pragma once

#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/child_process.hpp"

namespace oncue::test {

using arguments = std::vector<std::string>;
using variables = std::vector<std::pair<std::string, std::string>>;

struct said {
  int code = -1;
  std::string out;
  std::string err;
};

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// Each line as JSON; one that is none is discarded.
inline std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  for (std::size_t from = 0; from < text.size();) {
    auto to = text.find('\n', from);
    lines.push_back(nlohmann::json::parse(text.substr(from, to - from), nullptr, false));
    from = to == std::string::npos ? text.size() : to + 1;
  }
  return lines;
}

/// The program, with the server that it is a client of.
struct client_program {
  std::string url;

  child_options command(arguments words, variables more = {}) const {
    child_options options;
    words.insert(words.begin(), ONCUE_PROGRAM);
    options.arguments = std::move(words);
    options.environment = std::move(more);  // of two with one name the first counts
    for (const auto& variable : variables{{"TERM", "xterm"}, {"TZ", "UTC"}, {"ONCUE_URL", url}}) {
      options.environment.push_back(variable);
    }
    options.folder = std::filesystem::temp_directory_path().string();
    return options;
  }

  static said finish(child_process& child) {
    auto code = child.wait();
    CAF_REQUIRE(code);
    return {*code, child.out(), child.err()};
  }
  static said finish(const child_options& options) {
    child_process child{options};
    return finish(child);
  }
  said oncue(arguments words, variables more = {}) const { return finish(command(std::move(words), std::move(more))); }
};

}  // namespace oncue::test
