// A client of an oncue (AgentOS) server, for commands that ask and wait: an answer as a whole, or a stream piece by piece.
// It owns an event loop with its HTTP client; whoever calls blocks on a thread of its own, so a slow terminal holds back
// the stream (its socket is paused) and nothing else. Every failure is a sentence for a person. The key goes into one
// header and nowhere else.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "commands.hpp"
#include "oncue/core/agentos_events_in.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/core/sse_decoder.hpp"
#include "oncue/io/event_loop.hpp"
#include "oncue/io/http_client.hpp"

namespace oncue::apps {

using time_point = std::chrono::steady_clock::time_point;

struct server_request {
  std::string method = "GET";
  std::string path;  ///< from the slash after the base URL on; ids in it are percent-encoded
  core::field_pairs query{};
  core::field_pairs form{};                 ///< the body; none if empty
  std::optional<event_index> last_event{};  ///< as Last-Event-ID
};

struct server_answer {
  int status = 0;
  std::string body;

  bool good() const { return status >= 200 && status < 300; }
};

/// An answer on its way. Cheap to copy; `close` from any thread, all else from one.
class answer_stream {
 public:
  /// Closes the connection, unless the answer is whole. Whoever waits in `read` is told that it is over.
  void close() const;

  enum class piece : std::uint8_t { head, bytes, over, none };
  /// Waits for more until then. head: the status is known; bytes: some were appended to `into`; over: nothing more comes,
  /// see `failure`; none: the time has passed.
  piece read(std::string& into, time_point until);

  const io::response_head& head() const { return head_; }
  /// Why it is over: empty if the answer is whole, or was closed by us.
  const std::string& failure() const { return failure_; }
  /// The connection could not be made: the server has not seen the request.
  bool unreached() const { return unreached_; }

 private:
  friend class server_client;
  struct inbox;
  struct receiver;
  explicit answer_stream(std::shared_ptr<inbox> from) : inbox_{std::move(from)} {}

  std::shared_ptr<inbox> inbox_;
  io::response_head head_;
  bool head_told_ = false;
  std::string failure_;
  bool unreached_ = false;
};

class server_client {
 public:
  /// The URL: the option, or $ONCUE_URL, or http://127.0.0.1:7777. The key: the option, or $OS_SECURITY_KEY. The
  /// alternative is an error sentence.
  static std::variant<std::unique_ptr<server_client>, std::string> make(const server_options& options);

  /// A whole answer, whatever its status; or why there is none. `patience`: how long it may take.
  std::variant<server_answer, std::string> ask(const server_request& request,
                                               std::chrono::milliseconds patience = core::limits::client_answer_timeout);

  /// What is left of an answer that was started.
  std::variant<server_answer, std::string> whole(answer_stream& stream, time_point until) const;

  /// Begins at once, from any thread.
  answer_stream start(const server_request& request);

  /// The sentence for an answer that is not good: the server's own words, and what to do about a key.
  std::string refusal(const server_answer& answer) const;

  const std::string& url() const { return url_; }
  io::event_loop& loop() { return loops_.at(0); }

 private:
  server_client(std::string url, std::string key) : url_{std::move(url)}, key_{std::move(key)} {}

  std::string url_;
  std::string key_;
  io::event_loops loops_{1};
  io::http_client http_{loops_};
};

/// A stream's events, one after the other.
class event_feed {
 public:
  explicit event_feed(answer_stream stream) : stream_{std::move(stream)} {}

  enum class got : std::uint8_t {
    event,    ///< see `event` and `json`
    note,     ///< the server said something beside the events: see `take_notes`
    quiet,    ///< the time has passed
    refused,  ///< the answer is no stream of events: see `answer`
    over,     ///< nothing more comes; see `failure`
  };
  got next(time_point until);

  core::incoming_event& event() { return event_; }
  /// The event as it came.
  std::string_view json() const { return json_; }
  /// Comments of the stream, a line each; once. They came before the event, if there is one.
  std::string take_notes() { return std::exchange(notes_, {}); }
  const server_answer& answer() const { return answer_; }
  /// Why it is over; empty if the server ended the stream, or it was closed by us.
  const std::string& failure() const { return failure_; }
  /// The events cannot be understood: another try would not help.
  bool broken() const { return broken_; }
  bool unreached() const { return stream_.unreached(); }
  /// The server has answered with a stream.
  bool open() const { return open_; }

 private:
  std::optional<got> take_event();
  got refused(time_point until);

  answer_stream stream_;
  core::sse_decoder decoder_{core::limits::client_event_bytes_max};
  std::string bytes_;
  std::string_view rest_;
  core::incoming_event event_;
  std::string json_;
  std::string notes_;
  server_answer answer_;
  std::string failure_;
  bool broken_ = false;
  bool open_ = false;
};

}  // namespace oncue::apps
