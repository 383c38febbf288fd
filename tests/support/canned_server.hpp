// An HTTP/1.1 server that says what a test wrote down for it: whole answers, and streams in pieces that wait for other
// requests, hold, or break off. Keeps what it was asked. Each connection has a thread of its own; one request a connection.
// Everything it waits for comes from the test, or from its destruction.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace oncue::test {

struct canned_request {
  std::string method;
  std::string target;  ///< path and query as sent
  std::string head;
  std::string body;
  bool client_closed = false;  ///< seen while a stream was held
};

struct canned_piece {
  std::string bytes;
  std::string after = {};  ///< first waits for a later request that begins so: "POST /runs/r1/cancel"
};

struct canned_answer {
  enum class end : std::uint8_t { whole, hold, cut };

  int status = 200;
  std::string type = "application/json";
  std::vector<canned_piece> pieces = {};
  end then = end::whole;  ///< hold: until the client closes; cut: the connection breaks in the middle
};

class canned_server {
 public:
  /// `port`: 0: any free one.
  explicit canned_server(std::uint16_t port = 0);
  ~canned_server();
  canned_server(const canned_server&) = delete;
  canned_server& operator=(const canned_server&) = delete;

  std::uint16_t port() const;
  std::string url() const;

  /// For requests that begin so ("GET /runs?"): the answers one after the other, the last one again and again. The longest
  /// beginning counts. What nobody wrote down is a 404.
  void on(std::string beginning, std::vector<canned_answer> answers);
  void on(std::string beginning, int status, std::string json);
  /// A stream of events, which ends so.
  void stream(std::string beginning, std::vector<canned_piece> pieces, canned_answer::end then = canned_answer::end::whole);

  /// In the order of their coming.
  std::vector<canned_request> requests() const;
  /// False if it does not become true in time.
  bool wait_until(const std::function<bool(const std::vector<canned_request>&)>& seen) const;
  /// How many requests began so.
  std::size_t count(std::string_view beginning) const;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace oncue::test
