// A JSON schema, ready to look at values. Promises that no schema and no value makes it recurse without bound, load
// anything, or run an expression of a stranger's: `pattern`, `patternProperties` and `format` are not looked at, because
// the library matches them with std::regex, whose stack a long text overflows; nor is `uniqueItems`, which it checks by
// comparing all with all.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>

namespace oncue::core {

class json_schema {
 public:
  /// `text`: draft 7, of an object. Error: a sentence about the schema.
  static std::variant<json_schema, std::string> compile(std::string_view text);
  ~json_schema();
  json_schema(json_schema&&) noexcept;
  json_schema& operator=(json_schema&&) noexcept;

  /// What is wrong with the value: where, and which rule. Empty: nothing.
  std::string problem_with(const nlohmann::json& value) const;

 private:
  struct impl;
  explicit json_schema(std::unique_ptr<impl> parts);
  std::unique_ptr<impl> impl_;
};

}  // namespace oncue::core
