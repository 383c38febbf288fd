#include "curl_errors.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

namespace oncue::io {

namespace {

struct url_deleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

struct endpoint {
  std::string scheme, host, port;

  std::string text() const { return host + ":" + port; }
};

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) {
    return {};
  }
  std::string result(text);
  curl_free(text);
  return result;
}

endpoint endpoint_of(const std::string& text) {
  std::unique_ptr<CURLU, url_deleter> url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return {};
  }
  return {part(url.get(), CURLUPART_SCHEME), part(url.get(), CURLUPART_HOST), part(url.get(), CURLUPART_PORT)};
}

curl_off_t number(CURL* easy, CURLINFO what) {
  curl_off_t value = 0;
  curl_easy_getinfo(easy, what, &value);
  return value;
}

long small_number(CURL* easy, CURLINFO what) {
  long value = 0;
  curl_easy_getinfo(easy, what, &value);
  return value;
}

std::string duration(std::chrono::milliseconds time) {
  auto ms = time.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

/// libcurl names whom it tried: with a proxy that is not the URL's host.
bool tried_somebody_else(std::string_view curl_message, const endpoint& host) {
  constexpr std::string_view prefix = "Failed to connect to ";
  if (!curl_message.starts_with(prefix)) {
    return false;
  }
  auto name = host.host;
  if (name.size() > 2 && name.front() == '[') {
    name = name.substr(1, name.size() - 2);
  }
  return !curl_message.substr(prefix.size()).starts_with(name + " port " + host.port + " ");
}

transfer_result not_connected(CURL* easy, std::string_view curl_message, const endpoint& host) {
  auto error = static_cast<int>(small_number(easy, CURLINFO_OS_ERRNO));
  std::string why;
  switch (error) {
    case 0: why = "no connection"; break;
    case ECONNREFUSED: why = "connection refused"; break;
    case EHOSTUNREACH: why = "host unreachable"; break;
    case ENETUNREACH: why = "network unreachable"; break;
    default: why = std::strerror(error);
  }
  if (tried_somebody_else(curl_message, host)) {
    return {transfer_end::failed, transfer_error::proxy, "cannot connect to the proxy for " + host.text() + ": " + why};
  }
  return {transfer_end::failed, transfer_error::connect, "cannot connect to " + host.text() + ": " + why};
}

transfer_result too_slow(CURL* easy, const endpoint& host, std::chrono::milliseconds limit) {
  auto unresolved = number(easy, CURLINFO_NAMELOOKUP_TIME_T) == 0;
  auto what = unresolved ? "no address for " + host.host : "no connection to " + host.text();
  return {transfer_end::failed, transfer_error::connect_timeout, what + " within " + duration(limit)};
}

transfer_result broken(CURL* easy, CURLcode code, const endpoint& host, bool answered) {
  auto status = small_number(easy, CURLINFO_HTTP_CONNECTCODE);
  if (!answered && status >= 300) {
    return {transfer_end::failed, transfer_error::proxy,
            "the proxy refused a connection to " + host.text() + " with status " + std::to_string(status)};
  }
  auto reset = code != CURLE_PARTIAL_FILE && small_number(easy, CURLINFO_OS_ERRNO) == ECONNRESET;
  return {transfer_end::failed, transfer_error::cut,
          host.text() + (reset ? " reset the connection" : " closed the connection") +
              (answered ? " in the middle of its answer" : " without an answer")};
}

}  // namespace

std::string http_endpoint(const std::string& url) {
  auto where = endpoint_of(url);
  auto usable = (where.scheme == "http" || where.scheme == "https") && !where.host.empty();
  return usable ? where.text() : std::string();
}

transfer_result describe(CURLcode code, CURL* easy, std::string_view curl_message, const http_request& request,
                         bool answered) {
  if (code == CURLE_OK) {
    return {};
  }
  auto host = endpoint_of(request.url);
  auto reason = curl_message.empty() ? std::string(curl_easy_strerror(code)) : std::string(curl_message);
  auto failed = [](transfer_error error, std::string message) {
    return transfer_result{transfer_end::failed, error, std::move(message)};
  };
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return failed(transfer_error::resolve, "the name " + host.host + " has no address");
    case CURLE_COULDNT_RESOLVE_PROXY: return failed(transfer_error::proxy, "the proxy's name has no address");
    case CURLE_PROXY: return failed(transfer_error::proxy, "the proxy for " + host.text() + " failed: " + reason);
    case CURLE_COULDNT_CONNECT: return not_connected(easy, curl_message, host);
    case CURLE_OPERATION_TIMEDOUT: return too_slow(easy, host, request.connect_timeout);
    case CURLE_PEER_FAILED_VERIFICATION:
      return failed(transfer_error::tls, "the certificate of " + host.text() + " is not trusted: " + reason);
    case CURLE_SSL_CACERT_BADFILE:
      return failed(transfer_error::tls, "the file of trusted certificates cannot be read: " + reason);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED: return failed(transfer_error::tls, "TLS with " + host.text() + " failed: " + reason);
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return broken(easy, code, host, answered);
    case CURLE_URL_MALFORMAT: return failed(transfer_error::bad_request, "the provider's URL cannot be used: " + reason);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2: return failed(transfer_error::protocol, host.text() + " does not speak HTTP/1.1: " + reason);
    default: return failed(transfer_error::other, "the request to " + host.text() + " failed: " + reason);
  }
}

std::string_view to_string(transfer_error error) {
  switch (error) {
    case transfer_error::none: return "none";
    case transfer_error::resolve: return "resolve";
    case transfer_error::connect: return "connect";
    case transfer_error::connect_timeout: return "connect_timeout";
    case transfer_error::tls: return "tls";
    case transfer_error::proxy: return "proxy";
    case transfer_error::cut: return "cut";
    case transfer_error::protocol: return "protocol";
    case transfer_error::bad_request: return "bad_request";
    case transfer_error::other: return "other";
  }
  return "other";
}

}  // namespace oncue::io
