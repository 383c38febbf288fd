#include "server_client.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "oncue/core/agentos_client.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/io/world.hpp"

namespace oncue::apps {

namespace limits = core::limits;

// -- an answer on its way ------------------------------------------------------------

/// Between the loop, which fills it, and the one thread that empties it.
struct answer_stream::inbox {
  std::mutex guard;
  std::condition_variable changed;
  io::transfer transfer;
  io::response_head head;
  std::string bytes;
  io::transfer_result result;
  bool head_came = false;
  bool over = false;
  bool closed = false;
  bool paused = false;
};

struct answer_stream::receiver : io::transfer_handler {
  explicit receiver(std::shared_ptr<inbox> into) : to{std::move(into)} {}

  void on_response(const io::response_head& head) override {
    std::lock_guard lock{to->guard};
    to->head = head;
    to->head_came = true;
    to->changed.notify_all();
  }
  void on_body(std::string_view bytes) override {
    std::lock_guard lock{to->guard};
    to->bytes += bytes;
    if (to->bytes.size() > limits::client_unread_bytes_high && !to->paused) {
      to->transfer.pause();
      to->paused = true;
    }
    to->changed.notify_all();
  }
  void on_end(const io::transfer_result& result) override {
    std::lock_guard lock{to->guard};
    to->result = result;
    to->over = true;
    to->changed.notify_all();
  }

  std::shared_ptr<inbox> to;
};

void answer_stream::close() const {
  std::lock_guard lock{inbox_->guard};
  inbox_->closed = true;
  inbox_->transfer.close();
  inbox_->changed.notify_all();
}

answer_stream::piece answer_stream::read(std::string& into, time_point until) {
  auto& box = *inbox_;
  std::unique_lock lock{box.guard};
  box.changed.wait_until(lock, until,
                         [&] { return (box.head_came && !head_told_) || !box.bytes.empty() || box.over || box.closed; });
  if (box.closed) return piece::over;
  if (box.head_came && !std::exchange(head_told_, true)) {
    head_ = box.head;
    return piece::head;
  }
  if (!box.bytes.empty()) {
    into += box.bytes;
    box.bytes.clear();
    if (std::exchange(box.paused, false)) box.transfer.resume();
    return piece::bytes;
  }
  if (!box.over) return piece::none;
  if (box.result.end == io::transfer_end::failed) {
    using enum io::transfer_error;
    failure_ = box.result.message;
    auto error = box.result.error;
    unreached_ = error == resolve || error == connect || error == connect_timeout || error == tls || error == proxy ||
                 error == bad_request;
    if (error == connect) failure_ += "; is 'oncue serve' running there?";
  }
  return piece::over;
}

// -- the client ----------------------------------------------------------------------

std::variant<std::unique_ptr<server_client>, std::string> server_client::make(const server_options& options) {
  constexpr std::string_view by_default = "http://127.0.0.1:7777";
  std::string name = "--url";
  auto text = options.url.value_or("");
  if (!options.url) {
    name = "ONCUE_URL";
    text = io::environment_variable(name);
  }
  auto url = core::parse_server_url(text.empty() && !options.url ? by_default : std::string_view{text});
  if (!url.error.empty()) return name + ": " + url.error;
  auto key = options.key ? *options.key : io::environment_variable("OS_SECURITY_KEY");
  return std::unique_ptr<server_client>{new server_client{std::move(url.base), std::move(key)}};
}

answer_stream server_client::start(const server_request& request) {
  io::http_request http{.url = url_ + request.path, .body = {}, .headers = {}};
  if (auto query = core::form_encoded(request.query); !query.empty()) http.url += "?" + query;
  http.method = request.method;
  if (!request.form.empty()) {
    http.body = core::form_encoded(request.form);
    http.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  }
  if (!key_.empty()) http.headers.emplace_back("Authorization", "Bearer " + key_);
  if (request.last_event) http.headers.emplace_back("Last-Event-ID", std::to_string(*request.last_event));
  auto box = std::make_shared<answer_stream::inbox>();
  std::lock_guard lock{box->guard};  // its handler may be called before the transfer has its name
  box->transfer = http_.start(std::move(http), std::make_unique<answer_stream::receiver>(box));
  return answer_stream{box};
}

std::variant<server_answer, std::string> server_client::whole(answer_stream& stream, time_point until) const {
  server_answer answer;
  for (;;) {
    switch (stream.read(answer.body, until)) {
      case answer_stream::piece::head: break;
      case answer_stream::piece::bytes:
        if (answer.body.size() <= limits::client_answer_bytes_max) break;
        stream.close();
        return "the server's answer is larger than " + std::to_string(limits::client_answer_bytes_max) + " bytes";
      case answer_stream::piece::over:
        answer.status = stream.head().status;
        if (!stream.failure().empty()) return stream.failure();
        return answer;
      case answer_stream::piece::none: stream.close(); return "no answer from " + url_ + " in time";
    }
  }
}

std::variant<server_answer, std::string> server_client::ask(const server_request& request,
                                                            std::chrono::milliseconds patience) {
  auto stream = start(request);
  return whole(stream, std::chrono::steady_clock::now() + patience);
}

std::string server_client::refusal(const server_answer& answer) const {
  auto sentence = core::read_refusal(answer.status, answer.body);
  if (answer.status == 401 || answer.status == 403) {
    sentence +=
        key_.empty() ? "; give the key in OS_SECURITY_KEY, or with --key" : "; the key that was given is not this server's";
  }
  return sentence;
}

// -- events ----------------------------------------------------------------------------

event_feed::got event_feed::next(time_point until) {
  for (;;) {
    if (auto found = take_event()) return *found;
    if (!notes_.empty()) return got::note;
    bytes_.clear();
    switch (stream_.read(bytes_, until)) {
      case answer_stream::piece::head: {
        const auto& head = stream_.head();
        if (head.status != 200 || !core::is_media_type(head.content_type, "text/event-stream")) return refused(until);
        open_ = true;
        break;
      }
      case answer_stream::piece::bytes: rest_ = bytes_; break;
      case answer_stream::piece::over: failure_ = stream_.failure(); return got::over;
      case answer_stream::piece::none: return got::quiet;
    }
  }
}

std::optional<event_feed::got> event_feed::take_event() {
  auto frame = decoder_.next(rest_);
  // Whoever waits for events takes the notes at each of them.
  notes_ = decoder_.take_comments();
  if (frame) {
    auto read = core::read_agentos_event(frame->data);
    if (auto* error = std::get_if<std::string>(&read)) {
      failure_ = "the server's stream is not understood: " + *error;
      broken_ = true;
      stream_.close();
      return got::over;
    }
    event_ = std::move(std::get<core::incoming_event>(read));
    json_ = frame->data;
    return got::event;
  }
  if (!decoder_.overflowed()) return {};
  failure_ = "the server's stream has an event that is too large";
  broken_ = true;
  stream_.close();
  return got::over;
}

/// An answer of a few words, which comes at once or not at all.
event_feed::got event_feed::refused(time_point until) {
  answer_.status = stream_.head().status;
  const auto patience = std::max(until, std::chrono::steady_clock::now() + limits::client_answer_timeout);
  for (auto piece = stream_.read(answer_.body, patience); piece == answer_stream::piece::bytes;) {
    if (answer_.body.size() > limits::client_answer_bytes_max) break;
    piece = stream_.read(answer_.body, patience);
  }
  stream_.close();
  return got::refused;
}

}  // namespace oncue::apps
