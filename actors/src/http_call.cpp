#include "http_call.hpp"

#include <utility>

#include "error_words.hpp"
#include "oncue/core/agentos_openapi.hpp"
#include "oncue/core/node_view.hpp"
#include "oncue/io/prometheus_text.hpp"

namespace oncue::actors {

http_call_state::http_call_state(self_pointer self, std::shared_ptr<const gateway_env> env, call_request request,
                                 io::exchange answer)
    : self_{self}, env_{std::move(env)}, request_{std::move(request)}, answer_{std::move(answer)} {}

http_call_actor::behavior_type http_call_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  if (auto at_once = core::answer_at_once(request_.route)) {
    answer(std::move(*at_once));
  } else {
    std::visit([this](auto& route) { serve(route); }, request_.route);
  }
  return {
      [this](event_batch& batch) { on_batch(batch); },
      [this](client_gone) { on_client_gone(); },
      [this](client_ready) {
        if (stream_) stream_->on_ready();
      },
  };
}

// -- answers -------------------------------------------------------------------------

void http_call_state::answer(core::http_answer what) {
  io::server_response response{what.status, std::move(request_.headers), std::move(what.body)};
  if (!response.body.empty()) response.headers.emplace_back("content-type", "application/json");
  response.headers.insert(response.headers.end(), std::make_move_iterator(what.headers.begin()),
                          std::make_move_iterator(what.headers.end()));
  answer_.reply(std::move(response));
  self_->quit();
}

void http_call_state::answer_json(std::string body, int status) { answer({status, std::move(body), {}}); }

void http_call_state::answer_text(std::string_view content_type, std::string body) {
  io::server_response response{200, std::move(request_.headers), std::move(body)};
  response.headers.emplace_back("content-type", content_type);
  answer_.reply(std::move(response));
  self_->quit();
}

void http_call_state::answer_unavailable(const caf::error& error) {
  answer(core::error_answer(503, "this node cannot answer now: " + words_of(error)));
}

std::shared_ptr<const core::agent_entry> http_call_state::find_agent(const agent_id& id) {
  auto entry = env_->catalog->find(id);
  if (!entry) answer(core::agent_not_found());
  return entry;
}

// -- the server itself -----------------------------------------------------------------

void http_call_state::serve(core::routes::list_agents&) {
  answer_json(core::agents_document(*env_->catalog, env_->facts, env_->tools));
}

void http_call_state::serve(core::routes::get_agent& route) {
  auto entry = find_agent(route.agent);
  if (!entry) return;
  auto tools = env_->tools.find(route.agent);
  answer_json(tools == env_->tools.end() ? core::agent_document(*entry, env_->facts)
                                         : core::agent_document(*entry, env_->facts, tools->second));
}

void http_call_state::serve(core::routes::config&) { answer_json(core::config_document(*env_->catalog, env_->facts)); }
void http_call_state::serve(core::routes::home&) { answer_json(core::home_document(env_->facts)); }
void http_call_state::serve(core::routes::health&) { answer_json(core::health_document(env_->facts)); }
void http_call_state::serve(core::routes::info&) {
  if (!env_->neighbours) return answer_json(core::info_document(*env_->catalog, env_->facts));
  ask(env_->neighbours, list_nodes{},
      [this](const node_list& cluster) { answer_json(core::info_document(*env_->catalog, env_->facts, &cluster)); });
}
void http_call_state::serve(core::routes::models&) { answer_json(core::models_document(*env_->catalog)); }
void http_call_state::serve(core::routes::metrics&) { answer_json(core::metrics_document()); }
void http_call_state::serve(core::routes::openapi&) { answer_json(core::openapi_document(env_->facts)); }
void http_call_state::serve(core::routes::docs&) {
  request_.headers.emplace_back("content-security-policy", core::docs_page_policy);
  auto host = header("host");
  answer_text("text/html; charset=utf-8",
              host.empty() ? core::docs_page(env_->facts) : core::docs_page(env_->facts, "http://" + std::string{host}));
}

void http_call_state::serve(core::routes::prometheus&) {
  ask(env_->supervisor, get_stats{}, [this](const node_stats& stats) {
    if (!env_->neighbours) return show_samples(stats, nullptr);
    ask(env_->neighbours, list_nodes{}, [this, stats](const node_list& cluster) { show_samples(stats, &cluster); });
  });
}

void http_call_state::show_samples(const node_stats& stats, const node_list* cluster) {
  auto server = answer_.server();
  core::server_numbers numbers{server.connections,    server.streams,          server.requests_total,
                               server.rejected_total, server.bytes_sent_total, self_->system().registry().running()};
  answer_text("text/plain; version=0.0.4; charset=utf-8",
              io::prometheus_text(core::node_samples(stats, numbers, env_->facts, cluster)));
}

void http_call_state::serve(core::routes::nodes&) {
  if (env_->neighbours) {
    ask(env_->neighbours, list_nodes{}, [this](const node_list& cluster) { answer_json(core::nodes_document(cluster)); });
    return;
  }
  ask(env_->supervisor, get_stats{}, [this](const node_stats& stats) {
    answer_json(core::nodes_document(core::alone(stats, env_->facts, env_->node_name, env_->url, env_->running_max)));
  });
}

}  // namespace oncue::actors
