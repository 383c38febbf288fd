#include "config_rules.hpp"

#include <algorithm>
#include <cctype>

#include "oncue/core/duration.hpp"
#include "oncue/core/json_text.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"

namespace oncue::core {
namespace {

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string_view without_scheme(std::string_view url) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (url.substr(0, scheme.size()) == scheme) return url.substr(scheme.size());
  }
  return {};
}

/// Levenshtein's: insertions, deletions and replacements from a to b.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

problem base_url_problem(std::string_view url) {
  const auto rest = without_scheme(url);
  if (url.find('@') != url.npos) return "expected a URL without user name and password: keys belong into the environment";
  if (rest.empty()) return "expected a URL that starts with http:// or https://, got " + in_quotes(url);
  if (rest.front() == '/' || rest.front() == ':') return "expected a URL with a host, got " + in_quotes(url);
  if (rest.find_first_of("?#") != rest.npos)
    return "expected a URL without ? and #, because paths are appended to it, got " + in_quotes(url);
  if (std::any_of(rest.begin(), rest.end(), [](char c) { return c == ' ' || is_control(c); }))
    return "expected a URL without spaces and control characters, got " + in_quotes(url);
  return {};
}

std::string trim_slashes(std::string_view url) {
  while (!url.empty() && url.back() == '/') url.remove_suffix(1);
  return std::string{url};
}

problem id_problem(std::string_view id) {
  if (is_valid_run_id(id)) return {};
  return "expected 1 to " + std::to_string(limits::run_id_chars_max) + " characters of A-Z a-z 0-9 . _ : -, got " +
         in_quotes(id);
}

problem variable_problem(std::string_view name) {
  auto allowed = [](char c) { return is_letter_or_digit(c) || c == '_'; };
  const bool starts_with_digit = !name.empty() && name.front() >= '0' && name.front() <= '9';
  if (!starts_with_digit && std::all_of(name.begin(), name.end(), allowed)) return {};
  return "expected the name of an environment variable (letters, digits and _), not the key itself";
}

problem header_name_problem(std::string_view name) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  auto allowed = [&](char c) { return is_letter_or_digit(c) || others.find(c) != others.npos; };
  if (!name.empty() && std::all_of(name.begin(), name.end(), allowed)) return {};
  return "expected a header name: letters, digits and " + std::string{others};
}

problem header_value_problem(std::string_view value) {
  auto forbidden = [](char c) { return is_control(c) && c != '\t'; };
  if (std::none_of(value.begin(), value.end(), forbidden)) return {};
  return "expected a header value without line breaks, NUL and other control characters";
}

std::string_view without_brackets(std::string_view host) {
  auto in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return in_brackets ? host.substr(1, host.size() - 2) : host;
}

problem host_problem(std::string_view text) {
  auto allowed = [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_' || c == ':'; };
  if (!text.empty() && text.size() <= limits::host_chars_max && std::all_of(text.begin(), text.end(), allowed)) {
    // An IPv6 address has at least two colons: one is a port.
    if (std::count(text.begin(), text.end(), ':') != 1) return {};
    return "expected a host's name or address without a port, got " + in_quotes(text);
  }
  return "expected a host's name or address, such as \"127.0.0.1\" or \"localhost\", got " + in_quotes(text);
}

problem origin_problem(std::string_view text) {
  auto rest = without_scheme(text);
  auto colon = rest.rfind(':');
  auto port = colon != rest.npos && rest.back() != ']' ? rest.substr(colon + 1) : std::string_view{"1"};
  auto host = colon != rest.npos && rest.back() != ']' ? rest.substr(0, colon) : rest;
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!rest.empty() && !host_problem(without_brackets(host)) && !port.empty() && port.size() <= 5 &&
      std::all_of(port.begin(), port.end(), is_digit)) {
    return {};
  }
  return "expected an origin such as \"https://app.example.com\" or \"http://localhost:3000\", without a path, got " +
         in_quotes(text);
}

std::variant<std::optional<milliseconds>, std::string> parse_deadline(std::string_view text, milliseconds max) {
  if (text == "none") return std::optional<milliseconds>{};
  auto parsed = parse_duration(text, max);
  if (auto* error = std::get_if<std::string>(&parsed)) return std::move(*error);
  const auto value = std::get<milliseconds>(parsed);
  if (value.count() == 0) return "expected a duration above 0, or \"none\" for no limit, got " + in_quotes(text);
  return std::optional{value};
}

std::optional<std::string_view> nearest(std::string_view name, const std::vector<std::string_view>& known) {
  std::optional<std::string_view> best;
  std::size_t best_distance = limits::typing_errors_max + 1;
  for (auto candidate : known) {
    // Also keeps the work small: a key may be as long as the file.
    if (name.size() > candidate.size() + limits::typing_errors_max ||
        candidate.size() > name.size() + limits::typing_errors_max)
      continue;
    const auto distance = edit_distance(name, candidate);
    // "id" is two errors away from any two letters: that is no help.
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string join(const std::vector<std::string_view>& names) {
  std::string out;
  for (auto name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

std::variant<model_spec, config_error> default_model(const environment& env) {
  model_spec model;
  if (!env.openai_api_key_set && env.openai_base_url.empty()) {
    model.id = "demo";
    model.name = "demo-story-model";
    return model;
  }
  model.id = "openai";
  model.provider = provider_kind::openai;
  model.name = env.openai_model.empty() ? openai_model_name : env.openai_model;
  model.base_url = openai_base_url;
  if (!env.openai_base_url.empty()) {
    if (auto wrong = base_url_problem(env.openai_base_url)) return config_error{.message = "OPENAI_BASE_URL: " + *wrong};
    model.base_url = trim_slashes(env.openai_base_url);
  }
  if (env.openai_api_key_set || model.base_url == openai_base_url) model.api_key_env = openai_key_variable;
  return model;
}

agent_spec default_agent(std::string model_id) {
  agent_spec agent;
  agent.id.value = default_agent_id;
  agent.name = "StoryWriterAgent";
  agent.description = "An agent that writes stories";
  agent.model = std::move(model_id);
  agent.limits = default_deadlines();
  return agent;
}

}  // namespace oncue::core
