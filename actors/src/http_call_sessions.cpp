// The routes of sessions. Reads go to the archive, writes to the journal.
#include "http_call.hpp"
#include "oncue/core/text.hpp"

namespace oncue::actors {

void http_call_state::serve(core::routes::list_sessions&) {
  auto decoded = core::decode_list_sessions(request_.query);
  auto* wanted = right(decoded);
  if (!wanted) return;
  auto find = wanted->find;
  // There are no sessions of teams or workflows here: a page without any, in the same shape.
  if (wanted->type != core::session_type::agent) return answer_json(core::sessions_document({}, find));
  ask(env_->archive, find, [this, find](const sessions_found& found) {
    answer_json(core::sessions_document(found, find, env_->catalog.get()));
  });
}

void http_call_state::serve(core::routes::create_session&) {
  auto decoded = core::decode_create_session(request_.query, request_.http.body);
  auto* wanted = right(decoded);
  if (!wanted) return;
  auto& session = wanted->session;
  if (!session.agent.empty() && !find_agent(session.agent)) return;
  session.created_at_ms = session.updated_at_ms = env_->unix_ms();
  if (session.id.empty()) session.id.value = core::make_uuid_v7(session.created_at_ms, env_->random(), env_->random());
  ask(env_->journal, *wanted, [this, id = session.id](const session_reply& reply) {
    if (reply.duplicate) return answer(core::session_exists(id));
    if (!reply.session) return answer(core::error_answer(503, reply.refused));
    show_session(*reply.session, 201);
  });
}

void http_call_state::serve(core::routes::delete_sessions&) {
  auto decoded = core::decode_delete_sessions(request_.http.body);
  auto* wanted = right(decoded);
  if (!wanted) return;
  ask(env_->journal, *wanted, [this](const sessions_deleted& reply) {
    answer(reply.refused.empty() ? core::http_answer{204, {}, {}} : core::error_answer(503, reply.refused));
  });
}

void http_call_state::serve(core::routes::delete_session& route) {
  ask(env_->journal, delete_sessions{{route.session}}, [this](const sessions_deleted& reply) {
    // agno deletes what is not there without a word.
    answer(reply.refused.empty() ? core::http_answer{204, {}, {}} : core::error_answer(503, reply.refused));
  });
}

void http_call_state::serve(core::routes::get_session& route) {
  ask(env_->archive, find_session{route.session}, [this, route](const session_reply& reply) {
    if (!reply.session) return answer(core::session_not_found(route.session));
    show_session(*reply.session, 200);
  });
}

void http_call_state::serve(core::routes::patch_session& route) {
  change(core::decode_patch_session(route.session, request_.http.body));
}

void http_call_state::serve(core::routes::rename_session& route) {
  change(core::decode_rename_session(route.session, request_.http.body));
}

void http_call_state::change(core::decoded<change_session> decoded) {
  auto* wanted = right(decoded);
  if (!wanted) return;
  wanted->at_ms = env_->unix_ms();
  ask(env_->journal, *wanted, [this, id = wanted->session](const session_reply& reply) {
    if (reply.session) return show_session(*reply.session, 200);
    answer(reply.refused.empty() ? core::session_not_found(id) : core::error_answer(503, reply.refused));
  });
}

/// With what was said in it, which the session's runs know.
void http_call_state::show_session(const session_record& session, int status) {
  find_runs all{.session = session.id, .runs_max = core::limits::runs_listed_max, .newest_first = false};
  ask(env_->archive, all, [this, session, status](const runs_found& found) {
    auto entry = env_->catalog->find(session.agent);
    answer_json(core::session_document(session, entry.get(), found.runs), status);
  });
}

void http_call_state::serve(core::routes::session_runs& route) {
  auto decoded = core::decode_session_runs(route.session, request_.query);
  auto* wanted = right(decoded);
  if (!wanted) return;
  ask(env_->archive, *wanted, [this, route](const runs_found& found) {
    if (!found.session_known) return answer(core::session_of_runs_not_found(route.session));
    answer_json(core::runs_document(found.runs));
  });
}

void http_call_state::serve(core::routes::session_run& route) {
  ask(env_->archive, find_run{route.run, true}, [this, route](const run_found& found) {
    if (!found.run || found.run->summary.session != route.session) {
      return answer(core::session_run_not_found(route.session, route.run));
    }
    answer_json(core::run_document(*found.run));
  });
}

}  // namespace oncue::actors
