#include "oncue/actors/http_model_stream.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "loop_unit.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/openai_error.hpp"
#include "oncue/core/openai_request.hpp"
#include "oncue/core/openai_stream.hpp"
#include "oncue/core/stream_credit.hpp"

namespace oncue::actors {

namespace {

/// Lives on the transfer's event loop: turns the answer's bytes into messages for the run.
class provider_call final : public io::transfer_handler {
 public:
  provider_call(attempt_no attempt, delta_sink_actor sink, http_model_stream_actor stream, std::vector<std::string> secrets,
                std::function<std::int64_t()> unix_ms)
      : attempt_{attempt},
        sink_{std::move(sink)},
        stream_{std::move(stream)},
        secrets_{std::move(secrets)},
        decoder_{attempt, secrets_},
        unix_ms_{std::move(unix_ms)} {}

  void on_response(const io::response_head& head) override {
    head_ = head;
    if (is_ok()) send_from_loop(sink_, model_opened{attempt_});
  }

  void on_body(std::string_view bytes) override {
    if (is_ok()) {
      decoder_.feed(bytes, messages_);
      pass_on();
    } else {
      auto room = core::limits::error_body_bytes_max - std::min(error_body_.size(), core::limits::error_body_bytes_max);
      error_body_.append(bytes.substr(0, room));
    }
  }

  bool is_full() const override { return credit_.is_full(); }

  void on_word(std::uint64_t taken) override { credit_.taken(taken); }

  void on_end(const io::transfer_result& result) override {
    if (result.end != io::transfer_end::closed) conclude(result);
    send_from_loop(stream_, model_closed{attempt_});
  }

 private:
  bool is_ok() const { return head_.status >= 200 && head_.status < 300; }

  void conclude(const io::transfer_result& result) {
    if (is_ok()) {
      decoder_.end(messages_, result.message);
      pass_on();
    } else if (head_.status != 0) {
      core::http_refusal answer{static_cast<std::uint16_t>(head_.status), error_body_, head_.retry_after,
                                head_.retry_after_ms, unix_ms_() / 1000};
      send_from_loop(sink_, core::http_failure(attempt_, answer, secrets_));
    } else {
      using enum io::transfer_error;
      // A broken certificate or a URL that cannot be sent will be no better the next time.
      auto hopeless = result.error == tls || result.error == bad_request || result.error == protocol;
      auto code = result.error == protocol ? failure_code::provider_protocol : failure_code::provider_unreachable;
      send_from_loop(sink_, model_failed{attempt_, code, 0, result.message, !hopeless, {}});
    }
  }

  void pass_on() {
    for (auto& message : messages_) {
      if (const auto* delta = std::get_if<model_delta>(&message)) credit_.sent(core::waiting_bytes(*delta));
      std::visit([this](auto& x) { send_from_loop(sink_, std::move(x)); }, message);
    }
    messages_.clear();
  }

  attempt_no attempt_;
  delta_sink_actor sink_;
  http_model_stream_actor stream_;
  std::vector<std::string> secrets_;
  core::openai_stream_decoder decoder_;
  std::function<std::int64_t()> unix_ms_;
  std::vector<core::model_message> messages_;
  core::stream_credit credit_;
  io::response_head head_;
  std::string error_body_;
};

}  // namespace

http_model_stream_state::http_model_stream_state(http_model_stream_actor::pointer self,
                                                 std::shared_ptr<const core::agent_entry> entry,
                                                 std::shared_ptr<const provider_access> access)
    : self_{self}, entry_{std::move(entry)}, access_{std::move(access)} {}

http_model_stream_state::~http_model_stream_state() { transfer_.close(); }

http_model_stream_actor::behavior_type http_model_stream_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg&) { transfer_.close(); });
  return {
      [this](const model_request& request, attempt_no attempt, const delta_sink_actor& sink) {
        open(request, attempt, sink);
      },
      [this](close_stream) {
        closing_ = true;
        transfer_.close();
      },
      [this](deltas_taken x) { transfer_.tell(x.bytes); },
      [this](pause_stream) { transfer_.pause(); },
      [this](resume_stream) { transfer_.resume(); },
      [this](model_closed x) {
        transfer_ = {};
        // A run that asked for the close waits for this word; it need not wait behind the deltas it will drop.
        if (closing_) {
          self_->send<caf::message_priority::high>(sink_, x);
        } else {
          self_->send(sink_, x);
        }
        self_->quit();
      },
  };
}

void http_model_stream_state::open(const model_request& request, attempt_no attempt, const delta_sink_actor& sink) {
  if (sink_) return;
  if (closing_) {
    // The close was urgent and came first: nothing may be opened any more.
    self_->send(sink, model_closed{attempt});
    self_->quit();
    return;
  }
  attempt_ = attempt;
  sink_ = sink;
  self_->monitor(sink_);
  const auto& model = entry_->model;
  auto key = model.api_key_env.empty() ? std::string{} : access_->read_secret(model.api_key_env);
  if (key.empty() && !model.api_key_env.empty()) {
    refuse("the environment variable " + model.api_key_env + ", which should hold the API key of model '" + model.id +
           "', is not set");
    return;
  }
  auto body = core::build_openai_body(model, request);
  if (!body.problem.empty()) {
    refuse(std::move(body.problem));
    return;
  }
  io::http_request call;
  call.url = core::chat_completions_url(model.base_url);
  call.body = std::move(body.json);
  call.headers = core::openai_headers(model, key, request.traceparent);
  auto handler = std::make_unique<provider_call>(attempt_, sink_, caf::actor_cast<http_model_stream_actor>(self_),
                                                 core::request_secrets(model, key), access_->unix_ms);
  transfer_ = access_->client->start(std::move(call), std::move(handler));
}

/// Nothing was sent: there is nothing to close.
void http_model_stream_state::refuse(std::string message) {
  self_->send(sink_, model_failed{attempt_, failure_code::provider_refused, 0, std::move(message), false, {}});
  self_->send(sink_, model_closed{attempt_});
  self_->quit();
}

model_stream_actor spawn_http_model_stream(caf::actor_system& system, std::shared_ptr<const core::agent_entry> entry,
                                           std::shared_ptr<const provider_access> access) {
  return caf::actor_cast<model_stream_actor>(
      system.spawn<http_model_stream_actor::stateful_impl<http_model_stream_state>>(std::move(entry), std::move(access)));
}

}  // namespace oncue::actors
