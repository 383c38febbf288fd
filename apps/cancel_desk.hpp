// Where `oncue run` cancels its run: the one desk for Ctrl-C, --cancel-after and a closed output. An actor apart from the
// console, because the console may hang in a write to a pipe that nobody reads, and a cancel waits for no reader. Promises
// that the run is cancelled at most once, and keeps the receipt for whoever wants to show it.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <chrono>
#include <optional>
#include <vector>

#include "oncue/messages/type_ids.hpp"

namespace oncue::apps {

using cancel_desk_actor =
    caf::typed_actor<caf::result<void>(cancel_request),          // cancel; `run` does not matter, the desk is for one run
                     caf::result<cancel_reply>(caf::get_atom)>;  // the receipt; `unknown` if nobody has cancelled

class cancel_desk_state {
 public:
  static constexpr const char* name = "cancel-desk";

  /// `after`: cancels by itself when that time has passed.
  cancel_desk_state(cancel_desk_actor::pointer self, supervisor_actor supervisor, run_id run,
                    std::optional<std::chrono::milliseconds> after);
  cancel_desk_actor::behavior_type make_behavior();

 private:
  void cancel(cancel_request request);
  void answered(const cancel_reply& reply);

  cancel_desk_actor::pointer self_;
  supervisor_actor supervisor_;
  run_id run_;
  std::optional<std::chrono::milliseconds> after_;
  bool asked_ = false;
  std::optional<cancel_reply> receipt_;
  std::vector<caf::typed_response_promise<cancel_reply>> waiting_;
};

}  // namespace oncue::apps
