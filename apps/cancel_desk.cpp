#include "cancel_desk.hpp"

#include <utility>

#include "oncue/core/duration.hpp"

namespace oncue::apps {

cancel_desk_state::cancel_desk_state(cancel_desk_actor::pointer self, supervisor_actor supervisor, run_id run,
                                     std::optional<std::chrono::milliseconds> after)
    : self_{self}, supervisor_{std::move(supervisor)}, run_{std::move(run)}, after_{after} {}

cancel_desk_actor::behavior_type cancel_desk_state::make_behavior() {
  if (after_) {
    self_->run_delayed(
        *after_, [this] { cancel({.reason = "--cancel-after " + core::format_duration(*after_), .by = "cancel-after"}); });
  }
  return {
      [this](cancel_request& request) { cancel(std::move(request)); },
      [this](caf::get_atom) -> caf::result<cancel_reply> {
        if (receipt_) return *receipt_;
        if (!asked_) return cancel_reply{.run = run_};
        return waiting_.emplace_back(self_->make_response_promise<cancel_reply>());
      },
  };
}

void cancel_desk_state::cancel(cancel_request request) {
  if (std::exchange(asked_, true)) return;
  request.run = run_;
  self_->request<caf::message_priority::high>(supervisor_, std::chrono::seconds{10}, std::move(request))
      .then([this](const cancel_reply& reply) { answered(reply); }, [this](const caf::error&) { answered({.run = run_}); });
}

void cancel_desk_state::answered(const cancel_reply& reply) {
  receipt_ = reply;
  for (auto& promise : std::exchange(waiting_, {})) promise.deliver(reply);
}

}  // namespace oncue::apps
