#include "oncue/core/agentos_answers.hpp"

#include <algorithm>

#include "json_keys.hpp"
#include "oncue/core/json_text.hpp"

namespace oncue::core {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

http_answer come_again(http_answer answer, int seconds) {
  answer.headers.emplace_back("retry-after", std::to_string(seconds));
  return answer;
}

http_answer with_key_challenge(http_answer answer) {
  answer.headers.emplace_back("www-authenticate", "Bearer");
  return answer;
}

/// Where the thing is that a refusal's sentence speaks of: the sentence begins with its name, unless it is the message.
std::vector<std::string> place_of(std::string_view sentence) {
  if (sentence.starts_with("the idempotency key")) return {"header", "Idempotency-Key"};
  const auto first_word = sentence.substr(0, sentence.find(' '));
  for (const std::string_view name : {"run_id", "parent_run_id", "root_run_id", "session_id", "user_id"}) {
    if (first_word == name) return {"body", std::string{name}};
  }
  return {"body", "message"};
}

http_answer wrong_field(const refusal& refused) {
  return fields_answer({{"value_error", place_of(refused.message), "Value error, " + refused.message, {}, {}}});
}

struct at_once {
  using answer = std::optional<http_answer>;
  answer operator()(const routes::not_found&) const { return error_answer(404, "Not Found"); }
  answer operator()(const routes::method_not_allowed& x) const {
    auto result = error_answer(405, "Method Not Allowed");
    result.headers.emplace_back("allow", x.allow);
    return result;
  }
  answer operator()(const routes::options& x) const { return http_answer{204, "", {{"allow", x.allow}}}; }
  answer operator()(const routes::list_teams&) const { return http_answer{200, "[]", {}}; }
  answer operator()(const routes::list_workflows&) const { return http_answer{200, "[]", {}}; }
  answer operator()(const routes::no_team&) const { return error_answer(404, "Team not found"); }
  answer operator()(const routes::no_workflow&) const { return error_answer(404, "Workflow not found"); }
  answer operator()(const routes::not_served& x) const { return not_served_answer(x.what); }
  template <class Other>
  answer operator()(const Other&) const {
    return {};
  }
};

}  // namespace

http_answer error_answer(int status, std::string_view detail) {
  std::string members;
  add(members, "detail", detail);
  return {status, object_of(members), {}};
}

http_answer agent_not_found() { return error_answer(404, "Agent not found"); }
http_answer run_not_found() { return error_answer(404, "Run not found"); }

http_answer session_not_found(const session_id& session) {
  return error_answer(404, "Agent Session with id '" + session.value + "' not found");
}

http_answer session_of_runs_not_found(const session_id& session) {
  return error_answer(404, "Session with ID " + session.value + " not found");
}

http_answer session_run_not_found(const session_id& session, const run_id& run) {
  return error_answer(404, "Run with ID " + run.value + " not found in session " + session.value);
}

http_answer session_exists(const session_id& session) {
  return error_answer(409, "Session with id '" + session.value + "' already exists. Use PATCH /sessions/" + session.value +
                               " to update it.");
}

http_answer key_missing() { return with_key_challenge(error_answer(401, "Authorization header required")); }
http_answer key_wrong() { return with_key_challenge(error_answer(401, "Invalid authentication token")); }

http_answer not_served_answer(std::string_view what) {
  return error_answer(501, std::string{what} + ": not served by oncue");
}

std::optional<http_answer> answer_at_once(const route& which) { return std::visit(at_once{}, which); }

http_answer fields_answer(const std::vector<field_error>& errors) {
  std::string list;
  for (const auto& error : errors) {
    std::string loc;
    for (const auto& part : error.loc) {
      if (!loc.empty()) loc += ',';
      if (is_number(part)) {
        loc += part;
      } else {
        append_json_string(loc, part);
      }
    }
    std::string members;
    add(members, "type", error.type);
    add_raw(members, "loc", "[" + loc + "]");
    add(members, "msg", error.msg);
    add_raw(members, "input", error.input.value_or("null"));
    if (error.context) add_raw(members, "ctx", *error.context);
    list += ",";
    list += object_of(members);
  }
  return {422, R"({"detail":[)" + list.substr(list.empty() ? 0 : 1) + "]}", {}};
}

http_answer refusal_answer(const refusal& refused) {
  switch (refused.code) {
    case refusal_code::invalid_run_id:
    case refusal_code::invalid_input: return wrong_field(refused);
    case refusal_code::unknown_agent: return agent_not_found();
    case refusal_code::unknown_run: return run_not_found();
    case refusal_code::not_paused:
    case refusal_code::run_id_used:
    case refusal_code::session_busy: return error_answer(409, refused.message);
    case refusal_code::idempotency_reused: return error_answer(422, refused.message);
    case refusal_code::too_many_runs: return come_again(error_answer(429, refused.message), 1);
    case refusal_code::draining: return come_again(error_answer(503, refused.message), 10);
    case refusal_code::journal_unavailable: return come_again(error_answer(503, refused.message), 5);
  }
  return error_answer(500, refused.message);
}

http_answer continue_refusal_answer(const refusal& refused) {
  if (refused.code != refusal_code::invalid_input) return refusal_answer(refused);
  return fields_answer({{"value_error", {"body", "tools"}, "Value error, " + refused.message, {}, {}}});
}

http_answer cancel_answer(const cancel_reply& reply, bool receipt) {
  if (!receipt) return {200, "{}", {}};
  std::string members;
  auto add_name = [&](std::string_view key, const auto& value) {
    if (value) {
      add(members, key, to_string(*value));
    } else {
      add_raw(members, key, "null");
    }
  };
  add(members, "outcome", to_string(reply.outcome));
  add_name("status", reply.status);
  add_name("phase_at_cancel", reply.phase_at_cancel);
  add(members, "run_id", reply.run.value);
  if (reply.index) {
    add(members, "event_index", *reply.index);
  } else {
    add_raw(members, "event_index", "null");
  }
  add(members, "tools", reply.tools);
  add(members, "tools_stopped", reply.tools_stopped);
  add(members, "tools_abandoned", reply.tools_abandoned);
  add(members, "children", reply.children);
  add(members, "children_stopped", reply.children_stopped);
  add_bool(members, "upstream_closed", reply.upstream_closed);
  add_bool(members, "durable", reply.durable);
  add(members, "latency_us", reply.latency_us);
  auto status = [&] {
    switch (reply.outcome) {
      case cancel_outcome::cancelled: return 200;
      case cancel_outcome::accepted:
      case cancel_outcome::intent_stored: return 202;
      case cancel_outcome::already_ended: return 409;
      case cancel_outcome::unknown: return 404;
    }
    return 500;
  };
  return {status(), object_of(members), {}};
}

}  // namespace oncue::core
