#define CAF_SUITE core.agentos_routes

#include "oncue/core/agentos_routes.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "oncue/core/agentos_answers.hpp"
#include "oncue/core/agentos_openapi.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> result;
  path.remove_prefix(1);
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    result.emplace_back(path.substr(0, slash));
    if (slash == path.size()) break;
    path.remove_prefix(slash + 1);
    if (path.empty()) result.emplace_back();  // a trailing slash
  }
  return result;
}

route match(std::string_view method, std::string_view path) {
  const auto segments = segments_of(path);
  return match_route(method, segments);
}

/// "home" for oncue::core::routes::home, as gcc and clang write a function's name.
template <class T>
std::string name_of() {
  const std::string text = __PRETTY_FUNCTION__;
  const auto begin = text.find("routes::") + 8;
  return text.substr(begin, text.find_first_of(";]", begin) - begin);
}

/// The struct's name and the ids in it, as one line.
struct as_text {
  template <class T>
  std::string operator()(const T& x) const {
    auto name = name_of<T>();
    if constexpr (requires { x.agent; }) name += " agent=" + x.agent.value;
    if constexpr (requires { x.session; }) name += " session=" + x.session.value;
    if constexpr (requires { x.run; }) name += " run=" + x.run.value;
    if constexpr (requires { x.what; }) name += " what=" + x.what;
    if constexpr (requires { x.allow; }) name += " allow=" + x.allow;
    return name;
  }
};

std::string shown(std::string_view method, std::string_view path) { return std::visit(as_text{}, match(method, path)); }

}  // namespace

CAF_TEST(every path of the contract is known) {
  struct row {
    std::string_view method, path, expected;
  };
  const std::vector<row> table = {
      {"GET", "/", "home"},
      {"GET", "/health", "health"},
      {"GET", "/info", "info"},
      {"GET", "/config", "config"},
      {"GET", "/models", "models"},
      {"GET", "/metrics", "metrics"},
      {"GET", "/prometheus", "prometheus"},
      {"GET", "/nodes", "nodes"},
      {"GET", "/openapi.json", "openapi"},
      {"GET", "/docs", "docs"},
      {"GET", "/agents", "list_agents"},
      {"GET", "/agents/a", "get_agent agent=a"},
      {"GET", "/agents/runs", "get_agent agent=runs"},
      {"POST", "/agents/a/runs", "start_run agent=a"},
      {"GET", "/agents/a/runs", "agent_runs agent=a"},
      {"GET", "/agents/a/runs/r", "get_run agent=a run=r"},
      {"POST", "/agents/a/runs/r/cancel", "cancel_run agent=a run=r"},
      {"POST", "/agents/a/runs/r/resume", "resume_run agent=a run=r"},
      {"GET", "/agents/a/runs/r/events", "run_events agent=a run=r"},
      {"POST", "/agents/a/runs/r/continue", "continue_run agent=a run=r"},
      {"GET", "/runs", "list_runs"},
      {"GET", "/runs/r", "get_run agent= run=r"},
      {"GET", "/runs/r/events", "run_events agent= run=r"},
      {"POST", "/runs/r/cancel", "cancel_run agent= run=r"},
      {"GET", "/sessions", "list_sessions"},
      {"POST", "/sessions", "create_session"},
      {"DELETE", "/sessions", "delete_sessions"},
      {"GET", "/sessions/s", "get_session session=s"},
      {"PATCH", "/sessions/s", "patch_session session=s"},
      {"DELETE", "/sessions/s", "delete_session session=s"},
      {"POST", "/sessions/s/rename", "rename_session session=s"},
      {"GET", "/sessions/s/runs", "session_runs session=s"},
      {"GET", "/sessions/s/runs/r", "session_run session=s run=r"},
      {"GET", "/teams", "list_teams"},
      {"GET", "/teams/t", "no_team"},
      {"POST", "/teams/t/runs/r/cancel", "no_team"},
      {"GET", "/workflows", "list_workflows"},
      {"POST", "/workflows/w/runs", "no_workflow"},
      {"GET", "/workflows/ws", "no_workflow"},
      {"GET", "/memories", "not_served what=memories"},
      {"PATCH", "/memories/m", "not_served what=memories"},
      {"GET", "/user_memory_stats", "not_served what=memories"},
      {"POST", "/knowledge/search", "not_served what=knowledge"},
      {"GET", "/knowledge/k/sources/s/files", "not_served what=knowledge"},
      {"POST", "/metrics/refresh", "not_served what=metrics/refresh"},
      {"GET", "/metrics/refresh/status", "not_served what=metrics/refresh"},
      {"GET", "/eval-runs/e", "not_served what=evals"},
      {"GET", "/traces/t", "not_served what=traces"},
      {"POST", "/databases/all/migrate", "not_served what=databases"},
      {"PUT", "/components", "not_served what=components"},
      {"GET", "/schedules", "not_served what=schedules"},
      {"GET", "/approvals", "not_served what=approvals"},
      {"GET", "/service-accounts", "not_served what=service-accounts"},
      {"GET", "/registry", "not_served what=registry"},
      {"GET", "/learnings/users/u", "not_served what=learnings"},
      {"GET", "/agents/a/runs/r/checkpoints", "not_served what=checkpoints"},
      {"GET", "/agents/a/runs/r/checkpoints/3", "not_served what=checkpoints"},
      {"POST", "/agents/a/sessions/s/fork", "not_served what=fork"},
  };
  for (const auto& [method, path, expected] : table) CAF_CHECK_EQUAL(shown(method, path), expected);
}

CAF_TEST(methods and odd paths are told apart) {
  struct row {
    std::string_view method, path, expected;
  };
  const std::vector<row> table = {
      {"HEAD", "/health", "health"},
      {"HEAD", "/agents/a/runs", "agent_runs agent=a"},
      {"HEAD", "/agents/a/runs/r/cancel", "method_not_allowed allow=POST, OPTIONS"},
      {"GET", "/agents/a/runs/r/cancel", "method_not_allowed allow=POST, OPTIONS"},
      {"DELETE", "/agents/a/runs", "method_not_allowed allow=POST, GET, HEAD, OPTIONS"},
      {"PUT", "/sessions/s", "method_not_allowed allow=GET, HEAD, PATCH, DELETE, OPTIONS"},
      {"POST", "/teams", "method_not_allowed allow=GET, HEAD, OPTIONS"},
      {"BREW", "/health", "method_not_allowed allow=GET, HEAD, OPTIONS"},
      {"get", "/health", "method_not_allowed allow=GET, HEAD, OPTIONS"},
      {"OPTIONS", "/agents/a/runs", "options allow=POST, GET, HEAD, OPTIONS"},
      {"OPTIONS", "/memories", "options allow=GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
      {"OPTIONS", "/teams/t", "options allow=GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
      {"OPTIONS", "/nothing", "not_found"},
      {"GET", "/nothing", "not_found"},
      {"POST", "/agents/a/runs/r/cancel/", "cancel_run agent=a run=r"},
      {"GET", "/agents/", "list_agents"},
      {"GET", "//", "home"},
      {"GET", "/agents//runs", "not_found"},
      {"POST", "/agents/a/runs//cancel", "not_found"},
      {"GET", "//agents", "not_found"},
      {"GET", "/agents/a/runs/r/cancel/x", "not_found"},
      {"GET", "/agents/a/b", "not_found"},
      {"GET", "/AGENTS", "not_found"},
      {"GET", "/memoriesx", "not_found"},
      {"POST", "/agents/a b/runs/ü:1/cancel", "cancel_run agent=a b run=ü:1"},
      {"GET", "/agents/{agent_id}", "get_agent agent={agent_id}"},
      {"GET", "/agents/**", "get_agent agent=**"},
  };
  for (const auto& [method, path, expected] : table) CAF_CHECK_EQUAL(shown(method, path), expected);
}

CAF_TEST(what nobody needs to be asked about is answered at once) {
  struct row {
    std::string_view method, path;
    int status;
    std::string_view body;
  };
  const std::vector<row> table = {
      {"GET", "/nothing", 404, R"({"detail":"Not Found"})"},
      {"GET", "/agents/a/runs/r/cancel", 405, R"({"detail":"Method Not Allowed"})"},
      {"GET", "/teams", 200, "[]"},
      {"GET", "/workflows", 200, "[]"},
      {"POST", "/teams/t/runs", 404, R"({"detail":"Team not found"})"},
      {"POST", "/workflows/w/runs", 404, R"({"detail":"Workflow not found"})"},
      {"GET", "/memories", 501, R"({"detail":"memories: not served by oncue"})"},
      {"OPTIONS", "/health", 204, ""},
  };
  for (const auto& [method, path, status, body] : table) {
    const auto answer = answer_at_once(match(method, path));
    CAF_REQUIRE(answer.has_value());
    CAF_CHECK_EQUAL(answer->status, status);
    CAF_CHECK_EQUAL(answer->body, body);
  }
  const auto wrong_method = *answer_at_once(match("PUT", "/health"));
  CAF_REQUIRE_EQUAL(wrong_method.headers.size(), 1u);
  CAF_CHECK_EQUAL(wrong_method.headers[0].first, "allow");
  CAF_CHECK_EQUAL(wrong_method.headers[0].second, "GET, HEAD, OPTIONS");
  CAF_CHECK(!answer_at_once(match("POST", "/agents/a/runs/r/cancel")));
  CAF_CHECK(!answer_at_once(match("GET", "/sessions")));

  for (const std::string_view open : {"/", "/health", "/info", "/docs", "/openapi.json"}) {
    CAF_CHECK(!needs_key(match("GET", open)));
  }
  for (const std::string_view closed :
       {"/agents", "/runs/r", "/prometheus", "/metrics", "/nodes", "/nothing", "/memories"}) {
    CAF_CHECK(needs_key(match("GET", closed)));
  }
}

CAF_TEST(what is explained is what is served) {
  os_facts facts{.version = "1.2.3", .with_key = true};
  const auto api = nlohmann::json::parse(openapi_document(facts));
  const auto page = docs_page(facts);
  CAF_CHECK_EQUAL(api["openapi"], "3.1.0");
  CAF_CHECK_EQUAL(api["info"]["version"], "1.2.3");
  std::size_t operations = 0;
  std::vector<std::string> names;
  for (const auto& [path, methods] : api["paths"].items()) {
    CAF_CHECK(page.find(">" + path + "<") != std::string::npos);
    for (const auto& [method, operation] : methods.items()) {
      std::string upper = method;
      for (auto& c : upper) c = static_cast<char>(c - 'a' + 'A');
      const auto found = match(upper, path);
      CAF_CHECK(!std::holds_alternative<routes::not_found>(found));
      CAF_CHECK(!std::holds_alternative<routes::method_not_allowed>(found));
      CAF_CHECK(!std::holds_alternative<routes::not_served>(found));
      CAF_CHECK(!operation["responses"].empty());
      CAF_CHECK_EQUAL(needs_key(found), operation["responses"].contains("401"));
      CAF_CHECK_EQUAL(needs_key(found), !operation.contains("security"));
      const auto braces = static_cast<std::size_t>(std::count(path.begin(), path.end(), '{'));
      std::size_t in_path = 0;
      for (const auto& parameter : operation.value("parameters", nlohmann::json::array())) {
        in_path += parameter["in"] == "path" ? 1 : 0;
      }
      CAF_CHECK_EQUAL(in_path, braces);
      names.push_back(operation["operationId"]);
      ++operations;
    }
  }
  CAF_CHECK(operations >= 30);
  std::sort(names.begin(), names.end());
  CAF_CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  const auto& start = api["paths"]["/agents/{agent_id}/runs"]["post"]["requestBody"]["content"];
  for (const std::string type : {"application/x-www-form-urlencoded", "multipart/form-data"}) {
    CAF_CHECK(start[type]["schema"]["required"] == nlohmann::json::array({"message"}));
    CAF_CHECK_EQUAL(start[type]["schema"]["properties"]["stream"]["type"], "boolean");
  }
  CAF_CHECK(!nlohmann::json::parse(openapi_document({})).contains("security"));
}

CAF_TEST(the page stands alone and shows no markup of others) {
  os_facts facts{.name = "<b>&\"x\"", .version = "1", .with_key = false};
  const auto page = docs_page(facts, "http://h:1/?a=<i>");
  CAF_CHECK(page.starts_with("<!doctype html>"));
  for (const std::string_view no :
       {"<b>", "<i>", "<script", "src=", "@import", "url(", "<link", "https://", "onclick", "BASE", "Bearer"}) {
    CAF_CHECK(page.find(no) == std::string::npos);
  }
  CAF_CHECK(page.find("&lt;b&gt;&amp;&quot;x&quot;") != std::string::npos);
  CAF_CHECK(page.find("http://h:1/?a=&lt;i&gt;/agents/story-writer-agent/runs/123/cancel") != std::string::npos);
  CAF_CHECK(page.find("prefers-color-scheme:dark") != std::string::npos);
  facts.with_key = true;
  CAF_CHECK(docs_page(facts).find("Authorization: Bearer $KEY") != std::string::npos);
  std::size_t opened = 0;
  for (auto at = page.find("<details"); at != std::string::npos; at = page.find("<details", at + 1)) ++opened;
  std::size_t closed = 0;
  for (auto at = page.find("</details>"); at != std::string::npos; at = page.find("</details>", at + 1)) ++closed;
  CAF_CHECK_EQUAL(opened, closed);
}
