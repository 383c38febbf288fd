// A request with a short answer that is kept whole, on a connection that stays open for the next one.
#pragma once

#include <string>
#include <string_view>

#include "http_connection.hpp"

namespace oncue::bench::load {

class http_call final : http_watcher {
 public:
  http_call(event_loop& loop, const http_address& to) : connection_{loop, to, *this} {}

  void open() { connection_.open(); }
  void send(std::string request) {
    body.clear();
    error.clear();
    done = false;
    sent_ns = now_ns();
    connection_.send(std::move(request));
  }
  /// Nobody waits for its answer any more.
  void leave() {
    connection_.close();
    done = true;
  }

  bool done = true;  ///< nothing is asked just now
  std::string body;
  std::string error;  ///< why there is no answer with status 200; empty: there is
  std::int64_t sent_ns = 0;
  std::int64_t answered_ns = 0;

 private:
  void on_body(std::string_view piece, std::int64_t) override { body += piece; }
  void on_answered(std::int64_t now_ns) override {
    if (connection_.status() != 200) error = "status " + std::to_string(connection_.status()) + ": " + body;
    end(now_ns);
  }
  void on_broken(const std::string& why, std::int64_t now_ns) override {
    error = why;
    end(now_ns);
  }
  void end(std::int64_t now_ns) {
    answered_ns = now_ns;
    done = true;
  }

  http_connection connection_;
};

}  // namespace oncue::bench::load
