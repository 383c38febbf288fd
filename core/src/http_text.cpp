#include "oncue/core/http_text.hpp"

#include <algorithm>
#include <numeric>

#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"

namespace oncue::core {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct decoded_text {
  std::string text;
  bool stray_percent = false;
};

decoded_text percent_decoded(std::string_view text, bool plus_is_space) {
  decoded_text result;
  result.text.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      auto high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      auto low = high >= 0 ? hex_value(text[i + 2]) : -1;
      if (low >= 0) {
        result.text += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
      result.stray_percent = true;
    }
    result.text += c == '+' && plus_is_space ? ' ' : c;
  }
  return result;
}

std::string too_many(std::string_view what, std::size_t most) {
  return std::string(what) + " has more than " + std::to_string(most) + " fields";
}

/// Appends the fields of `text`; returns what is wrong with it, or nothing.
std::string read_pairs(std::string_view text, std::string_view what, field_pairs& out) {
  while (!text.empty()) {
    auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    if (out.size() == limits::form_fields_max) return too_many(what, limits::form_fields_max);
    auto equals = pair.find('=');
    auto name = percent_decoded(pair.substr(0, equals), true).text;
    auto value = equals == std::string_view::npos ? "" : percent_decoded(pair.substr(equals + 1), true).text;
    if (name.size() > limits::form_name_bytes_max) {
      return std::string(what) + " has a field whose name is longer than " + std::to_string(limits::form_name_bytes_max) +
             " bytes";
    }
    if (!is_utf8(name) || !is_utf8(value)) return std::string(what) + " has a field that is not UTF-8";
    out.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

/// What stands behind scheme and authority of an absolute-form target.
std::string_view without_authority(std::string_view target) {
  auto scheme = target.find("://");
  if (scheme == std::string_view::npos || target.starts_with('/') || target.substr(0, scheme).find('?') != target.npos) {
    return target;
  }
  target.remove_prefix(scheme + 3);
  auto path = target.find_first_of("/?");
  return path == std::string_view::npos ? "/" : target.substr(path);
}

}  // namespace

request_target parse_target(std::string_view target) {
  request_target result;
  target = without_authority(target);
  auto path = target.substr(0, target.find('?'));
  if (path == "*") {
    result.segments.emplace_back("*");
    return result;
  }
  if (!path.starts_with('/') && !path.empty()) {
    result.error = "the request's target must begin with '/'";
    return result;
  }
  auto query = target.substr(std::min(path.size() + 1, target.size()));
  while (path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty()) {
    path.remove_prefix(1);
    auto segment = percent_decoded(path.substr(0, path.find('/')), false);
    path.remove_prefix(std::min(path.find('/'), path.size()));
    if (segment.stray_percent || !is_utf8(segment.text)) {
      result.error =
          segment.stray_percent ? "the path has a '%' without two hexadecimal digits behind it" : "the path is not UTF-8";
      return result;
    }
    result.segments.push_back(std::move(segment.text));
  }
  result.error = read_pairs(query, "the query", result.query);
  return result;
}

std::size_t form_data::file_bytes() const {
  return std::accumulate(files.begin(), files.end(), std::size_t{0},
                         [](std::size_t sum, const form_file& file) { return sum + file.bytes.size(); });
}

form_data read_urlencoded(std::string_view body) {
  form_data result;
  result.error = read_pairs(body, "the form", result.fields);
  return result;
}

form_data read_form(std::string_view content_type, std::string_view body) {
  if (is_media_type(content_type, "application/x-www-form-urlencoded")) return read_urlencoded(body);
  if (!is_media_type(content_type, "multipart/form-data")) return {};
  auto boundary = header_parameter(content_type, "boundary");
  if (boundary) return read_multipart(*boundary, body);
  form_data result;
  result.error = "the form's Content-Type names no boundary";
  return result;
}

}  // namespace oncue::core
