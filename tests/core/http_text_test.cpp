// What strangers write into targets, forms and headers.
#define CAF_SUITE core.http_text

#include "oncue/core/http_text.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>

#include "oncue/core/limits.hpp"

using namespace oncue::core;
using namespace std::string_literals;

namespace {

std::string shown(const field_pairs& pairs) {
  std::string text;
  for (const auto& [name, value] : pairs) text += "[" + name + "=" + value + "]";
  return text;
}

std::string shown(const request_target& target) {
  if (!target) return "error: " + target.error;
  std::string text;
  for (const auto& segment : target.segments) text += "/" + segment;
  return text + " " + shown(target.query);
}

std::string shown(const form_data& form) {
  if (!form) return "error: " + form.error + (form.fields.empty() && form.files.empty() ? "" : ", with fields");
  auto text = shown(form.fields);
  for (const auto& file : form.files) {
    text += "{" + file.name + "|" + file.filename + "|" + file.content_type + "|" + file.bytes + "}";
  }
  return text;
}

/// A form with the boundary "b": each part as it is between two boundaries, without its line ends.
std::string multipart(std::initializer_list<std::string> parts, const std::string& end = "--b--\r\n") {
  std::string body;
  for (const auto& part : parts) body += "--b\r\n" + part + "\r\n";
  return body + end;
}

std::string field(const std::string& name, const std::string& value) {
  return "Content-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value;
}

bool starts(const std::string& text, const std::string& with) { return text.starts_with(with); }

}  // namespace

CAF_TEST(a target is split into decoded segments and a query) {
  for (const auto& [target, expected] : std::initializer_list<std::pair<std::string, std::string>>{
           {"/", " "},
           {"/agents", "/agents "},
           {"/agents/", "/agents "},
           {"/agents//?", "/agents "},
           {"/agents/a%20b%2Fc/runs", "/agents/a b/c/runs "},
           {"/a//b", "/a//b "},
           {"/a+b?c+d=e+f", "/a+b [c d=e f]"},
           {"/r?x=1&y&=z&&x=2%3D", "/r [x=1][y=][=z][x=2=]"},
           {"/r?q=100%&p=%zz%4", "/r [q=100%][p=%zz%4]"},
           {"/r?a=b?c", "/r [a=b?c]"},
           {"/%C3%A4", "/\u00e4 "},
           {"*", "/* "},
           {"http://localhost:7777/agents?x=1", "/agents [x=1]"},
           {"HTTP://h", " "},
           {"http://h?x=1", " [x=1]"},
           {"/go?to=http://h/x", "/go [to=http://h/x]"},
           {"/%", "error: the path has a '%' without two hexadecimal digits behind it"},
           {"/a%4", "error: the path has a '%' without two hexadecimal digits behind it"},
           {"/a%g0b", "error: the path has a '%' without two hexadecimal digits behind it"},
           {"/%ff", "error: the path is not UTF-8"},
           {"/a?%ff=1", "error: the query has a field that is not UTF-8"},
           {"agents", "error: the request's target must begin with '/'"},
           {"host:443", "error: the request's target must begin with '/'"},
       }) {
    CAF_CHECK_EQUAL(shown(parse_target(target)), expected);
  }
}

CAF_TEST(a form is read by its content type) {
  const auto* urlencoded = "application/x-www-form-urlencoded";
  CAF_CHECK_EQUAL(shown(read_form(urlencoded, "message=Tell+me%21&stream=true&message=")),
                  "[message=Tell me!][stream=true][message=]");
  CAF_CHECK_EQUAL(shown(read_form("Application/X-WWW-Form-UrlEncoded ; charset=UTF-8", "a=\u00e4&b=100% sure")),
                  "[a=\u00e4][b=100% sure]");
  CAF_CHECK_EQUAL(shown(read_form(urlencoded, "")), "");
  CAF_CHECK_EQUAL(shown(read_form(urlencoded, "a=%00%0D")), "[a="s + '\0' + "\r]");
  CAF_CHECK_EQUAL(shown(read_form(urlencoded, "a=%80")), "error: the form has a field that is not UTF-8");
  CAF_CHECK_EQUAL(shown(read_form("application/json", "{\"message\":1}")), "");
  CAF_CHECK_EQUAL(shown(read_form("", "a=b")), "");
  CAF_CHECK_EQUAL(shown(read_form("multipart/form-data", "--b--")), "error: the form's Content-Type names no boundary");
  CAF_CHECK_EQUAL(shown(read_form("multipart/form-data; Boundary=\"b\"", multipart({field("a", "1")}))), "[a=1]");
  CAF_CHECK_EQUAL(shown(read_form("multipart/form-data; x=\"; boundary=c\"; boundary=b", multipart({field("a", "1")}))),
                  "[a=1]");

  std::string many;
  for (std::size_t i = 0; i < limits::form_fields_max; ++i) many += "a&";
  CAF_CHECK_EQUAL(read_urlencoded(many).fields.size(), limits::form_fields_max);
  CAF_CHECK_EQUAL(shown(read_urlencoded(many + "a")), "error: the form has more than 1000 fields, with fields");
  CAF_CHECK_EQUAL(shown(read_urlencoded(std::string(limits::form_name_bytes_max + 1, 'n'))),
                  "error: the form has a field whose name is longer than 1024 bytes");
}

CAF_TEST(a multipart form gives its fields and files byte for byte) {
  std::string binary;
  for (int i = 0; i < 256; ++i) binary += static_cast<char>(i);
  auto file =
      "content-disposition: form-data; filename=\"C:\\new\\\"x\\\".png\"; name=files\r\nCONTENT-TYPE:  image/png \r\n\r\n";
  auto body =
      multipart({field("message", "Hello\r\n--a\r\nthere"), file + binary, field("stream", "true"), field("empty", "")});
  auto form = read_multipart("b", "a preamble\r\n" + body + "an epilogue");
  CAF_CHECK_EQUAL(shown(form),
                  "[message=Hello\r\n--a\r\nthere][stream=true][empty=]{files|C:\\new\"x\".png|image/png|" + binary + "}");
  CAF_CHECK_EQUAL(form.file_bytes(), 256u);

  // What clients of all sorts send.
  for (const auto& [text, expected] : std::initializer_list<std::pair<std::string, std::string>>{
           {"--b--", ""},
           {"--b--\r\n", ""},
           {"--b \t\r\n" + field("a", "1") + "\r\n--b--", "[a=1]"},
           {multipart({"Content-Disposition: form-data; name=f; filename=\"\"\r\n\r\n"}), "{f|||}"},
           {multipart({"Content-Disposition: form-data; name=f; filename*=UTF-8''x\r\n\r\n1"}), "{f|UTF-8''x||1}"},
           {"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--\r\n", "[a=]"},
           {multipart({field("", "1")}), "[=1]"},
           {multipart({field("a", "\r\n")}), "[a=\r\n]"},
           {multipart({field("a", "--b")}), "[a=][=]"},
       }) {
    if (expected == "[a=][=]") {
      CAF_CHECK(!read_multipart("b", text));  // the boundary must not be in what it bounds
    } else {
      CAF_CHECK_EQUAL(shown(read_multipart("b", text)), expected);
    }
  }
}

CAF_TEST(each malformation of a multipart form has its sentence and leaves nothing) {
  std::string long_head(limits::multipart_header_bytes_max + 8, 'x');
  std::string many;
  for (std::size_t i = 0; i <= limits::multipart_parts_max; ++i) many += "--b\r\n" + field("a", "") + "\r\n";
  for (const auto& [boundary, body, sentence] : std::initializer_list<std::tuple<std::string, std::string, std::string>>{
           {"", "--b--", "the form's boundary must be 1 to 70"},
           {"b\"", "--b\"--", "the form's boundary must be 1 to 70"},
           {"b ", "--b --", "the form's boundary must be 1 to 70"},
           {std::string(71, 'b'), "", "the form's boundary must be 1 to 70"},
           {"b", "", "the form does not contain the boundary"},
           {"c", multipart({field("a", "1")}), "the form does not contain the boundary"},
           {"b", "x--b--", "the form does not contain the boundary"},
           {"b", multipart({field("a", "1")}, ""), "the form has no closing boundary"},
           {"b", multipart({field("a", "1")}, "--b"), "the form has no closing boundary"},
           {"b", "--b", "the form has no closing boundary"},
           {"b", multipart({field("a", "1")}, "--b-"), "a boundary of the form is not a line"},
           {"b", "--bx\r\n\r\n--b--", "a boundary of the form is not a line"},
           {"b", "--b\n" + field("a", "1") + "\n--b--", "a boundary of the form is not a line"},
           {"b", "--b\r\nContent-Disposition: form-data; name=a\r\n", "a part of the form has no empty line"},
           {"b", "--b\r\n" + long_head + "\r\n\r\n1\r\n--b--", "a part of the form has a header longer than 8192 bytes"},
           {"b", multipart({"\r\n1"}), "a part of the form has no name"},
           {"b", multipart({"Content-Type: text/plain\r\n\r\n1"}), "a part of the form has no name"},
           {"b", multipart({"Content-Disposition: attachment; name=a\r\n\r\n1"}), "a part of the form has no name"},
           {"b", multipart({"Content-Disposition: form-data\r\n\r\n1"}), "a part of the form has no name"},
           {"b", multipart({"nonsense\r\n\r\n1"}), "a part of the form has a header line without"},
           {"b", multipart({"Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: Base64\r\n\r\nMQ=="}),
            "a part of the form has a Content-Transfer-Encoding"},
           {"b", multipart({field("a", "\xff")}), "the form has a field that is not UTF-8"},
           {"b", multipart({field("\xff", "1")}), "the form has a field whose name is not UTF-8"},
           {"b", multipart({field(std::string(1025, 'n'), "1")}), "the form has a field whose name is longer than 1024"},
           {"b", many + "--b--", "the form has more than 1000 parts"},
       }) {
    auto form = read_multipart(boundary, body);
    CAF_CHECK_EQUAL(form.error.substr(0, sentence.size()), sentence);
    CAF_CHECK(form.fields.empty() && form.files.empty());
  }
  // Cut anywhere, a form is not a form.
  auto whole = multipart({field("a", "1"), field("b", "2")}, "--b--");
  for (std::size_t size = 0; size < whole.size(); ++size) CAF_CHECK(!read_multipart("b", whole.substr(0, size)));
  CAF_CHECK_EQUAL(shown(read_multipart("b", whole)), "[a=1][b=2]");
}

CAF_TEST(parameters of headers are found behind quotes and in any case) {
  auto found = [](std::string_view header, std::string_view name) {
    return header_parameter(header, name).value_or("(none)");
  };
  CAF_CHECK_EQUAL(found("a/b; Charset = utf-8 ;x", "charset"), "utf-8");
  CAF_CHECK_EQUAL(found("a/b; x=\"1;name=2\"; name=3", "name"), "3");
  CAF_CHECK_EQUAL(found("a/b;name=\"un\\\\closed", "name"), "un\\closed");
  for (const auto* none : {"", "a/b", "a/b;", "a/b; name", "name=1", ";;;", "a/b; names=1; nam=e"}) {
    CAF_CHECK_EQUAL(found(none, "name"), "(none)");
  }
  CAF_CHECK(is_media_type(" Text/HTML ;q=1", "text/html"));
  CAF_CHECK(!is_media_type("text/html5", "text/html"));
}

CAF_TEST(only a well formed trace context is one) {
  auto id = "4bf92f3577b34da6a3ce929d0e0e4736"s, span = "00f067aa0ba902b7"s;
  CAF_CHECK(is_traceparent("00-" + id + "-" + span + "-01"));
  CAF_CHECK(is_traceparent("cc-" + id + "-" + span + "-01-what-the-future-brings"));
  for (const auto& bad :
       {""s, "00-" + id + "-" + span, "00-" + id + "-" + span + "-0", "00-" + id + "-" + span + "-01-x",
        "ff-" + id + "-" + span + "-01", "00-" + id + "-" + span + "-0G",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + span + "-01", "00-" + std::string(32, '0') + "-" + span + "-01",
        "00-" + id + "-" + std::string(16, '0') + "-01", "cc-" + id + "-" + span + "-01x", "00_" + id + "-" + span + "-01",
        " 00-" + id + "-" + span + "-01"}) {
    CAF_CHECK(!is_traceparent(bad));
  }
}

CAF_TEST(keys are taken out of their header and compared whole) {
  for (const auto& [header, token] : std::initializer_list<std::pair<std::string, std::string>>{{"Bearer k", "k"},
                                                                                                {"bearer   k ", "k"},
                                                                                                {"k", "k"},
                                                                                                {"", ""},
                                                                                                {"Bearer", ""},
                                                                                                {"Bearerk", "Bearerk"},
                                                                                                {"BEARER\tk", "k"}}) {
    CAF_CHECK_EQUAL(bearer_token(header), token);
  }
  CAF_CHECK(equals_secret("secret", "secret"));
  for (const auto* wrong : {"", "s", "secre", "secrets", "Secret", "secretsecret", "ssssss"}) {
    CAF_CHECK(!equals_secret(wrong, "secret"));
  }
  CAF_CHECK(!equals_secret("", ""));
  CAF_CHECK(!equals_secret("secret\0"s, "secret"));
}

CAF_TEST(a host is this machine under its own names only) {
  std::vector<std::string> allowed = {"oncue.example", "10.0.0.7"};
  for (const auto* good : {"localhost", "LOCALHOST:7777", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:7777",
                           "localhost:", "oncue.example:443", "Oncue.Example", "10.0.0.7"}) {
    CAF_CHECK(is_allowed_host(good, allowed));
  }
  for (const auto* bad : {"",
                          ":",
                          ":80",
                          "evil.example",
                          "localhost.evil.example",
                          "evil.example:7777",
                          "127.0.0.1.evil.example",
                          "::1",
                          "[::1",
                          "[::2]",
                          "[::1]x",
                          "localhost:99999",
                          "localhost:8o",
                          "localhost:-1",
                          "localhost@evil",
                          "localhost/x",
                          "user@localhost",
                          "0.0.0.0",
                          " localhost",
                          "[localhost]"}) {
    CAF_CHECK(!is_allowed_host(bad, allowed));
  }
}

CAF_TEST(an address of this machine is no name that only looks like one) {
  for (const auto* host : {"localhost", "::1", "127.0.0.1", "127.1.2.3"}) CAF_CHECK(is_loopback(host));
  for (const auto* host : {"", "127.example.com", "127.0.0.1.example.com", "0.0.0.0", "::", "10.0.0.1", "1127.0.0.1"})
    CAF_CHECK(!is_loopback(host));
}

CAF_TEST(an origin is allowed by scheme host and port) {
  std::vector<std::string> allowed = {"http://localhost:3000", "https://agno.com", "http://[::1]:3000"};
  for (const auto* good :
       {"http://localhost:3000", "https://agno.com", "https://agno.com:443", "HTTPS://Agno.com", "http://[::1]:3000"}) {
    CAF_CHECK(is_allowed_origin(good, allowed));
  }
  for (const auto* bad :
       {"", "null", "http://agno.com", "https://agno.com:444", "https://agno.com.evil.example", "https://evil.example",
        "https://agno.com/", "https://agno.com:", "http://localhost", "http://localhost:30000", "agno.com", "https://",
        "https://agno.com https://evil.example", "://agno.com", "https://x@agno.com"}) {
    CAF_CHECK(!is_allowed_origin(bad, allowed));
  }
  CAF_CHECK(!is_allowed_origin("nonsense", std::vector<std::string>{"nonsense"}));
  CAF_CHECK(starts(parse_origin("https://A.b")->host, "a.b"));
}
