#include "oncue/testkit/scripted_model.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <stdexcept>
#include <utility>

#include "scripted_calls.hpp"

namespace oncue::testkit {

using detail::script_step;

namespace {

model_failed refused(std::uint16_t status, std::string message, std::optional<milliseconds> retry_after) {
  model_failed failed;
  failed.code = status == 0     ? failure_code::provider_unreachable
                : status == 429 ? failure_code::provider_rate_limited
                                : failure_code::provider_refused;
  failed.provider_status = status;
  failed.message = std::move(message);
  failed.retryable = status == 0 || status == 408 || status == 429 || status >= 500;
  if (retry_after) failed.retry_after_ms = static_cast<std::uint64_t>(retry_after->count());
  return failed;
}

model_failed cut() {
  model_failed failed;
  failed.message = "the stream was cut before its end";
  failed.retryable = true;
  return failed;
}

}  // namespace

// -- an answer -------------------------------------------------------------------

answer& answer::say(std::string text) {
  steps_.emplace_back(model_delta{0, delta_kind::text, std::move(text)});
  return *this;
}

answer& answer::think(std::string text) {
  steps_.emplace_back(model_delta{0, delta_kind::reasoning, std::move(text)});
  return *this;
}

answer& answer::wait(milliseconds time) {
  steps_.emplace_back(time);
  return *this;
}

answer& answer::call(std::string tool, std::string arguments, std::string id) {
  calls_.push_back({std::move(id), std::move(tool), std::move(arguments)});
  return *this;
}

answer& answer::uses(token_usage usage) {
  usage_ = usage;
  return *this;
}

answer& answer::fail(std::uint16_t status, std::string message, std::optional<milliseconds> retry_after) {
  end(refused(status, std::move(message), retry_after));
  return *this;
}

answer& answer::drop() {
  end(cut());
  return *this;
}

answer& answer::hang() {
  end(detail::silence{});
  return *this;
}

answer& answer::finish(std::string reason) {
  end(model_done{0, std::move(reason), usage_, calls_});
  return *this;
}

void answer::end(script_step how) {
  if (std::exchange(ends_, true)) throw std::logic_error{"testkit: an answer cannot have two ends"};
  steps_.push_back(std::move(how));
}

std::deque<script_step> answer::whole() const {
  auto steps = steps_;
  if (!ends_) steps.emplace_back(model_done{0, calls_.empty() ? "stop" : "tool_calls", usage_, calls_});
  return steps;
}

// -- a call ----------------------------------------------------------------------

const model_request& model_call::request() const { return call_->request; }

std::string model_call::prompt() const {
  const auto& messages = call_->request.messages;
  return messages.empty() ? std::string{} : messages.back().content;
}

bool model_call::closed() const { return call_->closed_at.has_value(); }
bool model_call::stopped() const { return call_->stopped; }
milliseconds model_call::opened_at() const { return call_->opened_at; }
std::optional<milliseconds> model_call::closed_at() const { return call_->closed_at; }

model_call& model_call::say(std::string text) { return play(answer{}.say(std::move(text)).steps_); }
model_call& model_call::think(std::string text) { return play(answer{}.think(std::move(text)).steps_); }
model_call& model_call::wait(milliseconds time) { return play(answer{}.wait(time).steps_); }
model_call& model_call::finish(std::string reason) { return play(answer{}.finish(std::move(reason)).steps_); }
model_call& model_call::drop() { return play(answer{}.drop().steps_); }

model_call& model_call::ask_for(std::string tool, std::string arguments, std::string id) {
  return play(answer{}.call(std::move(tool), std::move(arguments), std::move(id)).whole());
}

model_call& model_call::fail(std::uint16_t status, std::string message, std::optional<milliseconds> retry_after) {
  return play(answer{}.fail(status, std::move(message), retry_after).steps_);
}

model_call& model_call::play(const std::deque<script_step>& more) {
  if (!call_->stream) return *this;  // nobody listens any more
  call_->steps.insert(call_->steps.end(), more.begin(), more.end());
  if (!std::exchange(call_->plays, true)) caf::anon_send(call_->stream, alarm{});
  return *this;
}

// -- a model ---------------------------------------------------------------------

scripted_model::scripted_model() : shared_{std::make_shared<detail::scripted_calls>()} {}

scripted_model& scripted_model::answers(const answer& what) {
  shared_->planned.push_back(what.whole());
  return *this;
}

scripted_model& scripted_model::always(const answer& what) {
  shared_->otherwise = what.whole();
  return *this;
}

scripted_model& scripted_model::deaf(bool is_deaf) {
  shared_->deaf = is_deaf;
  return *this;
}

std::size_t scripted_model::calls() const { return shared_->calls.size(); }
std::size_t scripted_model::planned() const { return shared_->planned.size(); }

model_call scripted_model::call(std::size_t which) const {
  if (which < calls()) return model_call{shared_->calls[which]};
  auto times = calls() == 0 ? "not called" : calls() == 1 ? "called once" : "called " + std::to_string(calls()) + " times";
  throw std::out_of_range{"testkit: there is no call " + std::to_string(which) + ": so far the model was " + times};
}

model_call scripted_model::last() const { return call(std::max<std::size_t>(calls(), 1) - 1); }

}  // namespace oncue::testkit
