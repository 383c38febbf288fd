#define CAF_SUITE core.event_record

#include "oncue/core/event_record.hpp"

#include <caf/test/unit_test.hpp>
#include <string>
#include <vector>

#include "oncue/core/delta_cuts.hpp"

using namespace oncue;
using core::record_kind;

namespace {

const std::string odd = std::string{"\0nul", 4} + " \xF0\x9F\x90\xA6 \"quoted\" \\ \n\r\t\x01 \xE2\x80\xA8 end";
const std::string not_utf8 = "a\xC3(b\xFF";

constexpr token_usage usage{1, 2, 3, 18'446'744'073'709'551'615u};

/// One of each alternative, in the variant's order, with every field set.
std::vector<event_body> one_of_each() {
  tool_call call{"call_1", "look", R"({"at":"birds"})"};
  ending how{ending_kind::failed, failure_code::provider_refused, 503, odd, "x"};
  tool_facts facts{tool_need::user_input, true, odd, {{"at", "string", odd, R"("birds")"}, {"n", "", "", ""}}, {"child"}};
  // An ending has a line of JSON and its content behind it: the hardest one to keep inside of another record.
  event_ptr of_child{run_event{9, 1'700'000'000'000, boxed<run_ended>{{how, odd + "\n\n", usage, 1, 2}}}};
  return {boxed<run_started>{{odd, "gpt-x", "openai"}},
          model_request_started{4'294'967'295u},
          boxed<model_request_retrying>{{2, failure_code::provider_rate_limited, 429, 1500, odd}},
          content_delta{odd + not_utf8},
          reasoning_delta{not_utf8},
          boxed<model_request_completed>{{3, "stop", usage, 77, {call, {"call_2", odd, ""}}, 1234}},
          content_completed{},
          boxed<tool_call_started>{{7, call, facts}},
          boxed<tool_call_ended>{{4'294'967'295u, call, facts, true, true, odd, 12}},
          boxed<run_paused>{{{{call, facts}, {{"call_2", "", ""}, {}}}, 1'800'000'000'000}},
          boxed<run_continued>{{{{"call_1", false, odd, facts.inputs, {}}, {"call_2", {}, "", {}, odd}}, "ann"}},
          boxed<run_ended>{{how, odd + not_utf8, usage, 5, 6}},
          boxed<child_event>{{{"c"}, {"r"}, {"helper"}, odd, "m", "openai", of_child}}};
}

std::string decoded(std::int64_t kind, std::string data, const event_body& expected) {
  auto body = core::decode(kind, std::move(data));
  if (auto* wrong = std::get_if<std::string>(&body)) return *wrong;
  return std::get<event_body>(body) == expected ? "equal" : "another event";
}

std::string problem(std::int64_t kind, std::string data) {
  auto body = core::decode(kind, std::move(data));
  auto* wrong = std::get_if<std::string>(&body);
  return wrong ? *wrong : "";
}

}  // namespace

CAF_TEST(every event comes back as it was) {
  auto all = one_of_each();
  CAF_CHECK_EQUAL(all.size(), std::variant_size_v<event_body>);
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAF_CHECK_EQUAL(all[i].index(), i);
    std::string scratch;
    auto record = core::encode(all[i], scratch);
    CAF_MESSAGE(record.data);
    CAF_CHECK_EQUAL(decoded(static_cast<std::int64_t>(record.kind), record.data, all[i]), "equal");
  }
}

CAF_TEST(what is kept is what the format says) {
  std::string scratch;
  event_body delta = content_delta{"raw \"text\""};
  auto kept = core::encode(delta, scratch);
  CAF_CHECK_EQUAL(kept.data, "raw \"text\"");
  CAF_CHECK(&kept.data == &std::get<content_delta>(delta).text);  // not even copied
  CAF_CHECK(kept.kind == record_kind::content_delta && static_cast<int>(kept.kind) == 1);

  event_body started = boxed<run_started>{{"Writer", "m", "openai"}};
  CAF_CHECK_EQUAL(core::encode(started, scratch).data, R"({"agent_name":"Writer","model":"m","model_provider":"openai"})");

  event_body ended =
      boxed<run_ended>{{{.kind = ending_kind::cancelled, .message = "enough", .by = "ann"}, "two\nlines", {}, 0, 9}};
  auto record = core::encode(ended, scratch);
  CAF_CHECK_EQUAL(record.data.substr(0, 62), R"({"how":{"kind":"cancelled","message":"enough","by":"ann"},"usa)");
  CAF_CHECK_EQUAL(record.data.substr(record.data.find('\n')), "\ntwo\nlines");
  CAF_CHECK_EQUAL(static_cast<int>(record.kind), 12);

  event_body lost = boxed<tool_call_started>{{1, {"c", "f", not_utf8}, {}}};
  event_body repaired = boxed<tool_call_started>{{1, {"c", "f", "a\uFFFD(b\uFFFD"}, {}}};
  CAF_CHECK_EQUAL(core::encode(repaired, scratch).data, R"({"id":"c","name":"f","arguments":"a)"
                                                        "\uFFFD(b\uFFFD\",\"number\":1}");
  CAF_CHECK_EQUAL(decoded(8, core::encode(lost, scratch).data, repaired), "equal");
}

CAF_TEST(newer keys are passed over and missing ones have their defaults) {
  CAF_CHECK_EQUAL(decoded(4, R"({"attempt":2,"colour":"blue","more":[{}]})", model_request_started{2}), "equal");
  CAF_CHECK_EQUAL(decoded(3, "{}", boxed<run_started>{}), "equal");
  CAF_CHECK_EQUAL(decoded(12, "{\"how\":{\"kind\":\"completed\",\"new\":1}}\nabc", boxed<run_ended>{{{}, "abc", {}, 0, 0}}),
                  "equal");
}

CAF_TEST(records of older programs are what they were) {
  tool_call call{"c", "f", "{}"};
  const std::string kept = R"("id":"c","name":"f","arguments":"{}")";
  CAF_CHECK_EQUAL(decoded(6, R"({"attempt":1,"finish_reason":"stop","first_token_us":5})",
                          boxed<model_request_completed>{{1, "stop", {}, 5, {}, 0}}),
                  "equal");
  CAF_CHECK_EQUAL(decoded(8, "{" + kept + "}", boxed<tool_call_started>{{0, call, {}}}), "equal");
  CAF_CHECK_EQUAL(decoded(9, "{" + kept + R"(,"failed":true,"result":"r","duration_ms":3})",
                          boxed<tool_call_ended>{{0, call, {}, true, false, "r", 3}}),
                  "equal");
  CAF_CHECK_EQUAL(decoded(10, R"({"waiting_for":[{)" + kept + "}]}", boxed<run_paused>{{{{call, {}}}, 0}}), "equal");
  CAF_CHECK_EQUAL(decoded(11, "{}", boxed<run_continued>{}), "equal");
}

CAF_TEST(what cannot be understood is an error and not a guess) {
  struct row {
    std::int64_t kind;
    std::string data, problem;
  };
  for (const auto& x : std::vector<row>{
           {0, "", "unknown kind 0"},
           {14, "{}", "unknown kind 14"},
           {13, "{}", "the child's event: unknown kind 0"},
           {13, R"({"kind":3,"data":"[]"})", "the child's event: not a JSON object"},
           {8, R"({"need":"sleep"})", "need is not known"},
           {9, R"({"confirmed":"yes"})", "confirmed is of another type"},
           {-1, "", "unknown kind -1"},
           {257, "text", "unknown kind 257"},
           {3, "", "not JSON"},
           {3, "[]", "not a JSON object"},
           {3, R"({"model":7})", "model is of another type"},
           {4, R"({"attempt":-1})", "attempt is of another type"},
           {4, R"({"attempt":4294967296})", "attempt is too large"},
           {5, R"({"code":"no_such_code"})", "code is not known"},
           {12, "{}", "an ending without its content"},
           {12, "{\"how\":{\"kind\":\"asleep\"}}\n", "kind is not known"},
           {10, R"({"waiting_for":[7]})", "not a JSON object"},
       }) {
    CAF_CHECK_EQUAL(problem(x.kind, x.data), x.problem);
  }
}

CAF_TEST(an ending for lists has everything but the content) {
  for (const auto& how : std::vector<ending>{
           {}, {ending_kind::failed, failure_code::node_lost, 0, odd, ""}, {ending_kind::cancelled, {}, 0, "why", "who"}}) {
    auto back = core::decode_ending(core::encode(how));
    CAF_REQUIRE(back.has_value());
    CAF_CHECK(*back == how);
  }
  CAF_CHECK(!core::decode_ending("").has_value());
  CAF_CHECK(!core::decode_ending("{\"kind\":\"\"}").has_value());
}

CAF_TEST(cuts come back as they were and nonsense does not ) {
  core::delta_cuts some;
  for (std::uint64_t i = 0; i < 300; ++i) {
    auto reasoning = i % 3 == 0;
    some.cuts.push_back({2 + 5 * i, 1'700'000'000'000 - static_cast<std::int64_t>(i * i % 70'000), reasoning, i * 7 % 500});
    if (reasoning) some.reasoning.append(i * 7 % 500, static_cast<char>(i));
  }
  auto kept = core::encode(some);
  CAF_CHECK(core::decode_cuts(kept) == some);
  CAF_CHECK(kept.size() - some.reasoning.size() < 5 * some.cuts.size() + 10);
  core::delta_cuts extreme{{{~0ull >> 1, INT64_MIN, false, ~0ull >> 1}}, {}};
  CAF_CHECK(core::decode_cuts(core::encode(extreme)) == extreme);
  CAF_CHECK(core::decode_cuts(core::encode(core::delta_cuts{})) == core::delta_cuts{});

  CAF_CHECK(!core::decode_cuts("").has_value());
  CAF_CHECK(!core::decode_cuts(kept + "x").has_value());
  for (std::size_t length = 0; length < kept.size(); ++length) {
    CAF_CHECK(!core::decode_cuts(std::string_view{kept}.substr(0, length)).has_value());
  }
  CAF_CHECK(!core::decode_cuts("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F").has_value());
}
