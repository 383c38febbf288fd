#include "curl_transfer.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <new>

#include "curl_errors.hpp"
#include "oncue/core/limits.hpp"

#ifndef ONCUE_VERSION
#define ONCUE_VERSION "0.1.0"
#endif

namespace oncue::io {

namespace limits = core::limits;

namespace {

constexpr std::size_t head_value_bytes_max = 256;

bool same_name(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::string_view(" \t\r\n").find(text.front()) != std::string_view::npos) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos) {
    text.remove_suffix(1);
  }
  return text;
}

/// The number in "HTTP/1.1 200 OK", or 0.
int status_in(std::string_view line) {
  auto space = line.find(' ');
  int status = 0;
  if (space != std::string_view::npos) {
    std::from_chars(line.data() + space + 1, line.data() + line.size(), status);
  }
  return status;
}

/// RFC 9110, 5.6.2: what names of methods and headers are made of.
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  auto fits = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

/// In a value only what could end the line is refused.
bool sendable(std::string_view name, std::string_view value) {
  return is_token(name) && value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

curl_transfer::curl_transfer(std::uint64_t id, http_request request, std::unique_ptr<transfer_handler> handler)
    : id_(id), request_(std::move(request)), handler_(std::move(handler)) {}

curl_transfer& curl_transfer::of(CURL* easy) {
  curl_transfer* self = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  return *self;
}

std::optional<transfer_result> curl_transfer::prepare(const std::string& ca_file, std::vector<std::string>* found) {
  found_ = found;
  host_ = http_endpoint(request_.url);
  if (host_.empty()) {
    return transfer_result{transfer_end::failed, transfer_error::bad_request,
                           "the provider's URL cannot be used: expected http:// or https:// and a host"};
  }
  if (!request_.method.empty() && !is_token(request_.method)) {
    return transfer_result{transfer_end::failed, transfer_error::bad_request,
                           "the request's method cannot be sent: expected a word such as POST"};
  }
  if (!set_headers()) {
    return transfer_result{
        transfer_end::failed, transfer_error::bad_request,
        "a request header cannot be sent: expected a name without spaces and a value without line breaks"};
  }
  easy_.reset(curl_easy_init());
  if (!easy_) {
    throw std::bad_alloc();
  }
  set_options(ca_file);
  return std::nullopt;
}

bool curl_transfer::set_headers() {
  auto add = [this](const std::string& line) {
    auto* longer = curl_slist_append(headers_.get(), line.c_str());
    if (!longer) {
      throw std::bad_alloc();
    }
    static_cast<void>(headers_.release());
    headers_.reset(longer);
  };
  // libcurl would wait for "100 Continue" before a body above 1 MB.
  add("Expect:");
  for (const auto& [name, value] : request_.headers) {
    if (!sendable(name, value)) {
      return false;
    }
    // "name:" without a value would remove the header; libcurl spells an empty one with a semicolon.
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  std::vector<std::pair<std::string, std::string>>().swap(request_.headers);
  return true;
}

void curl_transfer::set_options(const std::string& ca_file) {
  CURL* easy = easy_.get();
  auto set = [easy](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_ERRORBUFFER, curl_message_);
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_USERAGENT, "oncue/" ONCUE_VERSION);
  set(CURLOPT_ACCEPT_ENCODING, "identity");
  const auto& method = request_.method;
  // A server may want to be told the length of a body that could be there, also when there is none (RFC 9110, 8.6).
  if (!request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
  }
  if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);  // else libcurl would wait for a body
  } else if (!method.empty()) {
    set(CURLOPT_CUSTOMREQUEST, method.c_str());
  }

  // On HTTP/2 a cancel would reach the server only with the connection's next traffic, and a pause would buffer here.
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!ca_file.empty()) {
    set(CURLOPT_CAINFO, ca_file.c_str());
    set(CURLOPT_PROXY_CAINFO, ca_file.c_str());
  }
  // Certificates that come from a file alone are parsed once a multi handle; with a directory, for each connection.
  static const bool has_file = curl_version_info(CURLVERSION_NOW)->cainfo != nullptr;
  if (has_file || !ca_file.empty()) {
    set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    set(CURLOPT_PROXY_CAPATH, static_cast<char*>(nullptr));
  }

  set(CURLOPT_NOSIGNAL, 1L);
  // Without it, removing a transfer waits for its resolver thread, and the whole loop with it. With it that thread is left
  // to end by itself; it then frees what it holds.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_BUFFERSIZE, static_cast<long>(limits::receive_buffer_bytes));
  set(CURLOPT_UPLOAD_BUFFERSIZE, static_cast<long>(limits::upload_buffer_bytes));
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, static_cast<long>(limits::keepalive_idle.count()));
  set(CURLOPT_TCP_KEEPINTVL, static_cast<long>(limits::keepalive_interval.count()));
  set(CURLOPT_MAXAGE_CONN, static_cast<long>(limits::idle_connection_age_max.count()));

  set(CURLOPT_HEADERFUNCTION, &header_came);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &body_came);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_SOCKOPTFUNCTION, &socket_made);
  set(CURLOPT_SOCKOPTDATA, static_cast<void*>(this));
  set(CURLOPT_PREREQFUNCTION, &connection_ready);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
}

bool curl_transfer::begin() {
  auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - made_at_);
  auto left = request_.connect_timeout - waited;
  if (left.count() <= 0) {
    return false;
  }
  curl_easy_setopt(easy_.get(), CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(left.count()));
  stage_ = stage::looking;
  return true;
}

CURLcode curl_transfer::set_paused(bool paused) {
  paused_ = paused;
  return read_or_not();
}

CURLcode curl_transfer::tell(std::uint64_t word) {
  auto told = guarded([&] {
    handler_->on_word(word);
    full_ = handler_->is_full();
  });
  return told ? read_or_not() : CURLE_WRITE_ERROR;
}

CURLcode curl_transfer::read_or_not() {
  // May call body_came before it returns. Before there is a connection libcurl refuses; then body_came does the pausing.
  auto code = curl_easy_pause(easy_.get(), paused_ || full_ ? CURLPAUSE_RECV : CURLPAUSE_CONT);
  return code == CURLE_BAD_FUNCTION_ARGUMENT ? CURLE_OK : code;
}

transfer_result curl_transfer::result_of(CURLcode code) const {
  if (!handler_error_.empty()) {
    return {transfer_end::failed, transfer_error::other, handler_error_};
  }
  return describe(code, easy_.get(), curl_message_, request_, head_delivered_);
}

void curl_transfer::on_header_line(std::string_view line) {
  if (head_delivered_) {
    return;  // a trailer
  }
  if (line.starts_with("HTTP/")) {
    head_ = {};
    head_.status = status_in(line);
    return;
  }
  if (!trimmed(line).empty()) {
    auto colon = line.find(':');
    if (colon == std::string_view::npos) {
      return;
    }
    auto keep = [&](std::string& field) { field = trimmed(line.substr(colon + 1)).substr(0, head_value_bytes_max); };
    auto name = line.substr(0, colon);
    if (same_name(name, "content-type")) {
      keep(head_.content_type);
    } else if (same_name(name, "retry-after")) {
      keep(head_.retry_after);
    } else if (same_name(name, "retry-after-ms")) {
      keep(head_.retry_after_ms);
    } else if (same_name(name, "mcp-session-id")) {
      keep(head_.mcp_session_id);
    }
    return;
  }
  if (head_.status >= 200) {
    head_delivered_ = true;
    forget_body();
    handler_->on_response(head_);
    head_ = {};
  }
}

/// A request may be a megabyte of conversation, and its answer takes minutes.
void curl_transfer::forget_body() {
  curl_off_t sent = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
  if (sent >= static_cast<curl_off_t>(request_.body.size())) {
    std::string().swap(request_.body);
  }
}

/// What a handler throws must not pass through libcurl's frames: it is kept, and the transfer made to fail.
template <class F>
bool curl_transfer::guarded(F call) noexcept {
  try {
    call();
    return true;
  } catch (const std::exception& error) {
    handler_error_ = error.what();
  } catch (...) {
  }
  if (handler_error_.empty()) {
    handler_error_ = "the answer's handler failed";
  }
  return false;
}

std::size_t curl_transfer::header_came(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& transfer = *static_cast<curl_transfer*>(self);
  auto taken = transfer.guarded([&] { transfer.on_header_line({data, size * count}); });
  return taken ? size * count : 0;
}

std::size_t curl_transfer::body_came(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& transfer = *static_cast<curl_transfer*>(self);
  if (transfer.paused_ || transfer.full_) {
    return CURL_WRITEFUNC_PAUSE;
  }
  auto taken = size * count == 0 || transfer.guarded([&] {
    transfer.handler_->on_body({data, size * count});
    transfer.full_ = transfer.handler_->is_full();
  });
  return taken ? size * count : 0;
}

int curl_transfer::socket_made(void* self, curl_socket_t socket, curlsocktype) noexcept {
  // The kernel takes megabytes for a paused transfer if it is left to grow the buffer by itself.
  int bytes = limits::socket_receive_buffer_bytes;
  setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  static_cast<curl_transfer*>(self)->on_socket();
  return CURL_SOCKOPT_OK;
}

/// Also when the connection is an old one.
int curl_transfer::connection_ready(void* self, char*, char*, int, int) noexcept {
  static_cast<curl_transfer*>(self)->on_socket();
  return CURL_PREREQFUNC_OK;
}

void curl_transfer::on_socket() noexcept {
  if (stage_ == stage::looking) {
    stage_ = stage::connected;
    found_->push_back(host_);
  }
}

}  // namespace oncue::io
