// How messages of the Model Context Protocol reach a server of tools and come back: through the pipes of a program that is
// started here, or over streamable HTTP. Each object is one connection. Owns its child or its transfers, promises that what
// comes from the server is handed over message by message, that no more than limits::mcp_waiting_bytes_max waits unread for
// long, and one `ended` as the connection's last word, when nothing of it is open. Never looks into a message, never starts
// anything again, and keeps secrets out of everything that it says.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "oncue/core/mcp_session.hpp"
#include "oncue/core/tool_spec.hpp"
#include "oncue/io/event_loop.hpp"
#include "oncue/io/http_client.hpp"
#include "oncue/messages/mcp.hpp"

namespace oncue::io {

/// Takes what a transport says. Called from any thread, also from within send() and close(); must not block, nor call the
/// transport.
using mcp_listener = std::function<void(mcp_said)>;

/// Used by one thread. Destroying it closes it; the listener may then still be called for a moment.
class mcp_transport {
 public:
  virtual ~mcp_transport() = default;

  /// What cannot be sent is said as `request_failed`, if it is a request.
  virtual void send(core::mcp_message_out message) = 0;

  /// This request's answer is not wanted any more. Over HTTP its socket is closed.
  virtual void forget(std::uint64_t request) = 0;

  /// So many bytes of what the listener was given were looked at.
  virtual void taken(std::size_t bytes) = 0;

  /// Ends the connection: a program is told to stop, and killed after its grace; a session is deleted. `ended` follows.
  virtual void close() = 0;
};

/// The program of `spec.command`. `connection` is what everything that is said is marked with. `guard`: path of
/// oncue-guard; empty: it is looked for.
std::unique_ptr<mcp_transport> start_mcp_program(event_loop& loop, const core::mcp_spec& spec, std::uint64_t connection,
                                                 const std::string& guard, mcp_listener listener);

/// The server at `spec.url`. `bearer` is sent with every request unless it is empty.
std::unique_ptr<mcp_transport> start_mcp_http(std::shared_ptr<http_client> client, const core::mcp_spec& spec,
                                              std::uint64_t connection, const std::string& bearer, mcp_listener listener);

}  // namespace oncue::io
