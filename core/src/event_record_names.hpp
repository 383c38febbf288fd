// Names that are kept in records.
#pragma once

#include <string_view>

#include "oncue/messages/run.hpp"

namespace oncue::core {

constexpr std::string_view name_of(ending_kind kind) {
  switch (kind) {
    case ending_kind::completed: return "completed";
    case ending_kind::failed: return "failed";
    case ending_kind::cancelled: return "cancelled";
  }
  return "?";
}

}  // namespace oncue::core
