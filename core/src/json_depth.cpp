#include "json_depth.hpp"

#include <nlohmann/json.hpp>

namespace oncue::core {

bool is_json(std::string_view text) { return has_no_nul(text) && nlohmann::json::accept(text); }

}  // namespace oncue::core
