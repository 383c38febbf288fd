// The provider that every contender of the comparison talks to: OpenAI's streaming wire, scripted by the path, for
// thousands of streams on one thread. Owns the listener, the connections and the statistics. It is cheap, because its CPU
// competes with theirs: a delta is a time written into prepared bytes and one send. It never buffers for a client that does
// not read: such a stream stands still until the socket takes more.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http_reader.hpp"
#include "scenario.hpp"
#include "sockets.hpp"
#include "stream_book.hpp"
#include "tick_wheel.hpp"

namespace oncue::bench::load {

class provider {
 public:
  /// Listens on the loopback; port 0: any.
  explicit provider(std::uint16_t port);
  ~provider();

  std::uint16_t port() const { return port_; }

  /// Serves until `stop`, which a signal may set, is true.
  void run(const std::atomic<bool>& stop);

 private:
  /// What comes next on a connection.
  enum class step : std::uint8_t { read_request, role, deltas, ending, json, next_request, gone };
  struct connection;

  void accept_all();
  void on_event(connection& one, std::uint32_t events);
  void read(connection& one);
  void take_requests(connection& one);
  void answer(connection& one);
  void answer_json(connection& one, int status, std::string_view json);
  void begin_stream(connection& one);
  void proceed(connection& one);
  void send_deltas(connection& one, std::int64_t now_ns);
  void note_deltas(connection& one, std::uint64_t deltas, std::int64_t now_ns);
  void end_stream(connection& one);
  void send(connection& one, std::string_view bytes, bool lasting);
  void drain(connection& one);
  void want_write(connection& one, bool wanted);
  void wait_for_due(connection& one);
  void close(connection& one);
  scenario& find_scenario(const std::string& text);
  std::int64_t next_phase_ns(const scenario& plan);

  std::uint16_t port_;
  descriptor listener_;
  poller poller_;
  tick_wheel wheel_;
  stream_book book_;
  std::vector<std::unique_ptr<connection>> connections_;  // by their descriptor
  std::vector<std::unique_ptr<connection>> gone_;         // closed in this turn; an event may still name them
  std::map<std::string, std::unique_ptr<scenario>, std::less<>> scenarios_;
  std::uint64_t tickets_ = 0;
  std::uint64_t phases_ = 0;
};

}  // namespace oncue::bench::load
