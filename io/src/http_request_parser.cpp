#include "http_request_parser.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <utility>

#include "oncue/core/limits.hpp"

namespace oncue::io::detail {

namespace beast = boost::beast;
namespace http = beast::http;
using beast::error_code;
using beast::string_view;

namespace {
constexpr std::size_t last_chunk_bytes = 5;
}

struct http_request_parser::impl : http::basic_parser<true> {
  impl(std::size_t header_bytes_max, std::size_t body_bytes_max) : head_bytes_max(header_bytes_max) {
    header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(header_bytes_max, 1u << 30)));
    body_limit(body_bytes_max);
  }

  void refuse(int with, std::string_view why) {
    if (status == 0) {
      status = with;
      reason = why;
    }
  }

  /// What the fields say about each other, which the grammar does not know.
  void check_head() {
    bool http_11 = version == 11;
    if (hosts > 1 || (http_11 && hosts == 0)) {
      refuse(400, "Malformed request: it needs exactly one Host header");
    } else if (!coding.empty() && (coded_fields > 1 || !http_11)) {
      refuse(400, "Malformed request: Transfer-Encoding is given twice, or in HTTP/1.0");
    } else if (!coding.empty() && !beast::iequals(coding, "chunked")) {
      refuse(501, "The only transfer coding that is understood is 'chunked'");
    } else if (!expectation.empty() && !beast::iequals(expectation, "100-continue")) {
      refuse(417, "The only expectation that is understood is '100-continue'");
    }
  }

  void explain(const error_code& error) {
    if (error == http::error::header_limit) {
      refuse(431, "The head of the request is too large");
    } else if (error == http::error::body_limit || error == http::error::buffer_overflow) {
      refuse(413, "The body of the request is too large");
    } else if (error == http::error::bad_version) {
      refuse(400, "Malformed request: a request line ends with HTTP/1.1 or HTTP/1.0");
    } else if (error == http::error::bad_content_length || error == http::error::multiple_content_length ||
               error == http::error::bad_transfer_encoding) {
      refuse(400, "Malformed request: its length is not clear: one Content-Length, or 'Transfer-Encoding: chunked'");
    } else if (error == http::error::bad_chunk || error == http::error::bad_chunk_extension) {
      refuse(400, "Malformed request: a chunk of the body has no proper size");
    } else if (error == http::error::bad_method || error == http::error::bad_target) {
      refuse(400, "Malformed request: no proper request line");
    } else {
      refuse(400, "Malformed request: a header field is not well formed");
    }
  }

  void on_request_impl(http::verb, string_view method, string_view target, int request_version, error_code&) override {
    request.method.assign(method.data(), method.size());
    request.target.assign(target.data(), target.size());
    version = request_version;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}

  void on_field_impl(http::field field, string_view name, string_view value, error_code& error) override {
    if (in_body) {
      return;  // a trailer: it came after everything that the head was checked for
    }
    if (request.headers.size() == core::limits::request_fields_max) {
      error = http::error::header_limit;
      return;
    }
    if (field == http::field::host) {
      ++hosts;
    } else if (field == http::field::transfer_encoding) {
      ++coded_fields;
      coding.assign(value.data(), value.size());
      coding = coding.empty() ? "none" : coding;
    } else if (field == http::field::expect) {
      expectation.assign(value.data(), value.size());
    }
    std::string lower(name.data(), name.size());
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    request.headers.emplace_back(std::move(lower), std::string(value.data(), value.size()));
  }
  void on_header_impl(error_code& error) override {
    in_body = true;
    check_head();
    if (status != 0) {
      error = http::error::bad_value;
    }
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view bytes, error_code&) override {
    request.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code&) override {
    request.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}

  std::size_t head_bytes_max;
  std::size_t head_bytes = 0;
  server_request request;
  int version = 11;
  int hosts = 0;
  int coded_fields = 0;
  std::string coding, expectation;
  bool in_body = false;
  int status = 0;
  std::string_view reason;
};

http_request_parser::http_request_parser(std::size_t header_bytes_max, std::size_t body_bytes_max)
    : impl_(std::make_unique<impl>(header_bytes_max, body_bytes_max)) {}

http_request_parser::~http_request_parser() = default;

std::size_t http_request_parser::feed(std::string_view bytes) {
  auto& parser = *impl_;
  std::size_t taken = 0;
  // RFC 9112, 2.2: empty lines before a request line are ignored.
  while (!parser.got_some() && bytes.substr(taken).starts_with("\r\n")) {
    taken += 2;
  }
  auto rest = bytes.substr(taken);
  bool only_lines_end = !parser.got_some() && (rest.empty() || rest == "\r");
  while (!only_lines_end && !rest.empty() && parser.status == 0 && !parser.is_done()) {
    // Beast 1.81 wants to see "0\r\n\r\n" whole once it has seen its beginning, and asserts that it does. There are always
    // so many bytes to come: nothing is missed by waiting for them.
    if (parser.in_body && parser.chunked() && rest.size() < last_chunk_bytes) {
      break;
    }
    auto within_head = !parser.in_body;
    error_code error;
    auto count = parser.put({rest.data(), rest.size()}, error);  // the head as a whole, or one step of the body
    taken += count;
    rest.remove_prefix(count);
    parser.head_bytes += within_head ? count : 0;
    if (error == http::error::need_more) {
      break;
    }
    if (error) {
      parser.explain(error);
    }
  }
  // Beast limits the bytes of one step only. What it has not taken is one unfinished line, or an unfinished trailer.
  if (parser.head_bytes + (parser.in_body ? 0 : rest.size()) > parser.head_bytes_max) {
    parser.refuse(431, "The head of the request is too large");
  } else if (parser.in_body && !parser.is_done() && rest.size() > parser.head_bytes_max) {
    parser.refuse(431, "A trailer of the request is too large");
  }
  return taken;
}

bool http_request_parser::started() const { return impl_->got_some(); }
bool http_request_parser::head_done() const { return impl_->in_body; }
bool http_request_parser::done() const { return impl_->status == 0 && impl_->is_done(); }
int http_request_parser::refused() const { return impl_->status; }
std::string_view http_request_parser::refusal() const { return impl_->reason; }
bool http_request_parser::wants_continue() const {
  return impl_->in_body && impl_->version == 11 && !impl_->expectation.empty() && impl_->request.body.empty();
}
bool http_request_parser::is_head() const { return impl_->request.method == "HEAD"; }
bool http_request_parser::is_http_10() const { return impl_->version == 10; }
bool http_request_parser::keep_alive() const { return impl_->in_body && impl_->keep_alive(); }
server_request http_request_parser::take() { return std::move(impl_->request); }

}  // namespace oncue::io::detail
