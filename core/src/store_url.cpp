#include "oncue/core/store_url.hpp"

#include <algorithm>
#include <utility>

#include "oncue/core/json_text.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::core {
namespace {

constexpr std::string_view secrets[] = {"password", "sslpassword"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const auto low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

/// libpq reads names with %XX in them too.
bool is_secret(std::string_view parameter) {
  const auto name = percent_decoded(parameter.substr(0, parameter.find('=')));
  return std::find(std::begin(secrets), std::end(secrets), name) != std::end(secrets);
}

/// Where in "host:port,host:port" a ":" is that no port follows: what does may be a password whose "@host" is missing.
std::size_t odd_port(std::string_view hosts) {
  bool in_brackets = false;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (hosts[i] == '[' || hosts[i] == ']') in_brackets = hosts[i] == '[';
    if (hosts[i] != ':' || in_brackets) continue;
    const auto end = hosts.find_first_not_of("0123456789", i + 1);
    if (end != hosts.npos && hosts[end] != ',') return i;
  }
  return hosts.npos;
}

/// "host:port,host:port" out of what follows the scheme, as libpq finds it: a first "@" before any "/" ends the user.
std::string_view hosts_of(std::string_view text) {
  const auto first = text.find_first_of("@/");
  if (first != text.npos && text[first] == '@') text.remove_prefix(first + 1);
  return text.substr(0, text.find_first_of("/?"));
}

/// "user:password@rest" as "user@rest". A password with a bare "@" or "/" in it is wrongly written, and hidden all the
/// same.
std::string without_credentials(std::string_view text) {
  const auto at = text.rfind('@');
  if (at == text.npos) {
    const auto hosts = text.substr(0, text.find('/'));
    const auto odd = odd_port(hosts);
    return std::string{hosts.substr(0, odd)} + std::string{text.substr(hosts.size())};
  }
  const auto colon = text.substr(0, at).find(':');
  return std::string{text.substr(0, std::min(colon, at))} + std::string{text.substr(at)};
}

/// The names and values behind the "?", each with what divides it from the one before.
std::string without_secrets(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto parameter = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (is_secret(parameter)) continue;
    out += out.empty() ? '?' : '&';
    out += parameter;
  }
  return out;
}

/// Where the names and values begin. A "?" in front of an "@" may be a part of a password, unless a "/" is before it.
std::size_t query_start(std::string_view text) {
  const auto mark = text.find('?');
  const auto at = text.find('@');
  if (mark == text.npos || at == text.npos || at < mark) return mark;
  const auto slash = text.find('/');
  const auto after = text.find('?', at);
  return slash < mark ? mark : after;
}

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

}  // namespace

bool is_store_url(std::string_view text) {
  const auto end = text.find("://");
  if (end == text.npos || end == 0) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

std::optional<std::string> store_url_problem(std::string_view url) {
  constexpr std::string_view expected = "expected a URL that starts with postgresql:// or postgres://";
  if (!is_store_url(url)) return std::string{expected};
  const auto scheme = url.substr(0, url.find("://"));
  if (scheme != "postgresql" && scheme != "postgres") {
    return std::string{expected} + ", got one that starts with " + in_quotes(std::string{scheme} + "://");
  }
  if (url.size() > limits::path_bytes_max)
    return "expected a URL of at most " + std::to_string(limits::path_bytes_max) + " bytes";
  if (has_controls(url)) return "expected a URL without spaces and control characters: write them as %20 and the like";
  const auto hosts = hosts_of(url.substr(scheme.size() + 3));
  if (odd_port(hosts) != hosts.npos)
    return "expected postgresql://user:password@host:port/database with a number as the port; write other characters of a "
           "password than letters, digits and -._~ as %40 and the like";
  return {};
}

std::optional<std::string> store_path_problem(std::string_view path) {
  if (path.empty()) return "expected a text that is not empty";
  if (path.size() > limits::path_bytes_max || path.find('\0') != path.npos)
    return "expected a file's name of at most " + std::to_string(limits::path_bytes_max) + " bytes, without NUL";
  return {};
}

std::string without_password(std::string_view url) {
  const auto scheme = url.find("://");
  const auto from = scheme == url.npos ? 0 : scheme + 3;
  const auto rest = url.substr(from);
  const auto mark = std::min(query_start(rest), rest.size());
  auto query = rest.substr(mark);
  if (!query.empty()) query.remove_prefix(1);
  return std::string{url.substr(0, from)} + without_credentials(rest.substr(0, mark)) + without_secrets(query);
}

std::string shown_store(const store_settings& store) {
  return store.url.empty() ? store.path : without_password(store.url);
}

std::variant<store_settings, std::string> with_place(store_settings store, std::string_view text) {
  const auto is_url = is_store_url(text);
  if (auto wrong = is_url ? store_url_problem(text) : store_path_problem(text)) return std::move(*wrong);
  store.path = is_url ? std::string_view{} : text;
  store.url = is_url ? text : std::string_view{};
  store.url_env.clear();
  return store;
}

}  // namespace oncue::core
