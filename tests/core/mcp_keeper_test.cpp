#define CAF_SUITE core.mcp_keeper

#include "oncue/core/mcp_keeper.hpp"

#include <caf/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "oncue/core/mcp_http.hpp"
#include "oncue/core/mcp_tools.hpp"

using namespace oncue;
using namespace oncue::core;
using namespace std::chrono_literals;

namespace {

/// A server that does what the test says, and the time.
struct bench {
  mcp_keeper keeper{[] {
                      mcp_spec spec;
                      spec.id = "files";
                      spec.start_timeout = 20s;
                      spec.call_timeout = 60s;
                      return spec;
                    }(),
                    "1.0"};
  std::int64_t now = 1'000'000'000;
  std::uint64_t request = 0;  ///< the last that was sent

  void wait(milliseconds time) { now += std::chrono::microseconds{time}.count(); }

  /// Orders in words; messages by their method.
  std::string words(const mcp_keeper_orders& orders) {
    std::string text;
    for (const auto& order : orders) {
      if (const auto* open = std::get_if<mcp_order::open>(&order)) {
        text += "open " + std::to_string(open->connection) + "\n";
      } else if (const auto* send = std::get_if<mcp_order::send>(&order)) {
        const auto& json = send->message.json;
        const auto at = json.find("\"method\":\"") + 10;
        text += "send " + json.substr(at, json.find('"', at) - at) + "\n";
        if (send->message.request != 0) request = send->message.request;
      } else if (const auto* forget = std::get_if<mcp_order::forget>(&order)) {
        text += "forget " + std::to_string(forget->request) + "\n";
      } else if (const auto* answer = std::get_if<mcp_order::answer>(&order)) {
        text += "answer " + std::to_string(answer->call) + (answer->failed ? " failed: " : ": ") + answer->text + "\n";
      } else if (std::holds_alternative<mcp_order::close>(order)) {
        text += "close\n";
      } else if (const auto* listed = std::get_if<mcp_order::listed>(&order)) {
        text += "listed " + (listed->problem.empty() ? std::to_string(keeper.tools().size()) : listed->problem) + "\n";
      } else {
        text += "gone\n";
      }
    }
    return text;
  }

  std::string list() { return words(keeper.list(now)); }
  std::string call(mcp_call_no number) { return words(keeper.call(number, {"add", "{}"}, now)); }
  std::string stop(mcp_call_no number) { return words(keeper.stop(number, "enough", now)); }
  std::string tick() { return words(keeper.tick(now)); }
  std::string says(mcp_said what) {
    if (what.connection == 0) what.connection = keeper.connection();
    return words(keeper.said(what, now));
  }
  std::string says(const std::string& json) {
    mcp_said what;
    what.text = json;
    return says(what);
  }
  std::string ends(const std::string& how, const std::string& last_words = {}, bool not_started = false) {
    mcp_said what;
    what.what = mcp_word::ended;
    what.text = how;
    what.last_words = last_words;
    what.not_started = not_started;
    return says(what);
  }
  std::string answers(const std::string& rest) { return says("{\"id\":" + std::to_string(request) + "," + rest + "}"); }
  std::string greets() { return answers(R"("result":{"protocolVersion":"2025-06-18"})"); }
  std::string lists() { return answers(R"("result":{"tools":[{"name":"add"}]})"); }
  std::string becomes_ready() {
    greets();
    return lists();
  }
  milliseconds rest() {
    return std::chrono::duration_cast<milliseconds>(std::chrono::microseconds{*keeper.wake_at() - now});
  }
};

const std::string opened = "send initialize\n";
const std::string done = R"("result":{"content":[{"type":"text","text":"3"}]})";

}  // namespace

CAF_TEST(a server is started when it is first asked and everybody is answered) {
  bench b;
  CAF_CHECK(!b.keeper.wake_at());
  CAF_CHECK_EQUAL(b.list(), "open 1\n" + opened);
  CAF_CHECK_EQUAL(b.list(), "");
  CAF_CHECK_EQUAL(b.call(7), "");
  CAF_CHECK(b.rest() == 20s);
  CAF_CHECK_EQUAL(b.becomes_ready(), "listed 1\nsend tools/call\n");
  CAF_CHECK(!b.keeper.wake_at());
  CAF_CHECK_EQUAL(b.answers(done), "answer 7: 3\n");
  CAF_CHECK_EQUAL(b.list(), "listed 1\n");
  CAF_CHECK_EQUAL(b.call(8), "send tools/call\n");
}

CAF_TEST(why a server did not start is one sentence) {
  struct row {
    std::string what;
    std::function<std::string(bench&)> happens;
    std::string problem;
  };
  const std::vector<row> rows{
      {"no program", [](bench& b) { return b.ends("there is no program 'x'", "", true); },
       "the MCP server 'files' could not be started: there is no program 'x'"},
      {"ends at once", [](bench& b) { return b.ends("exit code 3", "Error: no\n  such file\n"); },
       "the MCP server 'files' ended (exit code 3) before it was ready; its last words: Error: no such file"},
      {"a key in its last words", [](bench& b) { return b.ends("signal 9", "key sk-1234567890abcdef1234567890"); },
       "the MCP server 'files' ended (signal 9) before it was ready; its last words: key [redacted]"},
      {"takes too long",
       [](bench& b) {
         b.wait(20s);
         CAF_CHECK_EQUAL(b.tick(), "close\n");
         CAF_CHECK(b.keeper.wake_at());  // for its end it is waited too, but not for ever
         // Too late.
         CAF_CHECK_EQUAL(b.greets(), "");
         return b.ends("signal 15", "loading");
       },
       "the MCP server 'files' was not ready within 20 s; its last words: loading"},
      {"takes too long and does not even end",
       [](bench& b) {
         b.wait(20s);
         CAF_CHECK_EQUAL(b.tick(), "close\n");
         b.wait(core::limits::tool_grace_default + core::limits::mcp_goodbye_max);
         return b.tick();
       },
       "the MCP server 'files' was not ready within 20 s"},
      {"refuses",
       [](bench& b) {
         CAF_CHECK_EQUAL(b.answers(R"("error":{"code":1,"message":"not today"})"), "close\n");
         return b.ends("exit code 0");
       },
       "the MCP server 'files' refused to begin: not today (code 1)"},
      {"cannot be reached",
       [](bench& b) {
         mcp_said what;
         what.what = mcp_word::request_failed;
         what.request = b.request;
         what.text = "could not be reached: refused";
         CAF_CHECK_EQUAL(b.says(what), "close\n");
         return b.ends("");
       },
       "the MCP server 'files' could not be reached: refused"},
  };
  for (const auto& row : rows) {
    CAF_MESSAGE(row.what);
    bench b;
    b.list();
    b.call(7);
    CAF_CHECK_EQUAL(row.happens(b), "answer 7 failed: " + row.problem + "\nlisted " + row.problem + "\n");
    // Who asks again at once hears the same at once; a little later it is tried again.
    CAF_CHECK_EQUAL(b.list(), "listed " + row.problem + " (not tried again for 1 s)\n");
    CAF_CHECK_EQUAL(b.call(8), "answer 8 failed: " + row.problem + " (not tried again for 1 s)\n");
    b.wait(500ms);
    CAF_CHECK_EQUAL(b.list(), "open 2\n" + opened);
  }
}

CAF_TEST(calls of a server that dies fail and the next one waits for its return) {
  bench b;
  b.list();
  b.becomes_ready();
  b.call(7);
  b.call(8);
  const std::string why =
      " failed: the MCP server 'files' ended (exit code 1) while it worked on this call; its last words: oops\n";
  CAF_CHECK_EQUAL(b.ends("exit code 1", "oops"), "answer 7" + why + "answer 8" + why);
  CAF_CHECK(!b.keeper.wake_at());  // nobody asks, so it stays dead
  CAF_CHECK_EQUAL(b.call(9), "");
  CAF_CHECK(b.rest() == 500ms);
  CAF_CHECK_EQUAL(b.tick(), "");
  b.wait(500ms);
  CAF_CHECK_EQUAL(b.tick(), "open 2\n" + opened);
  CAF_CHECK_EQUAL(b.becomes_ready(), "send tools/call\n");
  CAF_CHECK_EQUAL(b.answers(done), "answer 9: 3\n");
}

CAF_TEST(what an earlier connection says late changes nothing) {
  bench b;
  b.list();
  b.becomes_ready();
  b.call(7);
  b.ends("exit code 1");
  b.wait(1s);
  b.call(8);
  mcp_said late;
  late.connection = 1;
  late.text = R"({"id":1,"result":{"protocolVersion":"2025-06-18"}})";
  CAF_CHECK_EQUAL(b.says(late), "");
  late.what = mcp_word::ended;
  CAF_CHECK_EQUAL(b.says(late), "");
  CAF_CHECK_EQUAL(b.becomes_ready(), "send tools/call\n");
}

CAF_TEST(a server that dies again and again is left alone longer and longer) {
  bench b;
  for (auto expected : {500ms, 1000ms, 2000ms, 4000ms, 8000ms, 16000ms, 32000ms, 60000ms, 60000ms}) {
    b.call(1);
    b.becomes_ready();
    b.ends("exit code 1");
    b.call(2);
    CAF_CHECK(b.rest() == expected);
    b.stop(2);
    b.wait(expected);
  }
  // It was well for a while: the next death is the first again.
  b.call(1);
  b.becomes_ready();
  b.wait(limits::mcp_restart_delay_max);
  b.ends("exit code 1");
  b.call(2);
  CAF_CHECK(b.rest() == 500ms);
}

CAF_TEST(a stopped call is told to the server and has no answer) {
  bench b;
  b.call(7);
  CAF_CHECK_EQUAL(b.stop(7), "");
  CAF_CHECK_EQUAL(b.becomes_ready(), "");
  b.call(8);
  CAF_CHECK_EQUAL(b.stop(8), "send notifications/cancelled\nforget 3\n");
  CAF_CHECK_EQUAL(b.answers(done), "");
  CAF_CHECK_EQUAL(b.stop(8), "");
  b.call(9);
  CAF_CHECK_EQUAL(b.answers(done), "answer 9: 3\n");
  CAF_CHECK_EQUAL(b.stop(9), "");
}

CAF_TEST(a server that lets three calls in a row run out of time is started again) {
  bench b;
  b.list();
  b.becomes_ready();
  b.call(100);
  for (mcp_call_no number = 1; number <= 2; ++number) {
    b.call(number);
    b.wait(60s);
    CAF_CHECK_EQUAL(b.stop(number).find("close"), std::string::npos);
  }
  // A cancel is no time-out.
  b.call(3);
  CAF_CHECK_EQUAL(b.stop(3).find("close"), std::string::npos);
  b.call(4);
  b.wait(60s);
  CAF_CHECK(b.stop(4).ends_with("close\n"));
  CAF_CHECK_EQUAL(b.call(5), "");
  CAF_CHECK_EQUAL(
      b.ends("signal 9"),
      "answer 100 failed: the MCP server 'files' was stopped (it left 3 calls in a row without an answer) while "
      "it worked on this call\n");
  b.wait(500ms);
  CAF_CHECK_EQUAL(b.tick(), "open 2\n" + opened);
}

CAF_TEST(an answer in between says that a server does not hang) {
  bench b;
  b.list();
  b.becomes_ready();
  for (mcp_call_no number = 1; number <= 9; ++number) {
    b.call(number);
    b.wait(60s);
    if (number % 3 != 0) {
      CAF_CHECK_EQUAL(b.stop(number).find("close"), std::string::npos);
    } else {
      CAF_CHECK_EQUAL(b.answers(done), "answer " + std::to_string(number) + ": 3\n");
    }
  }
}

CAF_TEST(a lost session is begun again and the call that found out is sent again once) {
  bench b;
  b.list();
  b.becomes_ready();
  b.call(6);
  b.call(7);
  mcp_said lost;
  lost.what = mcp_word::session_lost;
  lost.request = b.request;
  CAF_CHECK_EQUAL(b.says(lost), "close\n");
  CAF_CHECK_EQUAL(b.ends(""),
                  "answer 6 failed: the MCP server 'files' has forgotten its session while it worked on this "
                  "call\nopen 2\n" +
                      opened);
  CAF_CHECK_EQUAL(b.becomes_ready(), "send tools/call\n");
  lost.connection = 0;
  lost.request = b.request;
  b.says(lost);
  CAF_CHECK_EQUAL(b.ends(""),
                  "answer 7 failed: the MCP server 'files' has forgotten its session while it worked on this call\n");
}

CAF_TEST(a server that is told to go answers everybody and goes when it is closed) {
  bench b;
  b.call(7);
  b.list();
  const std::string why = "the MCP server 'files' is being stopped\n";
  CAF_CHECK_EQUAL(b.words(b.keeper.quit()), "answer 7 failed: " + why + "listed " + why + "close\n");
  CAF_CHECK_EQUAL(b.list(), "listed " + why);
  CAF_CHECK_EQUAL(b.call(8), "answer 8 failed: " + why);
  CAF_CHECK_EQUAL(b.ends("signal 15"), "gone\n");
  bench never_asked;
  CAF_CHECK_EQUAL(never_asked.words(never_asked.keeper.quit()), "gone\n");
  bench ready;
  ready.list();
  ready.becomes_ready();
  CAF_CHECK_EQUAL(ready.words(ready.keeper.quit()), "close\n");
  CAF_CHECK_EQUAL(ready.call(8), "answer 8 failed: " + why);
  CAF_CHECK_EQUAL(ready.ends("exit code 0"), "gone\n");
}

CAF_TEST(tools get names that models take and keep their own) {
  mcp_spec spec;
  spec.id = "files";
  spec.prefix = "fs_";
  spec.confirm = {"write file"};
  spec.call_timeout = 7s;
  spec.grace = 1s;
  spec.result_bytes_max = 99;
  const std::string long_name(80, 'x');
  const auto tools = mcp_tools(spec, {{"read", "Reads", "{}"},
                                      {"write file", "", "{}"},
                                      {"write.file", "", "{}"},
                                      {"höhe", "", "{}"},
                                      {long_name, "", "{}"},
                                      {long_name + "y", "", "{}"}});
  std::string names;
  for (const auto& tool : tools) names += tool.name + " ";
  CAF_CHECK_EQUAL(names, "fs_read fs_write_file fs_write_file_2 fs_h_he fs_" + std::string(61, 'x') + " fs_" +
                             std::string(59, 'x') + "_2 ");
  CAF_CHECK_EQUAL(tools[1].remote, "write file");
  CAF_CHECK_EQUAL(tools[0].server, "files");
  CAF_CHECK_EQUAL(tools[0].description, "Reads");
  CAF_CHECK(tools[0].kind == tool_kind::mcp);
  CAF_CHECK(tools[0].need == tool_need::nothing);
  CAF_CHECK(tools[1].need == tool_need::confirmation);
  CAF_CHECK(tools[2].need == tool_need::nothing);
  CAF_CHECK(tools[0].timeout == 7s && tools[0].grace == 1s && tools[0].result_bytes_max == 99);
  spec.prefix.clear();
  spec.tools = {"write.file", "read"};
  spec.confirm = {"*"};
  const auto some = mcp_tools(spec, {{"read", "", "{}"}, {"other", "", "{}"}, {"write.file", "", "{}"}});
  CAF_REQUIRE_EQUAL(some.size(), 2u);
  CAF_CHECK_EQUAL(some[1].name, "write_file");
  CAF_CHECK(some[0].need == tool_need::confirmation && some[1].need == tool_need::confirmation);
}

CAF_TEST(an answer over HTTP that brings no message is told without secrets) {
  const std::vector<std::string> secrets{"geheim-1234"};
  struct row {
    int status;
    const char* body;
    const char* told;
  };
  for (const auto& row : std::vector<row>{
           {401, R"({"error":{"message":"invalid token: geheim-1234"}})",
            "answered with status 401: invalid token: [redacted]"},
           {400, R"({"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad"},"id":null})", "answered with status 400: Bad"},
           {403, R"({"error":"invalid_token","error_description":"expired"})", "answered with status 403: expired"},
           {500, "oops\n", "answered with status 500: oops"},
           {502, "<html>Bad gateway</html>", "answered with status 502"},
           {500, "{\"broken", "answered with status 500"},
           {500, "", "answered with status 500"}}) {
    CAF_CHECK_EQUAL(mcp_http_problem(row.status, row.body, secrets), row.told);
  }
  CAF_CHECK(mcp_session_is_unknown(404, ""));
  CAF_CHECK(mcp_session_is_unknown(400, "Bad Request: No valid session ID provided"));
  CAF_CHECK(!mcp_session_is_unknown(400, "Bad Request"));
  CAF_CHECK(!mcp_session_is_unknown(401, "session"));
}
