// Forms with files: RFC 7578, which is RFC 2046's multipart with one header field that counts.
#include <algorithm>

#include "http_words.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"

namespace oncue::core {

namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view head_end = "\r\n\r\n";

struct part_head {
  std::optional<std::string> name;
  std::optional<std::string> filename;
  std::string content_type;
  std::string error;
};

/// RFC 2046, 5.1.1: bcharsnospace, and spaces that are not at the end.
bool is_boundary(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"'()+_,-./:=? "}.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= limits::multipart_boundary_chars_max && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), allowed);
}

void read_head_field(std::string_view line, part_head& head) {
  auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    head.error = "a part of the form has a header line without a name and ':'";
    return;
  }
  auto name = lower_case(line.substr(0, colon));
  auto value = trimmed_blanks(line.substr(colon + 1));
  if (name == "content-disposition") {
    if (is_media_type(value, "form-data")) {
      head.name = header_parameter(value, "name");
      head.filename = header_parameter(value, "filename");
      // RFC 7578, 4.2 does not want it, and some clients send it.
      if (!head.filename) head.filename = header_parameter(value, "filename*");
    }
  } else if (name == "content-type") {
    head.content_type = value;
  } else if (name == "content-transfer-encoding") {
    auto coding = lower_case(value);
    if (coding == "base64" || coding == "quoted-printable") {
      head.error = "a part of the form has a Content-Transfer-Encoding: parts are taken as they are (RFC 7578, 4.7)";
    }
  }
}

part_head read_head(std::string_view text) {
  part_head head;
  while (!text.empty() && head.error.empty()) {
    auto line = text.substr(0, text.find(line_end));
    text.remove_prefix(std::min(line.size() + line_end.size(), text.size()));
    read_head_field(line, head);
  }
  if (head.error.empty() && !head.name) {
    head.error = "a part of the form has no name: expected 'Content-Disposition: form-data; name=\"...\"'";
  } else if (head.error.empty() && head.name->size() > limits::form_name_bytes_max) {
    head.error = "the form has a field whose name is longer than " + std::to_string(limits::form_name_bytes_max) + " bytes";
  } else if (head.error.empty() && (!is_utf8(*head.name) || !is_utf8(head.filename.value_or("")))) {
    head.error = "the form has a field whose name is not UTF-8";
  }
  return head;
}

/// Takes one part from the front of `rest`, which begins behind a boundary's line and ends up behind the next boundary.
/// Returns what is wrong.
std::string take_part(std::string_view delimiter, std::string_view& rest, form_data& form) {
  auto whole = limits::multipart_header_bytes_max + head_end.size();
  auto length = rest.substr(0, whole).find(head_end);
  if (length == std::string_view::npos) {
    // Without any header field the empty line is the first one.
    if (rest.starts_with(line_end)) return read_head({}).error;
    return rest.size() < whole ? "a part of the form has no empty line behind its header: it is cut off"
                               : "a part of the form has a header longer than " +
                                     std::to_string(limits::multipart_header_bytes_max) + " bytes";
  }
  auto head = read_head(rest.substr(0, length));
  if (!head.error.empty()) return head.error;
  rest.remove_prefix(length + head_end.size());
  // An empty part's boundary may use the line end of the empty line before it.
  auto bare = delimiter.substr(line_end.size());
  auto size = rest.starts_with(bare) ? 0 : rest.find(delimiter);
  if (size == std::string_view::npos) return "the form has no closing boundary: it is cut off";
  auto bytes = rest.substr(0, size);
  rest.remove_prefix(size + (rest.starts_with(bare) ? bare.size() : delimiter.size()));
  if (head.filename) {
    form.files.push_back(
        {std::move(*head.name), std::move(*head.filename), std::move(head.content_type), std::string(bytes)});
  } else if (!is_utf8(bytes)) {
    return "the form has a field that is not UTF-8";
  } else {
    form.fields.emplace_back(std::move(*head.name), bytes);
  }
  return {};
}

std::string read_parts(std::string_view boundary, std::string_view rest, form_data& form) {
  auto delimiter = std::string(line_end) + "--" + std::string(boundary);
  auto first = std::string_view(delimiter).substr(line_end.size());
  auto begin = rest.starts_with(first) ? 0 : rest.find(delimiter);
  if (begin == std::string_view::npos) return "the form does not contain the boundary that its Content-Type names";
  rest.remove_prefix(begin + (rest.starts_with(first) ? first.size() : delimiter.size()));
  for (std::size_t parts = 0; !rest.starts_with("--"); ++parts) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (!rest.starts_with(line_end)) {
      return rest.empty() ? "the form has no closing boundary: it is cut off"
                          : "a boundary of the form is not a line of its own";
    }
    rest.remove_prefix(line_end.size());
    if (parts == limits::multipart_parts_max) {
      return "the form has more than " + std::to_string(limits::multipart_parts_max) + " parts";
    }
    if (auto error = take_part(delimiter, rest, form); !error.empty()) return error;
  }
  return {};
}

}  // namespace

form_data read_multipart(std::string_view boundary, std::string_view body) {
  form_data form;
  if (is_boundary(boundary)) {
    form.error = read_parts(boundary, body, form);
  } else {
    form.error = "the form's boundary must be 1 to " + std::to_string(limits::multipart_boundary_chars_max) +
                 " letters, digits or marks (RFC 2046, 5.1.1)";
  }
  if (!form) {
    form.fields.clear();
    form.files.clear();
  }
  return form;
}

}  // namespace oncue::core
