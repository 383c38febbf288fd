#define CAF_SUITE core.session_history

#include "oncue/core/session_history.hpp"

#include <caf/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace oncue;

namespace {

std::vector<event_ptr> log_of(std::vector<event_body> bodies) {
  std::vector<event_ptr> events;
  for (auto& body : bodies) events.emplace_back(run_event{events.size(), 0, std::move(body)});
  return events;
}

boxed<tool_call_started> started(std::string id, std::string arguments = "{}") {
  return tool_call_started{.number = 0, .call = {std::move(id), "f", std::move(arguments)}};
}
boxed<tool_call_ended> answered(std::string id, std::string result) {
  return tool_call_ended{.call = {std::move(id), "f", "{}"}, .result = std::move(result)};
}
boxed<tool_call_started> started_as(tool_no number, std::string id) {
  return tool_call_started{.number = number, .call = {std::move(id), "f", "{}"}};
}
boxed<tool_call_ended> answered_as(tool_no number, std::string id, std::string result, bool stopped = false) {
  return tool_call_ended{
      .number = number, .call = {std::move(id), "f", "{}"}, .stopped = stopped, .result = std::move(result)};
}
boxed<model_request_completed> wants(std::vector<std::string> ids) {
  model_request_completed body;
  for (auto& id : ids) body.tool_calls.push_back({std::move(id), "f", "{}"});
  return body;
}
event_body of_child(event_body body) {
  return boxed<child_event>{{.run = {"child"}, .event = event_ptr{run_event{3, 0, std::move(body)}}}};
}
event_body asked() { return model_request_started{1}; }
event_body said(std::string text) { return content_delta{std::move(text)}; }
event_body over(ending_kind kind = ending_kind::completed) { return boxed<run_ended>{{.how = {.kind = kind}}}; }

/// The messages on one line: u:… a:… and a call as name#id(arguments), t#id:…
std::string line(const std::vector<chat_message>& messages) {
  std::string out;
  for (const auto& x : messages) {
    if (!out.empty()) out += " | ";
    if (x.role == chat_role::user) out += "u:" + x.content;
    if (x.role == chat_role::tool) out += "t#" + x.tool_call_id + ":" + x.content;
    if (x.role == chat_role::assistant) {
      out += "a:" + x.content;
      for (const auto& call : x.tool_calls) out += " #" + call.id + "(" + call.arguments + ")";
    }
  }
  return out;
}

}  // namespace

CAF_TEST(a run with text is a question and an answer and one without is nothing) {
  CAF_CHECK_EQUAL(line(core::run_messages("hi", "hello")), "u:hi | a:hello");
  CAF_CHECK_EQUAL(line(core::run_messages("hi", "")), "");
  CAF_CHECK_EQUAL(line(core::run_messages("hi", log_of({asked(), over()}))), "");
}

CAF_TEST(every call of a tool is followed by its answer) {
  struct row {
    std::vector<event_body> events;
    std::string messages;
  };
  const std::vector<row> table = {
      {{asked(), said("let me "), said("look"), started("1"), answered("1", "sunny"), asked(), said("It is sunny."),
        over()},
       "u:q | a:let me look #1({}) | t#1:sunny | a:It is sunny."},
      // two calls, answered in the other order; no words before them
      {{asked(), started("1"), started("2"), answered("2", "two"), answered("1", "one"), asked(), said("done"), over()},
       "u:q | a: #1({}) #2({}) | t#1:one | t#2:two | a:done"},
      // two turns of tools
      {{asked(), started("1"), answered("1", "x"), asked(), said("more"), started("2"), answered("2", "y"), asked(),
        said("end"), over()},
       "u:q | a: #1({}) | t#1:x | a:more #2({}) | t#2:y | a:end"},
      // stopped in the middle of a call: the model must not wait for its answer
      {{asked(), started("1"), started("2"), answered("1", "x"), over(ending_kind::cancelled)},
       "u:q | a: #1({}) #2({}) | t#1:x | t#2:stopped: the run ended before this call was answered | a:(the run ended "
       "without "
       "an answer)"},
      // an attempt that failed before its first token says nothing; reasoning is not told again
      {{asked(), boxed<model_request_retrying>{}, asked(), reasoning_delta{"hm"}, said("yes"), over()}, "u:q | a:yes"},
      // broken arguments and an empty answer, both of which servers refuse
      {{asked(), started("1", "{\"a\":"), answered("1", ""), asked(), said("ok"), over()},
       "u:q | a: #1({}) | t#1:(no output) | a:ok"},
      // the same id in two turns
      {{asked(), started("1"), answered("1", "x"), asked(), started("1"), answered("1", "y"), asked(), said("ok"), over()},
       "u:q | a: #1({}) | t#1:x | a: #1({}) | t#1:y | a:ok"},
  };
  for (const auto& x : table) CAF_CHECK_EQUAL(line(core::run_messages("q", log_of(x.events))), x.messages);
}

CAF_TEST(what the model asked for is told in its order whatever became of it) {
  struct row {
    std::vector<event_body> events;
    std::string messages;
  };
  const std::vector<row> table = {
      // started and answered in other orders
      {{asked(), said("so "), wants({"1", "2", "3"}), started_as(1, "2"), started_as(2, "1"), answered_as(1, "2", "two"),
        started_as(3, "3"), answered_as(3, "3", "three"), answered_as(2, "1", "one"), asked(), said("ok"), wants({}),
        over()},
       "u:q | a:so  #1({}) #2({}) #3({}) | t#1:one | t#2:two | t#3:three | a:ok"},
      // a provider that gives all calls one id
      {{asked(), wants({"x", "x"}), started_as(1, "x"), started_as(2, "x"), answered_as(2, "x", "second"),
        answered_as(1, "x", "first"), asked(), said("ok"), over()},
       "u:q | a: #x({}) #x({}) | t#x:first | t#x:second | a:ok"},
      // cancelled: one was answered, one stopped, one never begun
      {{asked(), wants({"1", "2", "3"}), started_as(1, "1"), answered_as(1, "1", "one"), started_as(2, "2"),
        answered_as(2, "2", "", true), over(ending_kind::cancelled)},
       "u:q | a: #1({}) #2({}) #3({}) | t#1:one | t#2:stopped: the run ended before this call was answered | t#3:not run: "
       "the run ended before this call was made | a:(the run ended without an answer)"},
      // a pause is no turn; a call that a person refused has its answer without having been started
      {{asked(), wants({"1", "2"}), run_paused{}, run_continued{}, answered("1", "refused"), started_as(1, "2"),
        answered_as(1, "2", "two"), asked(), said("ok"), over()},
       "u:q | a: #1({}) #2({}) | t#1:refused | t#2:two | a:ok"},
      // a child's words and calls are its own
      {{asked(), wants({"1"}), started_as(1, "1"), of_child(said("inner")), of_child(wants({"9"})),
        of_child(started_as(1, "9")), answered_as(1, "1", "one"), asked(), said("ok"), over()},
       "u:q | a: #1({}) | t#1:one | a:ok"},
  };
  for (const auto& x : table) CAF_CHECK_EQUAL(line(core::run_messages("q", log_of(x.events))), x.messages);
  CAF_CHECK(core::tells_of_tools(log_of({asked(), wants({"1"})})));
  CAF_CHECK(!core::tells_of_tools(log_of({asked(), wants({}), of_child(wants({"1"}))})));
}

CAF_TEST(the newest whole runs that fit are kept and the oldest is said first) {
  auto fill = [](std::uint32_t runs_max, std::uint32_t bytes_max, std::vector<std::string> newest_first) {
    core::history_budget budget{{.session = {}, .runs_max = runs_max, .bytes_max = bytes_max}};
    for (auto& content : newest_first) {
      if (!budget.add(core::run_messages("q", std::move(content)))) break;
    }
    return line(budget.take().messages);
  };
  CAF_CHECK_EQUAL(fill(9, 100, {"c", "b", "a"}), "u:q | a:a | u:q | a:b | u:q | a:c");
  CAF_CHECK_EQUAL(fill(2, 100, {"c", "b", "a"}), "u:q | a:b | u:q | a:c");
  CAF_CHECK_EQUAL(fill(0, 100, {"c"}), "");
  CAF_CHECK_EQUAL(fill(9, 4, {"c", "b", "a"}), "u:q | a:b | u:q | a:c");
  // One that does not fit ends it, also if an older one would: a gap in what was said is worse than a short memory.
  CAF_CHECK_EQUAL(fill(9, 4, {"c", "long", "a"}), "u:q | a:c");
  // One without an answer takes no place.
  CAF_CHECK_EQUAL(fill(2, 100, {"c", "", "a"}), "u:q | a:a | u:q | a:c");
}
