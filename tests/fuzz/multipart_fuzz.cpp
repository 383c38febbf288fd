// Multipart forms: the first line of the input is a Content-Type's end, the rest a body. What was read is read again from
// what a browser would make of it.
#include "fuzz.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"

using namespace oncue;

namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text_of(data, size);
  auto line = input.substr(0, input.find('\n'));
  auto content_type = "multipart/form-data" + std::string(line);
  auto form = core::read_form(content_type, input.substr(std::min(line.size() + 1, input.size())));
  if (!form) {
    fuzz::require(form.fields.empty() && form.files.empty(), "a form that is none has nothing");
    return 0;
  }
  if (!core::is_media_type(content_type, "multipart/form-data")) return 0;
  auto delimiter = "--" + core::header_parameter(content_type, "boundary").value();
  std::string body;
  auto begin = [&](std::string_view name) {
    body += delimiter + "\r\nContent-Disposition: form-data; name=" + quoted(name);
  };
  for (const auto& [name, value] : form.fields) {
    fuzz::require(core::is_utf8(name) && core::is_utf8(value), "fields are UTF-8");
    begin(name);
    body += "\r\n\r\n" + value + "\r\n";
  }
  for (const auto& file : form.files) {
    begin(file.name);
    body +=
        "; filename=" + quoted(file.filename) + "\r\nContent-Type: " + file.content_type + "\r\n\r\n" + file.bytes + "\r\n";
    // Escapes may make a head too long that was not.
    if (file.filename.size() + file.content_type.size() > core::limits::multipart_header_bytes_max / 4) return 0;
  }
  auto again = core::read_form(content_type, body + delimiter + "--");
  fuzz::require(again && again.fields == form.fields && again.files.size() == form.files.size(),
                "a form is read as it was");
  for (std::size_t i = 0; i < form.files.size(); ++i) {
    const auto &one = form.files[i], &other = again.files[i];
    fuzz::require(one.name == other.name && one.filename == other.filename && one.content_type == other.content_type &&
                      one.bytes == other.bytes,
                  "a file is read as it was");
  }
  return 0;
}
