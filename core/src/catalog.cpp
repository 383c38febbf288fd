#include "oncue/core/catalog.hpp"

namespace oncue::core {

std::string_view to_string(provider_kind kind) {
  switch (kind) {
    case provider_kind::openai: return "openai";
    case provider_kind::scripted: return "scripted";
  }
  return "?";
}

}  // namespace oncue::core
