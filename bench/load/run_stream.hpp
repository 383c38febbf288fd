// One run at a contender, seen from outside: starts it, reads its events as they come without parsing them, and notes when
// what was seen. It looks for as little as it can: frames' names, "t=<ns>" in texts, the first "run_id".
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http_connection.hpp"
#include "sse_frames.hpp"

namespace oncue::bench::load {

enum class dialect : std::uint8_t { agentos, openai };

struct run_target {
  http_address address;
  dialect speaks = dialect::agentos;
  std::string agent;

  std::string start_request(const std::string& key) const;
  std::string cancel_request(const std::string& run_id) const;
};

/// From the provider's making of a delta to its reading here; only while it is on.
struct delay_log {
  bool on = false;
  std::vector<float> us;
};

class run_stream final : http_watcher {
 public:
  run_stream(event_loop& loop, const run_target& target, delay_log* delays = nullptr)
      : target_{target}, delays_{delays}, connection_{loop, target.address, *this} {}

  /// Starts a run whose stream is called `key` at the provider; what was noted of the one before is forgotten.
  void start(const std::string& key);
  void leave() { connection_.close(); }
  void stop_reading() { connection_.stop_reading(); }
  bool sent() const { return connection_.sent(); }

  struct sight {
    std::int64_t requested_ns = 0;
    std::int64_t first_event_ns = 0;
    std::int64_t first_delta_ns = 0;
    std::int64_t ended_ns = 0;  ///< the ending's event was read, or the stream was over without one
    std::uint64_t deltas = 0;
    std::string run_id;  ///< of agentos
    std::string ending;  ///< RunCompleted, …; of openai [DONE]; else what happened instead
    std::string detail;  ///< of a RunError: what it says

    std::string failure() const { return detail.empty() ? ending : ending + ": " + detail; }
    bool completed() const { return ending == "RunCompleted" || ending == "[DONE]"; }
  };
  const sight& seen() const { return seen_; }
  bool over() const { return over_; }

  /// Called when the whole answer was read, or none will be.
  std::function<void(run_stream&)> on_over = [](run_stream&) {};

 private:
  void on_body(std::string_view piece, std::int64_t now_ns) override;
  void on_answered(std::int64_t now_ns) override;
  void on_broken(const std::string& why, std::int64_t now_ns) override;
  void take(std::string_view frame, std::int64_t now_ns);
  void take_event(std::string_view frame, std::int64_t now_ns);
  void take_deltas(std::string_view frame, std::int64_t now_ns);
  void end(std::string_view how, std::int64_t now_ns);

  const run_target& target_;
  delay_log* delays_;
  sight seen_;
  bool over_ = false;
  sse_frames frames_;
  http_connection connection_;
};

}  // namespace oncue::bench::load
