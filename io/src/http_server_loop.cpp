#include "http_server_loop.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "http_answer_head.hpp"
#include "http_connection.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::io::detail {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t scratch_bytes = 32u << 10;
/// A time-out is noticed at most this part of itself late.
constexpr int looks_per_timeout = 4;

milliseconds interval_for(milliseconds timeout) {
  return std::clamp(timeout / looks_per_timeout, milliseconds{5}, core::limits::server_sweep_interval);
}

}  // namespace

server_loop::server_loop(event_loop& loop, std::shared_ptr<server_shared> shared)
    : loop_(loop),
      shared_(std::move(shared)),
      timer_(std::in_place, loop.context()),
      interval_(core::limits::server_sweep_interval),
      scratch_(scratch_bytes) {
  const auto& options = shared_->options;
  for (auto timeout : {options.header_timeout, options.body_timeout, options.idle_timeout, options.write_timeout,
                       options.stream_write_timeout.value_or(core::limits::stream_write_timeout), options.peer_silence}) {
    interval_ = std::min(interval_, interval_for(timeout));
  }
}

server_loop::~server_loop() = default;

// -- lines ---------------------------------------------------------------------

void server_loop::enqueue(std::shared_ptr<answer_state> answer, lane where) {
  auto& queued = where == lane::first ? answer->queued_first : answer->queued;
  if (queued.exchange(true)) {
    return;
  }
  {
    std::lock_guard lock(guard_);
    if (!closed_) {
      (where == lane::first ? new_first_ : new_streams_).push_back(std::move(answer));
      if (!std::exchange(posted_, true)) {
        asio::post(context(), [self = shared_from_this()] { self->turn(); });
      }
      return;
    }
  }
  answer->leave(false);
}

bool server_loop::serve_next(std::deque<std::shared_ptr<answer_state>>& line, lane where) {
  if (line.empty()) {
    return false;
  }
  auto answer = std::move(line.front());
  line.pop_front();
  (where == lane::first ? answer->queued_first : answer->queued).store(false);
  if (auto* connection = answer->connection) {
    connection->serve();
  } else if (auto tell = answer->take_gone()) {
    tell();
  }
  return true;
}

void server_loop::turn() {
  auto take_new = [this] {
    std::lock_guard lock(guard_);
    first_.insert(first_.end(), std::make_move_iterator(new_first_.begin()), std::make_move_iterator(new_first_.end()));
    streams_.insert(streams_.end(), std::make_move_iterator(new_streams_.begin()),
                    std::make_move_iterator(new_streams_.end()));
    new_first_.clear();
    new_streams_.clear();
    // The next turn comes after the sockets that are ready now: that is what keeps a new request from waiting.
    posted_ = !closed_ && !(first_.empty() && streams_.empty());
    return posted_;
  };
  if (!take_new()) {
    return;
  }
  for (std::size_t i = 0; i < core::limits::stream_writes_slice_max; ++i) {
    if (!serve_next(first_, lane::first) && !serve_next(streams_, lane::streams)) {
      break;
    }
  }
  if (take_new()) {
    asio::post(context(), [self = shared_from_this()] { self->turn(); });
  }
}

// -- connections ---------------------------------------------------------------

void server_loop::adopt(asio::ip::tcp::socket socket, bool refused) {
  {
    std::lock_guard lock(guard_);
    if (closed_) {
      return;
    }
  }
  auto connection = std::make_shared<server_connection>(*this, std::move(socket));
  connection->slot = connections_.size();
  connections_.push_back(connection);
  arm();
  connection->start(refused);
}

void server_loop::forget(server_connection& connection) {
  auto slot = connection.slot;
  if (slot + 1 != connections_.size()) {
    std::swap(connections_[slot], connections_.back());
    connections_[slot]->slot = slot;
  }
  connections_.pop_back();
  if (shared_->on_closed) {
    shared_->on_closed();
  }
}

void server_loop::stop() {
  for (auto i = connections_.size(); i-- > 0;) {
    auto connection = connections_[i];
    connection->stop();
  }
}

void server_loop::close() {
  std::vector<std::shared_ptr<answer_state>> lost;
  {
    std::lock_guard lock(guard_);
    closed_ = true;
    lost.swap(new_first_);
    lost.insert(lost.end(), new_streams_.begin(), new_streams_.end());
    new_streams_.clear();
  }
  lost.insert(lost.end(), first_.begin(), first_.end());
  lost.insert(lost.end(), streams_.begin(), streams_.end());
  first_.clear();
  streams_.clear();
  while (!connections_.empty()) {
    auto connection = connections_.back();
    connection->close(false);
  }
  for (const auto& answer : lost) {
    answer->leave(false);
  }
  timer_.reset();
}

// -- time ----------------------------------------------------------------------

const std::string& server_loop::date() {
  auto now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (now != date_s_) {
    date_s_ = now;
    date_ = http_date(now);
  }
  return date_;
}

void server_loop::look_every(milliseconds interval) {
  auto wanted = interval_for(interval);
  if (wanted < interval_) {
    interval_ = wanted;
    armed_ = false;
    arm();
  }
}

void server_loop::arm() {
  if (armed_ || connections_.empty()) {
    return;
  }
  armed_ = true;
  timer_->expires_after(interval_);
  timer_->async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error && self->timer_) {
      self->armed_ = false;
      self->sweep();
      self->arm();
    }
  });
}

void server_loop::sweep() {
  auto now = clock::now();
  // From the end: one that closes is replaced by the last, which was looked at already.
  for (auto i = connections_.size(); i-- > 0;) {
    auto connection = connections_[i];
    connection->look(now);
  }
}

}  // namespace oncue::io::detail
