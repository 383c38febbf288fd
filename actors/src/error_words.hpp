// An error as people are told it.
#pragma once

#include <caf/error.hpp>
#include <string>

namespace oncue::actors {

/// Its sentence, if it has one; else what CAF calls it.
inline std::string words_of(const caf::error& error) {
  const auto& context = error.context();
  return context.match_elements<std::string>() ? context.get_as<std::string>(0) : to_string(error);
}

}  // namespace oncue::actors
