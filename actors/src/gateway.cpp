#include "oncue/actors/gateway.hpp"

#include <caf/actor_system.hpp>
#include <utility>

#include "http_call.hpp"
#include "loop_unit.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/io/log.hpp"

namespace oncue::actors {

namespace {

void reply_at_once(const io::exchange& answer, core::http_answer what, io::http_headers headers) {
  if (!what.body.empty()) headers.emplace_back("content-type", "application/json");
  headers.insert(headers.end(), what.headers.begin(), what.headers.end());
  answer.reply({what.status, std::move(headers), std::move(what.body)});
}

/// On the connection's loop: only what needs a glance at the head.
void take_call(caf::actor_system& system, const std::shared_ptr<const gateway_env>& env, io::server_request request,
               io::exchange answer) {
  auto path = std::string_view{request.target}.substr(0, request.target.find('?'));
  core::request_head head{.method = request.method,
                          .path = path,
                          .host = request.header("host"),
                          .origin = request.header("origin"),
                          .authorization = request.header("authorization"),
                          .fetch_site = request.header("sec-fetch-site"),
                          .requested_method = request.header("access-control-request-method"),
                          .requested_headers = request.header("access-control-request-headers")};
  auto door = core::ask_doors(head, env->doors);
  io::log(io::log_level::debug, "request", {{"method", request.method}, {"path", path}, {"peer", request.peer}});
  if (auto* shut = std::get_if<core::door_shut>(&door)) {
    reply_at_once(answer, std::move(shut->answer), {});
    return;
  }
  auto& headers = std::get<core::door_open>(door).headers;
  auto target = core::parse_target(request.target);
  if (!target) {
    reply_at_once(answer, core::error_answer(400, target.error), std::move(headers));
    return;
  }
  call_request call{.http = {}, .route = core::match_route(request.method, target.segments), .query = {}, .headers = {}};
  call.query = std::move(target.query);
  call.headers = std::move(headers);
  call.http = std::move(request);
  system.spawn<on_loops<http_call_actor::stateful_impl<http_call_state>>>(env, std::move(call), std::move(answer));
}

}  // namespace

io::http_server::handler make_gateway(caf::actor_system& system, std::shared_ptr<const gateway_env> env) {
  return [&system, env = std::move(env)](io::server_request request, io::exchange answer) {
    take_call(system, env, std::move(request), std::move(answer));
  };
}

}  // namespace oncue::actors
