// The headers that decide something.
#include <algorithm>
#include <charconv>

#include "http_words.hpp"
#include "oncue/core/http_text.hpp"

namespace oncue::core {

namespace {

/// The value of a parameter at the front of `text`, which it is taken from.
std::string take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    auto length = std::min(text.find(';'), text.size());
    value = trimmed_blanks(text.substr(0, length));
    text.remove_prefix(length);
    return value;
  }
  std::size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    // Only these two: a file name from Windows has backslashes of its own.
    bool escapes = text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\');
    value += text[escapes ? ++at : at];
  }
  text.remove_prefix(std::min(at + 1, text.size()));
  text.remove_prefix(std::min(text.find(';'), text.size()));
  return value;
}

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool all_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_host_text(std::string_view text, std::string_view marks) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || marks.find(c) != marks.npos;
  });
}

}  // namespace

bool is_media_type(std::string_view content_type, std::string_view media_type) {
  return lower_case(trimmed_blanks(content_type.substr(0, content_type.find(';')))) == media_type;
}

std::optional<std::string> header_parameter(std::string_view header, std::string_view name) {
  header.remove_prefix(std::min(header.find(';'), header.size()));
  while (!header.empty()) {
    header.remove_prefix(1);
    auto length = std::min(header.find_first_of("=;"), header.size());
    auto found = lower_case(trimmed_blanks(header.substr(0, length)));
    header.remove_prefix(length);
    if (!header.starts_with('=')) continue;
    header.remove_prefix(1);
    header.remove_prefix(std::min(header.find_first_not_of(" \t"), header.size()));
    auto value = take_value(header);
    if (found == name) return value;
  }
  return std::nullopt;
}

bool is_traceparent(std::string_view text) {
  constexpr std::size_t size = 55;
  if (text.size() < size || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  auto version = text.substr(0, 2), trace = text.substr(3, 32), parent = text.substr(36, 16), flags = text.substr(53, 2);
  // A later version may have more behind a "-".
  bool whole = text.size() == size || (version != "00" && text[size] == '-');
  return whole && is_lower_hex(version) && version != "ff" && is_lower_hex(trace) && !all_zero(trace) &&
         is_lower_hex(parent) && !all_zero(parent) && is_lower_hex(flags);
}

std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer";
  authorization = trimmed_blanks(authorization);
  bool named = lower_case(authorization.substr(0, scheme.size())) == scheme;
  if (!named) return authorization;
  auto rest = authorization.substr(scheme.size());
  return rest.empty() || rest.front() == ' ' || rest.front() == '\t' ? trimmed_blanks(rest) : authorization;
}

bool equals_secret(std::string_view given, std::string_view secret) {
  if (secret.empty()) return false;
  // volatile: a compiler that saw where the answer is certain would stop there.
  volatile unsigned char different = given.size() == secret.size() ? 0 : 1;
  std::size_t at = 0;
  for (char c : given) {
    different = static_cast<unsigned char>(different | static_cast<unsigned char>(c ^ secret[at]));
    at = at + 1 == secret.size() ? 0 : at + 1;
  }
  return different == 0;
}

std::optional<std::string_view> host_name(std::string_view host) {
  auto name = host;
  auto port = std::string_view{};
  bool bracketed = host.starts_with('[');
  auto colon = bracketed ? host.find(']') : host.find(':');
  if (bracketed) {
    if (colon == std::string_view::npos) return std::nullopt;
    name = host.substr(1, colon - 1);
    if (name.find(':') == std::string_view::npos) return std::nullopt;
    port = host.substr(colon + 1);
  } else if (colon != std::string_view::npos) {
    name = host.substr(0, colon);
    port = host.substr(colon);
  }
  // "host:" without a number is a port that is not said (RFC 3986, 3.2.3).
  bool port_good = port.empty() || port == ":" || (port.starts_with(':') && parse_port(port.substr(1)));
  if (!port_good || !is_host_text(name, bracketed ? ":." : "-._")) return std::nullopt;
  return name;
}

bool is_loopback(std::string_view host) {
  auto is_number = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "::1" || (is_number && host.starts_with("127."));
}

bool is_allowed_host(std::string_view host, std::span<const std::string> allowed) {
  auto found = host_name(host);
  if (!found) return false;
  auto name = lower_case(*found);
  if (name == "localhost" || name == "127.0.0.1" || name == "::1") return true;
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) { return lower_case(one) == name; });
}

std::optional<web_origin> parse_origin(std::string_view text) {
  auto end = text.find("://");
  if (end == std::string_view::npos || !is_host_text(text.substr(0, end), "+-.")) return std::nullopt;
  web_origin origin{.scheme = lower_case(text.substr(0, end)), .host = {}, .port = 0};
  auto authority = text.substr(end + 3);
  auto name = host_name(authority);
  if (!name) return std::nullopt;
  bool bracketed = authority.starts_with('[');
  origin.host = bracketed ? "[" + lower_case(*name) + "]" : lower_case(*name);
  auto port = authority.substr(name->size() + (bracketed ? 2 : 0));
  if (port == ":") return std::nullopt;
  if (!port.empty()) {
    origin.port = *parse_port(port.substr(1));
    if (origin.port == 0) return std::nullopt;  // nobody is reached there
  } else if (origin.scheme == "http" || origin.scheme == "https") {
    origin.port = origin.scheme == "http" ? 80 : 443;
  }
  return origin;
}

bool is_allowed_origin(std::string_view origin, std::span<const std::string> allowed) {
  auto asked = parse_origin(origin);
  return asked &&
         std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) { return parse_origin(one) == asked; });
}

}  // namespace oncue::core
