// Rules that the configuration file, the environment and the command line share. Each says what is wrong with a value, as
// the rest of a sentence that begins with the value's place; nothing means that the value is good.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oncue/core/catalog.hpp"
#include "oncue/core/config.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::core {

using problem = std::optional<std::string>;

/// "http://" or "https://", a host, no user info, no query, no fragment. A text that may hold a password is not repeated.
problem base_url_problem(std::string_view url);

/// `url` without the slashes at its end.
std::string trim_slashes(std::string_view url);

/// An agent's or a model's id: the characters of run ids, because both show up in paths and options.
problem id_problem(std::string_view id);

/// The name of an environment variable, or nothing. The value is not repeated: it may be a key in the wrong place.
problem variable_problem(std::string_view name);

/// RFC 9110, sections 5.1 and 5.5: a token; no control characters but tab.
problem header_name_problem(std::string_view name);
problem header_value_problem(std::string_view value);

/// A host's name or address, without a port; `text` as without_brackets() leaves it.
problem host_problem(std::string_view text);

/// "[::1]" without the brackets that only URLs need.
std::string_view without_brackets(std::string_view host);

/// A page's origin as browsers send it: scheme, host, and a port if it is not the scheme's own (RFC 6454, section 6.2).
problem origin_problem(std::string_view text);

/// A deadline: a duration above 0, or "none" (then the optional is empty).
std::variant<std::optional<milliseconds>, std::string> parse_deadline(std::string_view text,
                                                                      milliseconds max = limits::deadline_max);

/// The known name that `name` was probably meant to be: at most two typing errors away, or nothing.
std::optional<std::string_view> nearest(std::string_view name, const std::vector<std::string_view>& known);

/// "a, b, c"
std::string join(const std::vector<std::string_view>& names);

/// The model that the environment asks for, or what is wrong with the environment.
std::variant<model_spec, config_error> default_model(const environment& env);

/// The agent that there always is.
agent_spec default_agent(std::string model_id);

}  // namespace oncue::core
