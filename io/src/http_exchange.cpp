#include "http_exchange.hpp"

#include <utility>

#include "http_answer_head.hpp"
#include "http_server_loop.hpp"

namespace oncue::io {

using detail::answer_stage;
using detail::lane;

namespace detail {

std::function<void()> answer_state::leave(bool client_left) {
  std::unique_ptr<server_response> dropped_head;
  std::string dropped_body;
  stream_events dropped_events;
  std::function<void()> tell;
  {
    std::lock_guard lock(guard);
    bool complete = stage == answer_stage::replied || stage == answer_stage::ended || stage == answer_stage::abandoned;
    stage = answer_stage::over;
    gone = client_left && !complete;
    unsent = 0;
    room_wanted = false;
    dropped_head = std::move(response);
    dropped_body.swap(body);
    dropped_events = std::exchange(events, {});
    if (gone) {
      tell = std::move(dropped_events.on_gone);
    }
    if (tell) {
      gone = false;
    }
  }
  return tell;
}

std::function<void()> answer_state::take_gone() {
  std::lock_guard lock(guard);
  if (!gone || !events.on_gone) {
    return nullptr;
  }
  gone = false;
  return std::exchange(events.on_gone, nullptr);
}

}  // namespace detail

exchange::ticket::~ticket() {
  bool told = false;
  std::function<void()> not_needed;
  {
    std::lock_guard lock(state->guard);
    if (state->stage == answer_stage::waiting) {
      state->response = std::make_unique<server_response>(detail::error_answer(500, "Internal Server Error"));
      state->stage = answer_stage::replied;
      told = true;
    } else if (state->stage == answer_stage::streaming) {
      state->stage = answer_stage::abandoned;
      state->events.on_gone.swap(not_needed);  // nobody is left who writes
      told = true;
    }
  }
  if (told) {
    state->loop->enqueue(state, lane::first);
  }
}

void exchange::reply(server_response response) const {
  if (!connection_) {
    return;
  }
  auto& state = *connection_->state;
  {
    std::lock_guard lock(state.guard);
    if (state.stage != answer_stage::waiting) {
      return;
    }
    state.response = std::make_unique<server_response>(std::move(response));
    state.stage = answer_stage::replied;
  }
  state.loop->enqueue(connection_->state, lane::first);
}

void exchange::on_gone(std::function<void()> tell) const {
  if (!connection_) {
    return;
  }
  auto& state = *connection_->state;
  bool due = false;
  {
    std::lock_guard lock(state.guard);
    if (state.stage == answer_stage::waiting || state.stage == answer_stage::streaming || state.gone) {
      state.events.on_gone.swap(tell);
      due = state.gone;
    }
  }
  if (due) {
    state.loop->enqueue(connection_->state, lane::first);
  }
}

void exchange::open_stream(server_response head, stream_events events, std::chrono::milliseconds heartbeat,
                           std::string heartbeat_text) const {
  if (!connection_) {
    return;
  }
  auto& state = *connection_->state;
  {
    std::lock_guard lock(state.guard);
    if (state.stage == answer_stage::waiting) {
      state.response = std::make_unique<server_response>(std::move(head));
      state.stage = answer_stage::streaming;
      state.heartbeat = heartbeat;
      state.heartbeat_text = std::move(heartbeat_text);
    } else if (!state.gone) {
      return;
    }
    std::swap(state.events.on_gone, events.on_gone);
    if (!state.gone) {
      std::swap(state.events.on_room, events.on_room);
    }
  }
  state.loop->enqueue(connection_->state, lane::first);
}

std::size_t exchange::write(std::string bytes) const {
  if (!connection_) {
    return 0;
  }
  auto& state = *connection_->state;
  std::size_t waiting = 0;
  bool cut = false;
  {
    std::lock_guard lock(state.guard);
    if (state.stage != answer_stage::streaming) {
      return 0;
    }
    waiting = state.body.size() + state.unsent;
    // One large event is taken whole; going on after it, with so much waiting, is not.
    if (waiting >= core::limits::stream_buffer_bytes_max) {
      state.stage = answer_stage::cut;
      cut = true;
    } else {
      waiting += bytes.size();
      if (state.body.empty()) {
        state.body.swap(bytes);
      } else {
        state.body += bytes;
      }
    }
  }
  state.loop->enqueue(connection_->state, cut ? lane::first : lane::streams);
  return cut ? 0 : waiting;
}

void exchange::call_when_room() const {
  if (!connection_) {
    return;
  }
  {
    std::lock_guard lock(connection_->state->guard);
    if (connection_->state->stage != answer_stage::streaming) {
      return;
    }
    connection_->state->room_wanted = true;
  }
  connection_->state->loop->enqueue(connection_->state, lane::streams);
}

void exchange::end() const {
  if (!connection_) {
    return;
  }
  {
    std::lock_guard lock(connection_->state->guard);
    if (connection_->state->stage != answer_stage::streaming) {
      return;
    }
    connection_->state->stage = answer_stage::ended;
  }
  connection_->state->loop->enqueue(connection_->state, lane::first);
}

http_server_stats exchange::server() const {
  return connection_ ? connection_->state->loop->shared().counted() : http_server_stats{};
}

}  // namespace oncue::io
