#define CAF_SUITE core.tool_set

#include "oncue/core/tool_set.hpp"

#include <caf/test/unit_test.hpp>
#include <string>

using namespace oncue;
using namespace oncue::core;

namespace {

tool_spec with_schema(std::string schema) {
  tool_spec spec;
  spec.name = "t";
  spec.parameters = std::move(schema);
  return spec;
}

/// Why a schema cannot be used; empty: it can.
std::string refused(std::string schema) {
  auto made = tool_set::make({with_schema(std::move(schema))});
  const auto* why = std::get_if<std::string>(&made);
  return why ? *why : "";
}

std::string wrong(const std::string& schema, const std::string& arguments) {
  auto made = tool_set::make({with_schema(schema)});
  CAF_REQUIRE(std::holds_alternative<tool_set>(made));
  tool_box box{std::make_shared<const tool_set>(std::move(std::get<tool_set>(made)))};
  return box.problem_with({"1", "t", arguments});
}

std::string doubling(int steps) {
  std::string defs;
  for (int i = 0; i < steps; ++i) {
    auto next = "{\"$ref\":\"#/$defs/d" + std::to_string(i + 1) + "\"}";
    defs += "\"d" + std::to_string(i) + "\":{\"allOf\":[" + next + "," + next + "]},";
  }
  return R"({"type":"object","allOf":[{"$ref":"#/$defs/d0"}],"$defs":{)" + defs + "\"d" + std::to_string(steps) + "\":{}}}";
}

}  // namespace

CAF_TEST(arguments are checked against their schema and the place of what is wrong is named) {
  const std::string schema =
      R"({"type":"object","required":["a"],"additionalProperties":false,"properties":{"a":{"type":"array","items":{"$ref":"#/$defs/x"}},)"
      R"("pattern":{"type":"string"}},"$defs":{"x":{"enum":["red","blue"]}}})";
  CAF_CHECK_EQUAL(wrong(schema, R"({"a":["red"],"pattern":"x"})"), "");
  CAF_CHECK(wrong(schema, R"({"a":["red","green"]})").starts_with("arguments.a[1]: "));
  CAF_CHECK(!wrong(schema, R"({"a":[],"b":1})").empty());
  CAF_CHECK(!wrong(schema, "{}").empty());
  CAF_CHECK(!wrong(schema, "").empty());
  CAF_CHECK_EQUAL(wrong(R"({"type":"object"})", ""), "");
}

CAF_TEST(a schema that describes a tree is used and its depth is that of the value) {
  const std::string tree =
      R"({"type":"object","properties":{"left":{"$ref":"#"},"right":{"$ref":"#"},"n":{"type":"integer"}}})";
  CAF_CHECK_EQUAL(wrong(tree, R"({"left":{"left":{"n":1}},"right":{"n":2}})"), "");
  CAF_CHECK(!wrong(tree, R"({"left":{"left":{"n":"one"}}})").empty());
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += R"({"left":)";
  CAF_CHECK(wrong(tree, deep + "{}" + std::string(200, '}')).find("nested") != std::string::npos);
}

CAF_TEST(a schema that would never end or take for ever is refused before it is used) {
  for (const auto* schema :
       {R"({"type":"object","$ref":"#"})", R"({"type":"object","allOf":[{"$ref":"#"}]})",
        R"({"type":"object","properties":{"p":{"$ref":"#/$defs/a"}},"$defs":{"a":{"allOf":[{"$ref":"#/$defs/a"}]}}})",
        R"({"type":"object","not":{"anyOf":[{"$ref":"#"}]}})", R"({"type":"object","if":{"$ref":"#"}})",
        R"({"type":"object","dependencies":{"x":{"$ref":"#"}}})",
        R"({"type":"object","properties":{"p":{"$ref":"#/nowhere"}}})",
        R"({"type":"object","properties":{"p":{"$ref":"https://example.com/schema"}}})"}) {
    CAF_MESSAGE(schema);
    CAF_CHECK(refused(schema).find("$ref") != std::string::npos);
  }
  CAF_CHECK_EQUAL(refused(doubling(3)), "");
  CAF_CHECK(!refused(doubling(45)).empty());
  std::string nested = R"({"type":"object","properties":{"p":)";
  for (int i = 0; i < 100; ++i) nested += R"({"not":)";
  CAF_CHECK(refused(nested + "{}" + std::string(100, '}') + "}}").find("nested") != std::string::npos);
}

CAF_TEST(what strangers could make expensive is not looked at) {
  CAF_CHECK_EQUAL(wrong(R"({"type":"object","properties":{"p":{"type":"string","pattern":"(a+)+$"}}})",
                        R"({"p":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaab"})"),
                  "");
  std::string many = R"({"p":[1)";
  for (int i = 0; i < 100'000; ++i) many += ",1";
  CAF_CHECK_EQUAL(wrong(R"({"type":"object","properties":{"p":{"type":"array","uniqueItems":true}}})", many + "]}"), "");
}

CAF_TEST(a NUL is no end of arguments) {
  const std::string behind{"{}\0\"a", 5};
  CAF_CHECK(wrong(R"({"type":"object"})", behind).find("not JSON") != std::string::npos);
  CAF_CHECK_EQUAL(sendable({"1", "t", behind}).arguments, "{}");
  CAF_CHECK_EQUAL(call_line({"1", "t", behind}), "t()");
}

CAF_TEST(two tools of one name are refused and a listed one does not replace another) {
  auto made = tool_set::make({with_schema(R"({"type":"object"})"), with_schema(R"({"type":"object"})")});
  CAF_CHECK_EQUAL(std::get<std::string>(made), "t: two tools have this name");
}
