// What comes back from a server of tools that speaks the Model Context Protocol, before anybody has looked into it. Between
// a transport's loop and the server's actor, nowhere else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oncue/messages/inspection.hpp"

namespace oncue {

enum class mcp_word : std::uint8_t {
  message,         ///< `text` is what the server wrote, one JSON text, unchecked
  request_failed,  ///< `request` will have no answer; `text` says why. Ignored if it was answered before
  session_lost,    ///< the server has forgotten our session, and did nothing about `request`
  ended,           ///< nothing of this connection is open any more. Once, its last word
};
constexpr mcp_word enum_max(mcp_word) { return mcp_word::ended; }

/// "message", "request_failed", "session_lost", "ended"
constexpr std::string_view to_string(mcp_word word) {
  constexpr std::string_view names[] = {"message", "request_failed", "session_lost", "ended"};
  return names[static_cast<std::size_t>(word)];
}

struct mcp_said {
  std::uint64_t connection = 0;  ///< counted from 1; what an earlier one says late changes nothing
  mcp_word what = mcp_word::message;
  std::uint64_t request = 0;  ///< the number of the request that this is about; 0: none
  std::string text;           ///< ended: how, as "exit code 1"; empty: as we asked it to
  bool not_started = false;   ///< ended: there never was one; `text` is a sentence that says why
  std::string last_words;     ///< ended: the end of what it wrote to its standard error
};

template <class Inspector>
bool inspect(Inspector& f, mcp_said& x) {
  return f.object(x).fields(f.field("connection", x.connection), f.field("what", x.what), f.field("request", x.request),
                            f.field("text", x.text), f.field("not_started", x.not_started),
                            f.field("last_words", x.last_words));
}

}  // namespace oncue
