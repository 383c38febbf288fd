#include "run_stream.hpp"

#include <charconv>

namespace oncue::bench::load {

namespace {

/// The string that follows `field`, as it stands there; empty if there is none.
std::string_view text_in(std::string_view frame, std::string_view field) {
  auto at = frame.find(field);
  if (at == std::string_view::npos) return {};
  auto from = frame.find('"', at + field.size()) + 1;
  return frame.substr(from, frame.find('"', from) - from);
}

}  // namespace

std::string run_target::start_request(const std::string& key) const {
  if (speaks == dialect::openai) {
    return http_request(
        "POST", address, "/chat/completions", "application/json",
        R"({"model":"bench","stream":true,"messages":[{"role":"user","content":"key=)" + key + R"( go"}]})");
  }
  return http_request("POST", address, "/agents/" + agent + "/runs", "application/x-www-form-urlencoded",
                      "message=key%3D" + key + "+go&stream=true");
}

std::string run_target::cancel_request(const std::string& run_id) const {
  return http_request("POST", address, "/agents/" + agent + "/runs/" + run_id + "/cancel",
                      "application/x-www-form-urlencoded", "reason=bench");
}

void run_stream::start(const std::string& key) {
  seen_ = {};
  over_ = false;
  frames_.clear();
  auto request = target_.start_request(key);
  seen_.requested_ns = now_ns();
  connection_.send(std::move(request));
}

void run_stream::on_body(std::string_view piece, std::int64_t now_ns) {
  if (connection_.status() != 200) {
    if (seen_.ending.empty()) end("status " + std::to_string(connection_.status()) + ": " + std::string{piece}, now_ns);
    return;
  }
  frames_.feed(piece, [&](std::string_view frame) { take(frame, now_ns); });
}

void run_stream::take(std::string_view frame, std::int64_t now_ns) {
  if (seen_.first_event_ns == 0) seen_.first_event_ns = now_ns;
  if (target_.speaks == dialect::agentos) {
    take_event(frame, now_ns);
  } else if (frame == "data: [DONE]") {
    end("[DONE]", now_ns);
  } else {
    take_deltas(frame, now_ns);
  }
}

void run_stream::take_event(std::string_view frame, std::int64_t now_ns) {
  const std::string_view start = "event: ";
  if (!frame.starts_with(start)) return;
  auto name = frame.substr(start.size(), frame.find('\n') - start.size());
  if (name == "RunContent") return take_deltas(frame, now_ns);
  if (seen_.run_id.empty()) seen_.run_id = text_in(frame, R"("run_id":)");
  if (name == "RunError") seen_.detail = text_in(frame, R"("content":)");
  if (name == "RunCompleted" || name == "RunCancelled" || name == "RunError") end(name, now_ns);
}

void run_stream::take_deltas(std::string_view frame, std::int64_t now_ns) {
  for (auto at = frame.find("t="); at != std::string_view::npos; at = frame.find("t=", at + 2)) {
    if (seen_.first_delta_ns == 0) seen_.first_delta_ns = now_ns;
    ++seen_.deltas;
    if (delays_ == nullptr || !delays_->on) continue;
    std::int64_t made_ns = 0;
    std::from_chars(frame.data() + at + 2, frame.data() + frame.size(), made_ns);
    if (made_ns != 0) delays_->us.push_back(static_cast<float>(us(now_ns - made_ns)));
  }
}

void run_stream::end(std::string_view how, std::int64_t now_ns) {
  if (!seen_.ending.empty()) return;
  seen_.ending = how;
  seen_.ended_ns = now_ns;
}

void run_stream::on_answered(std::int64_t now_ns) {
  auto status = connection_.status();
  end(status == 200 ? "over without an ending" : "status " + std::to_string(status), now_ns);
  over_ = true;
  on_over(*this);
}

void run_stream::on_broken(const std::string& why, std::int64_t now_ns) {
  end(why, now_ns);
  over_ = true;
  on_over(*this);
}

}  // namespace oncue::bench::load
