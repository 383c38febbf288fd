// What the program shows of a server's runs and sessions, and what it says when that cannot be: against a server that says
// what a test wrote down for it.
#define CAF_SUITE e2e.cli_lists

#include <caf/test/unit_test.hpp>
#include <memory>

#include "oncue/core/agentos_answers.hpp"
#include "support/canned_run.hpp"
#include "support/canned_server.hpp"
#include "support/client_program.hpp"

using namespace oncue;
using namespace oncue::test;
using end = canned_answer::end;

namespace {

struct fixture : client_program {
  fixture() { url = server.url(); }

  canned_server server;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(cli_lists_tests, fixture)

CAF_TEST(ps and sessions list what there is and json is a line each) {
  const auto run_line = [](std::string id, std::string status) {
    return R"({"run_id":")" + id + R"(","agent_id":"teller","session_id":"s1","status":")" + status +
           R"(","created_at":1})";
  };
  const std::string long_id = "01a204bd-553c-7aeb-8d79-0b6a04cc53ac";
  server.on("GET /runs?status=RUNNING", 200, "[" + run_line(long_id, "RUNNING") + "]");
  server.on("GET /runs?status=PE", 200, "[" + run_line("r2", "PENDING") + "," + run_line(long_id, "PENDING") + "]");
  server.on("GET /runs?status=PAUSED", 200, "[]");
  auto live = oncue({"ps"});
  CAF_CHECK_EQUAL(live.code, 0);
  CAF_CHECK(live.out.starts_with("RUN ID                                AGENT   STATUS   AGE"));
  CAF_CHECK(contains(live.out, "\nr2                                    teller  PENDING  "));
  CAF_CHECK_EQUAL(std::count(live.out.begin(), live.out.end(), '\n'), 3);
  CAF_CHECK_EQUAL(json_lines(oncue({"ps", "--json"}).out).size(), 2u);
  server.on("GET /runs?limit=7", 200, R"({"data":[]})");
  CAF_CHECK_EQUAL(oncue({"ps", "--all", "--limit", "7"}).err, "no such runs\n");
  server.on("GET /runs?status=ERROR&agent_id=teller&limit=50", 200, "[" + run_line("\\u001b[31mx", "ERROR") + "]");
  auto odd = oncue({"ps", "--status", "error", "--agent", "teller"});
  CAF_CHECK(contains(odd.out, "[31mx   teller  ERROR") && !contains(odd.out, "\033"));

  for (auto [columns, head] : {std::pair{"80", "RUN ID                                AGENT   STATUS   AGE      SESSION"},
                               std::pair{"60", "RUN ID                                STATUS   AGE"},
                               std::pair{"40", "RUN ID                                STATUS"}}) {
    auto narrow = command({"ps"}, {{"COLUMNS", columns}});
    narrow.terminal = true;
    auto out = finish(narrow).out;
    CAF_CHECK_EQUAL(out.substr(0, out.find_last_not_of(" \r\n", out.find('\n')) + 1), head);
    CAF_CHECK(contains(out, long_id));
    CAF_CHECK(contains(out, "\033[1mRUNNING\033[0m") && contains(out, "\033[2mPENDING\033[0m"));
  }

  const std::string session =
      R"({"session_id":"s1","session_name":"Dragons","agent_id":"teller","updated_at":"2026-11-22T07:02:02Z"})";
  server.on("GET /sessions?type=agent&component_id=teller&user_id=u1", 200,
            R"({"data":[)" + session + R"(],"meta":{"total_count":3}})");
  auto sessions = oncue({"sessions", "--agent", "teller", "--user", "u1"});
  CAF_CHECK(sessions.out.starts_with("SESSION ID  NAME     AGENT   UPDATED\ns1          Dragons  teller  "));
  CAF_CHECK_EQUAL(sessions.err, "3 sessions; --limit and --page show the others\n");
  CAF_CHECK_EQUAL(oncue({"sessions", "--agent", "teller", "--user", "u1", "--json"}).out, session + "\n");
  server.on("GET /sessions/s1?type=agent", 200, session);
  server.on("GET /sessions/s1/runs?type=agent", 200,
            R"([{"run_id":"r1","run_input":"tell me","content":"w0 w1","status":"CANCELLED"},)"
            R"({"run_id":"r2","run_input":"more","content":"w2\n","status":"COMPLETED"}])");
  auto one = oncue({"sessions", "s1"});
  CAF_CHECK_EQUAL(one.err, "session s1 · Dragons · teller · 2 runs\n");
  CAF_CHECK_EQUAL(one.out, "> tell me\nw0 w1\nrun r1 · CANCELLED\n\n> more\nw2\nrun r2 · COMPLETED\n");
}

CAF_TEST(nodes are listed with their leases and links and what is wrong with them) {
  const auto node = [](int incarnation, std::string name, std::string state, std::string lease, std::string link,
                       std::string more = "false") {
    return R"({"incarnation":)" + std::to_string(incarnation) + R"(,"name":")" + name + R"(","state":")" + state +
           R"(","url":"http://)" + name + R"(:7777","link":)" + link + R"(,"version":"0.1.0","lease_left_ms":)" + lease +
           R"(,"load":{"queued":1,"running":2,"room":97},"draining":)" + more + "}";
  };
  const std::string none = R"({"state":"none","problem":null,"round_trip_us":0})";
  const std::string list = R"({"self":3,"nodes":[)" + node(3, "n1", "up", "9500", none) + "," +
                           node(4, "n2", "up", "8000", R"({"state":"up","problem":null,"round_trip_us":312})", "true") +
                           "," + node(5, "n3", "late", "-1200", R"({"state":"down","problem":"it was not heard"})") + "," +
                           node(1, "n0", "dead", "-90000", R"({"state":"down","problem":"gone"})") + R"(],"problem":null})";
  server.on("GET /nodes", 200, list);
  auto shown = oncue({"nodes"});
  CAF_CHECK_EQUAL(shown.code, 0);
  CAF_CHECK_EQUAL(shown.out,
                  "NODE  INCARNATION  STATE         LEASE   RUNS    LINK        VERSION  URL\n"
                  "n1    3            up            9.5 s   2/1/97  this node   0.1.0    http://n1:7777\n"
                  "n2    4            up, draining  8 s     2/1/97  up, 312 µs  0.1.0    http://n2:7777\n"
                  "n3    5            late          -1.2 s  2/1/97  down        0.1.0    http://n3:7777\n"
                  "n0    1            dead          -       2/1/97  -           0.1.0    http://n0:7777\n");
  CAF_CHECK_EQUAL(shown.err, "n3: it was not heard\n");
  CAF_CHECK_EQUAL(oncue({"nodes", "--json"}).out, list + "\n");

  auto narrow = command({"nodes"}, {{"COLUMNS", "48"}});
  narrow.terminal = true;
  auto out = finish(narrow).out;
  CAF_CHECK(out.starts_with("NODE  STATE         LEASE   RUNS    LINK"));
  CAF_CHECK(contains(out, "\033[32mup\033[0m") && contains(out, "\033[33mlate\033[0m") &&
            contains(out, "\033[2mdead\033[0m"));
  auto plain = command({"nodes"}, {{"COLUMNS", "48"}, {"NO_COLOR", "1"}});
  plain.terminal = true;
  CAF_CHECK(!contains(finish(plain).out, "\033"));

  // A node that is alone, and one that has lost the database.
  server.on(
      "GET /nodes", 200,
      R"({"self":0,"nodes":[{"incarnation":0,"name":"box","state":"up","lease_left_ms":null,"link":{"state":"none"}}],)"
      R"("problem":"no route to \u001b[31mdb"})");
  auto lost = oncue({"nodes"});
  CAF_CHECK(contains(lost.out, "\nbox   -            up     -      0/0/0  this node  -        -\n"));
  CAF_CHECK_EQUAL(lost.err, "the shared store cannot be asked now: no route to [31mdb; this is what was known before\n");
  server.on("GET /nodes", 404, R"({"detail":"Not Found"})");
  auto older = oncue({"nodes"});
  CAF_CHECK_EQUAL(older.code, 1);
  CAF_CHECK(contains(older.err, " does not list nodes: it is no oncue server, or an older one\n"));
  for (const auto* odd : {"[]", "{}", R"({"nodes":[1]})", R"({"nodes":{}})", "<html>"}) {
    server.on("GET /nodes", 200, odd);
    CAF_CHECK(contains(oncue({"nodes"}).err, "error: the server's answer is not understood: expected a list of nodes"));
  }
}

CAF_TEST(logs show the past and do not wait for the future) {
  const canned_run whole{2, ending_kind::cancelled};
  const auto resume = "POST /agents/teller/runs/r1/resume";
  std::string replay, subscribed;
  core::append_replay_frame(replay, {"r1"}, run_status::cancelled, 6, 6, {});
  core::append_subscribed_frame(subscribed, {"r1"}, 3);
  const auto document = [](std::string status) {
    return R"({"run_id":"r1","agent_id":"teller","created_at":1795330922,"status":")" + status + R"("})";
  };
  server.on("GET /runs/r1", 200, document("CANCELLED"));
  server.stream(resume, {{replay + whole.all()}});
  auto result = oncue({"logs", "r1"});
  CAF_CHECK_EQUAL(result.code, 0);
  CAF_CHECK_EQUAL(server.requests().back().body, "last_event_index=-1");
  CAF_CHECK_EQUAL(result.err, "run r1 · teller · 2026-11-22 07:02:02 · CANCELLED\n");
  CAF_CHECK_EQUAL(result.out,
                  "07:02:02    0  RunStarted             Storyteller · model-1\n"
                  "07:02:03    1  ModelRequestStarted\n"
                  "07:02:04    2  RunContent             w0\n"
                  "07:02:05    3  RunContent             w1\n"
                  "07:02:06    4  RunCancelled           cancelled (Ctrl-C) · 6 characters kept\n");
  CAF_CHECK_EQUAL(oncue({"logs", "r1", "--text"}).out, "w0 w1 ");
  auto json = json_lines(oncue({"logs", "r1", "--json"}).out);
  CAF_CHECK_EQUAL(json.size(), 5u);
  CAF_CHECK_EQUAL(json.back()["event"], "RunCancelled");

  server.on("GET /runs/r1", 200, document("RUNNING"));
  server.stream(resume, {{whole.frames(0, 3) + subscribed}}, end::hold);
  auto live = oncue({"logs", "r1"});
  CAF_CHECK_EQUAL(live.code, 0);
  CAF_CHECK(contains(live.out, "2  RunContent             w0\n"));
  CAF_CHECK(contains(live.err, "the run is not over; 'oncue attach r1' follows it\n"));
}

CAF_TEST(what goes wrong is said in one sentence and no key in it) {
  const variables key{{"OS_SECURITY_KEY", "s3cret-key"}};
  auto gone = std::make_unique<canned_server>()->url();
  auto where = gone.substr(7);
  const auto refused = "error: cannot connect to " + where + ": connection refused; is 'oncue serve' running there?\n";
  const auto hint = "; give the key in OS_SECURITY_KEY, or with --key\n";
  server.on("GET /runs/locked", 401, core::key_missing().body);
  server.on("GET /runs/r9/events", 404, core::run_not_found().body);
  server.on("GET /runs/old/events", 410, core::gone_document({"old"}, 0, 7));
  server.on("GET /runs/late/events", 204, "");
  server.stream("GET /runs/odd/events", {{"data: {\"event\":\"RunContent\",\"event_index\":\"x\"}\n\n"}});
  server.stream("GET /runs/lost/events", {{"data: {\"event\": \"error\", \"error\": \"Run lost not found\"}\n\n"}});
  server.on("GET /runs?status=PENDING", 200, "<html>");
  server.on("GET /agents", 200, "[]");
  server.on("POST /agents/teller/runs", 422, R"({"detail":[{"loc":["body","message"],"msg":"Field required"}]})");
  server.on("POST /agents/busy/runs", 429, R"({"detail":"too many runs"})");
  server.on("POST /agents/html/runs", {{200, "text/html", {{"<html>"}}}});
  const arguments remote{"run", "--url", server.url()};
  auto with = [&](arguments more) {
    auto words = remote;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  struct {
    arguments words;
    int code;
    std::string err;
    variables more = {};
  } cases[] = {
      {{"ps", "--url", gone}, 1, refused},
      {{"attach", "r1", "--url", gone}, 1, refused},
      {{"nodes", "--url", gone}, 1, refused},
      {{"cancel", "r1", "--url", gone}, 1, refused},
      {{"run", "--url", gone, "hello"}, 1, refused},
      {{"logs", "locked"}, 1, "error: run locked: Authorization header required" + std::string{hint}},
      {{"logs", "locked"},
       1,
       "error: run locked: Authorization header required; the key that was given is not this server's\n",
       key},
      {{"logs", "r9"}, 1, "error: run r9: Not Found\n"},
      {{"attach", "r9"}, 1, "error: Run not found\n"},
      {{"attach", "old"},
       1,
       "error: The events of run old from index 0 on are not kept any more: the first one kept is 7\n"},
      {{"attach", "late", "--from", "9"}, 1, "error: run late has ended before event 9\n"},
      {{"attach", "odd"},
       1,
       "error: the server's stream is not understood: the event RunContent: event_index: expected a whole number from 0 to "
       "9007199254740992\n"},
      {{"attach", "lost"}, 1, "error: Run lost not found\n"},
      {{"ps"}, 1, "error: the server's answer is not understood: expected runs, a JSON array\n"},
      {with({"hello"}), 1, "error: the server has no agents\n"},
      {with({"--agent", "teller", "hello"}), 2, "error: body.message: Field required\n"},
      {with({"--agent", "busy", "hello"}), 1, "error: too many runs\n"},
      {with({"--agent", "html", "hello"}), 1,
       "error: " + server.url() + " does not answer with a stream: is it an AgentOS server?\n"},
      {with({"--timeout", "5s", "hello"}), 2, "error: --timeout: not with --url: the server's own configuration decides\n"},
      {with({"--model", "m", "hello"}), 2, "error: --model: not with --url: the server's own configuration decides\n"},
      {with({"--background", "--cancel-after", "1s", "hello"}), 2,
       "error: --cancel-after: not with --background: nobody waits for the run\n"},
      {{"run", "--session", "s", "hello"}, 2, "error: --session: only with --url: it is for a run on a server\n"},
      {{"run", "--background", "hello"}, 2, "error: --background: only with --url: it is for a run on a server\n"},
      {{"attach", "no/id"}, 2, "error: RUN_ID: expected 1 to 128 characters of A-Z a-z 0-9 . _ : -\n"},
      {{"cancel", "r1", "--wait", "2m"}, 2, "error: --wait: expected at most 1 min\n"},
      {{"ps", "--url", "ftp://x"}, 2, "error: --url: expected http://HOST:PORT or https://HOST\n"},
      {{"ps"},
       2,
       "error: ONCUE_URL: expected http://HOST:PORT or https://HOST, without a name or password\n",
       {{"ONCUE_URL", "http://me:s3cret-key@host"}}},
  };
  for (const auto& [words, code, err, more] : cases) {
    CAF_MESSAGE(err);
    auto result = oncue(words, more);
    CAF_CHECK_EQUAL(result.code, code);
    CAF_CHECK_EQUAL(result.err, err);
    CAF_CHECK_EQUAL(result.out, "");
    CAF_CHECK(!contains(result.err, "s3cret"));
  }
  CAF_CHECK(server.wait_until([](const auto& all) {
    return std::any_of(all.begin(), all.end(),
                       [](const auto& r) { return contains(r.head, "\r\nAuthorization: Bearer s3cret-key\r\n"); });
  }));
  oncue({"logs", "locked", "--key", "another"}, key);
  CAF_CHECK(contains(server.requests().back().head, "\r\nAuthorization: Bearer another\r\n"));
}

CAF_TEST_FIXTURE_SCOPE_END()
