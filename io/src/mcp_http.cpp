// The transport over streamable HTTP: each message is a POST of its own, whose answer brings the answers, as one JSON text
// or as a stream of events. A standing stream for what a server says unasked is not opened.
#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "oncue/core/limits.hpp"
#include "oncue/core/mcp_http.hpp"
#include "oncue/core/sse_decoder.hpp"
#include "oncue/io/mcp_transport.hpp"

namespace oncue::io {

namespace {

namespace limits = core::limits;

/// What the transport and the handlers of its transfers on their loops all know.
class http_link {
 public:
  http_link(std::uint64_t connection, mcp_listener listener) : connection_{connection}, listener_{std::move(listener)} {}

  /// A transfer's end waits at the lock, so it finds its name however soon it comes.
  template <class MakeHandler>
  void start(http_client& client, std::uint64_t request, http_request&& what, const MakeHandler& make_handler) {
    std::lock_guard lock(guard_);
    const auto key = ++last_key_;
    transfers_[key] = {client.start(std::move(what), make_handler(key)), request, false};
  }

  void forget(std::uint64_t request) {
    std::lock_guard lock(guard_);
    for (const auto& [key, one] : transfers_) {
      if (one.request == request) one.name.close();
    }
  }

  /// The server ends the stream, or should: its connection can be used again then.
  void answered(std::uint64_t request) {
    std::lock_guard lock(guard_);
    std::size_t lingering = 0;
    for (auto& [key, one] : transfers_) {
      if (one.request == request) one.answered = true;
      if (one.answered) ++lingering;
    }
    for (auto& [key, one] : transfers_) {
      if (lingering <= limits::mcp_answered_streams_max) return;
      if (!one.answered) continue;
      one.name.close();
      --lingering;
    }
  }

  /// Closes all that is open. Nothing but `ended` is said from now on. The session to be ended; empty: none.
  std::string close() {
    std::lock_guard lock(guard_);
    closed_ = true;
    for (const auto& [key, one] : transfers_) one.name.close();
    return std::exchange(session_, {});
  }

  void end_if_empty() {
    {
      std::lock_guard lock(guard_);
      if (!closed_ || ended_ || !transfers_.empty()) return;
      ended_ = true;
    }
    mcp_said said;
    said.connection = connection_;
    said.what = mcp_word::ended;
    listener_(std::move(said));
  }

  void transfer_ended(std::uint64_t key) {
    {
      std::lock_guard lock(guard_);
      transfers_.erase(key);
    }
    end_if_empty();
  }

  void say(mcp_word what, std::uint64_t request, std::string text) {
    {
      std::lock_guard lock(guard_);
      if (closed_) return;
      if (what == mcp_word::message) waiting_bytes_ += text.size();
    }
    mcp_said said;
    said.connection = connection_;
    said.what = what;
    said.request = request;
    said.text = std::move(text);
    listener_(std::move(said));
  }

  bool is_full() const {
    std::lock_guard lock(guard_);
    return waiting_bytes_ > limits::mcp_waiting_bytes_max;
  }

  void taken(std::size_t bytes) {
    std::lock_guard lock(guard_);
    const bool was_full = waiting_bytes_ > limits::mcp_waiting_bytes_max;
    waiting_bytes_ -= std::min(bytes, waiting_bytes_);
    if (!was_full || waiting_bytes_ > limits::mcp_waiting_bytes_max) return;
    for (const auto& [key, one] : transfers_) one.name.tell(0);
  }

  /// Transfers that no answer is waited for.
  std::size_t notes() const {
    std::lock_guard lock(guard_);
    auto is_note = [](const auto& entry) { return entry.second.request == 0; };
    return static_cast<std::size_t>(std::count_if(transfers_.begin(), transfers_.end(), is_note));
  }

  std::string session() const {
    std::lock_guard lock(guard_);
    return session_;
  }
  void begin_session(std::string id) {
    std::lock_guard lock(guard_);
    if (!closed_) session_ = std::move(id);
  }

 private:
  struct one_transfer {
    transfer name;
    std::uint64_t request = 0;
    bool answered = false;
  };

  std::uint64_t connection_;
  mcp_listener listener_;
  mutable std::mutex guard_;
  std::map<std::uint64_t, one_transfer> transfers_;
  std::uint64_t last_key_ = 0;
  std::string session_;
  std::size_t waiting_bytes_ = 0;
  bool closed_ = false;
  bool ended_ = false;
};

/// Lives on its transfer's loop: one POST and its answer, or the DELETE at the end.
class post_handler final : public transfer_handler {
 public:
  post_handler(std::shared_ptr<http_link> link, std::uint64_t key, std::uint64_t request, bool begins, bool in_session,
               std::vector<std::string> secrets)
      : link_{std::move(link)},
        key_{key},
        request_{request},
        begins_{begins},
        in_session_{in_session},
        secrets_{std::move(secrets)} {}

  void on_response(const response_head& head) override {
    head_ = head;
    is_stream_ = head.content_type.starts_with("text/event-stream");
    // Before anything of the body is handed over: the next request belongs to the session already.
    if (begins_ && is_ok() && !head.mcp_session_id.empty()) link_->begin_session(head.mcp_session_id);
  }

  void on_body(std::string_view bytes) override {
    if (is_ok() && is_stream_) {
      while (auto event = events_.next(bytes)) {
        if (event->type == "message" && !event->data.empty()) link_->say(mcp_word::message, 0, std::string{event->data});
      }
      return;
    }
    const auto max = is_ok() ? limits::mcp_message_bytes_max : limits::error_body_bytes_max;
    const auto room = max - std::min(max, body_.size());
    too_long_ = too_long_ || bytes.size() > room;
    body_ += bytes.substr(0, room);
  }

  bool is_full() const override { return is_stream_ && link_->is_full(); }

  void on_end(const transfer_result& result) override {
    if (result.end != transfer_end::closed) conclude(result);
    link_->transfer_ended(key_);
  }

 private:
  bool is_ok() const { return head_.status >= 200 && head_.status < 300; }

  void conclude(const transfer_result& result) {
    if (is_ok() && !is_stream_ && result.end == transfer_end::finished && !too_long_ && !body_.empty()) {
      link_->say(mcp_word::message, 0, std::exchange(body_, {}));
    }
    if (request_ == 0) return;
    if (head_.status != 0 && !is_ok() && in_session_ && core::mcp_session_is_unknown(head_.status, body_)) {
      link_->say(mcp_word::session_lost, request_, {});
    } else {
      // If the answer was among what came, this is not heard.
      link_->say(mcp_word::request_failed, request_, problem(result));
    }
  }

  std::string problem(const transfer_result& result) const {
    if (head_.status != 0 && !is_ok()) return core::mcp_http_problem(head_.status, body_, secrets_);
    if (result.end == transfer_end::failed) {
      const bool was_reached = head_.status != 0 || result.error == transfer_error::cut;
      return was_reached ? "closed the connection before it had answered" : "could not be reached: " + result.message;
    }
    if (too_long_ || events_.overflowed()) return "answered with more than one message may have";
    return is_stream_ ? "closed the connection before it had answered" : "did not answer the request";
  }

  std::shared_ptr<http_link> link_;
  std::uint64_t key_;
  std::uint64_t request_;
  bool begins_;      ///< it is the request that a session begins with
  bool in_session_;  ///< it named one
  std::vector<std::string> secrets_;
  core::sse_decoder events_{limits::mcp_message_bytes_max};
  response_head head_;
  bool is_stream_ = false;
  bool too_long_ = false;
  std::string body_;
};

class mcp_http final : public mcp_transport {
 public:
  mcp_http(std::shared_ptr<http_client> client, const core::mcp_spec& spec, std::uint64_t connection,
           const std::string& bearer, mcp_listener listener)
      : client_{std::move(client)},
        url_{spec.url},
        headers_{spec.headers},
        link_{std::make_shared<http_link>(connection, std::move(listener))} {
    for (const auto& [name, value] : headers_) secrets_.push_back(value);
    if (bearer.empty()) return;
    headers_.emplace_back("authorization", "Bearer " + bearer);
    secrets_.push_back(bearer);
  }

  ~mcp_http() override { close(); }
  mcp_http(const mcp_http&) = delete;
  mcp_http& operator=(const mcp_http&) = delete;

  void send(core::mcp_message_out message) override {
    if (closed_) return;
    // A server that asks and asks, and takes no answer, must not fill this node with sockets.
    if (message.request == 0 && link_->notes() >= limits::mcp_notes_max) return;
    if (!message.version.empty()) version_ = message.version;
    const auto request = message.request;
    const auto session = link_->session();
    auto what = request_with(session);
    what.method = "POST";
    what.body = std::move(message.json);
    const bool begins = message.version.empty() && request != 0;
    link_->start(*client_, request, std::move(what), [&](std::uint64_t key) {
      return std::make_unique<post_handler>(link_, key, request, begins, !session.empty(), secrets_);
    });
  }

  void forget(std::uint64_t request) override { link_->forget(request); }

  void answered(std::uint64_t request) override { link_->answered(request); }

  void taken(std::size_t bytes) override { link_->taken(bytes); }

  void close() override {
    if (std::exchange(closed_, true)) return;
    if (auto session = link_->close(); !session.empty()) {
      auto what = request_with(session);
      what.method = "DELETE";
      what.connect_timeout = limits::mcp_goodbye_max;
      link_->start(*client_, 0, std::move(what), [&](std::uint64_t key) {
        return std::make_unique<post_handler>(link_, key, 0, false, false, secrets_);
      });
    }
    link_->end_if_empty();
  }

 private:
  http_request request_with(const std::string& session) const {
    http_request what;
    what.url = url_;
    what.headers = headers_;
    what.headers.emplace_back("content-type", "application/json");
    what.headers.emplace_back("accept", "application/json, text/event-stream");
    if (!version_.empty()) what.headers.emplace_back("mcp-protocol-version", version_);
    if (!session.empty()) what.headers.emplace_back("mcp-session-id", session);
    return what;
  }

  std::shared_ptr<http_client> client_;  // here only: a handler must not be the last to hold the client of its loop
  std::string url_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::vector<std::string> secrets_;  ///< never said
  std::shared_ptr<http_link> link_;
  std::string version_;  ///< that was agreed on
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<mcp_transport> start_mcp_http(std::shared_ptr<http_client> client, const core::mcp_spec& spec,
                                              std::uint64_t connection, const std::string& bearer, mcp_listener listener) {
  return std::make_unique<mcp_http>(std::move(client), spec, connection, bearer, std::move(listener));
}

}  // namespace oncue::io
