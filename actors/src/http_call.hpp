// One HTTP request, from its head to the last byte of its answer. Decodes what was asked, asks whoever knows, and answers
// in AgentOS' words. The call of a stream is the run's subscriber; the call of a plain stream cancels its run when its
// client leaves, and that is the only thing it ever decides. It quits with its answer.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "oncue/actors/gateway.hpp"
#include "oncue/actors/run_stream.hpp"
#include "oncue/core/agentos_answers.hpp"
#include "oncue/core/agentos_requests.hpp"
#include "oncue/core/agentos_routes.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

/// What the gateway has made of a request's head.
struct call_request {
  io::server_request http;
  core::route route;
  core::field_pairs query;
  io::http_headers headers;  ///< go with every answer: CORS
};

class http_call_state {
 public:
  static constexpr const char* name = "http-call";

  http_call_state(http_call_actor::pointer self, std::shared_ptr<const gateway_env> env, call_request request,
                  io::exchange answer);
  http_call_actor::behavior_type make_behavior();

 private:
  using self_pointer = http_call_actor::pointer;

  // runs: http_call_runs.cpp
  void serve(core::routes::start_run& route);
  void started(const core::start_form& form, const core::agent_entry& entry, start_reply& reply);
  void serve(core::routes::continue_run& route);
  void continued(const core::continue_form& form, const run_record& record, start_reply& reply);
  void serve(core::routes::cancel_run& route);
  void cancelled(const core::cancel_form& form, const cancel_reply& reply);
  void serve(core::routes::resume_run& route);
  void resume(const core::resume_form& form, const run_record& record);
  void serve(core::routes::run_events& route);
  void follow(const core::resume_form& form, const run_record& record);
  void serve(core::routes::get_run& route);
  void serve(core::routes::agent_runs& route);
  void serve(core::routes::list_runs& route);

  // a run that is on its way to the client: http_call_stream.cpp
  void stream(stream_plan plan, event_source_actor source);
  void await_ending(run_record record, event_source_actor source, event_index from = 0);
  void on_batch(event_batch& batch);
  void on_down(const caf::down_msg& down);
  void on_client_gone();
  void leave_run();

  // sessions: http_call_sessions.cpp
  void serve(core::routes::list_sessions& route);
  void serve(core::routes::create_session& route);
  void serve(core::routes::delete_sessions& route);
  void serve(core::routes::get_session& route);
  void serve(core::routes::patch_session& route);
  void serve(core::routes::delete_session& route);
  void serve(core::routes::rename_session& route);
  void serve(core::routes::session_runs& route);
  void serve(core::routes::session_run& route);
  void change(core::decoded<change_session> wanted);
  void show_session(const session_record& session, int status);

  // the server itself: http_call.cpp
  void serve(core::routes::list_agents& route);
  void serve(core::routes::get_agent& route);
  void serve(core::routes::config& route);
  void serve(core::routes::home& route);
  void serve(core::routes::health& route);
  void serve(core::routes::info& route);
  void serve(core::routes::models& route);
  void serve(core::routes::metrics& route);
  void serve(core::routes::prometheus& route);
  void serve(core::routes::nodes& route);
  void show_samples(const node_stats& stats, const node_list* cluster);
  void serve(core::routes::openapi& route);
  void serve(core::routes::docs& route);
  template <class Route>
  void serve(Route&) {}  // what core::answer_at_once has answered

  /// Asks an actor; the call lives until it has answered. Whoever is gone answers for the node: 503.
  template <class Target, class Message, class OnReply>
  void ask(const Target& target, Message message, OnReply on_reply) {
    self_->request(target, local_answer, std::move(message)).then(std::move(on_reply), [this](const caf::error& error) {
      answer_unavailable(error);
    });
  }

  /// The decoded request, or null when it was wrong and has been answered.
  template <class T>
  T* right(core::decoded<T>& decoded) {
    if (auto* wrong = std::get_if<core::http_answer>(&decoded)) {
      answer(std::move(*wrong));
      return nullptr;
    }
    return &std::get<T>(decoded);
  }

  std::shared_ptr<const core::agent_entry> find_agent(const agent_id& id);
  std::string_view header(std::string_view which) const { return request_.http.header(which); }
  void answer(core::http_answer what);
  void answer_json(std::string body, int status = 200);
  void answer_text(std::string_view content_type, std::string body);
  void answer_unavailable(const caf::error& error);

  self_pointer self_;
  std::shared_ptr<const gateway_env> env_;
  call_request request_;
  io::exchange answer_;

  // a run that this call has started or watches
  run_id run_;
  bool cancel_when_gone_ = false;
  bool gone_ = false;
  std::optional<run_stream> stream_;
  struct awaited_run {
    awaited_run(run_record about, http_call_actor::pointer self, supervisor_actor supervisor, event_index from)
        : record{std::move(about)}, events{self, std::move(supervisor), record.summary.id, from} {}
    run_record record;
    subscription<http_call_actor::base> events;
  };
  std::optional<awaited_run> awaited_;
};

}  // namespace oncue::actors
