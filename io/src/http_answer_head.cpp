#include "http_answer_head.hpp"

#include <boost/beast/http/status.hpp>
#include <charconv>
#include <ctime>

namespace oncue::io::detail {

namespace {

/// A line break in a value would begin another field, or the body.
void append_clean(std::string& out, std::string_view text) {
  for (char c : text) {
    out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  append_clean(out, name);
  out += ": ";
  append_clean(out, value);
  out += "\r\n";
}

}  // namespace

bool has_no_body(int status) { return status / 100 == 1 || status == 204 || status == 304; }

std::string answer_head(const server_response& response, body_framing framing, bool keep_alive, std::string_view date) {
  auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  std::string head;
  head.reserve(256);
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(reason.data(), reason.size());
  head += "\r\n";
  append_field(head, "Date", date);
  for (const auto& [name, value] : response.headers) {
    append_field(head, name, value);
  }
  if (framing == body_framing::chunked) {
    append_field(head, "Transfer-Encoding", "chunked");
  } else if (framing == body_framing::length && !has_no_body(response.status)) {
    append_field(head, "Content-Length", std::to_string(response.body.size()));
  }
  append_field(head, "Connection", keep_alive ? "keep-alive" : "close");
  head += "\r\n";
  return head;
}

std::string http_date(std::int64_t unix_s) {
  auto time = static_cast<std::time_t>(unix_s);
  std::tm utc{};
  gmtime_r(&time, &utc);
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // strftime would say it in the language of the program's locale.
  char text[64];
  std::snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday], utc.tm_mday,
                months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return text;
}

std::string chunk_head(std::size_t bytes) {
  char size[16];
  auto end = std::to_chars(size, size + sizeof(size), bytes, 16).ptr;
  return std::string(size, end).append("\r\n");
}

server_response error_answer(int status, std::string_view detail) {
  server_response response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"}};
  response.body.append("{\"detail\":\"").append(detail).append("\"}");
  return response;
}

}  // namespace oncue::io::detail
