#define CAF_SUITE core.mcp_session

#include "oncue/core/mcp_session.hpp"

#include <caf/test/unit_test.hpp>
#include <string>
#include <vector>

#include "oncue/core/text.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

/// Effects in words, one a line: what a table can compare.
std::string words(const mcp_session_effects& effects) {
  std::string text;
  for (const auto& effect : effects) {
    if (const auto* send = std::get_if<mcp_effect::send>(&effect)) {
      text += "send " + send->message.json + "\n";
    } else if (const auto* forget = std::get_if<mcp_effect::forget>(&effect)) {
      text += "forget " + std::to_string(forget->request) + "\n";
    } else if (std::holds_alternative<mcp_effect::ready>(effect)) {
      text += "ready\n";
    } else if (const auto* answer = std::get_if<mcp_effect::answer>(&effect)) {
      text += "answer " + std::to_string(answer->call) + (answer->failed ? " failed: " : ": ") + answer->text + "\n";
    } else if (const auto* broken = std::get_if<mcp_effect::broken>(&effect)) {
      text += "broken: " + broken->why + "\n";
    }
  }
  return text;
}

constexpr auto greeting =
    R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{}}})";
constexpr auto two_tools =
    R"({"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"add","description":"Adds","inputSchema":{"type":"object"}},{"name":"wait"}]}})";

/// One that is ready; its first call will be request 3.
mcp_session ready_session() {
  mcp_session session{"files", "1.0"};
  session.begin();
  session.take(greeting);
  session.take(two_tools);
  CAF_REQUIRE(session.is_ready());
  return session;
}

std::string answer_to(std::uint64_t id, const std::string& rest) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + "," + rest + "}";
}

std::string names(const mcp_session& session) {
  std::string text;
  for (const auto& tool : session.tools()) text += tool.name + " ";
  return text;
}

}  // namespace

CAF_TEST(a session greets and says that it heard and lists and is ready) {
  mcp_session session{"files", "1.0"};
  CAF_CHECK_EQUAL(
      words(session.begin()),
      "send {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\","
      "\"capabilities\":{},\"clientInfo\":{\"name\":\"oncue\",\"version\":\"1.0\"}}}\n");
  CAF_CHECK_EQUAL(words(session.begin()), "");
  auto effects = session.take(greeting);
  CAF_CHECK_EQUAL(words(effects),
                  "send {\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n"
                  "send {\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}\n");
  CAF_CHECK_EQUAL(std::get<mcp_effect::send>(effects[1]).message.version, "2025-06-18");
  CAF_CHECK_EQUAL(std::get<mcp_effect::send>(effects[1]).message.request, 2u);
  CAF_CHECK_EQUAL(std::get<mcp_effect::send>(effects[0]).message.request, 0u);
  CAF_CHECK(!session.is_ready());
  CAF_CHECK_EQUAL(words(session.take(two_tools)), "ready\n");
  CAF_CHECK(session.is_ready());
  CAF_REQUIRE_EQUAL(session.tools().size(), 2u);
  CAF_CHECK_EQUAL(session.tools()[0].description, "Adds");
  CAF_CHECK_EQUAL(session.tools()[0].parameters, R"({"type":"object"})");
  CAF_CHECK_EQUAL(session.tools()[1].parameters, R"({"type":"object","properties":{}})");
}

CAF_TEST(three revisions are spoken and no other) {
  struct row {
    const char* answer;
    const char* broken;  ///< empty: it goes on
  };
  for (const auto& row : std::vector<row>{
           {R"("result":{"protocolVersion":"2025-06-18"})", ""},
           {R"("result":{"protocolVersion":"2025-03-26"})", ""},
           {R"("result":{"protocolVersion":"2024-11-05"})", ""},
           {R"("result":{"protocolVersion":"1999-01-01"})",
            "speaks version \"1999-01-01\" of the protocol; expected 2025-06-18, 2025-03-26 or 2024-11-05"},
           {R"("result":{"protocolVersion":7})", "did not say which version of the protocol it speaks"},
           {R"("result":{})", "did not say which version of the protocol it speaks"},
           {R"("result":[])", "did not say which version of the protocol it speaks"},
           {R"("result":null)", "did not say which version of the protocol it speaks"},
           {R"("error":{"code":-32602,"message":"Unsupported"})", "refused to begin: Unsupported (code -32602)"},
           {R"("error":{})", "refused to begin: no reason was given"},
           {R"("error":"no")", "answered with an error that is not an object"},
           {R"("x":1)", "answered with neither a result nor an error"},
       }) {
    CAF_MESSAGE(row.answer);
    mcp_session session{"files", "1.0"};
    session.begin();
    const auto said = words(session.take(answer_to(1, row.answer)));
    if (*row.broken) {
      CAF_CHECK_EQUAL(said, "broken: " + std::string{row.broken} + "\n");
      // It is over: nothing that comes later changes that.
      CAF_CHECK_EQUAL(words(session.take(greeting)), "");
    } else {
      CAF_CHECK_EQUAL(said.find("broken"), std::string::npos);
    }
  }
}

CAF_TEST(a list of tools may have pages) {
  mcp_session session{"files", "1.0"};
  session.begin();
  session.take(greeting);
  CAF_CHECK_EQUAL(words(session.take(answer_to(2, R"("result":{"tools":[{"name":"a"}],"nextCursor":"p\"2"})"))),
                  "send {\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\",\"params\":{\"cursor\":\"p\\\"2\"}}\n");
  CAF_CHECK(!session.is_ready());
  CAF_CHECK_EQUAL(words(session.take(answer_to(3, R"("result":{"tools":[{"name":"b"}],"nextCursor":"p3"})"))),
                  "send {\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/list\",\"params\":{\"cursor\":\"p3\"}}\n");
  // The page that leads to itself is the last.
  CAF_CHECK_EQUAL(words(session.take(answer_to(4, R"("result":{"tools":[{"name":"c"}],"nextCursor":"p3"})"))), "ready\n");
  CAF_CHECK_EQUAL(names(session), "a b c ");
}

CAF_TEST(a list without an end ends) {
  mcp_session session{"files", "1.0"};
  session.begin();
  session.take(greeting);
  std::uint64_t page = 0;
  for (; page < 2 * limits::mcp_pages_max && !session.is_ready(); ++page) {
    session.take(answer_to(page + 2, R"("result":{"tools":[],"nextCursor":")" + std::to_string(page) + "\"}"));
  }
  CAF_CHECK_EQUAL(page, limits::mcp_pages_max);
  mcp_session other{"files", "1.0"};
  other.begin();
  other.take(greeting);
  std::string many;
  for (std::size_t i = 0; i < limits::tools_max + 7; ++i) many += ",{\"name\":\"t" + std::to_string(i) + "\"}";
  CAF_CHECK_EQUAL(words(other.take(answer_to(2, R"("result":{"nextCursor":"more","tools":[)" + many.substr(1) + "]}"))),
                  "ready\n");
  CAF_CHECK_EQUAL(other.tools().size(), limits::tools_max);
}

CAF_TEST(a tool that cannot be offered is left out and the others stay) {
  const auto deep = std::string(40, '[') + std::string(40, ']');
  for (const auto& tool : std::vector<std::string>{
           "7", "null", "{}", R"({"name":7})", R"({"name":""})", R"({"name":"good"})",
           R"({"name":")" + std::string(limits::mcp_tool_name_bytes_max + 1, 'x') + "\"}",
           R"({"name":"x","inputSchema":[]})", R"({"name":"x","inputSchema":{"type":"string"}})",
           R"({"name":"x","inputSchema":{"type":["object"]}})", R"({"name":"x","inputSchema":{"a":)" + deep + "}}",
           R"({"name":"x","inputSchema":{"a":")" + std::string(limits::tool_schema_bytes_max, 'x') + "\"}}"}) {
    mcp_session session{"files", "1.0"};
    session.begin();
    session.take(greeting);
    session.take(answer_to(2, R"("result":{"tools":[{"name":"good"},)" + tool + R"(,{"name":"also"}]})"));
    CAF_CHECK_EQUAL(names(session), "good also ");
    CAF_CHECK_EQUAL(session.counts().tools_left_out, 1u);
  }
}

CAF_TEST(a list that is refused or is no list) {
  struct row {
    const char* answer;
    const char* says;
  };
  for (const auto& row : std::vector<row>{
           {R"("error":{"code":-32601,"message":"Method not found"})", "ready\n"},  // it has no tools
           {R"("error":{"code":-32603,"message":"Oops"})", "broken: refused to list its tools: Oops (code -32603)\n"},
           {R"("result":{"tools":{}})", "broken: answered without a list of tools\n"},
           {R"("result":7)", "broken: answered without a list of tools\n"},
           {R"("result":{"tools":[]})", "ready\n"},
       }) {
    mcp_session session{"files", "1.0"};
    session.begin();
    session.take(greeting);
    CAF_CHECK_EQUAL(words(session.take(answer_to(2, row.answer))), row.says);
    CAF_CHECK_EQUAL(names(session), "");
  }
}

CAF_TEST(tools are listed again when the server says that they changed) {
  auto session = ready_session();
  const auto changed = R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})";
  CAF_CHECK_EQUAL(words(session.take(changed)), "send {\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\"}\n");
  // Twice more while it is read is once more.
  CAF_CHECK_EQUAL(words(session.take(changed)), "");
  CAF_CHECK_EQUAL(words(session.take(changed)), "");
  CAF_CHECK_EQUAL(names(session), "add wait ");
  CAF_CHECK_EQUAL(words(session.take(answer_to(3, R"("result":{"tools":[{"name":"new"}]})"))),
                  "ready\nsend {\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/list\"}\n");
  CAF_CHECK_EQUAL(names(session), "new ");
  // A list that cannot be read changes nothing, and the next change is heard.
  CAF_CHECK_EQUAL(words(session.take(answer_to(4, R"("error":{"code":1,"message":"busy"})"))), "");
  CAF_CHECK_EQUAL(names(session), "new ");
  CAF_CHECK_EQUAL(words(session.take(changed)), "send {\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/list\"}\n");
}

CAF_TEST(a call is answered once whatever comes) {
  auto session = ready_session();
  CAF_CHECK_EQUAL(words(session.call(7, {"add", R"({ "a": 1,
    "b": "x y" })"})),
                  "send {\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"add\","
                  "\"arguments\":{\"a\":1,\"b\":\"x y\"},\"_meta\":{\"progressToken\":3}}}\n");
  CAF_CHECK_EQUAL(session.call_of(3), 7u);
  CAF_CHECK_EQUAL(words(session.take(answer_to(99, R"("result":{"content":[]})"))), "");
  CAF_CHECK_EQUAL(words(session.take(R"({"jsonrpc":"2.0","id":"3","result":{"content":[]}})")), "");
  CAF_CHECK_EQUAL(words(session.take(R"({"jsonrpc":"2.0","id":3.0,"result":{"content":[]}})")), "");
  CAF_CHECK_EQUAL(words(session.take(answer_to(3, R"("result":{"content":[{"type":"text","text":"two"}]})"))),
                  "answer 7: two\n");
  CAF_CHECK_EQUAL(words(session.take(answer_to(3, R"("result":{"content":[{"type":"text","text":"three"}]})"))), "");
  CAF_CHECK_EQUAL(words(session.request_failed(3, "closed the connection")), "");
  CAF_CHECK_EQUAL(words(session.cancel(7, "late")), "");
  CAF_CHECK_EQUAL(session.counts().unknown_answers, 4u);
  CAF_CHECK_EQUAL(session.call_of(3), 0u);
}

CAF_TEST(answers find their calls in any order) {
  auto session = ready_session();
  session.call(7, {"add", ""});
  session.call(8, {"wait", "{}"});
  CAF_CHECK_EQUAL(words(session.take(answer_to(4, R"("result":{"content":[{"type":"text","text":"b"}]})"))),
                  "answer 8: b\n");
  CAF_CHECK_EQUAL(words(session.take(answer_to(3, R"("result":{"content":[{"type":"text","text":"a"}]})"))),
                  "answer 7: a\n");
}

CAF_TEST(a cancelled call is told to the server and its late answer ignored) {
  auto session = ready_session();
  session.call(7, {"wait", "{}"});
  session.call(8, {"wait", "{}"});
  CAF_CHECK_EQUAL(words(session.cancel(7, "the \"user\"")),
                  "send {\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":3,"
                  "\"reason\":\"the \\\"user\\\"\"}}\nforget 3\n");
  CAF_CHECK_EQUAL(words(session.cancel(7, "again")), "");
  CAF_CHECK_EQUAL(words(session.take(answer_to(3, R"("result":{"content":[]})"))), "");
  CAF_CHECK_EQUAL(words(session.take(answer_to(4, R"("result":{"content":[]})"))), "answer 8: \n");
}

CAF_TEST(what a result becomes) {
  struct row {
    std::string result;
    std::string answer;
  };
  const auto text = [](const std::string& content) { return R"("result":{"content":)" + content + "}"; };
  for (const auto& row : std::vector<row>{
           {text("[]"), ": "},
           {text(R"([{"type":"text","text":"a"},{"type":"text","text":"b"}])"), ": a\nb"},
           {text(R"([{"type":"image","data":"AAAA","mimeType":"image/png"}])"), ": [image, image/png, 3 bytes]"},
           {text(R"([{"type":"image","data":"AAA=","mimeType":"image/png"}])"), ": [image, image/png, 2 bytes]"},
           {text(R"([{"type":"audio","data":"AA==","mimeType":7}])"), ": [audio, 1 bytes]"},
           {text(R"([{"type":"audio"}])"), ": [audio, 0 bytes]"},
           {text(R"([{"type":"resource_link","uri":"file:///a","name":"a"}])"), ": file:///a"},
           {text(R"([{"type":"resource","resource":{"uri":"file:///a","text":"inside"}}])"), ": inside"},
           {text(R"([{"type":"resource","resource":{"uri":"file:///a","blob":"AAAA","mimeType":"x/y"}}])"),
            ": [resource file:///a, x/y, 3 bytes]"},
           {text(R"([{"type":"resource","resource":{"uri":"file:///a"}}])"), ": [resource file:///a]"},
           {text(R"([{"type":"resource"}])"), ": [resource without content]"},
           {text(R"([{"type":"hologram"},7,{}])"),
            ": [content of a sort that is not known here]\n[content of a sort that is not known here]\n"
            "[content of a sort that is not known here]"},
           {R"("result":{"structuredContent":{"b":1,"a":[2]}})", R"(: {"a":[2],"b":1})"},
           {R"("result":{"content":[],"structuredContent":{"a":1}})", R"(: {"a":1})"},
           {R"("result":{"content":[{"type":"text","text":"t"}],"structuredContent":{"a":1}})", ": t"},
           {R"("result":{"isError":true,"content":[{"type":"text","text":"no such file"}]})", " failed: no such file"},
           {R"("result":{"isError":true})", " failed: the tool failed and did not say why"},
           {R"("result":{"isError":"yes","content":[]})", ": "},
           {R"("result":7)", " failed: the MCP server 'files' answered with a result that is not an object"},
           {R"("result":null)", " failed: the MCP server 'files' answered with a result that is not an object"},
           {text("7"), " failed: the MCP server 'files' answered with a content that is not a list"},
           {R"("error":{"code":-32602,"message":"Unknown tool: x"})",
            " failed: the MCP server 'files' refused the call: Unknown tool: x (code -32602)"},
           {R"("error":{"code":"x","message":7})", " failed: the MCP server 'files' refused the call: no reason was given"},
           {R"("error":[])", " failed: the MCP server 'files' answered with an error that is not an object"},
           {R"("result":{},"error":{"code":1})",
            " failed: the MCP server 'files' answered with a result and an error at once"},
           {R"("nothing":1)", " failed: the MCP server 'files' answered with neither a result nor an error"},
       }) {
    auto session = ready_session();
    session.call(7, {"add", "{}"});
    CAF_CHECK_EQUAL(words(session.take(answer_to(3, row.result))), "answer 7" + row.answer + "\n");
  }
}

CAF_TEST(a result is cut at its limit and stays readable) {
  auto session = ready_session();
  session.call(7, {"add", "{}", 100});
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "ü";
  auto effects = session.take(answer_to(3, R"("result":{"content":[{"type":"text","text":")" + umlauts + "\"}]}"));
  CAF_REQUIRE_EQUAL(effects.size(), 1u);
  const auto& text = std::get<mcp_effect::answer>(effects[0]).text;
  CAF_CHECK(text.size() <= 100);
  CAF_CHECK(is_utf8(text));
  CAF_CHECK(text.ends_with("\n[cut: 200 bytes in all]"));
  session.call(8, {"add", "{}", 3});
  CAF_CHECK_EQUAL(words(session.take(answer_to(4, R"("result":{"content":[{"type":"text","text":"üüü"}]})"))),
                  "answer 8: ü\n");
}

CAF_TEST(a call that cannot be made fails with a sentence) {
  auto session = ready_session();
  for (const auto* arguments : {"[]", "7", "{", "{\"a\":}", "\"x\""}) {
    CAF_CHECK_EQUAL(words(session.call(7, {"add", arguments})), "answer 7 failed: the arguments are not a JSON object\n");
  }
  mcp_session fresh{"files", "1.0"};
  CAF_CHECK_EQUAL(words(fresh.call(7, {"add", "{}"})), "answer 7 failed: the MCP server 'files' is not ready\n");
}

CAF_TEST(what a transport cannot bring fails that request alone) {
  auto session = ready_session();
  session.call(7, {"add", "{}"});
  session.call(8, {"add", "{}"});
  CAF_CHECK_EQUAL(words(session.request_failed(3, "closed the connection")),
                  "answer 7 failed: the MCP server 'files' closed the connection\n");
  CAF_CHECK_EQUAL(words(session.request_failed(0, "closed the connection")), "");
  CAF_CHECK_EQUAL(words(session.take(answer_to(4, R"("result":{"content":[]})"))), "answer 8: \n");
  mcp_session fresh{"files", "1.0"};
  fresh.begin();
  CAF_CHECK_EQUAL(words(fresh.request_failed(1, "could not be reached")), "broken: could not be reached\n");
  mcp_session listing{"files", "1.0"};
  listing.begin();
  listing.take(greeting);
  CAF_CHECK_EQUAL(words(listing.request_failed(2, "answered with status 500")), "broken: answered with status 500\n");
}

CAF_TEST(a ping is answered and what we do not offer refused) {
  struct row {
    const char* id;
    const char* method;
    const char* answer;
  };
  for (const auto& row : std::vector<row>{
           {"5", "ping", R"("id":5,"result":{})"},
           {"\"a\\\"b\"", "ping", R"("id":"a\"b","result":{})"},
           {"-3", "ping", R"("id":-3,"result":{})"},
           {"5", "roots/list", R"("id":5,"error":{"code":-32601,"message":"oncue does not offer this"})"},
           {"5", "sampling/createMessage", R"("id":5,"error":{"code":-32601,"message":"oncue does not offer this"})"},
           {"5", "elicitation/create", R"("id":5,"error":{"code":-32601,"message":"oncue does not offer this"})"},
       }) {
    auto session = ready_session();
    const auto said = std::string{R"({"jsonrpc":"2.0","id":)"} + row.id + R"(,"method":")" + row.method + "\"}";
    CAF_CHECK_EQUAL(words(session.take(said)), "send {\"jsonrpc\":\"2.0\"," + std::string{row.answer} + "}\n");
  }
  // Also before it is ready.
  mcp_session session{"files", "1.0"};
  session.begin();
  CAF_CHECK_EQUAL(words(session.take(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")),
                  "send {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
}

CAF_TEST(notifications are heard and change nothing) {
  auto session = ready_session();
  session.call(7, {"add", "{}"});
  for (const auto* method : {"notifications/progress", "notifications/message", "notifications/cancelled", "x"}) {
    CAF_CHECK_EQUAL(words(session.take(std::string{R"({"jsonrpc":"2.0","method":")"} + method + R"(","params":7})")), "");
  }
  CAF_CHECK_EQUAL(session.counts().notifications, 4u);
  CAF_CHECK_EQUAL(session.call_of(3), 7u);
}

CAF_TEST(a batch is taken message by message) {
  auto session = ready_session();
  session.call(7, {"add", "{}"});
  session.call(8, {"add", "{}"});
  CAF_CHECK_EQUAL(words(session.take("[" + answer_to(4, R"("result":{"content":[]})") + ",7," +
                                     answer_to(3, R"("result":{"content":[]})") + R"(,{"id":1,"method":"ping"}])")),
                  "answer 8: \nanswer 7: \nsend {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
  CAF_CHECK_EQUAL(session.counts().malformed, 1u);
}

CAF_TEST(whatever is no message is counted and changes nothing) {
  const auto deep = std::string(200'000, '[');
  const std::vector<std::string> texts{"",
                                       "{",
                                       "{}",
                                       "[]",
                                       "[[]]",
                                       "7",
                                       "null",
                                       "\"x\"",
                                       "{\"id\":}",
                                       "{\"method\":7}",
                                       "{\"id\":[],\"method\":\"ping\"}",
                                       "{\"id\":{\"a\":1},\"method\":\"ping\"}",
                                       "{\"id\":1.5,\"method\":\"ping\"}",
                                       "{\"method\":\"\",\"id\":1}",
                                       "{\"id\":\"" + std::string(5000, 'x') + "\",\"method\":\"ping\"}",
                                       deep,
                                       "\xff\xfe",
                                       std::string(10, '\0')};
  for (const auto& text : texts) {
    auto session = ready_session();
    session.call(7, {"add", "{}"});
    CAF_CHECK_EQUAL(words(session.take(text)), "");
    CAF_CHECK_EQUAL(session.counts().malformed, 1u);
    CAF_CHECK_EQUAL(session.call_of(3), 7u);
  }
  // Answers that nobody asked for are another matter.
  for (const auto* id : {"null", "-1", "18446744073709551616", "1e3", "[]", "\"3\"", "0", "1", "2"}) {
    auto session = ready_session();
    session.call(7, {"add", "{}"});
    CAF_CHECK_EQUAL(words(session.take(std::string{R"({"result":{},"id":)"} + id + "}")), "");
    CAF_CHECK_EQUAL(session.call_of(3), 7u);
  }
}

CAF_TEST(a server that writes in another character set is read as far as it goes) {
  auto session = ready_session();
  session.call(7, {"add", "{}"});
  CAF_CHECK_EQUAL(words(session.take(answer_to(3, "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"caf\xe9\"}]}"))),
                  "answer 7: caf\xEF\xBF\xBD\n");
}
