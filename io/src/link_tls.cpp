#include "link_tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

namespace oncue::io {

namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
using context_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using session_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using store_ptr = std::unique_ptr<X509_STORE, freed_by<X509_STORE_free>>;
using check_ptr = std::unique_ptr<X509_STORE_CTX, freed_by<X509_STORE_CTX_free>>;

/// The last error of OpenSSL, in its words; its queue is empty then.
std::string last_error() {
  std::string words;
  while (auto code = ERR_get_error()) {
    const auto* reason = ERR_reason_error_string(code);
    words = reason ? reason : "an unknown error";
  }
  return words.empty() ? "no reason was given" : words;
}

std::string why_not_read(const char* what, const std::string& path) {
  if (::access(path.c_str(), R_OK) == 0) return {};
  return std::string{"the "} + what + " " + path + " cannot be read: " + std::strerror(errno);
}

certificate_ptr read_certificate(const std::string& path) {
  std::unique_ptr<std::FILE, freed_by<std::fclose>> file{std::fopen(path.c_str(), "re")};
  return certificate_ptr{file ? PEM_read_X509(file.get(), nullptr, nullptr, nullptr) : nullptr};
}

std::string day_of(const ASN1_TIME* time) {
  std::tm parts{};
  char text[32] = "?";
  if (ASN1_TIME_to_tm(time, &parts) == 1) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

/// Who of the two is meant by what OpenSSL says of a certificate.
std::string refused(const std::string& who, long verdict) {
  return who + " shows a certificate that is not taken: " + X509_verify_cert_error_string(verdict);
}

/// Why the handshake, or the first read behind it, failed.
std::string why_failed(SSL* session, const std::string& who) {
  auto verdict = SSL_get_verify_result(session);
  if (verdict != X509_V_OK) return refused(who, verdict);
  auto alert = ERR_peek_error();
  auto reason = last_error();
  if (ERR_GET_REASON(alert) >= SSL_AD_REASON_OFFSET) return who + " refuses this node's certificate: " + reason;
  return who + " does not speak TLS as this node does: " + reason;
}

}  // namespace

std::string probe_tls(int fd, const link_files& files, const std::string& who,
                      std::chrono::steady_clock::time_point until) {
  ERR_clear_error();
  context_ptr context{SSL_CTX_new(TLS_client_method())};
  if (!context || SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_load_verify_locations(context.get(), files.ca.c_str(), nullptr) != 1) {
    return "this node's certificates cannot be used: " + last_error();
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  session_ptr session{SSL_new(context.get())};
  SSL_set_fd(session.get(), fd);
  SSL_set_connect_state(session.get());
  for (;;) {
    char first = 0;
    ERR_clear_error();
    auto done = SSL_read(session.get(), &first, 1);
    if (done == 1) return {};
    auto state = SSL_get_error(session.get(), done);
    if (state == SSL_ERROR_WANT_READ || state == SSL_ERROR_WANT_WRITE) {
      if (wait_for(fd, state == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until)) continue;
      return who + " took the connection and did not finish the TLS handshake in time";
    }
    if (state == SSL_ERROR_SSL) return why_failed(session.get(), who);
    return who + " closed the connection during the TLS handshake";
  }
}

std::string why_not_use(const link_files& files, std::int64_t now_s) {
  if (auto why = why_not_read("authority's certificate", files.ca); !why.empty()) return why;
  if (auto why = why_not_read("certificate", files.certificate); !why.empty()) return why;
  if (auto why = why_not_read("key", files.key); !why.empty()) return why;
  ERR_clear_error();
  auto certificate = read_certificate(files.certificate);
  if (!certificate) return "the certificate " + files.certificate + " is none: PEM was expected (" + last_error() + ")";
  auto now = static_cast<std::time_t>(now_s);
  if (X509_cmp_time(X509_get0_notAfter(certificate.get()), &now) < 0) {
    return "the certificate " + files.certificate + " expired on " + day_of(X509_get0_notAfter(certificate.get()));
  }
  if (X509_cmp_time(X509_get0_notBefore(certificate.get()), &now) > 0) {
    return "the certificate " + files.certificate + " is not valid before " +
           day_of(X509_get0_notBefore(certificate.get()));
  }
  context_ptr context{SSL_CTX_new(TLS_method())};
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    return "the certificate " + files.certificate + " cannot be used: " + last_error();
  }
  // A key that belongs to another certificate is refused as it is read.
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    auto reason = ERR_GET_REASON(ERR_peek_error());
    if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH) {
      return "the key " + files.key + " does not belong to the certificate " + files.certificate;
    }
    return "the key " + files.key + " cannot be used: " + last_error();
  }
  store_ptr store{X509_STORE_new()};
  if (X509_STORE_load_locations(store.get(), files.ca.c_str(), nullptr) != 1) {
    return "the authority's certificate " + files.ca + " is none: PEM was expected (" + last_error() + ")";
  }
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context.get(), &chain);
  check_ptr check{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(check.get(), store.get(), certificate.get(), chain);
  X509_STORE_CTX_set_time(check.get(), 0, now);
  if (X509_verify_cert(check.get()) != 1) {
    return "the certificate " + files.certificate + " is not of the authority in " + files.ca + ": " +
           X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get()));
  }
  return {};
}

}  // namespace oncue::io
