// The model port on HTTP: one attempt at one streamed call of an OpenAI-compatible /chat/completions endpoint. The bytes
// are decoded on the event loop and go from there straight to the run; this actor only opens, pauses, resumes and closes,
// and sees no token. Promises the port's manners, that the provider's socket is closed when it says model_closed, that it
// closes the socket when its run is gone, and that no more than limits::untaken_bytes_max waits at its run, whoever is
// late. Never retries, never logs, and keeps the key out of everything that it says.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "oncue/core/catalog.hpp"
#include "oncue/io/http_client.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

/// What all calls of a node share.
struct provider_access {
  std::shared_ptr<io::http_client> client;
  std::function<std::string(const std::string&)> read_secret;  ///< value of an environment variable, empty if unset
  std::function<std::int64_t()> unix_ms;                       ///< for a Retry-After that is a date
};

/// The transfer's own word comes in as a model_closed.
using http_model_stream_actor = model_stream_actor::extend<caf::result<void>(model_closed)>;

class http_model_stream_state {
 public:
  static constexpr const char* name = "http-model-stream";

  http_model_stream_state(http_model_stream_actor::pointer self, std::shared_ptr<const core::agent_entry> entry,
                          std::shared_ptr<const provider_access> access);
  /// Also when the actor is killed, no transfer is left behind.
  ~http_model_stream_state();
  http_model_stream_state(const http_model_stream_state&) = delete;
  http_model_stream_state& operator=(const http_model_stream_state&) = delete;

  http_model_stream_actor::behavior_type make_behavior();

 private:
  void open(const model_request& request, attempt_no attempt, const delta_sink_actor& sink);
  void refuse(std::string message);

  http_model_stream_actor::pointer self_;
  std::shared_ptr<const core::agent_entry> entry_;
  std::shared_ptr<const provider_access> access_;
  delta_sink_actor sink_;
  attempt_no attempt_ = 0;
  io::transfer transfer_;
  bool closing_ = false;
};

model_stream_actor spawn_http_model_stream(caf::actor_system& system, std::shared_ptr<const core::agent_entry> entry,
                                           std::shared_ptr<const provider_access> access);

}  // namespace oncue::actors
