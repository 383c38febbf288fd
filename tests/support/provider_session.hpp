// One connection of the provider: reads requests the whole time, so that a client's close is noticed at once, and lets a
// scenario answer them one after the other. Everything runs on the provider's one thread; only the records are shared.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "provider.hpp"
#include "provider_channel.hpp"
#include "provider_frames.hpp"

namespace oncue::test {

/// What all connections share.
struct provider_state {
  provider_options options;
  mutable std::mutex guard;
  mutable std::condition_variable changed;
  std::vector<connection_record> records;  // under guard
  int last_id = 0;
  std::map<std::string, std::int64_t> requests_of_path;
  std::map<std::string, std::shared_ptr<const std::vector<frame>>> prepared;

  /// Changes the record of connection `id` and wakes who waits.
  template <class F>
  void record(int id, F change) {
    if (options.keep_records) {
      std::lock_guard lock(guard);
      change(records[static_cast<std::size_t>(id) - 1]);
      changed.notify_all();
    }
  }
};

struct provider_request {
  std::string head, body;
  std::string method;
  std::string path;  ///< without scheme and authority
  scenario_segment segment;

  /// The value of a header, or empty.
  std::string header(std::string_view name) const;
};

class session {
 public:
  session(provider_state& state, std::unique_ptr<channel> connection, int id);

  /// The connection's life.
  static asio::awaitable<void> run(std::shared_ptr<session> self);

  // -- for scenarios: each throws when the client has gone --
  provider_state& state() { return state_; }
  const provider_request& request() const { return request_; }
  const scenario_segment& segment() const { return request_.segment; }

  /// Bytes as they are, in one write.
  asio::awaitable<void> send(std::string_view bytes);
  /// Status line and headers. An answer without length is chunked; `extra`: header lines with their line ends.
  asio::awaitable<void> send_head(int status, std::string_view content_type, std::string_view extra = {});
  /// A whole answer.
  asio::awaitable<void> send_answer(int status, std::string_view content_type, std::string body, std::string extra = {});
  /// One HTTP chunk, `deltas` of the stream in it.
  asio::awaitable<void> send_chunk(std::string_view body, std::uint64_t deltas);
  /// `deltas` more have been given to the kernel.
  void count(std::uint64_t deltas);
  asio::awaitable<void> send_event(std::string_view json, std::uint64_t deltas = 0);
  asio::awaitable<void> send_last_chunk();
  asio::awaitable<void> sleep(std::int64_t ms);
  asio::awaitable<void> sleep_for_ever();

  /// Close, or reset, when the scenario returns.
  void close_after() { closing_ = true; }
  void reset_after() { closing_ = resetting_ = true; }

 private:
  static asio::awaitable<void> read(std::shared_ptr<session> self);
  asio::awaitable<void> answer_requests();
  void take_requests();
  void client_has_gone();
  void close();
  void log(std::string_view what);

  provider_state& state_;
  std::unique_ptr<channel> connection_;
  int id_;
  asio::steady_timer alarm_;    // sleeps
  asio::steady_timer arrived_;  // cancelled when a request came
  std::string input_;
  std::deque<provider_request> waiting_;
  provider_request request_;
  std::uint64_t deltas_ = 0;
  bool early_ = false;  // a request is being answered whose body has not come yet
  bool client_gone_ = false;
  bool closing_ = false;
  bool resetting_ = false;
};

/// Answers the session's request as its scenario says.
asio::awaitable<void> answer(session& s);

std::string http_chunk(std::string_view body);

}  // namespace oncue::test
