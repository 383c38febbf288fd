// One connection to a server of tools that speaks the Model Context Protocol: agrees on a version, reads the list of tools,
// and keeps the calls that wait for their answers. Pure: takes what the server said, returns what is to be sent and who is
// answered. Promises that a call that was begun has one outcome at most, and none once it was cancelled; whatever the
// server says, in whatever order, changes nothing else. Asks for tools only: it offers a server no roots, no sampling, no
// elicitation. Starts nothing and knows no time; see mcp_keeper.
//
//   fresh ── begin ──▶ greeting ── its version ──▶ listing ── its last page ──▶ ready ── calls
//                          └─────────── a refusal, a wrong answer ─┴──▶ broken
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oncue/core/limits.hpp"
#include "oncue/messages/model.hpp"

namespace oncue::core {

/// Names a call of a tool; given by the caller, never used twice.
using mcp_call_no = std::uint64_t;

/// What is called.
struct mcp_call {
  std::string tool;       ///< its name at the server
  std::string arguments;  ///< a JSON object as text; empty: none
  std::size_t result_bytes_max = limits::tool_result_bytes_default;
};

/// One message to the server.
struct mcp_message_out {
  std::string json;           ///< on one line
  std::uint64_t request = 0;  ///< its number, if it is to be answered; 0: a notification, or an answer to the server
  std::string version;        ///< the protocol version that was agreed on; empty before that
};

namespace mcp_effect {
/// Send it.
struct send {
  mcp_message_out message;
};
/// Nobody waits for this request's answer any more: where it has a socket of its own, that is closed.
struct forget {
  std::uint64_t request = 0;
};
/// The list of tools is whole, or has become another.
struct ready {};
/// A call's outcome.
struct answer {
  mcp_call_no call = 0;
  bool failed = false;
  std::string text;  ///< valid UTF-8, at most the call's result_bytes_max; or a sentence about what went wrong
};
/// The connection is of no use. `why` is the end of a sentence that begins with the server's name.
struct broken {
  std::string why;
};
}  // namespace mcp_effect

using mcp_session_effect =
    std::variant<mcp_effect::send, mcp_effect::forget, mcp_effect::ready, mcp_effect::answer, mcp_effect::broken>;
using mcp_session_effects = std::vector<mcp_session_effect>;

/// What was ignored, and why.
struct mcp_counts {
  std::uint64_t malformed = 0;        ///< no JSON, or no message
  std::uint64_t unknown_answers = 0;  ///< to what was never asked, was answered before, or was cancelled
  std::uint64_t notifications = 0;    ///< progress, log messages, and what we do not know
  std::uint64_t refused = 0;          ///< the server's requests for what we do not offer
  std::uint64_t tools_left_out = 0;   ///< of the list: without a name, too large, a second of a name
};

class mcp_session {
 public:
  /// `server`: its id, for sentences. `client_version`: of this program, which the server is told.
  mcp_session(std::string server, std::string client_version);

  /// Once, first.
  mcp_session_effects begin();

  /// One JSON text that the server sent. Any bytes.
  mcp_session_effects take(std::string_view text);

  /// The transport will bring no answer to this request. `why` is the end of a sentence that begins with the server's name.
  mcp_session_effects request_failed(std::uint64_t request, const std::string& why);

  /// Only when ready.
  mcp_session_effects call(mcp_call_no number, const mcp_call& what);

  /// Tells the server, and forgets the call. Does nothing if the call is not waiting any more.
  mcp_session_effects cancel(mcp_call_no number, std::string_view reason);

  /// The call that waits for this request's answer; 0: none.
  mcp_call_no call_of(std::uint64_t request) const;

  bool is_ready() const { return phase_ == phase::ready; }
  /// As the server names them. The old list while a new one is read.
  const std::vector<tool_definition>& tools() const { return tools_; }
  const mcp_counts& counts() const { return counts_; }

 private:
  enum class phase : std::uint8_t { fresh, greeting, listing, ready, broken };

  struct waiting_call {
    mcp_call_no number = 0;
    std::size_t result_bytes_max = 0;
  };

  /// Looks into one text that the server sent.
  class reading;

  void list(const std::string& cursor, mcp_session_effects& out);
  void listed(mcp_session_effects& out);
  void break_up(const std::string& why, mcp_session_effects& out);
  void send(std::string json, std::uint64_t request, mcp_session_effects& out);
  std::string said(const std::string& what) const { return "the MCP server '" + server_ + "' " + what; }

  std::string server_;
  std::string client_version_;
  phase phase_ = phase::fresh;
  std::string version_;
  std::uint64_t last_request_ = 0;
  std::uint64_t greeting_request_ = 0;
  std::uint64_t list_request_ = 0;  ///< of the page that is read; 0: no list is
  std::size_t pages_ = 0;
  std::string cursor_;       ///< of the page that is read
  bool list_again_ = false;  ///< it changed while it was read
  std::vector<tool_definition> tools_;
  std::vector<tool_definition> coming_;  ///< the list that is read
  std::map<std::uint64_t, waiting_call> calls_;
  mcp_counts counts_;
};

}  // namespace oncue::core
