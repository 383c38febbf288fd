#include "provider.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <exception>

#include "clock.hpp"

namespace oncue::bench::load {

namespace {

constexpr std::size_t request_bytes_max = 64 << 20;

/// Whether the body has `"name":true`, with or without spaces.
bool says_true(std::string_view body, std::string_view name) {
  auto quoted = '"' + std::string{name} + '"';
  for (auto at = body.find(quoted); at != std::string_view::npos; at = body.find(quoted, at + 1)) {
    auto rest = body.substr(at + quoted.size());
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(" \t\r\n")));
    if (!rest.starts_with(':')) continue;
    rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(" \t\r\n")));
    if (rest.starts_with("true")) return true;
  }
  return false;
}

/// What stands behind the last `key=`.
std::string key_in(std::string_view text) {
  auto at = text.rfind("key=");
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + 4);
  const auto* word = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return std::string{text.substr(0, text.find_first_not_of(word))};
}

}  // namespace

struct provider::connection {
  explicit connection(descriptor accepted) : socket{std::move(accepted)} {}

  descriptor socket;
  http_reader request{http_reader::kind::request};
  std::string unread;         // bytes behind the request that is being answered
  std::string body;           // of the request
  std::string_view to_write;  // what the socket has not taken yet: in the scenario's memory, or in `kept`
  std::string kept;
  step next = step::read_request;
  bool wants_write = false;
  bool usage = false;
  scenario* plan = nullptr;
  stream_record* record = nullptr;  // while its stream is open
  std::int64_t due_ns = 0;
  std::uint64_t ticket = 0;  // of its appointment in the wheel
};

provider::provider(std::uint16_t port) : port_{port}, listener_{listen_on_loopback(port_)}, wheel_{now_ns()} {
  poller_.add(listener_.number(), EPOLLIN, nullptr);
}

provider::~provider() = default;

void provider::run(const std::atomic<bool>& stop) {
  while (!stop) {
    for (const auto& event : poller_.wait(wheel_.wait_ms(now_ns()))) {
      if (event.data.ptr == nullptr) {
        accept_all();
      } else {
        on_event(*static_cast<connection*>(event.data.ptr), event.events);
      }
    }
    wheel_.advance(now_ns(), [this](int who, std::uint64_t ticket) {
      auto* one = connections_[static_cast<std::size_t>(who)].get();
      if (one == nullptr || one->ticket != ticket) return;
      proceed(*one);
      take_requests(*one);
    });
    gone_.clear();
  }
}

// -- connections ------------------------------------------------------------------------

void provider::accept_all() {
  for (auto socket = accept_from(listener_); socket; socket = accept_from(listener_)) {
    auto number = static_cast<std::size_t>(socket.number());
    if (connections_.size() <= number) connections_.resize(number + 1);
    connections_[number] = std::make_unique<connection>(std::move(socket));
    poller_.add(static_cast<int>(number), EPOLLIN | EPOLLRDHUP, connections_[number].get());
  }
}

void provider::on_event(connection& one, std::uint32_t events) {
  if (one.next == step::gone) return;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) return close(one);
  if ((events & EPOLLOUT) != 0) {
    drain(one);
    proceed(one);
    take_requests(one);
  }
  if ((events & EPOLLIN) != 0 && one.next != step::gone) read(one);
}

void provider::read(connection& one) {
  char buffer[64 << 10];
  auto got = ::recv(one.socket.number(), buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return close(one);
  one.unread.append(buffer, static_cast<std::size_t>(got));
  if (one.unread.size() + one.body.size() > request_bytes_max) return close(one);
  take_requests(one);
}

void provider::take_requests(connection& one) {
  while (one.next == step::read_request && !one.unread.empty()) {
    std::string_view rest = one.unread;
    while (!rest.empty() && !one.request.complete()) one.body += one.request.next(rest);
    one.unread.erase(0, one.unread.size() - rest.size());
    if (one.request.bad()) return close(one);
    if (!one.request.complete()) return;
    answer(one);
  }
}

/// Ends the connection; a stream that was open on it is one that its client has closed.
void provider::close(connection& one) {
  if (one.next == step::gone) return;
  if (one.record != nullptr) book_.close(*one.record, now_ns());
  one.next = step::gone;
  gone_.push_back(std::move(connections_[static_cast<std::size_t>(one.socket.number())]));
  one.socket.close();
}

// -- requests ---------------------------------------------------------------------------

void provider::answer(connection& one) {
  std::string_view line = one.request.head();
  line = line.substr(0, line.find("\r\n"));
  auto method = line.substr(0, line.find(' '));
  auto target = line.substr(std::min(line.size(), method.size() + 1));
  auto version = target.substr(std::min(target.size(), target.rfind(' ') + 1));
  target = target.substr(0, target.find(' '));
  if (version != "HTTP/1.1") return answer_json(one, 505, R"({"error":{"message":"HTTP/1.1 only"}})");
  if (target == "/stats") return answer_json(one, 200, book_.as_json());
  if (target.starts_with("/stats?key=")) return answer_json(one, 200, book_.as_json(std::string{target.substr(11)}));
  if (method == "POST" && target == "/reset") {
    book_.reset();
    return answer_json(one, 200, "{}");
  }
  auto slash = target.find('/', 1);
  auto rest = slash == std::string_view::npos ? std::string_view{} : target.substr(slash);
  if (method == "GET" && rest == "/v1/models") {
    return answer_json(one, 200,
                       R"({"object":"list","data":[{"id":"bench","object":"model","created":0,"owned_by":"bench"}]})");
  }
  if (method != "POST" || rest != "/v1/chat/completions") {
    return answer_json(one, 404, R"({"error":{"message":"there is POST /<scenario>/v1/chat/completions"}})");
  }
  try {
    one.plan = &find_scenario(std::string{target.substr(1, slash - 1)});
  } catch (const std::exception& error) {
    return answer_json(one, 400, R"({"error":{"message":")" + std::string{error.what()} + R"("}})");
  }
  begin_stream(one);
}

void provider::answer_json(connection& one, int status, std::string_view json) {
  one.next = step::next_request;
  send(one, json_answer(status, json), false);
  proceed(one);
}

scenario& provider::find_scenario(const std::string& text) {
  auto found = scenarios_.find(text);
  if (found == scenarios_.end()) {
    found = scenarios_.emplace(text, std::make_unique<scenario>(parse_scenario(text))).first;
  }
  return *found->second;
}

// -- streams ----------------------------------------------------------------------------

void provider::begin_stream(connection& one) {
  auto now = now_ns();
  const auto& how = one.plan->how();
  one.record = &book_.begin(key_in(one.body), now);
  if (how.times == 1) one.record->delta_ns.reserve(std::min<std::uint64_t>(how.n, 4096));
  one.due_ns = now + static_cast<std::int64_t>(how.first_ms) * 1'000'000;
  if (!says_true(one.body, "stream")) {
    one.due_ns += static_cast<std::int64_t>(how.n * how.gap_us) * 1'000;
    one.next = step::json;
  } else if (one.usage = says_true(one.body, "include_usage"); one.plan->is_one_write()) {
    note_deltas(one, how.n, now);
    one.next = step::next_request;
    send(one, one.plan->whole(one.usage), true);
  } else {
    one.next = how.first_ms == 0 ? step::deltas : step::role;
    send(one, how.first_ms == 0 ? one.plan->head_and_role() : one.plan->head(), true);
  }
  proceed(one);
}

/// Goes as far as the time and the socket allow.
void provider::proceed(connection& one) {
  while (one.to_write.empty()) {
    if (one.next == step::read_request || one.next == step::gone) return;
    if (one.next == step::next_request) return end_stream(one);
    auto now = now_ns();
    if (now < one.due_ns) return wait_for_due(one);
    if (one.next == step::role) {
      one.next = step::deltas;
      send(one, one.plan->role(), true);
    } else if (one.next == step::deltas) {
      send_deltas(one, now);
      if (one.wants_write) return;
    } else if (one.next == step::ending) {
      one.next = step::next_request;
      send(one, one.plan->ending(one.usage), true);
    } else if (one.next == step::json) {
      note_deltas(one, one.plan->how().n, now);
      one.next = step::next_request;
      send(one, one.plan->whole_json(), false);
    }
  }
}

/// The next one; without a gap all of them, or a block of those that never end.
void provider::send_deltas(connection& one, std::int64_t now_ns) {
  auto& plan = *one.plan;
  const auto& how = plan.how();
  if (how.gap_us == 0) {
    note_deltas(one, plan.deltas_in_block(), now_ns);
    send(one, plan.all_deltas(), true);
    // The other connections' turn comes before the next block.
    if (how.n == 0 && one.next != step::gone) want_write(one, true);
  } else {
    one.due_ns += one.record->deltas == 0 ? next_phase_ns(plan) : static_cast<std::int64_t>(how.gap_us) * 1'000;
    note_deltas(one, 1, now_ns);
    send(one, plan.delta(now_ns), false);
  }
  if (one.next == step::gone || how.n == 0 || one.record->deltas < how.n) return;
  one.next = step::ending;
  one.due_ns = now_ns + static_cast<std::int64_t>(how.last_ms) * 1'000'000;
}

void provider::note_deltas(connection& one, std::uint64_t deltas, std::int64_t now_ns) {
  book_.add_deltas(*one.record, deltas, now_ns);
  if (one.plan->how().times == 1) one.record->delta_ns.insert(one.record->delta_ns.end(), deltas, now_ns);
}

/// From a stream's first delta to its second: somewhere within the gap, so that streams that began together do not tick
/// together. The fractions of the golden ratio's multiples lie evenly, and are the same in every run.
std::int64_t provider::next_phase_ns(const scenario& plan) {
  auto turns = static_cast<double>(++phases_) * 0.6180339887498949;
  return static_cast<std::int64_t>((turns - std::floor(turns)) * static_cast<double>(plan.how().gap_us) * 1e3);
}

void provider::end_stream(connection& one) {
  if (one.record != nullptr) book_.finish(*one.record);
  one.record = nullptr;
  one.plan = nullptr;
  auto close_now = one.request.wants_close();
  one.request.reset();
  one.body.clear();
  one.next = step::read_request;
  if (close_now) close(one);
}

void provider::wait_for_due(connection& one) {
  one.ticket = ++tickets_;
  wheel_.add(one.due_ns, one.socket.number(), one.ticket);
}

// -- writing ----------------------------------------------------------------------------

/// `lasting`: the bytes stay where they are for as long as this provider lives.
void provider::send(connection& one, std::string_view bytes, bool lasting) {
  one.to_write = bytes;
  drain(one);
  if (!lasting && !one.to_write.empty() && one.next != step::gone) {
    one.kept = one.to_write;
    one.to_write = one.kept;
  }
}

void provider::drain(connection& one) {
  while (!one.to_write.empty()) {
    auto sent = ::send(one.socket.number(), one.to_write.data(), one.to_write.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return want_write(one, true);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return close(one);
    one.to_write.remove_prefix(static_cast<std::size_t>(sent));
  }
  if (!one.wants_write) return;
  want_write(one, false);
  // A stream that stood still does not make up for it.
  one.due_ns = std::max(one.due_ns, now_ns());
}

void provider::want_write(connection& one, bool wanted) {
  if (one.wants_write == wanted) return;
  one.wants_write = wanted;
  poller_.change(one.socket.number(), EPOLLIN | EPOLLRDHUP | (wanted ? EPOLLOUT : 0u), &one);
}

}  // namespace oncue::bench::load
