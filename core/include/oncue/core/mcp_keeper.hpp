// One server of tools across its connections: when it is started, who waits for it, what those are told who had a call with
// it when it died, and how long it is left alone before it is tried again. Pure: takes what was asked, what the transport
// said and the time, returns what is to be done. Promises that everybody who asked is answered once, unless he took his
// call back; that a connection is closed before the next is opened; and that a server nobody asks for is not started.
//
//   resting ── somebody asks ──▶ starting ── its tools are listed ──▶ ready
//      ▲                            │ fails, takes too long             │ dies, hangs, is told to go
//      └──── its connection ends ── closing ◀──────────────────────────┘
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oncue/core/mcp_session.hpp"
#include "oncue/core/tool_spec.hpp"
#include "oncue/messages/mcp.hpp"

namespace oncue::core {

/// What the actor has to do.
namespace mcp_order {
/// Start the program, or begin a session over HTTP.
struct open {
  std::uint64_t connection = 0;
};
using send = mcp_effect::send;
using forget = mcp_effect::forget;
using answer = mcp_effect::answer;
/// End the connection: an `ended` of it will come.
struct close {};
/// Tell all who asked for the tools.
struct listed {
  std::string problem;  ///< not empty: one sentence about why there are none
};
/// Everything is closed, as quit() asked.
struct gone {};
}  // namespace mcp_order

using mcp_keeper_order = std::variant<mcp_order::open, mcp_order::send, mcp_order::forget, mcp_order::answer,
                                      mcp_order::close, mcp_order::listed, mcp_order::gone>;
using mcp_keeper_orders = std::vector<mcp_keeper_order>;

class mcp_keeper {
 public:
  /// Times are steady, in microseconds.
  using time_us = std::int64_t;

  mcp_keeper(const mcp_spec& spec, std::string client_version);

  /// Somebody wants the tools: a `listed` answers, at once if the server is ready.
  mcp_keeper_orders list(time_us now);

  /// A call. Waits while the server starts.
  mcp_keeper_orders call(mcp_call_no number, mcp_call what, time_us now);

  /// Nobody wants this call's outcome any more: there will be no `answer`. Does nothing if there was one.
  mcp_keeper_orders stop(mcp_call_no number, std::string_view reason, time_us now);

  /// What the transport said. What an earlier connection says is ignored.
  mcp_keeper_orders said(const mcp_said& what, time_us now);

  /// The time that wake_at() named has come.
  mcp_keeper_orders tick(time_us now);

  /// For good: whoever waits is told, nothing is started any more.
  mcp_keeper_orders quit();

  std::optional<time_us> wake_at() const;
  /// As the server names them; of the last connection that was ready.
  const std::vector<tool_definition>& tools() const { return tools_; }
  std::uint64_t connection() const { return connection_; }

 private:
  enum class phase : std::uint8_t { resting, starting, ready, closing };

  /// A call that was not answered.
  struct held_call {
    mcp_call what;
    time_us began = 0;
    bool sent = false;
    bool sent_again = false;  ///< after a session was lost
  };

  void want(time_us now, mcp_keeper_orders& out);
  void obey(mcp_session_effects effects, time_us now, mcp_keeper_orders& out);
  void become_ready(time_us now, mcp_keeper_orders& out);
  void give_up(std::string why, time_us now, mcp_keeper_orders& out);
  void on_ended(const mcp_said& what, time_us now, mcp_keeper_orders& out);
  void on_session_lost(std::uint64_t request, time_us now, mcp_keeper_orders& out);
  void send_call(mcp_call_no number, held_call& call, time_us now, mcp_keeper_orders& out);
  void fail(mcp_call_no number, std::string why, mcp_keeper_orders& out);
  void fail_all(const std::string& why, bool unsent_too, mcp_keeper_orders& out);
  void tell_waiting(std::string problem, mcp_keeper_orders& out);
  bool is_wanted() const { return list_wanted_ || !calls_.empty(); }
  std::string named(const std::string& what) const;

  std::string id_;
  milliseconds start_timeout_;
  milliseconds call_timeout_;
  milliseconds grace_;
  std::string client_version_;
  phase phase_ = phase::resting;
  std::optional<mcp_session> session_;
  std::uint64_t connection_ = 0;
  std::map<mcp_call_no, held_call> calls_;
  bool list_wanted_ = false;
  std::vector<tool_definition> tools_;
  std::string problem_;     ///< why the last start failed; empty: it did not
  std::string why_;         ///< closing: what made us close it; empty: nothing went wrong
  bool was_ready_ = false;  ///< the connection that is closing
  bool lost_ = false;       ///< its session was lost: the next may begin at once
  bool quitting_ = false;
  std::uint32_t deaths_ = 0;  ///< one soon after the other
  std::uint32_t silent_calls_ = 0;
  time_us ready_since_ = 0;
  time_us start_until_ = 0;  ///< starting: then it takes too long
  time_us close_until_ = 0;  ///< closing: then it is as good as gone
  time_us rest_until_ = 0;   ///< resting: not started before
};

}  // namespace oncue::core
