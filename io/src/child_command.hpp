// What has to be known before a child is started: which file its program is, and whether anything speaks against it.
#pragma once

#include <string>

#include "oncue/core/tool_spec.hpp"

namespace oncue::io {

struct found_program {
  std::string path;     // absolute, or relative to the command's folder; empty: see problem
  std::string problem;  // one sentence for a person
};

found_program find_program(const core::command_spec& command);

/// "No such file or directory", from any thread.
std::string error_words(int error);

}  // namespace oncue::io
